"""Rows of an exported file as tickets, with what the rows tell of their past."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from msgspec.structs import replace

from connector.domain.changes import diff, digest
from connector.domain.errors import BadRecord, Problem
from connector.domain.history import Event, EventKind, Origin, Role
from connector.domain.local_time import parser
from connector.domain.mapping import Mapping as FieldMapping
from connector.domain.problems import did_you_mean
from connector.domain.rows import FIRST, TIME, Rows
from connector.domain.ticket import ENDED, State, Ticket
from connector.domain.transforms import text

PER_ROW: Final = 256
"""Room for the events of one row in the order of events."""
LARGEST_TIE: Final = 2**40
_NO_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Row:
    """A row as a reader gives it; `number` is what a person would look for in the file."""

    number: int
    values: Mapping[str, Any]
    error: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A row with its ticket and, in an audit export, its place in time."""

    ticket: str
    at: datetime
    tie: int | float | str
    row: int
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that could not be understood, and why."""

    row: int
    ticket: str
    reasons: tuple[str, ...]
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Imported:
    """A ticket as the export leaves it, and what the export tells of its past.

    `since` and `until` bound the time whose history an audit export tells completely. `first` is what its first row
    shows; the first `opening` of the events come from that row alone.
    """

    ticket: Ticket
    events: Sequence[Event]
    since: datetime | None = None
    until: datetime | None = None
    first: Ticket | None = None
    opening: int = 0


Reject = Callable[[Rejected], None]


class Export:
    """The rules of one mapping for the rows of one file."""

    def __init__(self, mapping: FieldMapping, tool: str, reject: Reject) -> None:
        self.mapping = mapping
        self.tool = tool
        self.rows = mapping.rows or Rows()
        self._reject = reject
        self._when = parser(self.rows)
        self._case = {rule.name for rule in mapping.rules() if rule.sources and set(rule.sources) <= self.rows.case}
        self._derived = [name for name in ("resolved_at", "closed_at") if mapping.rule(name) is None]

    def missing(self, seen: Iterable[str], file: str) -> list[Problem]:
        """Columns the mapping needs and no row has."""
        have = set(seen)
        wanted = {self.mapping.id_field: "id", **dict.fromkeys(self.rows.reads(), "rows")}
        for rule in self.mapping.rules():
            wanted.update(dict.fromkeys(rule.sources, f"fields.{rule.name}"))
        return [Problem(f"has no column `{name}`{did_you_mean(name, have)}", file, path=wanted[name])
                for name in sorted(wanted.keys() - have - self.rows.makes())]

    def entries(self, rows: Iterable[Row]) -> Iterator[Entry]:
        """What can be told apart by ticket and, in an audit export, placed in time. The order is the caller's business.
        """
        for row in rows:
            reasons = [row.error] if row.error else []
            entry = None if reasons else self._entry(row, reasons)
            if entry is None:
                ticket = row.values.get(self.mapping.id_field)
                self._reject(Rejected(row.number, "" if ticket is None else str(ticket), tuple(reasons), row.values))
            else:
                yield entry

    def _entry(self, row: Row, reasons: list[str]) -> Entry | None:
        """Columns with the file's markers for "not known" made empty."""
        null = self.rows.null
        record = {name: "" if value is None or (isinstance(value, str) and value in null) else value
                  for name, value in row.values.items()}
        ticket = self._said(self.mapping.id_field, record, text, reasons)
        at = self._said(self.rows.time, record, self._time, reasons) if self.rows.audit else _NO_TIME
        if ticket is None or at is None:
            return None
        return Entry(ticket, at, _tie(record.get(self.rows.tie, "")) if self.rows.tie else row.number, row.number,
                     record)

    @staticmethod
    def _said(column: str, record: Mapping[str, Any], read: Callable[[Any], Any], reasons: list[str]) -> Any:
        value = record.get(column, "")
        if value == "":
            reasons.append(f"`{column}` is empty")
            return None
        try:
            return read(value)
        except ValueError as error:
            reasons.append(f"`{column}`: {error}")
            return None

    def _time(self, value: Any) -> datetime:
        if isinstance(value, datetime) and value.tzinfo is not None:
            return value.astimezone(UTC)
        return self._when(text(value))

    def ticket(self, entries: Sequence[Entry]) -> Imported | None:
        """The ticket of an export with one row per ticket."""
        if len(entries) > 1:
            listed = ", ".join(str(entry.row) for entry in entries[:10])
            for entry in entries:
                self._bad(entry, f"the ticket has {len(entries)} rows ({listed}): is this `each: audit`?")
            return None
        ticket = self._read(entries[0], entries[0].values)
        return None if ticket is None else Imported(ticket, [imported(event) for event in diff(None, ticket)])

    def history(self, entries: Sequence[Entry]) -> Imported | None:
        """The ticket of an audit export, from all its rows in order. A row that cannot be read is left out."""
        carried: dict[str, Any] = {}
        told = _Told(self)
        for place, entry in enumerate(entries):
            for name, carry in self.rows.carry.items():
                value = entry.values.get(carry.source, "")
                if name not in carried or text(value) not in carry.skip:
                    carried[name] = value
            ticket = self._read(entry, {**entry.values, FIRST: entries[0].at, TIME: entry.at, **carried})
            if ticket is not None:
                told.row(entry, ticket, place)
        if told.last is None:
            return None
        stamps = {name: told.entered(name, told.last.state) for name in self._derived}
        return Imported(replace(told.last, **stamps), told.events, since=entries[0].at, until=entries[-1].at,
                        first=told.first, opening=told.opening)

    def _read(self, entry: Entry, record: Mapping[str, Any]) -> Ticket | None:
        try:
            return self.mapping.read(self.tool, record, self._when)
        except BadRecord as error:
            self._bad(entry, *(str(problem) for problem in error.problems))
            return None

    def _bad(self, entry: Entry, *reasons: str) -> None:
        self._reject(Rejected(entry.row, entry.ticket, reasons, entry.values))

    def at_the_time(self, ticket: Ticket) -> Ticket:
        """The ticket of a row without what is filled back onto every row of it."""
        plain = {name: _UNKNOWN[name] for name in self._case if name in _UNKNOWN}
        custom = {name: value for name, value in ticket.custom.items() if f"custom.{name}" not in self._case}
        return replace(ticket, custom=custom, **plain)


