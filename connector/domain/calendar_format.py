"""The written form of a service calendar: parsing and checking, all problems at once.

Format (docs/calendars.md): timezone, hours, holidays, breaks, shifts, holiday_rule, versions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo, available_timezones

from connector.domain.errors import Problem
from connector.domain.holidays import every_year, public_holidays
from connector.domain.problems import Path, Problems
from connector.domain.windows import DAY, LocalClock, Source, Span, Versions, Weekly, YearRule

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
KEYS: Final = frozenset({
    "calendar", "description", "timezone", "hours", "holidays", "breaks", "shifts", "holiday_rule", "versions",
    "effective_from",
})
_TIME: Final = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)(?::([0-5]\d))?")
_ALWAYS: Final = ("24x7", "always")


def is_zone(name: Any) -> bool:
    """Whether this is the name of a zone of the IANA database."""
    return isinstance(name, str) and name in _zones()


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


@dataclass(frozen=True, slots=True)
class Parsed:
    source: Source
    zone: ZoneInfo
    warnings: tuple[Problem, ...]
    known_until: date | None


@dataclass(slots=True)
class _Holidays:
    closed: dict[int, str]
    rules: list[YearRule]
    listed: list[date]
    endless: bool


class _Reader:
    """Collects problems while it reads, so that all of them can be told together."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems

    def bad(self, path: Path, message: str) -> None:
        self.problems.add(path, message)

    def zone(self, data: Mapping[str, Any]) -> ZoneInfo:
        name = data.get("timezone")
        if name is None:
            self.bad(("timezone",), "is required: an IANA time zone such as Europe/Zurich")
        elif not is_zone(name):
            self.bad(("timezone",), f"{name!r} is not a known time zone; expected an IANA name such as Europe/Zurich")
        else:
            return ZoneInfo(name)
        return ZoneInfo("UTC")

    def time(self, value: Any, path: Path) -> int | None:
        match = _TIME.fullmatch(value) if isinstance(value, str) else None
        if match:
            hours, minutes, seconds = int(match[1]), int(match[2]), int(match[3] or 0)
            total = hours * 3600 + minutes * 60 + seconds
            if total <= DAY:
                return total
        self.bad(path, f"{value!r} is not a time of day; expected HH:MM or HH:MM:SS between 00:00 and 24:00")
        return None

    def date(self, value: Any, path: Path) -> date | None:
        if isinstance(value, date):
            return date(value.year, value.month, value.day)
        try:
            if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
                return date.fromisoformat(value)
        except ValueError:
            pass
        self.bad(path, f"{value!r} is not a date; expected YYYY-MM-DD")
        return None

    def spans(self, value: Any, path: Path) -> tuple[Span, ...]:
        """Windows of one date, in order, touching ones joined."""
        if not isinstance(value, (list, tuple)):
            self.bad(path, f"{value!r} is not a list of windows; expected [[\"08:00\", \"17:00\"], ...]")
            return ()
        found: list[tuple[int, int, Path]] = []
        for i, item in enumerate(value):
            where = (*path, i)
            if not isinstance(item, (list, tuple)) or len(item) != 2:
                self.bad(where, f"{item!r} is not a window; expected [\"08:00\", \"17:00\"]")
                continue
            opens, closes = self.time(item[0], where), self.time(item[1], where)
            if opens is None or closes is None:
                continue
            if opens in (closes, DAY):
                self.bad(where, f"{list(item)} is an empty window; a whole day is [\"00:00\", \"24:00\"]")
                continue
            found.append((opens, closes if closes > opens else closes + DAY, where))
        found.sort()
        joined: list[Span] = []
        for opens, closes, where in found:
            if joined and opens < joined[-1][1]:
                self.bad(where, "overlaps another window of the same day")
            elif joined and opens == joined[-1][1]:
                joined[-1] = (joined[-1][0], closes)
            else:
                joined.append((opens, closes))
        return tuple(joined)

    def week(self, value: Any, path: Path) -> tuple[tuple[Span, ...], ...]:
        if isinstance(value, str) and value in _ALWAYS:
            return (((0, DAY),),) * 7
        week: list[tuple[Span, ...]] = [()] * 7
        if not isinstance(value, Mapping):
            self.bad(path, f"{value!r} is not a week; expected mon..sun with windows, or 24x7")
            return tuple(week)
        given: set[int] = set()
        for key, windows in value.items():
            where = (*path, key)
            days = _days(str(key))
            if not days:
                self.bad(where, f"{key!r} is not a weekday; expected mon to sun or a range like mon-fri")
                continue
            spans = self.spans(windows, where)
            for day in days:
                if day in given:
                    self.bad(where, f"{WEEKDAYS[day]} is given twice")
                given.add(day)
                week[day] = spans
        for day in range(7):
            following = week[(day + 1) % 7]
            if week[day] and following and week[day][-1][1] - DAY > following[0][0]:
                self.bad((*path, WEEKDAYS[day]), f"runs past midnight into a window of {WEEKDAYS[(day + 1) % 7]}")
        return tuple(week)

    def holidays(self, value: Any, path: Path) -> _Holidays:
        found = _Holidays({}, [], [], False)
        if value is None:
            return found
        if not isinstance(value, (list, tuple)):
            self.bad(path, "is not a list; expected dates, {date, name}, {from, to}, {every} or {country, subdivision}")
            return found
        for i, item in enumerate(value):
            self._holiday(item, (*path, i), found)
        return found

    def _holiday(self, item: Any, path: Path, found: _Holidays) -> None:
        if not isinstance(item, Mapping):
            day = self.date(item, path)
            if day:
                found.closed[day.toordinal()] = ""
                found.listed.append(day)
            return
        name = str(item.get("name", ""))
        keys = set(item) - {"name"}
        if keys == {"date"}:
            day = self.date(item["date"], (*path, "date"))
            if day:
                found.closed[day.toordinal()] = name
                found.listed.append(day)
        elif keys == {"from", "to"}:
            first, last = self.date(item["from"], (*path, "from")), self.date(item["to"], (*path, "to"))
            if first and last and first > last:
                self.bad(path, "ends before it begins")
            elif first and last:
                for ordinal in range(first.toordinal(), last.toordinal() + 1):
                    found.closed[ordinal] = name
                found.listed.append(last)
        elif "every" in keys and keys <= {"every", "until"}:
            self._add_rule(lambda: every_year(str(item["every"]), str(item.get("until", item["every"])), name),
                           path, found)
        elif "country" in keys and keys <= {"country", "subdivision", "language", "categories"}:
            self._add_rule(lambda: public_holidays(item), path, found)
        else:
            self.bad(path, f"unknown kind of holiday {sorted(map(str, keys))}; expected a date, {{date, name}}, "
                           "{from, to, name}, {every: MM-DD, until, name} or {country, subdivision, language}")

    def _add_rule(self, make: Callable[[], YearRule], path: Path, found: _Holidays) -> None:
        try:
            found.rules.append(make())
            found.endless = True
        except ValueError as error:
            self.bad(path, str(error))

    def breaks(self, value: Any, path: Path) -> dict[int, tuple[Span, ...]]:
        found: dict[int, tuple[Span, ...]] = {}
        if value is None:
            return found
        if not isinstance(value, (list, tuple)):
            self.bad(path, "is not a list; expected [{date, from, to}, ...]")
            return found
        for i, item in enumerate(value):
            where = (*path, i)
            keys = set(item) if isinstance(item, Mapping) else set()
            if keys - {"name"} != {"date", "from", "to"}:
                self.bad(where, f"{item!r} is not a break; expected {{date, from, to}}")
                continue
            day = self.date(item["date"], (*where, "date"))
            spans = self.spans([[item["from"], item["to"]]], where)
            if day and spans:
                found[day.toordinal()] = found.get(day.toordinal(), ()) + spans
        return found

    def shifts(self, value: Any, path: Path) -> dict[int, tuple[Span, ...]]:
        found: dict[int, tuple[Span, ...]] = {}
        if value is None:
            return found
        if not isinstance(value, Mapping):
            self.bad(path, "is not a table; expected dates with their windows")
            return found
        for key, windows in value.items():
            where = (*path, key)
            day = self.date(key, where)
            spans = self.spans(windows, where)
            if day:
                found[day.toordinal()] = spans
        return found

    def plan(self, data: Mapping[str, Any], clock: LocalClock, prefix: Path = ()) -> tuple[Weekly, _Holidays]:
        for key in data:
            if key not in KEYS:
                self.bad((*prefix, key), f"is unknown; expected one of {', '.join(sorted(KEYS))}")
        week = self.week(data.get("hours", {}), (*prefix, "hours"))
        holidays = self.holidays(data.get("holidays"), (*prefix, "holidays"))
        shifts = self.shifts(data.get("shifts"), (*prefix, "shifts"))
        breaks = self.breaks(data.get("breaks"), (*prefix, "breaks"))
        rule = data.get("holiday_rule", "date")
        if rule not in ("date", "shift"):
            self.bad((*prefix, "holiday_rule"), f"{rule!r} is unknown; expected date or shift")
        if not any(week) and not any(shifts.values()):
            self.bad((*prefix, "hours"), "this calendar is never open; give at least one window")
        for ordinal in sorted(shifts.keys() & holidays.closed.keys()):
            day = (*prefix, "shifts", date.fromordinal(ordinal).isoformat())
            self.problems.add(day, "is also listed as a holiday, and stays closed", "warning")
        return Weekly(clock, week, shifts, holidays.closed, tuple(holidays.rules), breaks, rule == "date"), holidays


