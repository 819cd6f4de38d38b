"""What every part of the adapter shares: the client, the mapping, the options, and which table a ticket is in."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

from connector.domain.errors import BadRecord, ConnectorError, NotFound
from connector.domain.mapping import Mapping as FieldMapping
from connector.domain.ticket import Ticket
from connector.vendors.servicenow.client import Client
from connector.vendors.servicenow.options import Options
from connector.vendors.servicenow.query import both, instant, is_id, one_of
from connector.vendors.servicenow.records import TABLE, asked_fields, flatten, shows
from connector.vendors.servicenow.references import References

BATCH: Final = 100
"""Ids in one request: their query has to fit into an address of 8 kB."""
REMEMBERED: Final = 50_000
Row = dict[str, Any]


class Desk:
    """One ServiceNow with its mapping. Thread-safe."""

    def __init__(self, name: str, client: Client, mapping: FieldMapping, options: Options,
                 now: Callable[[], datetime], zone: tzinfo = UTC) -> None:
        self.name = name
        self.client = client
        self.mapping = mapping
        self.options = options
        self.now = now
        self.zone = zone
        self.references = References(client, options.references)
        self.display = shows(mapping.reads)
        self.kinds = {table: self._kind(table) for table in options.tables}
        self.reads = {table: self._reads(table) for table in options.tables}
        """The fields the mapping reads of each table's tickets."""
        self.asked = {table: asked_fields(names) for table, names in self.reads.items()}
        self.html_fields = options.html_fields & {name for names in self.asked.values() for name in names}
        self._lock = threading.Lock()
        self._place: dict[str, tuple[str, str]] = {}

    def _kind(self, table: str) -> str:
        try:
            return str(self.mapping.value("kind", table) or "")
        except ValueError:
            return ""

    def _reads(self, table: str) -> frozenset[str]:
        """All fields, unless the table alone tells the kind of ticket: then those of its rules."""
        rule = self.mapping.rule("kind")
        kind = self.kinds[table]
        if rule is None or rule.sources != (TABLE,) or not kind:
            return self.mapping.reads
        rules = [self.mapping.rule(rule.name, kind) for rule in self.mapping.rules()]
        return frozenset(source for rule in rules if rule is not None for source in rule.sources)

    def when(self, raw: str) -> datetime | None:
        return instant(raw, self.zone)

    def ticket(self, table: str, row: Mapping[str, Any]) -> Ticket:
        """Raises BadRecord."""
        return self.mapping.read(self.name, flatten(row, table, self.html_fields), self.when)

    def tickets(self, table: str, rows: Iterable[Row]) -> tuple[list[Ticket], list[BadRecord]]:
        good: list[Ticket] = []
        rejected: list[BadRecord] = []
        for row in rows:
            try:
                good.append(self.ticket(table, row))
            except BadRecord as error:
                rejected.append(error)
        return good, rejected

    # which table

    def remember(self, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        found = {str(row["sys_id"]): (table, _class(row, table)) for row in rows if is_id(row.get("sys_id"))}
        with self._lock:
            if len(self._place) + len(found) > REMEMBERED:
                self._place.clear()
            self._place.update(found)

    def place(self, id: str) -> tuple[str, str]:
        """The configured table of a ticket and its own class, which may be a table below. Raises NotFound."""
        with self._lock:
            known = self._place.get(id)
        if known is None:
            for table, _ in self.find([id], ("sys_id", "sys_class_name")):
                return table, self._place[id][1]
            raise NotFound(f"ServiceNow: {id} is in none of {', '.join(self.options.tables)}, or hidden from us", 404)
        return known

    def find(self, ids: Sequence[str], fields: Sequence[str] = ()) -> list[tuple[str, Row]]:
        """The rows of these ids, each with its table; those that are gone, hidden or outside the filter are left out.

        With `fields` these, as stored, else what the mapping reads. Ids whose table is known are asked for there first;
        what is left is sought in every table.
        """
        missing = dict.fromkeys(id for id in ids if is_id(id))
        with self._lock:
            known = {id: self._place[id][0] for id in missing if id in self._place}
        found: list[tuple[str, Row]] = []
        failed: ConnectorError | None = None
        for first in (True, False):
            for table in self.options.tables:
                wanted = [id for id in missing if (known.get(id) == table) == first]
                try:
                    rows = self._rows(table, wanted, fields)
                except ConnectorError as error:
                    failed = failed or error
                    continue
                found += [(table, row) for row in rows]
                for row in rows:
                    missing.pop(row["sys_id"], None)
        if missing and failed is not None:
            raise failed
        return found

    def _rows(self, table: str, ids: Sequence[str], fields: Sequence[str]) -> list[Row]:
        rows: list[Row] = []
        display = False if fields else self.display
        asked = tuple(dict.fromkeys(("sys_id", "sys_class_name", *(fields or self.asked[table]))))
        for start in range(0, len(ids), BATCH):
            batch = ids[start:start + BATCH]
            query = both(one_of("sys_id", batch), self.options.filter)
            page = self.client.rows(table, query, asked, len(batch), 0, display)
            rows += [row for row in page.rows if row.get("sys_id") in batch]
        self.remember(table, rows)
        return rows


def _class(row: Mapping[str, Any], table: str) -> str:
    name = row.get("sys_class_name")
    return name if isinstance(name, str) and name else table
