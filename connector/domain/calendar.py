"""Service calendars: business time between two instants, and the instant after an amount of business time.

Arithmetic is done on instants (UTC), so a day of 23 or 25 hours counts as what it is. Opening windows are laid out once
for a stretch of years with their running total; every operation is then a binary search, whatever the duration.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from connector.domain.calendars.windows import DAY, EPOCH, MICRO, Both, LocalClock, Source, Versions, Window, micros
from connector.domain.errors import ConnectorError, Problem
from connector.domain.problems import Problems

EARLIEST: Final = micros(datetime(1900, 1, 1, tzinfo=UTC))
LATEST: Final = micros(datetime(2300, 1, 1, tzinfo=UTC))
YEAR: Final = 366 * DAY * MICRO
OUT_OF_RANGE: Final = "a service calendar answers for the years 1900 to 2299 only"


class CalendarError(ConnectorError):
    """A question without answer: a naive time, or no opening before the end of the calendar's range."""


class _Grid:
    """Windows of one stretch with running totals. `total[i]` is the open time before window i; one more ends it."""

    __slots__ = ("_days", "closes", "first", "last", "opens", "total")

    def __init__(self, source: Source, first: int, last: int) -> None:
        windows = source.windows(first, last)
        self.first, self.last = first, last
        self.opens = [opens for opens, _ in windows]
        self.closes = [closes for _, closes in windows]
        total = [0]
        for opens, closes in windows:
            total.append(total[-1] + closes - opens)
        self.total = total
        self._days: list[int] | None = None

    def days(self, clock: LocalClock) -> list[int]:
        """Ordinals of the local dates with any opening, in order; the first and last date of the stretch left out."""
        if self._days is None:
            first, last = clock.ordinal(self.first) + 1, clock.ordinal(self.last) - 1
            found: list[int] = []
            for opens, closes in zip(self.opens, self.closes, strict=True):
                begins = max(first, clock.ordinal(opens), found[-1] + 1 if found else first)
                ends = min(last, clock.ordinal(closes - 1))
                found.extend(day for day in range(begins, ends + 1) if clock.has(day))
            self._days = found
        return self._days

    def passed(self, at: int) -> int:
        """Open time from the start of the stretch to `at`."""
        i = bisect_right(self.opens, at)
        if i == 0:
            return 0
        closes = self.closes[i - 1]
        return self.total[i] if at >= closes else self.total[i] - closes + at


