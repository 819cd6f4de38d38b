"""Reference fields: a mapping speaks of `assignment_group.name`, the API takes and audits the id of the group."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping
from typing import Final

from connector.domain.errors import Refused
from connector.domain.problems import shown
from connector.vendors.servicenow.client import Client
from connector.vendors.servicenow.query import both, is_id, one_of, where
from connector.vendors.servicenow.records import bare

LIFE: Final = 300.0
"""Seconds for which a name or id found is taken to be still right."""
LARGEST: Final = 20_000
BATCH: Final = 100


class References:
    """Finds ids by name and names by id, and remembers them for a while. Thread-safe."""

    def __init__(self, client: Client, tables: Mapping[str, str], clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._tables = tables
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str, str, str], tuple[float, str]] = {}

    def table_of(self, field: str) -> str | None:
        return self._tables.get(field)

    def id_of(self, field: str, by: str, value: str) -> str:
        """The id to write into `field` for the record whose `by` is `value`.

        Raises Refused when there is none, or more than one; several are taken for one if only one is active.
        """
        table = self._table(field)
        known = self._recall(("id", table, by, value))
        if known is not None:
            return known
        rows = self._client.rows(table, where(by, "=", value), ("sys_id", "active", by), 20).rows
        # The API drops what it does not understand and compares without regard to case.
        fitting = [row for row in rows if bare(row.get(by)).casefold() == value.casefold() and is_id(row.get("sys_id"))]
        exact = [row for row in fitting if bare(row.get(by)) == value] or fitting
        chosen = [row for row in exact if row.get("active") != "false"] or exact
        if len(chosen) != 1:
            count = "no record" if not chosen else f"{len(chosen)} records"
            raise Refused(f"ServiceNow: {count} of {table} with {by} {shown(value)}, so {field} cannot be set")
        id = str(chosen[0]["sys_id"])
        self._remember({("id", table, by, value): id})
        return id

    def values_of(self, field: str, by: str, ids: Collection[str]) -> dict[str, str]:
        """`by` of the records behind ids of `field`, as far as they can be read."""
        table = self._table(field)
        found: dict[str, str] = {}
        wanted: list[str] = []
        for id in sorted({id for id in ids if is_id(id)}):
            known = self._recall(("value", table, by, id))
            if known is None:
                wanted.append(id)
            else:
                found[id] = known
        for start in range(0, len(wanted), BATCH):
            batch = wanted[start:start + BATCH]
            rows = self._client.rows(table, both(one_of("sys_id", batch)), ("sys_id", by), len(batch)).rows
            new = {str(row["sys_id"]): bare(row[by]) for row in rows if row.get("sys_id") in batch and by in row}
            self._remember({("value", table, by, id): value for id, value in new.items()})
            found |= new
        return found

    def _table(self, field: str) -> str:
        table = self._tables.get(field)
        if table is None:
            raise Refused(f"ServiceNow: the table behind {field} is not known: name it under `references`")
        return table

    def _recall(self, key: tuple[str, str, str, str]) -> str | None:
        with self._lock:
            known = self._known.get(key)
        return known[1] if known is not None and self._clock() - known[0] < LIFE else None

    def _remember(self, found: Mapping[tuple[str, str, str, str], str]) -> None:
        now = self._clock()
        with self._lock:
            if len(self._known) + len(found) > LARGEST:
                self._known.clear()
            self._known.update({key: (now, value) for key, value in found.items()})
