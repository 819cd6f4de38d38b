"""Places whose clocks or dates do what few others do, and what is known of their holidays."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from connector.domain.calendar import CalendarError, ServiceCalendar
from connector.domain.errors import ConfigError

APIA = ZoneInfo("Pacific/Apia")


@pytest.mark.parametrize(("n", "date_then"), [(1, "2011-12-29"), (2, "2011-12-31"), (3, "2012-01-01")])
def test_a_date_that_a_place_skipped_is_no_working_day(n: int, date_then: str) -> None:
    calendar = ServiceCalendar.from_dict({"timezone": "Pacific/Apia", "hours": "24x7"})
    start = datetime(2011, 12, 28, 9, tzinfo=APIA)
    assert calendar.add_days(start, n).isoformat()[:19] == f"{date_then}T09:00:00"
    assert calendar.add_days(calendar.add_days(start, n), -n) == start
    assert calendar.add_days(start, n, end_of_day=True) > calendar.add_days(start, n)


def test_hours_on_both_sides_of_a_skipped_date_touch() -> None:
    calendar = ServiceCalendar.from_dict({"timezone": "Pacific/Apia", "hours": "24x7", "holidays": ["2011-12-30"]})
    span = datetime(2011, 12, 29, tzinfo=APIA), datetime(2012, 1, 1, tzinfo=APIA)
    assert calendar.elapsed(*span) == timedelta(hours=48)
    assert len(list(calendar.windows(*span))) == 1


@pytest.mark.parametrize(("zone", "day", "hours"), [
    ("Australia/Lord_Howe", date(2026, 4, 5), 24.5), ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
    ("Antarctica/Troll", date(2026, 3, 29), 22), ("Antarctica/Troll", date(2026, 10, 25), 26),
    ("Africa/Casablanca", date(2026, 2, 15), 25), ("Africa/Casablanca", date(2026, 3, 22), 23),
    ("America/Sao_Paulo", date(2018, 2, 17), 25), ("America/Sao_Paulo", date(2018, 11, 4), 23),
    ("Asia/Gaza", date(2026, 3, 28), 23), ("Pacific/Apia", date(2011, 12, 30), 0),
])
def test_a_day_is_as_long_as_it_is_there(zone: str, day: date, hours: float) -> None:
    calendar = ServiceCalendar.from_dict({"timezone": zone, "hours": "24x7"})
    day_after = day + timedelta(days=1)
    start = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    end = datetime(day_after.year, day_after.month, day_after.day, tzinfo=ZoneInfo(zone))
    if hours:
        assert calendar.elapsed(start, end) == timedelta(hours=hours)
        assert calendar.add(start, timedelta(hours=hours)).astimezone(UTC) == end.astimezone(UTC)
    else:
        assert calendar.elapsed(datetime(2011, 12, 29, 23, tzinfo=APIA), end) == timedelta(hours=1)


@pytest.mark.parametrize("name", ["localtime", "Factory"])
def test_a_zone_that_is_another_on_every_machine_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="not a known time zone"):
        ServiceCalendar.from_dict({"timezone": name, "hours": "24x7"})


def known(**spec: str) -> ServiceCalendar:
    return ServiceCalendar.from_dict({"timezone": "UTC", "hours": "24x7", "holidays": [spec]})


@pytest.mark.parametrize(("country", "part", "day"), [
    ("CH", "GE", date(2026, 9, 10)), ("CH", "GE", date(2026, 12, 31)), ("CH", "VD", date(2026, 9, 21)),
    ("CA", "QC", date(2026, 6, 24)), ("FR", "57", date(2026, 12, 26)), ("FR", "Moselle", date(2026, 4, 3)),
    ("FR", "Alsace", date(2026, 4, 3)),
])
def test_holidays_of_a_part_of_a_country_are_those_of_that_part(country: str, part: str, day: date) -> None:
    at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    assert not known(country=country, subdivision=part).is_open(at)
    assert known(country="FR" if country == "CH" else "CH").is_open(at) or day.month == 4


def test_public_holidays_are_known_as_far_as_the_library_knows_them() -> None:
    assert known(country="CH").known_until == date(2100, 12, 31)
    lunar = known(country="LK").known_until
    assert lunar is not None
    assert lunar < date(2100, 12, 31)


def test_a_shift_beyond_the_years_of_a_calendar_does_not_open_it() -> None:
    for day in ("9999-12-31", "0001-01-01"):
        with pytest.raises(ConfigError, match="never open"):
            ServiceCalendar.from_dict({"timezone": "Asia/Tokyo", "hours": {}, "shifts": {day: [["08:00", "09:00"]]}})


def test_names_that_are_no_text_are_told_together() -> None:
    with pytest.raises(ConfigError) as error:
        ServiceCalendar.from_dict({"calendar": True, "description": ["x"], "timezone": "UTC", "hours": "24x7",
                                   "holidays": [{"date": "2026-01-01", "name": False}]})
    assert [problem.path for problem in error.value.problems] == ["calendar", "description", "holidays.0.name"]


def test_what_is_nested_without_end_is_told_not_shown() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ConfigError, match="nested too deep"):
        ServiceCalendar.from_dict({"timezone": "UTC", "hours": deep})


def test_only_calendars_overlap_and_only_whole_numbers_count_days() -> None:
    calendar = ServiceCalendar.from_dict({"timezone": "UTC", "hours": "24x7"})
    with pytest.raises(TypeError):
        calendar & "24x7"  # type: ignore[operator]
    with pytest.raises(CalendarError):
        calendar.add_days(datetime(2026, 1, 1, tzinfo=UTC), True)
