"""The time a ladder climbs in: that of a running clock, or that of a calendar; and the moments of a clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Protocol

from connector.domain.agreements.clock import Clock, Mode, Stretch
from connector.domain.agreements.engine import soon_after
from connector.domain.calendar import ServiceCalendar
from connector.domain.escalations.rules import Base, Hours, OnClock

NOTHING = timedelta(0)


class Course(Protocol):
    """`add` gives None where the moment is not known: the clock does not run that far. `since` says from when it has
    been running without a break until now, None when it does not run now."""

    since: datetime | None

    def add(self, at: datetime, wait: timedelta, hours: Hours) -> datetime | None: ...
    def ran(self, at: datetime) -> bool:
        """Whether it ran at a moment of the past."""
        ...


class ClockCourse:
    """Business time is time in which the clock runs: nothing passes while it is paused."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.runs = [line for line in clock.ledger if line.mode is Mode.RUN]
        self.goes_on = clock.open and bool(clock.ledger) and clock.ledger[-1].mode is Mode.RUN
        self.since = self._since() if self.goes_on else None

    def _since(self) -> datetime:
        since = self.clock.ledger[-1].start
        for line in reversed(self.clock.ledger):
            if line.mode is not Mode.RUN:
                break
            since = line.start
        return since

    def add(self, at: datetime, wait: timedelta, hours: Hours) -> datetime | None:
        if hours is Hours.WALL:
            return at + wait
        left = wait
        last: Stretch | None = None
        for last in self.runs:
            if last.end < at:
                continue
            begin = max(last.start, at)
            here = last.business if begin == last.start else last.plan.calendar.elapsed(begin, last.end)
            if here >= left and (left or last.end > begin):
                return last.plan.calendar.add(begin, left)
            left -= here
        if last is None or not self.goes_on:
            return None
        return last.plan.calendar.add(max(last.end, at), left)


    def ran(self, at: datetime) -> bool:
        return any(line.start <= at < line.end for line in self.runs)


class CalendarCourse:
    """For what is no clock: business time of a calendar (None: all time), from `since` on without a break."""

    def __init__(self, calendar: ServiceCalendar | None, since: datetime | None) -> None:
        self.calendar, self.since = calendar, since

    def add(self, at: datetime, wait: timedelta, hours: Hours) -> datetime | None:
        if hours is Hours.WALL or self.calendar is None:
            return at + wait
        return self.calendar.add(at, wait)

    def ran(self, at: datetime) -> bool:
        return self.since is not None and at >= self.since


def moment(course: ClockCourse, trigger: OnClock) -> datetime | None:
    """When a clock comes, or came, to what a trigger waits for; None while that is not known (a pause).

    So much before due is counted in the time the clock runs, so that nights, weekends and pauses are left out, and is
    the start where the target is shorter than that. Just after due is where a breach begins.
    """
    clock = course.clock
    if trigger.share is not None:
        return clock.at_share(trigger.share)
    if trigger.base is Base.START:
        return _after(course, clock.start, trigger) if trigger.sign else clock.start
    due = clock.breached_at or clock.due
    if not trigger.sign:
        return due if due is None or trigger.base is Base.DUE else soon_after(due)
    if trigger.sign > 0:
        return None if due is None else _after(course, due, trigger)
    return _before(course, due, trigger)


def _calendar(clock: Clock) -> ServiceCalendar | None:
    return clock.ledger[-1].plan.calendar if clock.ledger else None


def _after(course: ClockCourse, at: datetime, trigger: OnClock) -> datetime | None:
    days, calendar = trigger.offset.working_days, _calendar(course.clock)
    if days is not None:
        return None if calendar is None else calendar.add_days(at, days)
    return course.add(at, trigger.offset.time, trigger.hours)


def _before(course: ClockCourse, due: datetime | None, trigger: OnClock) -> datetime | None:
    clock, calendar = course.clock, _calendar(course.clock)
    days = trigger.offset.working_days
    if trigger.hours is Hours.WALL or days is not None or clock.fixed is not None:
        due = clock.fixed or due
        if due is None or calendar is None:
            return None
        if days is not None:
            return max(clock.start, calendar.add_days(due, -days))
        wall = trigger.hours is Hours.WALL
        return max(clock.start, due - trigger.offset.time if wall else calendar.add(due, -trigger.offset.time))
    used = max(NOTHING, clock.target - trigger.offset.time)
    return course.add(clock.start, used, Hours.BUSINESS)


def after(subject: str, at: datetime, length: Any, calendar: ServiceCalendar | None, trigger: Any,
          since: datetime) -> Iterator[tuple[str, datetime, datetime]]:
    """A moment so long after another."""
    if not trigger.amount.text:
        yield subject, at, since
    elif calendar is None or trigger.hours == "wall":
        yield subject, at + trigger.amount.time, since
    else:
        yield subject, calendar.add(at, length(at, calendar)), since