class ServiceCalendar:
    """When a service is provided: windows, holidays, exceptions, one time zone. Immutable and safe to share.

    Inputs are aware datetimes of any zone; results are in the calendar's zone. A naive datetime raises CalendarError.
    """

    __slots__ = ("_clock", "_day", "_grid", "_source", "data", "known_until", "name", "timezone", "warnings")

    def __init__(
        self,
        source: Source,
        zone: ZoneInfo,
        *,
        name: str = "",
        warnings: tuple[Problem, ...] = (),
        known_until: date | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        self._source = source
        self._clock = LocalClock(zone)
        self._day = lru_cache(maxsize=4096)(self._windows_of)
        self._grid: _Grid | None = None
        self.timezone = zone
        self.name = name
        self.warnings = warnings
        self.known_until = known_until
        """Last date up to which the holidays are known; None when they follow rules that do not end."""
        self.data = data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], *, name: str = "", problems: Problems | None = None) -> ServiceCalendar:
        """A calendar from its description (docs/calendars.md). Raises ConfigError with every problem found."""
        from connector.domain.calendars.format import parse

        parsed = parse(data, problems or Problems())
        return cls(parsed.source, parsed.zone, name=name or str(data.get("calendar", "")), warnings=parsed.warnings,
                   known_until=parsed.known_until, data=data)

    def __repr__(self) -> str:
        return f"ServiceCalendar({self.name or '?'}, {self.timezone.key})"

    def __and__(self, other: ServiceCalendar) -> ServiceCalendar:
        """Open when both are (customer hours and supplier hours). Results are in the zone of the left one."""
        if not isinstance(other, ServiceCalendar):
            return NotImplemented
        limits = [known for known in (self.known_until, other.known_until) if known is not None]
        return ServiceCalendar(
            Both(self._source, other._source), self.timezone, name=f"{self.name} & {other.name}",
            warnings=self.warnings + other.warnings, known_until=min(limits, default=None),
        )

    def add(self, start: datetime, duration: timedelta) -> datetime:
        """The instant at which `duration` of business time has passed since `start`.

        Zero gives the first open instant at or after `start`. A result that falls on a closing instant is that closing
        instant. A negative duration counts backwards: the last instant from which |duration| passes until `start`.
        """
        at = self._micros(start)
        try:
            amount = (duration.days * DAY + duration.seconds) * MICRO + duration.microseconds
        except AttributeError:
            raise CalendarError(f"{duration!r} is not a timedelta") from None
        return self._datetime(self.add_micros(at, amount))

    def elapsed(self, start: datetime, end: datetime) -> timedelta:
        """Business time between two instants; negative when `end` is before `start`."""
        return timedelta(microseconds=self.elapsed_micros(self._micros(start), self._micros(end)))

    def is_open(self, at: datetime) -> bool:
        """Windows are half-open: open at the opening instant, closed at the closing instant."""
        instant = self._micros(at)
        grid = self._covering(instant, instant)
        i = bisect_right(grid.opens, instant)
        return i > 0 and instant < grid.closes[i - 1]

    def windows(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Opening windows between two instants, in order, cut to them; windows that touch are one."""
        first, last = self._micros(start), self._micros(end)
        return ((self._datetime(opens), self._datetime(closes)) for opens, closes in self.windows_micros(first, last))

    def add_days(self, start: datetime, n: int, end_of_day: bool = False) -> datetime:
        """`n` working days later, at the same local time, or at the end of that day.

        A working day is a local date with any opening. The day of `start` is day zero; when it is not a working day,
        day zero is the next one and counts from its opening (backwards: the one before, from its closing). Where the
        same local time is not within opening hours, the closing before it on that date counts, else its opening.
        """
        at = self._micros(start)
        if not isinstance(n, int) or isinstance(n, bool):
            raise CalendarError(f"{n!r} is not a number of working days")
        ordinal = self._clock.ordinal(at)
        zero = self._working_day(ordinal, 0 if n >= 0 else -1, nearest=True)
        if zero != ordinal:
            day = self._day(zero)
            at = day[0][0] if n >= 0 else day[-1][1]
        local = self._datetime(at)
        seconds = local.hour * 3600 + local.minute * 60 + local.second + (local.toordinal() - zero) * DAY
        target = zero if n == 0 else self._working_day(zero, n)
        day = self._day(target)
        if end_of_day:
            return self._datetime(day[-1][1])
        if n:
            at = self._clock.instant(target, seconds) + local.microsecond
        return self._datetime(_within(day, at))

    def closures(self, start: datetime, end: datetime) -> Iterator[tuple[date, str]]:
        """Holidays and other closed dates touched by [start, end), with their names."""
        first, last = self._micros(start), self._micros(end)
        dates = range(self._clock.ordinal(first), self._clock.ordinal(max(first, last - 1)) + 1)
        named = ((ordinal, _closure(self._source, self._clock, ordinal)) for ordinal in dates)
        return ((date.fromordinal(ordinal), name) for ordinal, name in named if name is not None)

    def add_micros(self, at: int, amount: int) -> int:
        """`add` on microseconds since the epoch."""
        grid = self._grid
        if grid is None or not grid.first <= at < grid.last:
            grid = self._covering(at, at)
        if amount > 0:
            while True:
                wanted = grid.passed(at) + amount
                if wanted <= grid.total[-1]:
                    i = bisect_left(grid.total, wanted)
                    return grid.closes[i - 1] - (grid.total[i] - wanted)
                grid = self._longer(grid, forward=True)
        if amount < 0:
            while True:
                wanted = grid.passed(at) + amount
                if wanted >= 0 and grid.opens:
                    i = bisect_right(grid.total, wanted) - 1
                    return grid.opens[i] + wanted - grid.total[i]
                grid = self._longer(grid, forward=False)
        while True:
            i = bisect_right(grid.opens, at)
            if i and at < grid.closes[i - 1]:
                return at
            if i < len(grid.opens):
                return grid.opens[i]
            grid = self._longer(grid, forward=True)

    def elapsed_micros(self, start: int, end: int) -> int:
        """`elapsed` on microseconds since the epoch."""
        grid = self._grid
        if grid is None or not (grid.first <= start < grid.last and grid.first <= end < grid.last):
            grid = self._covering(min(start, end), max(start, end))
        return grid.passed(end) - grid.passed(start)

    def windows_micros(self, first: int, last: int) -> Iterator[Window]:
        if first >= last:
            return
        grid = self._covering(first, last)
        i = max(0, bisect_right(grid.opens, first) - 1)
        while i < len(grid.opens) and grid.opens[i] < last:
            if grid.closes[i] > first:
                yield max(grid.opens[i], first), min(grid.closes[i], last)
            i += 1

    def grid(self, first: int, last: int) -> tuple[list[int], list[int], list[int]]:
        """Openings, closings and running total (one more) of a stretch that covers [first, last], for batch work."""
        grid = self._covering(first, last)
        return grid.opens, grid.closes, grid.total

    def _micros(self, at: datetime) -> int:
        try:
            passed = at - EPOCH
        except TypeError:
            raise CalendarError(f"{at!r} has no time zone: give an aware datetime") from None
        instant = (passed.days * DAY + passed.seconds) * MICRO + passed.microseconds
        if not EARLIEST <= instant < LATEST:
            raise CalendarError(OUT_OF_RANGE)
        return instant

    def _datetime(self, at: int) -> datetime:
        whole = datetime.fromtimestamp(at // MICRO, self.timezone)
        return whole.replace(microsecond=at % MICRO) if at % MICRO else whole

    def _covering(self, first: int, last: int) -> _Grid:
        """A grid with [first, last] strictly inside. Replaced whole, so that other threads see an old or a new one."""
        grid = self._grid
        if grid is not None and grid.first <= first and last < grid.last:
            return grid
        if first < EARLIEST or last >= LATEST:
            raise CalendarError(OUT_OF_RANGE)
        begins, ends = first - YEAR, last + 2 * YEAR
        if grid is not None:
            begins, ends = min(begins, grid.first), max(ends, grid.last)
        return self._lay_out(begins, ends)

    def _longer(self, grid: _Grid, forward: bool) -> _Grid:
        if grid.last >= LATEST if forward else grid.first <= EARLIEST:
            raise CalendarError(f"{self!r} has no more opening hours; it answers for the years 1900 to 2299")
        length = grid.last - grid.first
        return self._lay_out(grid.first - (0 if forward else length), grid.last + (length if forward else 0))

    def _lay_out(self, first: int, last: int) -> _Grid:
        self._grid = grid = _Grid(self._source, max(first, EARLIEST), min(last, LATEST))
        return grid

    def _windows_of(self, ordinal: int) -> list[Window]:
        """The windows of one local date, cut at its midnights."""
        return list(self.windows_micros(self._clock.instant(ordinal, 0), self._clock.instant(ordinal + 1, 0)))

    def _working_day(self, ordinal: int, n: int, *, nearest: bool = False) -> int:
        """The date `n` working days from one that is a working day.

        With `nearest`, the working day at or after `ordinal` (n = 0), or at or before it (n = -1).
        """
        grid = self._covering(*[self._clock.instant(ordinal, 0)] * 2)
        while True:
            days = grid.days(self._clock)
            i = bisect_left(days, ordinal)
            i += n if not nearest or i == len(days) or days[i] != ordinal else 0
            if 0 <= i < len(days):
                return days[i]
            grid = self._longer(grid, forward=n >= 0)


def _within(day: list[Window], at: int) -> int:
    """`at` if open then or closing then, else the last closing before it, else the first opening."""
    if at <= day[0][0]:
        return day[0][0]
    for opens, closes in reversed(day):
        if at >= opens:
            return min(at, closes)
    return day[0][0]


def _closure(source: Source, clock: LocalClock, ordinal: int) -> str | None:
    if isinstance(source, Both):
        left = _closure(source.left, clock, ordinal)
        return left if left is not None else _closure(source.right, clock, ordinal)
    if isinstance(source, Versions):
        return source.at(clock.instant(ordinal, 0)).closure(ordinal)
    return None