class _Told:
    """The events of a ticket's rows, one row after the other."""

    def __init__(self, export: Export) -> None:
        self.export = export
        self.events: list[Event] = []
        self.first: Ticket | None = None
        self.last: Ticket | None = None
        self.opening = 0
        self._before: Ticket | None = None
        self._keys: Counter[str] = Counter()
        self._entered: dict[State, datetime] = {}

    def row(self, entry: Entry, ticket: Ticket, place: int) -> None:
        step = self.export.at_the_time(ticket)
        rows = self.export.rows
        actor = text(entry.values.get(rows.actor, "")) if rows.actor else ""
        role = _role(actor, ticket)
        seq = _order(entry, place) * PER_ROW
        first = self._before is None
        found = diff(self._before, step)
        for number, event in enumerate(found):
            # Of the first row only the creation is certain; what it shows besides happened at the latest by then.
            created = event.kind is EventKind.CREATED
            self.events.append(replace(
                imported(event), key=event.key if first else self._key(event, entry, ticket), actor=actor, role=role,
                seq=seq + number, inferred=first and not created, at=min(event.at, entry.at) if created else event.at))
        for column, kind in ((rows.comment, EventKind.COMMENTED), (rows.note, EventKind.NOTED)):
            said = text(entry.values.get(column, "")) if column else ""
            if said:
                event = Event(key="", at=entry.at, kind=kind, seq=seq + len(found), actor=actor, role=role,
                              origin=Origin.IMPORT, text=said)
                self.events.append(replace(event, key=self._key(event, entry, ticket)))
        if first:
            self.first, self.opening = step, len(self.events)
        if self._before is None or self._before.state is not step.state:
            self._entered[step.state] = entry.at
            if step.state not in ENDED:
                self._entered.clear()
        self._before, self.last = step, ticket

    def _key(self, event: Event, entry: Entry, ticket: Ticket) -> str:
        key = content_key(event, entry.at, ticket.version)
        self._keys[key] += 1
        return key if self._keys[key] == 1 else f"{key}/{self._keys[key]}"

    def entered(self, stamp: str, state: State) -> datetime | None:
        """When the ticket ended, where no column says so."""
        if state not in ENDED:
            return None
        if stamp == "resolved_at":
            return self._entered.get(State.RESOLVED)
        return self._entered.get(state) if state is not State.RESOLVED else None


def content_key(event: Event, at: datetime, version: str) -> str:
    """By content, so that the same rows in a longer file give the same events."""
    return f"~{event.field or event.kind}/{digest(at, version, event.old, event.new, event.text)}"


_UNKNOWN: Final[dict[str, Any]] = {
    name: None if name in ("resolved_at", "closed_at", "due_at", "level", "impact", "urgency", "priority") else ""
    for name in Ticket.__struct_fields__
    if name not in {"tool", "id", "kind", "state", "opened_at", "updated_at", "number", "pending_on", "tags", "custom",
                    "deleted", "version"}
}
"""What a field holds that was filled back onto every row, so that its history is not known."""


def imported(event: Event) -> Event:
    return replace(event, origin=Origin.IMPORT)


def _role(actor: str, ticket: Ticket) -> Role:
    if not actor:
        return Role.UNKNOWN
    return Role.REQUESTER if actor in (ticket.requester, ticket.requester_email) else Role.AGENT


def _order(entry: Entry, place: int) -> int:
    """By the tie breaker, where it is a number, as a longer file keeps it; else by the place among the rows."""
    tie = entry.tie
    return int(tie) if isinstance(tie, (int, float)) and abs(tie) < LARGEST_TIE else place


def _tie(value: Any) -> int | float | str:
    """Numbers written as text (CSV) are ordered as numbers."""
    if isinstance(value, (int, float)):
        return value
    word = text(value).strip()
    return int(word) if word.lstrip("-").isdecimal() else word
