"""The written form of a service calendar: parsing and checking, all problems at once.

Format (docs/calendars.md): timezone, hours, holidays, breaks, shifts, holiday_rule, versions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from connector.domain.calendars.holidays import every_year, known_to, public_holidays
from connector.domain.calendars.reader import Reader
from connector.domain.calendars.windows import DAY, LocalClock, Source, Span, Versions, Weekly, YearRule, micros
from connector.domain.errors import Problem
from connector.domain.problems import Path, Problems, shown
from connector.domain.saying import Saying

KEYS: Final = frozenset({
    "calendar", "description", "timezone", "hours", "holidays", "breaks", "shifts", "holiday_rule", "versions",
    "effective_from",
})
FIRST_DATE: Final = date(1899, 12, 30)
LAST_DATE: Final = date(2300, 1, 2)
"""Closed dates outside, by a day or two more than a calendar answers for, change nothing."""
LONG_CLOSURE: Final = 100
"""Days. Longer than any summer."""
TYPICAL: Final = 2026
"""A calendar must be open some time in the thirty years around it."""
ALWAYS_BEFORE: Final = -(1 << 62)


@dataclass(frozen=True, slots=True)
class Parsed:
    source: Source
    zone: ZoneInfo
    warnings: tuple[Problem, ...]
    known_until: date | None


@dataclass(slots=True)
class _Holidays:
    closed: dict[int, str] = field(default_factory=dict)
    rules: list[YearRule] = field(default_factory=list)
    listed: list[date] = field(default_factory=list)
    endless: bool = False
    """Whether any of them follows a rule: what is listed by date is then taken to be besides."""
    ends: list[date] = field(default_factory=list)
    """Where what is known of public holidays ends."""

    @property
    def known_until(self) -> date | None:
        if self.ends:
            return min(self.ends)
        return None if self.endless or not self.listed else date(max(self.listed).year, 12, 31)


@dataclass(frozen=True, slots=True)
class _Plan:
    """One version of a calendar as read."""

    week: tuple[tuple[Span, ...], ...] = ((),) * 7
    holidays: _Holidays = field(default_factory=_Holidays)
    shifts: dict[int, tuple[Span, ...]] = field(default_factory=dict)
    breaks: dict[int, tuple[Span, ...]] = field(default_factory=dict)
    whole_date: bool = True

    def on(self, clock: LocalClock) -> Weekly:
        return Weekly(clock, self.week, self.shifts, self.holidays.closed, tuple(self.holidays.rules), self.breaks,
                      self.whole_date)


class _Plans(Reader):
    def holidays(self, value: Any, path: Path) -> _Holidays:
        found = _Holidays()
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
        name = self.text(item.get("name", ""), (*path, "name"))
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
                self._closed_from(first, last, name, path, found)
        elif "every" in keys and keys <= {"every", "until"}:
            self._add_rule(lambda: every_year(str(item["every"]), str(item.get("until", item["every"])), name),
                           path, found)
        elif "country" in keys and keys <= {"country", "subdivision", "language", "categories"}:
            if self._add_rule(lambda: public_holidays(item), path, found):
                found.ends.append(known_to(str(item["country"])))
        else:
            self.bad(path, Saying("unknown kind of holiday %(keys)s; expected a date, {date, name}, {from, to, name}, "
                                  "{every: MM-DD, until, name} or {country, subdivision, language}",
                                  keys=sorted(map(str, keys))))

    def _closed_from(self, first: date, last: date, name: str, path: Path, found: _Holidays) -> None:
        days = (last - first).days + 1
        if days > LONG_CLOSURE:
            self.problems.add(path, Saying("closes %(days)s days on end; is the year right?", days=days), "warning")
        for ordinal in range(max(first, FIRST_DATE).toordinal(), min(last, LAST_DATE).toordinal() + 1):
            found.closed[ordinal] = name
        found.listed.append(last)

    def _add_rule(self, make: Callable[[], YearRule], path: Path, found: _Holidays) -> bool:
        try:
            found.rules.append(make())
        except ValueError as error:
            self.bad(path, str(error))
            return False
        found.endless = True
        return True

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
                self.bad(where, Saying("%(value)s is not a break; expected {date, from, to}", value=shown(item)))
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

    def plan(self, data: Mapping[str, Any], prefix: Path = (), base: _Plan | None = None) -> _Plan:
        """What `data` says; where it says nothing, what `base` says."""
        for key in data:
            if key not in KEYS:
                self.bad((*prefix, key), Saying("is unknown; expected one of %(names)s", names=", ".join(sorted(KEYS))))

        def part(key: str, read: Callable[[Any, Path], Any], inherited: Any, otherwise: Any = None) -> Any:
            if base is not None and key not in data:
                return inherited
            return read(data.get(key, otherwise), (*prefix, key))

        old, before = base or _Plan(), len(self.problems.errors)
        plan = _Plan(
            part("hours", self.week, old.week, {}), part("holidays", self.holidays, old.holidays),
            part("shifts", self.shifts, old.shifts), part("breaks", self.breaks, old.breaks),
            part("holiday_rule", self.rule, old.whole_date, "date"),
        )
        if len(self.problems.errors) == before:
            self._remarks(plan, prefix)
        return plan

    def rule(self, value: Any, path: Path) -> bool:
        if value not in ("date", "shift"):
            self.bad(path, Saying("%(value)s is unknown; expected date or shift", value=shown(value)))
        return bool(value == "date")

    def _remarks(self, plan: _Plan, prefix: Path) -> None:
        if not any(plan.week) and not any(plan.shifts.values()):
            self.bad((*prefix, "hours"), "this calendar is never open; give at least one window")
        for ordinal, spans in sorted(plan.shifts.items()):
            where = (*prefix, "shifts", date.fromordinal(ordinal).isoformat())
            if ordinal in plan.holidays.closed:
                self.problems.add(where, Saying("is also listed as a holiday, and stays closed"), "warning")
            before, after = (plan.shifts.get(day, plan.week[(day - 1) % 7]) for day in (ordinal - 1, ordinal + 1))
            if _past_midnight(before, spans) or _past_midnight(spans, after):
                self.problems.add(where, Saying("overlaps a window of the date before or after; the time counts once"),
                                  "warning")

    def opens(self, plan: Weekly, prefix: Path) -> None:
        """Refuses windows that holidays and closures leave nothing of, as far as anybody plans."""
        if plan.windows(micros(datetime(TYPICAL, 3, 1, tzinfo=UTC)), micros(datetime(TYPICAL, 3, 15, tzinfo=UTC))):
            return  # as nearly all do
        dated = (date.fromordinal(ordinal) for ordinal in plan.dated)
        years = (*range(TYPICAL, TYPICAL + 30), *range(TYPICAL - 30, TYPICAL),
                 *(day.year for day in dated if FIRST_DATE < day < LAST_DATE))
        for year in dict.fromkeys(years):
            if plan.windows(micros(datetime(year, 1, 1, tzinfo=UTC)), micros(datetime(year + 1, 1, 1, tzinfo=UTC))):
                return
        self.bad((*prefix, "holidays"), "leave no day open: this calendar is never open")


def _past_midnight(day: tuple[Span, ...], following: tuple[Span, ...]) -> bool:
    """Whether the last window of a day runs into the first of the next."""
    return bool(day) and bool(following) and day[-1][1] - DAY > following[0][0]


def parse(data: Any, problems: Problems) -> Parsed:
    """Raises ConfigError with every problem found."""
    if not isinstance(data, Mapping):
        problems.add((), Saying("%(value)s is not a calendar; expected a table with timezone and hours",
                                value=shown(data)))
        problems.stop()
        data = {}
    reader = _Plans(problems)
    for key in ("calendar", "description"):
        if data.get(key) is not None:
            reader.text(data[key], (key,))
    zone = reader.zone(data)
    clock = LocalClock(zone)
    plans = [reader.plan({key: value for key, value in data.items() if key not in ("versions", "effective_from")})]
    starts = [_start_of(reader, data, clock, ()) if "effective_from" in data else ALWAYS_BEFORE]
    versions = data.get("versions") or ()
    if not isinstance(versions, (list, tuple)):
        reader.bad(("versions",), "is not a list; expected [{effective_from, hours, ...}, ...]")
        versions = ()
    for i, version in enumerate(versions):
        prefix: Path = ("versions", i)
        if not isinstance(version, Mapping) or "effective_from" not in version:
            reader.bad(prefix, "needs effective_from and what changes then")
            continue
        for key in ("timezone", "versions"):
            if key in version:
                reader.bad((*prefix, key), "cannot change between versions: it belongs to the calendar")
        plans.append(reader.plan(version, prefix, plans[0]))
        starts.append(_start_of(reader, version, clock, prefix))
        if starts[-1] <= starts[-2]:
            reader.bad((*prefix, "effective_from"), "is not later than the version before it")
    weeks = [plan.on(clock) for plan in plans]
    if not problems.errors:
        for i, week in enumerate(weeks):
            reader.opens(week, ("versions", i - 1) if i else ())
    problems.stop()
    return Parsed(Versions(tuple(starts), tuple(weeks)), zone, tuple(problems.found), plans[-1].holidays.known_until)


def horizon_problem(known_until: date | None, due: date, path: str = "") -> Problem | None:
    """A warning when a due date lies beyond the last year whose holidays are known."""
    if known_until is None or due <= known_until:
        return None
    return Problem(Saying("holidays are known until %(until)s only, and %(due)s lies beyond: add the next year's",
                          until=known_until, due=due),
                   path=path or "holidays", severity="warning")


def _start_of(reader: _Plans, data: Mapping[str, Any], clock: LocalClock, prefix: Path) -> int:
    path = (*prefix, "effective_from")
    day = reader.date(data["effective_from"], path)
    if day and day.year >= 2300:
        reader.bad(path, Saying("%(day)s lies beyond the years 1900 to 2299, for which a calendar answers", day=day))
        return 0
    return clock.instant(day.toordinal(), 0) if day else 0
