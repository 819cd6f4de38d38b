"""Where opening windows come from: instants in microseconds since the epoch, never local clock arithmetic.

A source answers "which windows between these two instants". Sources compose: a weekly plan, a plan that changes on a
date, the overlap of two plans.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final, Protocol
from zoneinfo import ZoneInfo

MICRO: Final = 1_000_000
DAY: Final = 86_400
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_DAY: Final = date(1970, 1, 1).toordinal()

Window = tuple[int, int]
"""[open, close) in microseconds since the epoch."""
Span = tuple[int, int]
"""[open, close) in seconds from local midnight; a close past 86,400 is on the next date."""
YearRule = Callable[[int], Mapping[date, str]]
"""Closed dates of a year and their names."""


class Source(Protocol):
    def windows(self, first: int, last: int) -> list[Window]:
        """Windows within [first, last), cut to it, in order, none touching another."""
        ...


def micros(at: datetime) -> int:
    """Microseconds since the epoch of an aware datetime, exact."""
    passed = at - EPOCH
    return (passed.days * DAY + passed.seconds) * MICRO + passed.microseconds


def merge(windows: Iterable[Window]) -> list[Window]:
    """The union: in order, touching or overlapping windows joined, empty ones dropped."""
    joined: list[Window] = []
    for opens, closes in sorted(windows):
        if opens >= closes:
            continue
        if joined and opens <= joined[-1][1]:
            if closes > joined[-1][1]:
                joined[-1] = (joined[-1][0], closes)
        else:
            joined.append((opens, closes))
    return joined


def overlap(left: Sequence[Window], right: Sequence[Window]) -> list[Window]:
    """The parts in both; each side in order and disjoint."""
    both: list[Window] = []
    i = j = 0
    while i < len(left) and j < len(right):
        opens, closes = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if opens < closes:
            both.append((opens, closes))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return both


def without(windows: Sequence[Window], holes: Sequence[Window]) -> list[Window]:
    """Windows minus holes; each in order and disjoint."""
    if not holes:
        return list(windows)
    rest: list[Window] = []
    j = 0
    for opens, closes in windows:
        while j < len(holes) and holes[j][1] <= opens:
            j += 1
        k, at = j, opens
        while k < len(holes) and holes[k][0] < closes:
            if holes[k][0] > at:
                rest.append((at, holes[k][0]))
            at = max(at, holes[k][1])
            k += 1
        if at < closes:
            rest.append((at, closes))
    return rest


class LocalClock:
    """Wall clock readings of one zone to instants, so that readings in order give instants in order.

    A reading that happens twice (clocks set back) is its first occurrence; one that never happens (clocks set forward)
    is the instant of the change. Windows that touch therefore keep touching, and the windows of a day add up to it.
    """

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self._offset = lru_cache(maxsize=4096)(self._midnight_offset)

    def _midnight_offset(self, ordinal: int) -> int:
        offset = datetime.fromordinal(ordinal).replace(tzinfo=self.zone).utcoffset()
        return int((offset or timedelta()).total_seconds())

    def instant(self, ordinal: int, seconds: int) -> int:
        """Microseconds since the epoch of `seconds` after midnight on the date with this proleptic ordinal."""
        ordinal, seconds = ordinal + seconds // DAY, seconds % DAY
        offset = self._offset(ordinal)
        if offset == self._offset(ordinal + 1):
            return ((ordinal - EPOCH_DAY) * DAY + seconds - offset) * MICRO
        return self._near_a_change(ordinal, seconds) * MICRO

    def _near_a_change(self, ordinal: int, seconds: int) -> int:
        reading = datetime.fromordinal(ordinal) + timedelta(seconds=seconds)
        plain = (ordinal - EPOCH_DAY) * DAY + seconds
        first = self._seconds(reading.replace(tzinfo=self.zone).utcoffset())
        second = self._seconds(reading.replace(tzinfo=self.zone, fold=1).utcoffset())
        if first >= second:
            return plain - first
        early, late = plain - second, plain - first
        while late - early > 1:
            middle = (early + late) // 2
            offset = self._seconds(datetime.fromtimestamp(middle, self.zone).utcoffset())
            early, late = (early, middle) if offset == second else (middle, late)
        return late

    @staticmethod
    def _seconds(offset: timedelta | None) -> int:
        return int((offset or timedelta()).total_seconds())

    def has(self, ordinal: int) -> bool:
        """Whether there is such a date: a place that moved across the date line skipped one."""
        return self.instant(ordinal, 0) < self.instant(ordinal + 1, 0)

    def ordinal(self, at: int) -> int:
        """Ordinal of the local date at an instant."""
        return datetime.fromtimestamp(at // MICRO, self.zone).toordinal()


@dataclass(frozen=True)
class Weekly:
    """A week of spans with exceptions: dated spans replace the weekday's, closures and breaks take time out.

    `closed` dates are closed whatever else is said of them; dates from `rules` (public holidays, recurring closures)
    give way to `dated` spans. With `whole_date` a closure takes the local date from midnight to midnight, the tail of
    the evening before included; otherwise it takes the shifts that begin on it, tails included.
    """

    clock: LocalClock
    week: tuple[tuple[Span, ...], ...]
    dated: Mapping[int, tuple[Span, ...]] = field(default_factory=dict)
    closed: Mapping[int, str] = field(default_factory=dict)
    rules: tuple[YearRule, ...] = ()
    breaks: Mapping[int, tuple[Span, ...]] = field(default_factory=dict)
    whole_date: bool = True

    def closure(self, ordinal: int) -> str | None:
        """Name of the closure on a date ("" when it has none), or None when it is an ordinary date."""
        name = self.closed.get(ordinal)
        if name is not None or not self.rules or ordinal in self.dated:
            return name
        day = date.fromordinal(ordinal)
        for rule in self.rules:
            found = rule(day.year).get(day)
            if found is not None:
                return found
        return None

    def windows(self, first: int, last: int) -> list[Window]:
        instant = self.clock.instant
        found: list[Window] = []
        holes: list[Window] = []
        for ordinal in range(self.clock.ordinal(first) - 2, self.clock.ordinal(last) + 2):
            shut = self.closure(ordinal) is not None
            if shut and self.whole_date:
                holes.append((instant(ordinal, 0), instant(ordinal + 1, 0)))
            if not shut or self.whole_date:
                spans = self.dated.get(ordinal)
                for opens, closes in self.week[(ordinal - 1) % 7] if spans is None else spans:
                    found.append((instant(ordinal, opens), instant(ordinal, closes)))
            for opens, closes in self.breaks.get(ordinal, ()):
                holes.append((instant(ordinal, opens), instant(ordinal, closes)))
        return overlap(without(merge(found), merge(holes)), [(first, last)])


@dataclass(frozen=True)
class Versions:
    """Plans that follow one another; `starts[i]` is the instant from which `plans[i]` holds (the first always does)."""

    starts: tuple[int, ...]
    plans: tuple[Weekly, ...]

    def at(self, instant: int) -> Weekly:
        return self.plans[max(0, bisect_right(self.starts, instant) - 1)]

    def windows(self, first: int, last: int) -> list[Window]:
        found: list[Window] = []
        for i, plan in enumerate(self.plans):
            begins = first if i == 0 else max(first, self.starts[i])
            ends = last if i + 1 == len(self.plans) else min(last, self.starts[i + 1])
            if begins < ends:
                found.extend(plan.windows(begins, ends))
        return merge(found)


@dataclass(frozen=True)
class Both:
    """Open only when both are."""

    left: Source
    right: Source

    def windows(self, first: int, last: int) -> list[Window]:
        return overlap(self.left.windows(first, last), self.right.windows(first, last))
