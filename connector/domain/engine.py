"""From a ticket's history to the clocks of its agreements."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from connector.domain.clock import Clock, ClockState, Mode, Turn, read
from connector.domain.facts import Moment, moments
from connector.domain.history import Event
from connector.domain.profile import Agreement, Profile, TargetName
from connector.domain.registry import Registry, Winners, winners
from connector.domain.ticket import Ticket
from connector.domain.turns import Segment, segments

SOON = timedelta(microseconds=1)
"""Met is at or before due, so the first moment that tells a breach is just after it."""


@dataclass(frozen=True, slots=True)
class NamedClock:
    """A clock with what it stands for."""

    profile: Profile
    target: TargetName
    clock: Clock
    segment: Segment
    manual_due: bool = False

    @property
    def key(self) -> str:
        return f"{self.profile.name}/{self.target}/{self.clock.cycle}"


@dataclass(frozen=True, slots=True)
class Result:
    """All clocks of a ticket at one moment. `next_at` is when the passing of time alone will change something."""

    clocks: tuple[NamedClock, ...]
    problems: tuple[str, ...]
    next_at: datetime | None


Pinned = Mapping[str, str]
"""Profile name -> version that this ticket's clocks hold."""


def clocks(
    ticket: Ticket, events: Sequence[Event], registry: Registry, now: datetime, pinned: Pinned | None = None
) -> Result:
    """Every clock of a ticket as of `now`, from its effective events in order."""
    found: list[NamedClock] = []
    problems: list[str] = []
    nexts: list[datetime] = []
    held, fields, asked, winning = _in_force(registry, pinned)
    for responder in dict.fromkeys(profile.responder for profile in held):
        line = moments(ticket, events, fields, responder)
        speaking = _speaking(winning, asked, line, problems)
        for profile in held:
            applies = speaking.get(profile.name)
            if applies is None or profile.responder != responder:
                continue
            for named, at in _clocks_of(profile, applies, line, registry, ticket, now):
                found.append(named)
                if at is not None:
                    nexts.append(at)
        if not speaking:
            problems.append("no profile applies to this ticket")
    return Result(tuple(found), tuple(dict.fromkeys(problems)), min(nexts, default=None))


Winning = Callable[[Mapping[str, Any]], Winners]


def _in_force(
    registry: Registry, pinned: Pinned | None
) -> tuple[Sequence[Profile], frozenset[str], frozenset[str], Winning]:
    """The profiles that hold for this ticket, the facts they ask for, those that decide who speaks, and how."""
    held = [_pinned(profile, registry, pinned) for profile in registry.profiles] if pinned else registry.profiles
    if all(mine is theirs for mine, theirs in zip(held, registry.profiles, strict=True)):
        return registry.profiles, registry.fields, frozenset(registry.asked), registry.winners
    fields = frozenset().union(*(profile.fields for profile in held))
    asked = frozenset().union(*(profile.applies_to.fields for profile in held))
    return held, fields, asked, lambda facts: winners(held, facts)


def _pinned(profile: Profile, registry: Registry, pinned: Pinned) -> Profile:
    version = pinned.get(profile.name)
    if version is None or version == profile.version:
        return profile
    return registry.at(profile.name, version) or profile


def _speaking(
    winning: Winning, asked: frozenset[str], line: Sequence[Moment], problems: list[str]
) -> dict[str, list[bool]]:
    """For each profile that applies at some moment, at which moments it does."""
    speaking: dict[str, list[bool]] = {}
    names: frozenset[str] = frozenset()
    for i, moment in enumerate(line):
        if i == 0 or not asked.isdisjoint(moment.changed):
            names, ties = winning(moment.facts)
            problems.extend(ties)
        for name in names:
            speaking.setdefault(name, [False] * len(line))[i] = True
    return speaking


def _clocks_of(
    profile: Profile, applies: list[bool], line: Sequence[Moment], registry: Registry, ticket: Ticket, now: datetime
) -> list[tuple[NamedClock, datetime | None]]:
    if ticket.parent and not profile.children:
        return []
    found: list[tuple[NamedClock, datetime | None]] = []
    for target in profile.targets:
        cycle = 0
        for segment in segments(profile, target, applies, line, registry):
            for clock in read(segment.turns, now, reopen_within=profile.reopen_within):
                cycle += 1
                numbered = clock if clock.cycle == cycle else replace(clock, cycle=cycle)
                manual = _manual_due(profile, target.name, ticket)
                if manual is not None:
                    numbered = _with_due(numbered, manual, now)
                named = NamedClock(profile, target.name, numbered, segment, manual is not None)
                found.append((named, _next(numbered, segment.turns, now)))
    return found


def _next(clock: Clock, turns: Sequence[Turn], now: datetime) -> datetime | None:
    """When time alone changes the clock: just after its due, or at a turn already foreseen (a pause that runs out)."""
    ahead = [turn.at for turn in turns if turn.at > now]
    if clock.state is ClockState.RUNNING and clock.due is not None:
        ahead.append(max(clock.due, now) + SOON)
    return min(ahead, default=None)


def _manual_due(profile: Profile, target: TargetName, ticket: Ticket) -> datetime | None:
    wins = profile.manual_due and profile.agreement is Agreement.SLA and target is TargetName.RESOLUTION
    return ticket.due_at if wins else None


def _with_due(clock: Clock, due: datetime, now: datetime) -> Clock:
    """A due time set by hand in the tool: pauses do not move it, and it is not breached while paused."""
    if clock.state is ClockState.CANCELLED:
        return clock
    ran = [max(line.start, due) for line in clock.ledger if line.mode is Mode.RUN and line.end > due]
    breached_at = min(ran, default=None)
    if clock.stopped_at is not None and clock.stopped_at > due:
        breached_at = breached_at or due
    ended = clock.stopped_at is not None
    if breached_at is not None:
        state = ClockState.BREACHED
    elif ended:
        state = ClockState.MET
    else:
        paused = bool(clock.ledger) and clock.ledger[-1].mode is not Mode.RUN
        state = ClockState.PAUSED if paused else ClockState.RUNNING
    return replace(clock, state=state, due=due, breached_at=breached_at)
