"""The board: open tickets at risk, breached, called major, or escalated and acknowledged by nobody."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from connector.domain.agreements.assess import assess
from connector.domain.agreements.clock import ClockState
from connector.domain.agreements.engine import NamedClock
from connector.domain.agreements.registry import Registry
from connector.domain.escalations.escalated import FIRED
from connector.domain.escalations.ladder import outlook
from connector.domain.history import Event, EventKind, effective
from connector.domain.major.record import Record, latest
from connector.domain.ticket import ENDED, Kind, Ticket
from connector.ports import Stored
from connector.store import processes
from connector.web.services import Services

MOST: Final = 200
"""Tickets looked at for each half of the board; a page is no report."""
BACK: Final = timedelta(days=30)
AHEAD: Final = timedelta(hours=8)
NEAR: Final = 0.75
LISTS: Final = ("breached", "risk", "major", "candidates", "majors_unacknowledged", "unacknowledged", "requests")
KINDS: Final[tuple[Literal["major", "request"], ...]] = ("major", "request")
OF_REQUESTS: Final = (Kind.SERVICE_REQUEST, Kind.TASK)
"""They have a list of their own: no figure of incidents holds them."""


@dataclass(frozen=True, slots=True)
class Line:
    """A ticket on the board. `clock` is the one that matters most: breached longest, else due first."""

    key: int
    ticket: Ticket
    clock: NamedClock | None
    last: Event | None
    next_at: datetime | None
    acknowledged: bool
    major: bool
    breached: bool
    share: float
    declared: Record | None = None
    """As a major incident, while it is one that somebody declared."""
    confirmed: bool = True
    """Whether somebody acknowledged that it was declared."""

    @property
    def risk(self) -> bool:
        return not self.breached and self.share >= NEAR

    @property
    def request(self) -> bool:
        return self.ticket.kind in OF_REQUESTS

    @property
    def candidates(self) -> bool:
        """Its agreement calls it major, and nobody declared it."""
        return self.major and self.declared is None

    @property
    def majors_unacknowledged(self) -> bool:
        return self.declared is not None and not self.confirmed

    @property
    def unacknowledged(self) -> bool:
        return self.last is not None and not self.acknowledged


@dataclass(slots=True)
class Board:
    """`cut`: there are more tickets than a page shows."""

    lines: list[Line] = field(default_factory=list)
    cut: bool = False

    def part(self, name: str) -> list[Line]:
        assert name in LISTS
        of_requests = name == "requests"
        return [line for line in self.lines if line.request is of_requests and (of_requests or getattr(line, name))]


def read(services: Services) -> Board:
    if services.agreements is None:
        return Board()
    now, registry = services.now(), services.agreements.current()
    signalled = services.board.signalled(now - BACK, MOST)
    near = services.board.near(now, now + AHEAD, MOST)
    processed = [one for kind in KINDS for one in processes.found(services.board.store, kind, now - BACK, MOST)]
    begun = [(stored, list(events)) for stored, events in processed
             if stored.ticket.state not in ENDED and not stored.ticket.deleted]
    found: dict[int, tuple[Stored, list[Event]]] = {stored.key: (stored, events) for stored, events in
                                                    [*signalled, *near, *begun]}
    lines = [line(stored, events, registry, now) for stored, events in found.values()]
    lines.sort(key=lambda one: (not one.breached, -one.share))
    return Board(lines, len(signalled) == MOST or len(near) == MOST)


def line(stored: Stored, events: list[Event], registry: Registry, now: datetime) -> Line:
    found = assess(stored.ticket, events, registry, now)
    whole = effective([*events, *found.events])
    seen = outlook(stored.ticket, whole, found.result, registry, now)
    fired = [event for event in whole if event.kind is EventKind.ESCALATED and event.data["what"] == FIRED]
    spoken = [event.at for event in whole if event.kind is EventKind.ACKNOWLEDGED]
    last = fired[-1] if fired else None
    running = [one for one in found.result.clocks if one.clock.open]
    clock = max(running, key=_weight, default=None)
    record = latest(whole)
    record = record if record is not None and record.active else None
    return Line(stored.key, stored.ticket, clock, last, seen.next_at,
                last is not None and any(at >= last.at for at in spoken), found.result.major_incident,
                _any_breached(running), 0.0 if clock is None else _share(clock), record,
                record is not None and any(at >= record.declared_at for at in spoken))


def _any_breached(clocks: Iterable[NamedClock]) -> bool:
    return any(one.clock.state is ClockState.BREACHED for one in clocks)


def _weight(one: NamedClock) -> tuple[bool, float]:
    return one.clock.state is ClockState.BREACHED, _share(one)


def _share(one: NamedClock) -> float:
    return one.clock.active / one.clock.target if one.clock.target else 1.0
