"""From a ticket's history to the clocks of its agreements."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connector.domain.calendar import CalendarError
from connector.domain.clock import Clock, ClockState, Turn, read
from connector.domain.errors import ConfigError
from connector.domain.facts import Moment, moments
from connector.domain.history import Event
from connector.domain.profile import OF_HANDOFFS, Profile, Target, TargetName
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

    @property
    def key(self) -> str:
        return f"{self.profile.name}/{self.target}/{self.clock.cycle}"

    @property
    def manual_due(self) -> bool:
        return self.clock.fixed is not None


@dataclass(frozen=True, slots=True)
class Result:
    """All clocks of a ticket at one moment. `next_at` is when the passing of time alone will change something."""

    clocks: tuple[NamedClock, ...]
    problems: tuple[str, ...]
    next_at: datetime | None
    major_incident: bool = False
    """Whether the SLA that speaks for the ticket calls it a major incident."""


Pinned = Mapping[str, str]
"""Profile name -> version that this ticket's clocks hold."""
Winning = Callable[[Mapping[str, Any]], Winners]
Timed = tuple[NamedClock, datetime | None]
"""A clock, and when the passing of time alone will change it."""


def clocks(
    ticket: Ticket, events: Sequence[Event], registry: Registry, now: datetime, pinned: Pinned | None = None
) -> Result:
    """Every clock of a ticket as of `now`, from its effective events in order.

    A clock that cannot be computed (a calendar that ends, times beyond all calendars) is told in `problems`, and the
    others are given.
    """
    found: list[Timed] = []
    problems: list[str] = []
    major = False
    held, fields, asked, winning = _in_force(registry, pinned)
    for responder in dict.fromkeys([profile.responder for profile in held]):
        line = moments(ticket, events, fields, responder)
        speaking = _speaking(held, winning, asked, line, problems)
        for profile in held:
            applies = speaking.get(profile.name)
            if applies is not None and profile.responder == responder and (profile.children or not ticket.parent):
                for target in profile.targets:
                    if target.name in OF_HANDOFFS:
                        continue
                    found.extend(_clocks_of(profile, target, applies, line, registry, now, problems))
        if not speaking:
            problems.append("no profile applies to this ticket")
        major = any(moment.facts["major_incident"] for moment in line[-1:] if moment.at <= now)
    nexts = [at for _, at in found if at is not None]
    return Result(tuple([named for named, _ in found]), tuple(dict.fromkeys(problems)), min(nexts, default=None), major)


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
    held: Sequence[Profile], winning: Winning, asked: frozenset[str], line: list[Moment], problems: list[str]
) -> dict[str, list[bool]]:
    """For each profile that applies at some moment, at which moments it does.

    An SLA that speaks may call the ticket a major incident; that is then a fact of the moment, for the other
    agreements to ask for.
    """
    calling = [profile for profile in held if profile.major.weight]
    decisive = asked.union(*[profile.major.fields | profile.plan_fields for profile in calling])
    speaking: dict[str, list[bool]] = {}
    names: frozenset[str] = frozenset()
    major = False
    for i, moment in enumerate(line):
        if i == 0 or not decisive.isdisjoint(moment.changed):
            names, ties = winning(moment.facts)
            was, major = major, any(p.name in names and p.is_major(moment.facts) for p in calling)
            if major is not was:
                moment = line[i] = moment._replace(changed=moment.changed | {"major_incident"})
        if major:
            moment.facts["major_incident"] = True
            if "major_incident" in moment.changed and "major_incident" in asked:
                names, ties = winning(moment.facts)
        problems.extend(ties)
        for name in names:
            if name not in speaking:
                speaking[name] = [False] * len(line)
            speaking[name][i] = True
    return speaking


def _clocks_of(
    profile: Profile, target: Target, applies: list[bool], line: Sequence[Moment], registry: Registry, now: datetime,
    problems: list[str],
) -> list[Timed]:
    found: list[Timed] = []
    try:
        for segment in segments(profile, target, applies, line, registry):
            for clock in read(segment.turns, now):
                if found:
                    clock = clock._replace(cycle=len(found) + 1)
                found.append((NamedClock(profile, target.name, clock, segment), _next(clock, segment.turns, now)))
    except (CalendarError, ConfigError) as error:
        problems.append(f"{profile.name}/{target.name} cannot be computed: {error}")
    return found


def _next(clock: Clock, turns: Sequence[Turn], now: datetime) -> datetime | None:
    """When time alone changes the clock: just after its due, or at a turn already foreseen (a pause that runs out)."""
    ahead: list[datetime] = []
    if clock.state is ClockState.RUNNING and clock.due is not None:
        ahead.append(max(clock.due, now) + SOON)
    if turns[-1].at > now:
        ahead += [turn.at for turn in turns if turn.at > now]
    return min(ahead, default=None)
