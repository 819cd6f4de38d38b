"""Promises inside promises: an OLA or a supplier's contract must fit inside the SLA it serves.

Both due times are computed for starts spread over a whole year, each on its own calendar: the inner one must never fall
after the outer one. What cannot fit whatever the start is an error, what fits for some starts only is a warning.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from connector.domain.agreements.durations import Amount
from connector.domain.agreements.profile import Profile, Target, TargetName
from connector.domain.agreements.registry import Registry
from connector.domain.calendar import CalendarError
from connector.domain.errors import Problem
from connector.domain.saying import Saying
from connector.domain.ticket import PRIORITIES

YEAR: Final = 2026
STAMP: Final = "%Y-%m-%d %H:%M %Z"
STEP: Final = timedelta(hours=7)
"""Coprime to the day and the week: the starts visit every hour of every weekday."""


def nesting_problems(registry: Registry) -> list[Problem]:
    """What `nests` promises and does not hold, for every outer profile, target and priority."""
    by_name = {profile.name: profile for profile in registry.profiles}
    return [
        problem
        for outer in registry.profiles
        for name in outer.nests
        if (inner := by_name.get(name)) is not None
        for problem in _pair(outer, inner, registry)
    ]


def _pair(outer: Profile, inner: Profile, registry: Registry) -> Iterator[Problem]:
    targets = {target.name: target for target in outer.targets}
    for target in inner.targets:
        around = targets.get(target.name)
        repeated = target.name in (TargetName.UPDATE, TargetName.NEXT_RESPONSE)
        if around is None or repeated or not inner.on_tickets(target.name):
            continue
        for priority in PRIORITIES:
            problem = _one(outer, around, inner, target, priority, registry)
            if problem is not None:
                yield problem


def _one(
    outer: Profile, around: Target, inner: Profile, target: Target, priority: str, registry: Registry
) -> Problem | None:
    promised, needed = around.amount(priority), target.amount(priority)
    if promised is None or needed is None:
        return None
    late: list[tuple[datetime, datetime, datetime]] = []
    count = 0
    start = datetime(YEAR, 1, 1, tzinfo=UTC)
    while start.year == YEAR:
        limit, due = _due(outer, promised, start, registry), _due(inner, needed, start, registry)
        if limit is None or due is None:
            return None
        count += 1
        if due > limit:
            late.append((start, due, limit))
        start += STEP
    if not late:
        return None
    start, due, limit = max(late, key=lambda one: one[1] - one[2])
    return Problem(
        Saying("%(target)s %(priority)s of `%(inner)s` (%(needed)s) ends after that of `%(outer)s` (%(promised)s) "
               "for %(late)s of %(count)s starts of %(year)s: a start at %(start)s is due %(due)s, the outer promise "
               "%(limit)s", target=target.name, priority=priority, inner=inner.name, needed=needed, outer=outer.name,
               promised=promised, late=len(late), count=count, year=YEAR, start=f"{start:{STAMP}}",
               due=f"{due:{STAMP}}", limit=f"{limit:{STAMP}}"),
        outer.file, path="nests", severity="error" if len(late) == count else "warning",
    )


def _due(profile: Profile, amount: Amount, start: datetime, registry: Registry) -> datetime | None:
    try:
        calendar = registry.hours(profile, {}, amount.calendar).calendar
        return calendar.add(start, amount.from_start(start, calendar))
    except CalendarError:
        return None
