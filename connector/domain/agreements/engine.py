"""From a ticket's history to the clocks of its agreements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from connector.domain.agreements.clock import RUNNING, Clock, Turn, read
from connector.domain.agreements.facts import Moment, moments
from connector.domain.agreements.profile import Profile, Target, TargetName
from connector.domain.agreements.registry import InForce, Registry
from connector.domain.agreements.turns import Segment, segments
from connector.domain.calendar import CalendarError
from connector.domain.errors import ConfigError
from connector.domain.history import Event
from connector.domain.ticket import Ticket

SOON = timedelta(microseconds=1)
"""Met is at or before due, so the first moment that tells a breach is just after it."""


class NamedClock(Struct, frozen=True, gc=False):
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


class Result(Struct, frozen=True, gc=False):
    """All clocks of a ticket at one moment. `next_at` is when the passing of time alone will change something."""

    clocks: tuple[NamedClock, ...]
    problems: tuple[str, ...]
    next_at: datetime | None
    major_incident: bool = False
    """Whether the SLA that speaks for the ticket calls it a major incident."""


Pinned = Mapping[str, str]
"""Profile name -> version that this ticket's clocks hold."""
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
    force = _in_force(registry, pinned)
    for responder, profiles in force.answered:
        line = moments(ticket, events, force.fields, responder)
        speaking = _speaking(force, line, problems)
        for profile in profiles:
            applies = speaking.get(profile.name)
            if applies is not None and (profile.children or not ticket.parent):
                for target in profile.clocked:
                    found.extend(_clocks_of(profile, target, applies, line, registry, now, problems))
        if not speaking:
            problems.append("no profile applies to this ticket")
        major = line[-1].at <= now and bool(line[-1].facts["major_incident"])
    nexts = [at for _, at in found if at is not None]
    return Result(tuple([named for named, _ in found]), tuple(dict.fromkeys(problems)), min(nexts, default=None), major)


def _in_force(registry: Registry, pinned: Pinned | None) -> InForce:
    """The profiles that hold for this ticket: those in force, or the versions that its clocks hold."""
    if not pinned:
        return registry.in_force
    held = [_pinned(profile, registry, pinned) for profile in registry.profiles]
    if all(mine is theirs for mine, theirs in zip(held, registry.profiles, strict=True)):
        return registry.in_force
    return InForce.of(held)


def _pinned(profile: Profile, registry: Registry, pinned: Pinned) -> Profile:
    version = pinned.get(profile.name)
    if version is None or version == profile.version:
        return profile
    return registry.at(profile.name, version) or profile


def _speaking(force: InForce, line: list[Moment], problems: list[str]) -> dict[str, list[bool]]:
    """For each profile that applies at some moment, at which moments it does.

    An SLA that speaks may call the ticket a major incident; that is then a fact of the moment, for the other
    agreements to ask for.
    """
    asked, judging = force.asked, force.judging
    speaking: dict[str, list[bool]] = {}
    names: frozenset[str] = frozenset()
    major = False
    for i, moment in enumerate(line):
        changed = moment.changed
        judged = i == 0 or not judging.isdisjoint(changed)
        if judged or not asked.isdisjoint(changed):
            before = names
            names, ties = force.winners(moment.facts)
            if judged or names != before:
                was, major = major, any(p.name in names and p.is_major(moment.facts) for p in force.calling)
                if major is not was:
                    line[i] = replace(moment, changed=changed | {"major_incident"})
            if major and "major_incident" in asked:
                names, ties = force.winners({**moment.facts, "major_incident": True})
            problems.extend(ties)
        if major:
            moment.facts["major_incident"] = True
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
                    clock = replace(clock, cycle=len(found) + 1)
                found.append((NamedClock(profile, target.name, clock, segment), _next(clock, segment.turns, now)))
    except (CalendarError, ConfigError) as error:
        problems.append(f"{profile.name}/{target.name} cannot be computed: {error}")
    return found


def soon_after(at: datetime) -> datetime:
    """In UTC: Python adds to a local time by the clock on the wall, and of an hour that comes twice takes the first."""
    return at.astimezone(UTC) + SOON


def _next(clock: Clock, turns: Sequence[Turn], now: datetime) -> datetime | None:
    """When time alone changes the clock: just after its due, or at a turn already foreseen (a pause that runs out)."""
    ahead: list[datetime] = []
    if clock.state is RUNNING and clock.due is not None:
        ahead.append(soon_after(max(clock.due, now)))
    if turns[-1].at > now:
        ahead += [turn.at for turn in turns if turn.at > now]
    return min(ahead, default=None)
