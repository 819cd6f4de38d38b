"""Amounts as people write them: what they mean, and what is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from connector.domain.agreements.durations import Amount, amount, duration
from connector.domain.problems import Problems
from tests.domain.calendars.test_calendar import always, local, office


def read(written: Any) -> Amount:
    problems = Problems()
    found = amount(written, problems)
    assert found is not None, problems.found
    return found


def wrong(written: Any) -> list[tuple[str, str]]:
    problems = Problems()
    assert amount(written, problems) is None or problems.found
    return [(problem.path, problem.message) for problem in problems.found]


@pytest.mark.parametrize(("text", "given"), [
    ("15m", timedelta(minutes=15)), ("4h", timedelta(hours=4)), ("1h30m", timedelta(minutes=90)),
    ("1h 30m", timedelta(minutes=90)), ("90s", timedelta(seconds=90)), ("2d", timedelta(days=2)),
    ("1w 2d 3h 4m 5s", timedelta(weeks=1, days=2, hours=3, minutes=4, seconds=5)), ("0m", timedelta(0)),
    (" 5m ", timedelta(minutes=5)), ("3660d", timedelta(days=3660)),
])
def test_durations(text: str, given: timedelta) -> None:
    assert duration(text) == given


@pytest.mark.parametrize("text", [
    "", " ", "5", 5, None, True, "5 m", "-5m", "1.5h", "30m1h", "1h1h", "h", "5min", "1 hour", "3661d", "99999999999h",
    "\u0663h", ["5m"],
])
def test_what_is_no_duration(text: Any) -> None:
    with pytest.raises(ValueError):
        duration(text)


@pytest.mark.parametrize(("written", "expected"), [
    ("3 working days", Amount(working_days=3, text="3 working days")),
    ("1 business day", Amount(working_days=1, text="1 business day")),
    ({"within": "4h"}, Amount(timedelta(hours=4), text="4h")),
    ({"within": "4h", "calendar": "24x7"}, Amount(timedelta(hours=4), calendar="24x7", text="4h of 24x7")),
    ({"within": "5 working days", "at": "end of day"},
     Amount(working_days=5, end_of_day=True, text="5 working days, end of day")),
    ({"within": "5 working days", "at": None}, Amount(working_days=5, text="5 working days")),
])
def test_amounts(written: Any, expected: Amount) -> None:
    assert read(written) == expected
    assert str(read(written)) == expected.text


@pytest.mark.parametrize(("written", "path", "says"), [
    ("soon", "", "'soon' is not a duration; expected a duration such as 15m, 4h, 1h30m"),
    ("0 working days", "", "expected from 1 to 3660 working days"),
    ("3661 working days", "", "expected from 1 to 3660 working days"),
    ("3 days", "", "is not a duration"), (None, "", "is not a duration"), ([], "", "is not a duration"),
    ({}, "within", "None is not a duration"), ({"within": "soon"}, "within", "'soon' is not a duration"),
    ({"within": {"within": "1h"}}, "within", "is a table"),
    ({"within": "4h", "at": "end of day"}, "at", "end of day goes with working days only"),
    ({"within": "4 working days", "at": "noon"}, "at", "'noon' is unknown; expected end of day"),
    ({"within": "4h", "calendar": 7}, "calendar", "7 is not the name of a calendar"),
    ({"within": "4h", "calendar": ""}, "calendar", "is not the name of a calendar"),
    ({"within": "4h", "calender": "x"}, "calender", "did you mean `calendar`?"),
])
def test_what_is_no_amount_is_told_with_its_place(written: Any, path: str, says: str) -> None:
    (told,) = wrong(written)
    assert told[0] == path
    assert says in told[1]


@pytest.mark.parametrize(("written", "days"), [
    ("1d", True), ("1w", True), ("1d 2h", True), ({"within": "2d", "calendar": "weekdays"}, True),
    ("24h", False), ("3 working days", False), ({"within": "4h", "calendar": "wednesdays"}, False),
])
def test_whether_it_counts_in_days_of_24_hours(written: Any, days: bool) -> None:
    assert read(written).says_days is days


def test_working_days_become_business_time_from_the_start() -> None:
    assert read("1 working day").from_start(local(2026, 3, 2, 10), office()) == timedelta(hours=8.5)
    assert read("1 working day").from_start(local(2026, 3, 6, 10), office()) == timedelta(hours=8.5), "over a weekend"
    ends = read({"within": "1 working day", "at": "end of day"})
    assert ends.from_start(local(2026, 3, 2, 10), office()) == timedelta(hours=6.5 + 8.5)
    assert read("1 working day").from_start(local(2026, 3, 28, 10), always()) == timedelta(hours=23)
    assert read("8h").from_start(local(2026, 3, 7, 3), office()) == timedelta(hours=8)
