"""What changed, tickets by id, all ids, and what was deleted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from connector.domain.errors import BadRecord, ConnectorError, Refused
from connector.domain.ticket import Ticket
from connector.ports import Cursor, Page
from connector.vendors.servicenow.desk import Desk
from connector.vendors.servicenow.paging import BEGINNING, Pager, Place, Slice
from connector.vendors.servicenow.parent import Look, Parent, Seen
from connector.vendors.servicenow.query import is_id, one_of, stamp
from connector.vendors.servicenow.records import change_stamp

SWEEP_PAGE: Final = 10_000
MOST_SEEN: Final = 500
"""Rows remembered in a cursor as already given; beyond, they are given again, which is harmless."""
DELETIONS_FROM: Final = timedelta(days=7)


class Reading:
    """The reading verbs. A cursor holds a place per table, and what was already given from beyond its horizon."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        options = desk.options
        self.pagers = {table: Pager(desk.client, table, desk.asked[table], size=options.page, overlap=options.overlap,
                                    display=desk.display, only=options.filter) for table in options.tables}
        self.parent = Parent(desk)

    def changed(self, since: Cursor) -> Iterator[Page]:
        """A table that cannot be read does not stop the others; its error comes last."""
        cursor: Cursor = {table: dict(since.get(table) or {}) for table in self.desk.options.tables}
        seen = {table: _seen(cursor[table]) for table in cursor}
        places = {table: _place(state, self.desk.options.start) for table, state in cursor.items()}
        rests = all(state.get("start") and not state.get("at") for state in cursor.values())
        look = self.parent.look({table: (places[table], seen[table]) for table in cursor}) if rests else \
            Look(self.desk.options.tables)
        if look.quiet:
            # Said by the parent: these tables move on with the next page that is given anyway.
            cursor.update({table: _state(look.place, look.seen[table]) for table in look.quiet})
        failed: ConnectorError | None = None
        for table in look.due:
            try:
                yield from self._table(table, cursor, seen[table])
            except ConnectorError as error:
                failed = failed or error
        if failed is not None:
            raise failed
        if len(look.due) == len(self.pagers):
            self.parent.prove()

    def _table(self, table: str, cursor: Cursor, seen: Seen) -> Iterator[Page]:
        rows = 0
        given: Seen = {}
        first = not cursor[table].get("start")
        for part in self.pagers[table].read(_place(cursor[table], self.desk.options.start)):
            rows += len(part.rows)
            fresh = [row for row in part.rows if seen.get(row["sys_id"]) != change_stamp(row)] if seen else part.rows
            horizon = part.place.start if part.done else part.place.horizon
            given.update({row["sys_id"]: change_stamp(row) for row in part.rows
                          if row["sys_updated_on"] > horizon})
            if part.done:
                kept = given if len(given) <= MOST_SEEN else {}
                # With nothing new the cursor stays, so that a quiet tool costs no write; unless what is read again
                # and again can be left behind by it.
                if not fresh and not first and rows <= 2 * len(kept):
                    return
                cursor[table] = _state(part.place, kept)
            else:
                cursor[table] = _state(part.place, seen)
            if fresh or part.done:
                yield self._page(table, fresh, cursor, part)

    def _page(self, table: str, rows: Sequence[dict[str, Any]], cursor: Cursor, part: Slice) -> Page:
        tickets, rejected = self.desk.tickets(table, rows)
        self.desk.remember(table, rows)
        return Page(tickets=tickets, rejected=rejected, cursor={name: dict(state) for name, state in cursor.items()},
                    total=part.total)

    def get(self, ids: Sequence[str]) -> Page:
        tickets: list[Ticket] = []
        rejected: list[BadRecord] = []
        for table, row in self.desk.find(ids):
            good, bad = self.desk.tickets(table, [row])
            tickets += good
            rejected += bad
        return Page(tickets=tickets, rejected=rejected, cursor={})

    def ids(self) -> Iterator[list[str]]:
        for table in self.desk.options.tables:
            pager = Pager(self.desk.client, table, ("sys_id",), key="sys_id", size=SWEEP_PAGE,
                          only=self.desk.options.filter)
            for rows in pager.sweep():
                yield [row["sys_id"] for row in rows]

    def deletions(self, since: Cursor) -> tuple[list[str], Cursor]:
        """Ids of deleted tickets by the audit of deletions, from a week ago at first."""
        start = since.get("start") or stamp(self.desk.now() - DELETIONS_FROM)
        classes = sorted({*self.desk.options.tables, "task"})
        pager = Pager(self.desk.client, "sys_audit_delete", ("documentkey", "tablename"), key="sys_created_on",
                      overlap=self.desk.options.overlap, only=one_of("tablename", classes))
        found: dict[str, None] = {}
        place = Place(start=start)
        for part in pager.read(place):
            found.update({row["documentkey"]: None for row in part.rows
                          if is_id(row.get("documentkey")) and row.get("tablename") in classes})
            place = part.place
        return list(found), {"start": place.start} if found or not since else dict(since)


def _place(state: Mapping[str, Any], start: datetime | None) -> Place:
    """Raises Refused when the cursor is not one of ours."""
    try:
        place = Place(**{name: str(value) for name, value in state.items() if name != "seen"})
    except TypeError:
        raise Refused("ServiceNow: the stored cursor is not one of this adapter") from None
    if not state and start is not None:
        return Place(start=stamp(start.astimezone(UTC)))
    return place


def _state(place: Place, seen: Seen) -> dict[str, Any]:
    state: dict[str, Any] = {name: value for name, value in asdict(place).items() if value and value != BEGINNING}
    if seen:
        state["seen"] = seen
    return state


def _seen(state: Mapping[str, Any]) -> Seen:
    seen = state.get("seen")
    return dict(seen) if isinstance(seen, dict) else {}
