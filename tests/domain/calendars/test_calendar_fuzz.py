"""Random written calendars: taken or refused in our own words; and a walk through every second of a night of change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.calendar import CalendarError, ServiceCalendar
from connector.domain.calendars.format import KEYS
from connector.domain.calendars.windows import micros
from connector.domain.errors import ConfigError
from tests.domain.calendars.test_calendar import OFFICE, WEEKDAYS, local, office

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
TIMES = st.sampled_from(["00:00", "8:00", "08:00", "12:00", "24:00", "24:01", "23:59:59", "25:00", "", "8", 8, None])
DATES = st.sampled_from(["2026-03-02", "2026-02-30", "2024-02-29", "0001-01-01", "9999-12-31", "2026-3-2", "", 20260302,
                         None, date(2026, 3, 3)])
SPANS = st.lists(st.lists(TIMES, max_size=3) | TIMES, max_size=3)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | DATES | TIMES
ANY = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SCALARS, inner, max_size=3),
                   max_leaves=6)
DAYS = st.sampled_from([*WEEKDAYS, "mon-fri", "fri-mon", "mon-sun", "monday", "", 1, None])
HOLIDAYS = st.lists(DATES | st.dictionaries(
    st.sampled_from(["date", "name", "from", "to", "every", "until", "country", "subdivision", "language", "ical"]),
    DATES | st.sampled_from(["12-24", "02-29", "CH", "ZH", "US", "de", "XX"]), max_size=4), max_size=3)
PARTS: dict[str, st.SearchStrategy[Any]] = {
    "timezone": st.sampled_from(["UTC", "Europe/Zurich", "Pacific/Apia", "Australia/Lord_Howe", "Mars", "", None]),
    "hours": st.dictionaries(DAYS, SPANS, max_size=4) | st.sampled_from(["24x7", "always", "never"]),
    "holidays": HOLIDAYS,
    "breaks": st.lists(st.fixed_dictionaries({"date": DATES, "from": TIMES, "to": TIMES}), max_size=2),
    "shifts": st.dictionaries(DATES, SPANS, max_size=2),
    "holiday_rule": st.sampled_from(["date", "shift", "maybe"]),
}
VERSIONS = st.lists(st.fixed_dictionaries({"effective_from": DATES}, optional=PARTS), max_size=2)
CALENDARS = st.fixed_dictionaries({}, optional={
    **PARTS, "versions": VERSIONS | ANY, "effective_from": DATES, "other": ANY,
}) | st.dictionaries(st.sampled_from(sorted(KEYS)), ANY, max_size=4)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(CALENDARS | CALENDARS.map(lambda data: {**OFFICE, **data}) | ANY)
def test_any_written_calendar_is_taken_or_refused_with_places(data: Any) -> None:
    try:
        calendar = ServiceCalendar.from_dict(data)
    except ConfigError as error:
        problems = error.problems
    else:
        answered(calendar)
        return
    assert problems
    assert all(problem.message and len(problem.message) < 400 for problem in problems), "values are shown cut"
    assert all(problem.path for problem in problems) or not isinstance(data, dict) or "" in data


def answered(calendar: ServiceCalendar) -> None:
    """Every question has an answer, or that there are no more opening hours."""
    for question in (lambda: calendar.add(NOW, timedelta(hours=30)), lambda: calendar.add(NOW, -timedelta(hours=30)),
                     lambda: calendar.add_days(NOW, 3), lambda: list(calendar.windows(NOW, NOW + timedelta(days=9))),
                     lambda: list(calendar.closures(NOW, NOW + timedelta(days=9))), lambda: calendar & calendar):
        said = "no more opening hours"
        try:
            question()
        except CalendarError as error:
            said = str(error)
        assert "no more opening hours" in said


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.sets(st.sampled_from(["timezone", "hours", "holidays", "breaks", "shifts", "holiday_rule", "zone"]),
               min_size=1))
def test_mistakes_in_several_parts_are_told_together(wrong: set[str]) -> None:
    bad: dict[str, Any] = {
        "timezone": "Mars", "hours": {"mon": [["a", "b"]]}, "holidays": ["x"], "breaks": [{}], "shifts": {"x": []},
        "holiday_rule": "z", "zone": 1}
    with pytest.raises(ConfigError) as caught:
        ServiceCalendar.from_dict({**OFFICE, **{key: bad[key] for key in wrong}})
    assert {problem.path.partition(".")[0] for problem in caught.value.problems} == wrong


def test_what_a_version_takes_over_is_told_once_and_at_its_own_place() -> None:
    with pytest.raises(ConfigError) as caught:
        office(holidays=["x"], versions=[{"effective_from": "2027-01-01", "hours": {"mon": [["a", "b"]]}}])
    assert list(dict.fromkeys(problem.path for problem in caught.value.problems)) == [
        "holidays.0", "versions.0.hours.mon.0"]


@pytest.mark.parametrize("starts", [("2027-01-01", "2027-01-01"), ("2027-01-01", "2026-01-01")])
def test_versions_follow_one_another(starts: tuple[str, str]) -> None:
    with pytest.raises(ConfigError, match=r"versions.1.effective_from: is not later"):
        office(versions=[{"effective_from": start} for start in starts])
    with pytest.raises(ConfigError, match=r"versions.0.effective_from: is not later"):
        office(effective_from=starts[0], versions=[{"effective_from": starts[1]}])


def test_a_version_may_begin_long_ago() -> None:
    old = office(versions=[{"effective_from": "1950-01-01", "hours": {"mon-fri": [["09:00", "10:00"]]}}])
    assert old.elapsed(local(1949, 12, 30), local(1949, 12, 31)) == timedelta(hours=8.5)
    assert old.elapsed(local(1950, 1, 2), local(1950, 1, 3)) == timedelta(hours=1)


def test_a_shift_that_runs_into_the_next_day_is_warned_about_and_counts_once() -> None:
    calendar = office(shifts={"2026-03-02": [["20:00", "09:00"]]})
    assert [problem.path for problem in calendar.warnings] == ["shifts.2026-03-02"]
    assert calendar.elapsed(local(2026, 3, 2, 20), local(2026, 3, 3, 12)) == timedelta(hours=16)


def test_a_closure_of_many_months_is_warned_about() -> None:
    calendar = office(holidays=[{"from": "2026-12-24", "to": "2062-01-02"}])
    assert "closes 12794 days on end; is the year right?" in str(calendar.warnings[0])


def test_questions_are_refused_when_asked_not_when_read() -> None:
    naive = datetime(2026, 3, 2)  # noqa: DTZ001
    for question in (office().windows, office().closures):
        with pytest.raises(CalendarError, match="aware"):
            question(naive, NOW)


@pytest.mark.parametrize(("ask", "what"), [
    (lambda calendar: calendar.add(NOW, 3600), "3600 is not a timedelta"),
    (lambda calendar: calendar.add(NOW, None), "None is not a timedelta"),
    (lambda calendar: calendar.add_days(NOW, 1.5), "1.5 is not a number of working days"),
])
def test_amounts_of_another_type_are_refused(ask: Any, what: str) -> None:
    with pytest.raises(CalendarError, match=what):
        ask(office())


# every second of a night of change

NIGHTS = [("Europe/Zurich", datetime(2026, 3, 28, 23, tzinfo=UTC)), ("Europe/Zurich", datetime(2026, 10, 24, 23,
                                                                                             tzinfo=UTC)),
          ("Australia/Lord_Howe", datetime(2026, 4, 4, 13, tzinfo=UTC)),
          ("Australia/Lord_Howe", datetime(2026, 10, 3, 14, tzinfo=UTC)),
          ("America/St_Johns", datetime(2026, 11, 1, 2, tzinfo=UTC)),
          ("America/Havana", datetime(2026, 3, 8, 3, tzinfo=UTC)),
          ("America/Sao_Paulo", datetime(2018, 11, 4, 1, tzinfo=UTC))]
SECONDS = 4 * 3600


@lru_cache(maxsize=16)
def readings(zone: str, begins: datetime) -> list[tuple[int, int]]:
    """For each second: the local date (ordinal) and the second of that day by which it is judged.

    Of the repeated hour every reading after its first pass is that of the edge it has already passed: nothing opens or
    closes a second time, so the highest reading so far counts.
    """
    tz, found, highest = ZoneInfo(zone), [], (0, 0)
    for second in range(SECONDS):
        at = (begins + timedelta(seconds=second)).astimezone(tz)
        highest = max(highest, (at.toordinal(), at.hour * 3600 + at.minute * 60 + at.second))
        found.append(highest)
    return found


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.sampled_from(NIGHTS), st.lists(st.integers(0, 86_399), min_size=2, max_size=6, unique=True),
       st.integers(0, SECONDS - 1), st.integers(0, SECONDS - 1))
def test_every_second_of_a_night_of_change_counts_once(
    night: tuple[str, datetime], edges: list[int], a: int, b: int
) -> None:
    zone, begins = night
    edges = sorted(edges)[: len(edges) // 2 * 2]
    spans = list(zip(edges[::2], edges[1::2], strict=True))
    week = {day: [[_text(opens), _text(closes)] for opens, closes in spans] for day in WEEKDAYS}
    calendar = ServiceCalendar.from_dict({"timezone": zone, "hours": week})
    open_seconds = [any(opens <= second < closes for opens, closes in spans) for _, second in readings(zone, begins)]
    first, last = sorted((a, b))
    start, end = (begins + timedelta(seconds=n) for n in (first, last))
    counted = sum(open_seconds[first:last])
    assert calendar.elapsed(start, end) == timedelta(seconds=counted)
    assert calendar.elapsed(end, start) == -timedelta(seconds=counted)
    assert calendar.is_open(start) == open_seconds[first]
    walked = [[n, n] for n in range(first, last) if open_seconds[n]]
    joined: list[list[int]] = []
    for n, _ in walked:
        if joined and joined[-1][1] == n:
            joined[-1][1] = n + 1
        else:
            joined.append([n, n + 1])
    windows = [(micros(o) - micros(begins), micros(c) - micros(begins)) for o, c in calendar.windows(start, end)]
    assert windows == [(o * 10**6, c * 10**6) for o, c in joined]
    if counted:
        due, back = calendar.add(start, timedelta(seconds=counted)), calendar.add(end, -timedelta(seconds=counted))
        assert due.astimezone(UTC) == begins + timedelta(seconds=joined[-1][1])
        assert back.astimezone(UTC) == begins + timedelta(seconds=joined[0][0])
    other = ServiceCalendar.from_dict({"timezone": "UTC", "hours": {"mon-sun": [["00:00", "12:00"]]}})
    both = sum(is_open and (begins + timedelta(seconds=first + i)).hour < 12
               for i, is_open in enumerate(open_seconds[first:last]))
    assert (calendar & other).elapsed(start, end) == timedelta(seconds=both)


def _text(second: int) -> str:
    return f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.sampled_from(["Europe/Zurich", "America/Montreal", "Pacific/Apia"]), st.integers(0, 366 * 24 * 60),
       st.integers(-12, 12), st.booleans())
def test_working_days_agree_with_counting_dates(zone: str, minute: int, n: int, end_of_day: bool) -> None:
    """Monday to Friday 08:00 to 17:30 without 1 May, by walking from date to date."""
    tz = ZoneInfo(zone)
    calendar = ServiceCalendar.from_dict({"timezone": zone, "hours": {"mon-fri": [["08:00", "17:30"]]},
                                          "holidays": ["2026-05-01"]})
    start = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)).astimezone(tz)

    def works(day: date) -> bool:
        return day.weekday() < 5 and day != date(2026, 5, 1)

    day, reading, step = start.date(), start.time(), timedelta(days=1 if n >= 0 else -1)
    if not works(day):
        reading = datetime(1, 1, 1, 8 if n >= 0 else 17, 0 if n >= 0 else 30).time()  # noqa: DTZ001
        while not works(day):
            day += step
    left = abs(n)
    while left:
        day += step
        left -= works(day)
    opens, closes = (datetime(day.year, day.month, day.day, h, m, tzinfo=tz) for h, m in ((8, 0), (17, 30)))
    wanted = closes if end_of_day else min(max(datetime.combine(day, reading, tz), opens), closes)
    assert calendar.add_days(start, n, end_of_day) == wanted