def parse(data: Any, problems: Problems) -> Parsed:
    """Raises ConfigError with every problem found."""
    if not isinstance(data, Mapping):
        problems.add((), f"{data!r} is not a calendar; expected a table with timezone and hours")
        problems.stop()
        data = {}
    reader = _Reader(problems)
    zone = reader.zone(data)
    clock = LocalClock(zone)
    base = {key: value for key, value in data.items() if key not in ("versions", "effective_from")}
    first, holidays = reader.plan(base, clock)
    plans, starts = [first], [_start_of(reader, data, clock, ()) if "effective_from" in data else 0]
    versions = data.get("versions") or ()
    if not isinstance(versions, (list, tuple)):
        reader.bad(("versions",), "is not a list; expected [{effective_from, hours, ...}, ...]")
        versions = ()
    for i, version in enumerate(versions):
        prefix: Path = ("versions", i)
        if not isinstance(version, Mapping) or "effective_from" not in version:
            reader.bad(prefix, "needs effective_from and what changes then")
            continue
        if "timezone" in version:
            reader.bad((*prefix, "timezone"), "cannot change between versions: a calendar has one zone")
        plan, holidays = reader.plan({**base, **version}, clock, prefix)
        start = _start_of(reader, version, clock, prefix)
        if len(starts) > 1 and start <= starts[-1]:
            reader.bad((*prefix, "effective_from"), "is not later than the version before it")
        plans.append(plan)
        starts.append(start)
    problems.stop()
    known = None if holidays.endless or not holidays.listed else date(max(holidays.listed).year, 12, 31)
    return Parsed(Versions(tuple(starts), tuple(plans)), zone, tuple(problems.found), known)


def horizon_problem(known_until: date | None, due: date, path: str = "") -> Problem | None:
    """A warning when a due date lies beyond the last year whose holidays are known."""
    if known_until is None or due <= known_until:
        return None
    return Problem(f"holidays are known until {known_until} only, and {due} lies beyond: add the next year's",
                   path=path or "holidays", severity="warning")


def _start_of(reader: _Reader, data: Mapping[str, Any], clock: LocalClock, prefix: Path) -> int:
    path = (*prefix, "effective_from")
    day = reader.date(data["effective_from"], path)
    if day and day.year >= 2300:
        reader.bad(path, f"{day} lies beyond the years 1900 to 2299, for which a calendar answers")
        return 0
    return clock.instant(day.toordinal(), 0) if day else 0


def _days(key: str) -> Sequence[int]:
    if key in WEEKDAYS:
        return (WEEKDAYS.index(key),)
    first, dash, last = key.partition("-")
    if dash and first in WEEKDAYS and last in WEEKDAYS and WEEKDAYS.index(first) < WEEKDAYS.index(last):
        return range(WEEKDAYS.index(first), WEEKDAYS.index(last) + 1)
    return ()


