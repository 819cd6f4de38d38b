"""What a look at a ticket leads to: events to remember and the next moment that matters. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from connector.domain.agreements.engine import NamedClock, Result, clocks
from connector.domain.agreements.facts import before_opening
from connector.domain.agreements.registry import Registry
from connector.domain.history import Event, EventKind, Origin, Role, effective
from connector.domain.ticket import Ticket

BREACHED: Final = "breached"
CORRECTED: Final = "corrected"
MOVED: Final = "moved"
"""The breach was at another time than recorded."""


@dataclass(frozen=True, slots=True)
class Assessment:
    result: Result
    events: tuple[Event, ...]
    next_at: datetime | None


def assess(ticket: Ticket, events: Iterable[Event], registry: Registry, now: datetime) -> Assessment:
    """The clocks of a ticket at `now`, and what is worth remembering of them.

    Remembered are the version of every profile that applies (running clocks keep it until an admin applies another), a
    breach once, and, when history read late shows that a recorded breach was none, its correction; what was recorded
    of a profile that is gone stays. Events that cannot be (before the opening) are remembered as clamped. Doing it
    again with the events appended gives no events.
    """
    every = list(events)
    line = effective(every)
    pinned = pinned_versions(line)
    result = clocks(ticket, line, registry, now, pinned)
    living = {profile.name for profile in registry.profiles}
    recorded = {key: told for key, told in _recorded(line).items() if key.rsplit("/", 2)[0] in living}
    new = (*_agreed(result, pinned, now), *_breaches(result, recorded, now), *_clamped(ticket, line, now))
    return Assessment(result, new, result.next_at)


def pinned_versions(events: Iterable[Event]) -> dict[str, str]:
    """Profile name -> version that the ticket's clocks hold: the last one agreed."""
    return {
        str(event.data["profile"]): str(event.data["version"]) for event in events if event.kind is EventKind.AGREED
    }


def agreed(profile: str, version: str, now: datetime, actor: str = "") -> Event:
    """The event that binds a ticket's clocks to a version of a profile."""
    return Event(key=f"agreed/{profile}/{version}/{now.isoformat()}", at=now, kind=EventKind.AGREED, actor=actor,
                 role=Role.CONNECTOR, origin=Origin.CONNECTOR, data={"profile": profile, "version": version})


def _agreed(result: Result, pinned: Mapping[str, str], now: datetime) -> Iterator[Event]:
    named = {clock.profile.name: clock.profile.version for clock in result.clocks}
    for profile, version in sorted(named.items()):
        if version and profile not in pinned:
            yield agreed(profile, version, now)


def _recorded(events: Iterable[Event]) -> dict[str, list[Event]]:
    """Earlier CLOCK events by clock key, oldest first."""
    found: dict[str, list[Event]] = {}
    for event in events:
        if event.kind is EventKind.CLOCK:
            found.setdefault(str(event.data["clock"]), []).append(event)
    for many in found.values():
        many.sort(key=lambda event: event.seq)
    return found


def _breaches(result: Result, recorded: Mapping[str, list[Event]], now: datetime) -> Iterator[Event]:
    present: dict[str, NamedClock] = {clock.key: clock for clock in result.clocks}
    for key, named in sorted(present.items()):
        earlier = recorded.get(key, [])
        was = bool(earlier) and earlier[-1].data["what"] != CORRECTED
        breached = named.clock.breached_at
        # In UTC: local times of the hour that comes twice equal none of another zone.
        at = None if breached is None else breached.astimezone(UTC)
        if at is not None and (not was or at != earlier[-1].at):
            yield _event(key, named.profile.version, MOVED if was else BREACHED, at, now, len(earlier))
        elif at is None and was:
            yield _event(key, named.profile.version, CORRECTED, now, now, len(earlier))
    for key in sorted(recorded.keys() - present.keys()):
        earlier = recorded[key]
        if earlier[-1].data["what"] != CORRECTED:
            yield _event(key, str(earlier[-1].data["version"]), CORRECTED, now, now, len(earlier))


def _clamped(ticket: Ticket, line: list[Event], now: datetime) -> Iterator[Event]:
    impossible = list(before_opening(ticket, line))
    if not impossible:
        return
    known = {event.key for event in line if event.kind is EventKind.CLAMPED}
    for event in impossible:
        key = f"clamped/{event.key}"
        if key not in known:
            yield Event(key=key, at=now, kind=EventKind.CLAMPED, role=Role.CONNECTOR, origin=Origin.CONNECTOR,
                        data={"event": event.key, "told": event.at.isoformat(),
                              "taken": ticket.opened_at.isoformat()})


def _event(key: str, version: str, what: str, at: datetime, now: datetime, n: int) -> Event:
    profile, target, cycle = key.rsplit("/", 2)
    return Event(
        key=f"clock/{key}/{n + 1}/{what}", at=at, seq=n + 1, kind=EventKind.CLOCK, role=Role.CONNECTOR,
        origin=Origin.CONNECTOR,
        data={"clock": key, "profile": profile, "target": target, "cycle": int(cycle), "what": what,
              "version": version, "recorded_at": now.isoformat()},
    )
