"""Exports of tools as history: one row per ticket, or one row per update of a ticket.

A row that cannot be understood is set aside with its number and reason; its ticket keeps its other rows. The same file
twice adds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, Final

from msgspec.structs import replace

from connector.domain.changes import diff, digest
from connector.domain.errors import BadRecord
from connector.domain.history import Event, EventKind, Origin, Role
from connector.domain.local_time import parser
from connector.domain.mapping import Mapping as FieldMapping
from connector.domain.rows import FIRST, TIME, Rows
from connector.domain.ticket import Ticket
from connector.ports import Change, Deps, Stored, Tx

BATCH: Final = 500
"""Tickets of one transaction."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row as a reader gives it; `number` is what a person would look for in the file."""

    number: int
    values: Mapping[str, Any]
    error: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One update of a ticket: a row of an audit export with its place in time."""

    ticket: str
    at: datetime
    tie: Any
    row: int
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rejected:
    row: int
    ticket: str
    reasons: tuple[str, ...]


@dataclass(slots=True)
class Report:
    rows: int = 0
    tickets: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    events: int = 0
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class Imported:
    """A ticket as the export leaves it, and what the export tells of its past."""

    ticket: Ticket
    events: Sequence[Event]


@dataclass
class Import:
    """One file on its way into the store. `reject` is told every row set aside."""

    mapping: FieldMapping
    tool: str
    reject: Callable[[Rejected], None]
    report: Report = field(default_factory=Report)

    def __post_init__(self) -> None:
        self.rows = self.mapping.rows or Rows()
        self.when = parser(self.rows)
        self.fixed = self._fixed()

    def _fixed(self) -> frozenset[str]:
        """Our fields that come from columns of the whole case: they describe the ticket, never the time of a row."""
        return frozenset(
            rule.name for rule in self.mapping.rules() if rule.sources and set(rule.sources) <= self.rows.case
        )

    def record(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Columns with the file's markers for "not known" made empty."""
        null = self.rows.null
        return {name: "" if value is None or (isinstance(value, str) and value in null) else value
                for name, value in values.items()}

    def tickets(self, rows: Iterable[Row]) -> Iterator[Imported]:
        """One row per ticket."""
        for row in rows:
            self.report.rows += 1
            if row.error:
                self._set_aside(row.number, "", row.error)
                continue
            try:
                ticket = self.mapping.read(self.tool, self.record(row.values), self.when)
            except BadRecord as error:
                self._set_aside(row.number, error.ticket, *(str(problem) for problem in error.problems))
                continue
            yield Imported(ticket, [_imported(event) for event in diff(None, ticket)])

    def entries(self, rows: Iterable[Row]) -> Iterator[Entry]:
        """One row per update: what can be placed in time. The order is the caller's business."""
        for row in rows:
            self.report.rows += 1
            if row.error:
                self._set_aside(row.number, "", row.error)
                continue
            record = self.record(row.values)
            ticket, time = record.get(self.mapping.id_field), record.get(self.rows.time)
            missing = [f"`{name}` is empty" for name, value in ((self.mapping.id_field, ticket), (self.rows.time, time))
                       if value in (None, "")]
            if missing:
                self._set_aside(row.number, str(ticket or ""), *missing)
                continue
            try:
                at = self._time(time)
            except ValueError as error:
                self._set_aside(row.number, str(ticket), f"`{self.rows.time}`: {error}")
                continue
            tie = record.get(self.rows.tie, "") if self.rows.tie else row.number
            yield Entry(str(ticket), at, tie, row.number, record)

    def _time(self, value: Any) -> datetime:
        if isinstance(value, datetime):
            if value.tzinfo is not None:
                return value
            value = value.isoformat(" ")
        return self.when(str(value))

    def histories(self, groups: Iterable[list[Entry]]) -> Iterator[Imported]:
        """One ticket with its past from all its rows, in order."""
        for entries in groups:
            found = self._history(entries)
            if found is not None:
                yield found

    def _history(self, entries: list[Entry]) -> Imported | None:
        carried: dict[str, Any] = {}
        before: Ticket | None = None
        last: Ticket | None = None
        events: list[Event] = []
        for place, entry in enumerate(entries):
            record = {**entry.values, FIRST: entries[0].at, TIME: entry.at, **self._carried(entry, carried)}
            try:
                ticket = self.mapping.read(self.tool, record, self.when)
            except BadRecord as error:
                self._set_aside(entry.row, entry.ticket, *(str(problem) for problem in error.problems))
                continue
            step = self._step(ticket)
            events += self._told(diff(before, step, revision=place), entry, step, record, first=before is None)
            before, last = step, ticket
        if last is None:
            return None
        return Imported(last, events)

    def _carried(self, entry: Entry, carried: dict[str, Any]) -> dict[str, Any]:
        for name, carry in self.rows.carry.items():
            value = entry.values.get(carry.source, "")
            if name not in carried or str(value) not in carry.skip:
                carried[name] = value
        return carried

    def _step(self, ticket: Ticket) -> Ticket:
        """The ticket at the time of a row, without what is filled back onto every row."""
        plain = {name: _BLANK.get(name, "") for name in self.fixed & _CHANGING}
        custom = {name: value for name, value in ticket.custom.items() if f"custom.{name}" not in self.fixed}
        return replace(ticket, custom=custom, **plain)

    def _told(
        self, found: list[Event], entry: Entry, ticket: Ticket, record: Mapping[str, Any], *, first: bool
    ) -> Iterator[Event]:
        """The events of one row. Of the first row only the creation is certain; what it shows besides is inferred."""
        actor = str(record.get(self.rows.actor, "") or "") if self.rows.actor else ""
        role = _role(actor, ticket)
        mark = digest(entry.at, entry.tie if self.rows.tie else "", ticket.id)
        for number, event in enumerate(found):
            created = event.kind is EventKind.CREATED
            guessed = first and not created
            yield replace(_imported(event), key=event.key if first else f"{event.key}/{mark}", inferred=guessed,
                          actor=actor, role=role, seq=_place(entry) + number)
        for column, kind in ((self.rows.comment, EventKind.COMMENTED), (self.rows.note, EventKind.NOTED)):
            text = record.get(column) if column else None
            if text not in (None, ""):
                yield Event(key=f"{kind}/{mark}", at=entry.at, kind=kind, seq=_place(entry) + len(found), actor=actor,
                            role=role, origin=Origin.IMPORT, text=str(text))

    def _set_aside(self, row: int, ticket: str, *reasons: str) -> None:
        self.report.rejected += 1
        self.reject(Rejected(row, ticket, reasons))

    def keep(
        self, deps: Deps, imported: Iterable[Imported], *, resume: str = "", stop: Callable[[], bool] = lambda: False,
        progress: Callable[[Report], None] | None = None,
    ) -> bool:
        """Put tickets and events into the store, a batch per transaction. Says whether the end was reached.

        `resume` names a stream whose cursor remembers the last ticket kept: tickets up to it are passed over. It is for
        tickets that come in the order of their ids.
        """
        waiting = iter(imported)
        reached = self._reached(deps, resume)
        while not stop():
            batch = list(islice((one for one in waiting if one.ticket.id > reached), BATCH))
            if not batch:
                self._reach(deps, resume, {})
                return True
            with deps.store.begin() as tx:
                self._batch(tx, batch)
                if resume:
                    tx.move_cursor(self.tool, resume, {"ticket": batch[-1].ticket.id}, deps.now())
            if progress is not None:
                progress(self.report)
        return False

    def _reached(self, deps: Deps, resume: str) -> str:
        if not resume:
            return ""
        with deps.store.read() as tx:
            return str(tx.cursor(self.tool, resume).get("ticket", ""))

    def _reach(self, deps: Deps, resume: str, cursor: dict[str, Any]) -> None:
        if resume:
            with deps.store.begin() as tx:
                tx.move_cursor(self.tool, resume, cursor, deps.now())

    def _batch(self, tx: Tx, batch: Sequence[Imported]) -> None:
        single = {one.ticket.id: one for one in batch}
        known = tx.tickets(self.tool, list(single), lock=True)
        have = tx.history([stored.key for stored in known.values()]) if known else {}
        changes: list[Change] = []
        for id, one in single.items():
            stored = known.get(id)
            keys = {event.key for event in have.get(stored.key, ())} if stored is not None else set()
            events = [event for event in one.events if event.key not in keys]
            self._count(one, stored, events)
            if stored is None or events or stored.ticket != one.ticket:
                changes.append(Change(ticket=one.ticket, before=stored, events=events))
        tx.save(changes)

    def _count(self, one: Imported, stored: Stored | None, events: Collection[Event]) -> None:
        report = self.report
        report.tickets += 1
        report.events += len(events)
        if stored is None:
            report.new += 1
        elif events or stored.ticket != one.ticket:
            report.changed += 1
        else:
            report.unchanged += 1


_BLANK: Final = {"resolved_at": None, "closed_at": None, "due_at": None, "level": None, "impact": None,
                 "urgency": None, "priority": None}
_CHANGING: Final = frozenset(Ticket.__struct_fields__) - {
    "tool", "id", "kind", "state", "opened_at", "updated_at", "number", "pending_on", "tags", "custom", "deleted",
    "version",
}
"""Fields whose value is left out of the history when it was filled back onto every row."""


def _imported(event: Event) -> Event:
    return replace(event, origin=Origin.IMPORT)


def _role(actor: str, ticket: Ticket) -> Role:
    if not actor:
        return Role.UNKNOWN
    return Role.REQUESTER if actor in (ticket.requester, ticket.requester_email) else Role.AGENT


def _place(entry: Entry) -> int:
    """Orders events of one instant by the tie breaker, where it is a number, else as the rows stood in the file."""
    return int(entry.tie if isinstance(entry.tie, (int, float)) else entry.row) * 64
