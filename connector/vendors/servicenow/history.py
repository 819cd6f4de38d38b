"""What the tool remembers of tickets, as events: creation, audited changes, journal entries and attachments."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from connector.domain.errors import Refused
from connector.domain.history import Event, EventKind, order
from connector.vendors.servicenow.audit import Audit
from connector.vendors.servicenow.changes import CALLERS, People
from connector.vendors.servicenow.desk import BATCH, Desk
from connector.vendors.servicenow.metrics import Metrics
from connector.vendors.servicenow.paging import Pager
from connector.vendors.servicenow.query import both, one_of
from connector.vendors.servicenow.records import bare, readable
from connector.vendors.servicenow.writing import JOURNALS, unmarked

Row = dict[str, Any]


class History:
    """`source` says where changes come from: "audit", "metrics" or "" (journals alone), asked anew at each reading."""

    def __init__(self, desk: Desk, mine: Callable[[], frozenset[str]], source: Callable[[], str],
                 journals: Callable[[], bool]) -> None:
        self.desk = desk
        self.people = People(mine)
        self._source = source
        self._journals = journals
        self.audit = Audit(desk)
        self.metrics = Metrics(desk)

    def of(self, ids: Sequence[str]) -> dict[str, list[Event]]:
        found: dict[str, list[Event]] = {}
        fields = ("sys_id", "sys_created_on", "sys_created_by", "opened_at", *CALLERS, *self.audit.translator.joined)
        for start in range(0, len(ids), BATCH):
            rows = self.desk.find(ids[start:start + BATCH], fields)
            tickets = {row["sys_id"]: (table, row) for table, row in rows}
            for id, events in self._batch(tickets).items():
                found[id] = sorted(events, key=order)
        return found

    def _batch(self, tickets: dict[str, tuple[str, Row]]) -> dict[str, list[Event]]:
        found: dict[str, list[Event]] = {id: self._created(row) for id, (_, row) in tickets.items()}
        if not tickets:
            return found
        sources: list[Iterator[tuple[str, Event]]] = [self._attached(tickets)]
        if self._journals():
            sources.append(self._written(tickets))
        source = self._source()
        if source:
            changes = self.audit if source == "audit" else self.metrics
            sources.append(changes.events(tickets, self.people))
        for events in sources:
            for id, event in events:
                found[id].append(event)
        return found

    def _created(self, row: Row) -> list[Event]:
        at = self._at(row.get("sys_created_on") or row.get("opened_at"))
        if at is None:
            return []
        actor = bare(row.get("sys_created_by"))
        return [Event(key=f"created:{row['sys_id']}", at=at, kind=EventKind.CREATED, actor=actor,
                      role=self.people.role(actor, row))]

    def _written(self, tickets: dict[str, tuple[str, Row]]) -> Iterator[tuple[str, Event]]:
        pager = Pager(self.desk.client, "sys_journal_field", ("element_id", "element", "value", "sys_created_by"),
                      key="sys_created_on", only=both(one_of("element_id", tickets), one_of("element", JOURNALS)))
        for row in rows_of(pager):
            id, element = bare(row.get("element_id")), bare(row.get("element"))
            at = self._at(row["sys_created_on"])
            if id not in tickets or element not in JOURNALS or at is None:
                continue
            text, mark = unmarked(bare(row.get("value")))
            actor = bare(row.get("sys_created_by"))
            yield id, Event(
                key=f"journal:{row['sys_id']}", at=at, actor=actor, role=self.people.role(actor, tickets[id][1]),
                kind=EventKind.COMMENTED if element == "comments" else EventKind.NOTED, text=readable(text),
                data={"key": mark} if mark else {})

    def _attached(self, tickets: dict[str, tuple[str, Row]]) -> Iterator[tuple[str, Event]]:
        pager = Pager(self.desk.client, "sys_attachment", ("table_sys_id", "file_name", "sys_created_by"),
                      key="sys_created_on", only=one_of("table_sys_id", tickets))
        try:
            for row in rows_of(pager):
                id = bare(row.get("table_sys_id"))
                at = self._at(row["sys_created_on"])
                if id not in tickets or at is None:
                    continue
                actor = bare(row.get("sys_created_by"))
                yield id, Event(key=f"attachment:{row['sys_id']}", at=at, kind=EventKind.ATTACHED, actor=actor,
                                role=self.people.role(actor, tickets[id][1]), text=bare(row.get("file_name")))
        except Refused:
            return  # the table is closed to us; the attachments themselves still come by their own API

    def _at(self, raw: Any) -> datetime | None:
        try:
            return self.desk.when(bare(raw))
        except ValueError:
            return None


def rows_of(pager: Pager) -> Iterator[Row]:
    """Every row of a bounded query, once."""
    seen: set[str] = set()
    for part in pager.read():
        for row in part.rows:
            if row["sys_id"] not in seen:
                seen.add(row["sys_id"])
                yield row
