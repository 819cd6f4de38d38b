"""What a person who writes agreements should know, though nothing is wrong: warnings, not errors."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from connector.domain.agreements.durations import Amount
from connector.domain.agreements.profile import Profile, Target
from connector.domain.agreements.registry import Registry
from connector.domain.calendar import CalendarError, ServiceCalendar
from connector.domain.calendars.format import horizon_problem
from connector.domain.errors import Problem
from connector.domain.saying import Saying


def day_problems(registry: Registry) -> list[Problem]:
    """Targets in days or weeks of 24 hours on a calendar that is not always open: three days where one is expected."""
    return [
        Problem(Saying("`%(amount)s`: a day is 24 hours of `%(calendar)s`, which is not open around the clock; "
                       "for working days write `%(days)s working days`",
                       amount=amount, calendar=name, days=amount.time.days),
                profile.file, path=f"targets.{target.name}", severity="warning")
        for profile, target, amount, name, calendar in _targets(registry)
        if amount.says_days and not always_open(calendar)
    ]


def horizon_problems(registry: Registry, now: datetime) -> list[Problem]:
    """Targets that, begun now, are due after the last year whose holidays their calendar knows, and calendars that have
    no opening from now on. One per calendar."""
    latest: dict[str, tuple[datetime, ServiceCalendar]] = {}
    over: dict[str, Problem] = {}
    for _, _, amount, name, calendar in _targets(registry):
        try:
            due = calendar.add(now, amount.from_start(now, calendar))
        except CalendarError:
            if not _opens(calendar, now):
                over[name] = Problem("this calendar is never open; give at least one window", path=f"calendar {name}",
                                     severity="warning")
            continue
        if name not in latest or due > latest[name][0]:
            latest[name] = (due, calendar)
    found = (horizon_problem(calendar.known_until, due.date(), f"calendar {name}") for name, (due, calendar)
             in sorted(latest.items()))
    return [*over.values(), *(problem for problem in found if problem is not None)]


def _opens(calendar: ServiceCalendar, now: datetime) -> bool:
    try:
        calendar.add(now, timedelta(0))
    except CalendarError:
        return False
    return True


def always_open(calendar: ServiceCalendar) -> bool:
    return calendar.data is not None and calendar.data.get("hours") in ("24x7", "always")


def _targets(registry: Registry) -> Iterator[tuple[Profile, Target, Amount, str, ServiceCalendar]]:
    """Every amount of every target with every calendar it may be counted on."""
    for profile in registry.profiles:
        chained = _chained(profile, registry)
        for target in profile.targets:
            for amount in dict.fromkeys([*target.amounts.values(), target.otherwise]):
                if amount is not None:
                    for name in [amount.calendar] if amount.calendar else chained:
                        yield profile, target, amount, name, registry.calendar(name)


def _chained(profile: Profile, registry: Registry) -> list[str]:
    """Calendars that the chain of a profile may lead to."""
    entries = [entry for source in profile.calendar.sources for entry in registry.directory.get(source, {}).values()]
    return [profile.calendar.otherwise, *sorted({str(one["calendar"]) for one in entries if one.get("calendar")}
                                                - {profile.calendar.otherwise})]
