"""What the rows of one ticket tell of its past, one row after the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import replace as change
from datetime import datetime
from typing import Any, Final

from msgspec.structs import replace

from connector.domain.history import Event, EventKind, Origin, Role
from connector.domain.importing.rows import Rows
from connector.domain.mappings.transforms import text
from connector.domain.syncing.changes import diff, digest
from connector.domain.ticket import ENDED, State, Ticket

PER_ROW: Final = 256
"""Room for the events of one row in the order of events."""
LARGEST_TIE: Final = 2**40


@dataclass(frozen=True, slots=True)
class Entry:
    """A row with its ticket and, in an audit export, its place in time."""

    ticket: str
    at: datetime
    tie: int | float | str
    row: int
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Imported:
    """A ticket as the export leaves it, and what the export tells of its past.

    `since` and `until` bound the time whose history an audit export tells completely. `first` is what its first row
    shows; the first `opening` of the events come from that row alone, whose place in the order of events is `place`.
    """

    ticket: Ticket
    events: Sequence[Event]
    since: datetime | None = None
    until: datetime | None = None
    first: Ticket | None = None
    opening: int = 0
    place: int = 0


class Told:
    """The events of a ticket's rows, one row after the other. `plain` gives the ticket of a row without what was filled
    back onto every row."""

    def __init__(self, rows: Rows, plain: Callable[[Ticket], Ticket]) -> None:
        self.rows = rows
        self.plain = plain
        self.events: list[Event] = []
        self.first: Ticket | None = None
        self.last: Ticket | None = None
        self.opening = 0
        self.place = 0
        self._before: Ticket | None = None
        self._at: datetime | None = None
        self._next = 0
        self._keys: Counter[str] = Counter()
        self._entered: dict[State, datetime] = {}

    def row(self, entry: Entry, ticket: Ticket, place: int) -> None:
        rows, step = self.rows, self.plain(ticket)
        actor = text(entry.values.get(rows.actor, "")) if rows.actor else ""
        role = _role(actor, ticket)
        seq = _order(entry, place) * PER_ROW
        if self._at == entry.at:
            seq = max(seq, self._next)  # rows of one time and one tie: the order they come in
        first = self._before is None
        found = diff(self._before, step)
        for number, event in enumerate(found):
            # Of the first row only the creation is certain; what it shows besides happened at the latest by then.
            created = event.kind is EventKind.CREATED
            self.events.append(replace(
                imported(event), key=self._key(event, entry, ticket), actor=actor, role=role, seq=seq + number,
                inferred=first and not created, at=min(event.at, entry.at) if created else event.at))
        for column, kind in ((rows.comment, EventKind.COMMENTED), (rows.note, EventKind.NOTED)):
            said = text(entry.values.get(column, "")) if column else ""
            if said:
                event = Event(key="", at=entry.at, kind=kind, seq=seq + len(found), actor=actor, role=role,
                              origin=Origin.IMPORT, text=said)
                self.events.append(replace(event, key=self._key(event, entry, ticket)))
        if first:
            self.first, self.opening, self.place = step, len(self.events), seq
        if self._before is None or self._before.state is not step.state:
            self._entered[step.state] = entry.at
            if step.state not in ENDED:
                self._entered.clear()
        self._before, self.last = step, ticket
        self._at, self._next = entry.at, seq + len(found) + 2

    def _key(self, event: Event, entry: Entry, ticket: Ticket) -> str:
        at = event.at if event.kind is EventKind.CREATED else entry.at
        key = content_key(event, at, ticket.version)
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


def continued(one: Imported, stored: Ticket, plain: Ticket, firsts: Sequence[str], derived: Sequence[str]) -> Imported:
    """What a file tells of a ticket that we have (`plain`: without what is filled back onto every row).

    A file that begins after the one before it ended has no creation: its first row changes the ticket we have.
    `firsts` are the fields that hold the time of the first row, `derived` those that rows tell and no column.
    """
    earliest = {name: min(getattr(stored, name), getattr(one.ticket, name)) for name in firsts}
    if one.first is None or one.since is None or one.since <= stored.updated_at:
        return change(one, ticket=replace(one.ticket, **earliest))
    kept = {name: getattr(stored, name) for name in derived
            if one.ticket.state in ENDED and getattr(one.ticket, name) is None}
    found = diff(plain, replace(one.first, **{name: getattr(plain, name) for name in (*firsts, *derived)}))
    said = [event for event in one.events[: one.opening] if event.kind in (EventKind.COMMENTED, EventKind.NOTED)]
    opening = [replace(imported(event), key=content_key(event, one.since, one.first.version), inferred=False)
               for event in found]
    events = [replace(event, seq=one.place + number) for number, event in enumerate((*opening, *said))]
    return change(one, ticket=replace(one.ticket, **earliest, **kept), opening=0,
                  events=[*events, *one.events[one.opening:]])


def imported(event: Event) -> Event:
    return replace(event, origin=Origin.IMPORT)


def _role(actor: str, ticket: Ticket) -> Role:
    callers = {name.casefold() for name in (ticket.requester, ticket.requester_email) if name}
    if not actor or not callers:
        return Role.UNKNOWN
    return Role.REQUESTER if actor.casefold() in callers else Role.AGENT


def _order(entry: Entry, place: int) -> int:
    """By the tie breaker, where it is a number, as a longer file keeps it; else by the place among the rows."""
    tie = entry.tie
    return int(tie) if isinstance(tie, (int, float)) and abs(tie) < LARGEST_TIE else place
