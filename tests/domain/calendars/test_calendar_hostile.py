"""Wrong types, extremes and many of everything: a calendar and a replay answer, or raise their own errors, soon."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from connector.domain.agreements.replay import replay
from connector.domain.calendar import CalendarError, ServiceCalendar
from connector.domain.calendars.format import KEYS
from connector.domain.errors import ConfigError, Problem

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
OFFICE = {"timezone": "Europe/Zurich", "hours": {"mon-fri": [["08:00", "12:00"], ["13:00", "17:30"]]}}
NEVER = {"timezone": "UTC", "hours": "24x7", "holidays": [{"every": "01-01", "until": "12-31"}]}
SECOND_A_YEAR = {"timezone": "UTC", "hours": {"mon-sun": [["00:00:00", "00:00:01"]]},
                 "holidays": [{"every": "01-02", "until": "12-31"}]}
JUNK: list[Any] = [
    None, True, 0, -1, 10**30, 1.5, float("nan"), float("inf"), "", "x", "2026-01-01", b"x", [], {}, [[]], [{}], [None],
    [[None, None]], {"a": 1}, {1: 2}, {None: None}, {"mon": None}, {"mon": [None]}, {"mon": [[1, 2]]},
    {"mon": [["08:00"]]}, {"mon": [[["a"], {}]]}, set(), object(), date(2026, 1, 1), NOW, "../../etc/passwd", "Europe",
    "\0", "\ud800", ["0001-01-01"], ["9999-12-31"], {"0001-01-01": [["08:00", "04:00"]]},
    {"9999-12-31": [["08:00", "04:00"]]}, {(1, 2): []},
]
HOLIDAYS: list[Any] = [
    {"country": None}, {"country": []}, {"country": "CH", "subdivision": []}, {"country": "CH", "language": 5},
    {"country": "CH", "language": ["de"]}, {"country": "CH", "language": "xx"}, {"country": "CH", "categories": 5},
    {"country": "CH", "categories": None}, {"country": "CH", "categories": "public"},
    {"country": "CH", "categories": []}, {"country": "CH", "categories": [[]]}, {"country": "CH", "categories": ["no"]},
    {"every": None}, {"every": 5}, {"every": "02-29", "until": None}, {"date": []}, {"ical": 5}, {1: 2, "a": 3},
    {"from": "2026-01-01"}, {"from": None, "to": None},
]
BREAKS: list[Any] = [
    {"date": "2026-01-01", "from": None, "to": None}, {"date": None, "from": "08:00", "to": "09:00"},
    {"date": "9999-12-31", "from": "00:00", "to": "24:00"}, {"date": "0001-01-01", "from": "22:00", "to": "04:00"},
]
VERSIONS: list[Any] = [
    {"effective_from": None}, {"effective_from": "9999-12-31"}, {"effective_from": "0001-01-01"},
    {"effective_from": "2026-01-01", "hours": None}, {"effective_from": "2026-01-01", "versions": 5},
]


def case(**more: Any) -> dict[str, Any]:
    return {"calendar": OFFICE, "target_s": 3600, "paused_states": ["pending"], "stopped_states": ["closed"],
            "events": [{"at": "2026-03-02T09:00:00+01:00", "state": "new"}], **more}


def ask(data: Any) -> None:
    """Every question once; its own errors are answers, anything else fails the test."""
    try:
        calendar = ServiceCalendar.from_dict(data)
        calendar.add(NOW, timedelta(hours=5))
        calendar.add(NOW, -timedelta(hours=5))
        calendar.add_days(NOW, 2)
        calendar.elapsed(NOW, NOW + timedelta(days=9))
        list(calendar.closures(NOW, NOW + timedelta(days=400)))
        list(calendar.windows(NOW, NOW + timedelta(days=9)))
    except (ConfigError, CalendarError):
        pass


@pytest.mark.parametrize("key", [*sorted(KEYS), "other", 5, None, ("a",)])
def test_any_value_of_any_key_is_taken_or_refused(key: Any) -> None:
    for value in JUNK:
        ask({**OFFICE, key: value})


def test_anything_is_taken_for_a_calendar_or_refused() -> None:
    for value in JUNK:
        ask(value)


@pytest.mark.parametrize(("key", "items"), [("holidays", HOLIDAYS), ("breaks", BREAKS), ("versions", VERSIONS)])
def test_any_item_of_a_list_is_taken_or_refused(key: str, items: list[Any]) -> None:
    for item in items:
        ask({**OFFICE, key: [item]})
        ask({**OFFICE, key: [item, item]})


@pytest.mark.parametrize("item", [
    {"country": "CH", "language": "xx"}, {"country": "CH", "language": ["de"]}, {"country": "CH", "categories": 5},
    {"country": "CH", "categories": None}, {"country": "CH", "categories": "public"},
    {"country": "CH", "categories": []},
])
def test_unknown_languages_and_categories_of_holidays_are_refused(item: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        ServiceCalendar.from_dict({**OFFICE, "holidays": [item]})
    assert [p.path for p in caught.value.problems] == ["holidays.0"]


def test_a_version_from_beyond_the_calendar_is_refused_with_its_place() -> None:
    with pytest.raises(ConfigError) as caught:
        ServiceCalendar.from_dict({**OFFICE, "versions": [{"effective_from": "9999-12-31"}]})
    assert [p.path for p in caught.value.problems] == ["versions.0.effective_from"]


@pytest.mark.parametrize("zone", ["Pacific/Apia", "America/New_York"])
@pytest.mark.parametrize("when", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
                                  datetime(1899, 12, 31, tzinfo=UTC), datetime(2300, 1, 1, tzinfo=UTC)])
def test_times_out_of_range_are_refused_by_every_question(zone: str, when: datetime) -> None:
    calendar = ServiceCalendar.from_dict({**OFFICE, "timezone": zone})
    questions = (
        lambda: calendar.add(when, timedelta(1)), lambda: calendar.add_days(when, 3), lambda: calendar.is_open(when),
        lambda: calendar.add_days(when, -3), lambda: calendar.elapsed(NOW, when), lambda: calendar.elapsed(when, NOW),
        lambda: list(calendar.closures(NOW, when)), lambda: list(calendar.closures(when, NOW)),
        lambda: list(calendar.windows(NOW, when)), lambda: list(calendar.windows(when, NOW)),
    )
    for question in questions:
        with pytest.raises(CalendarError, match="1900 to 2299"):
            question()


@pytest.mark.parametrize("when", [datetime(1900, 1, 1, tzinfo=UTC), datetime(2299, 12, 31, 23, 59, 59, tzinfo=UTC)])
def test_at_the_ends_of_its_range_a_calendar_answers_or_says_that_it_ends(when: datetime) -> None:
    calendar = ServiceCalendar.from_dict({**OFFICE, "timezone": "Pacific/Apia"})
    assert calendar.elapsed(when, when) == timedelta(0)
    for amount in (timedelta.max, timedelta.min):
        with pytest.raises(CalendarError):
            calendar.add(when, amount)
    for n in (10**9, -10**9):
        with pytest.raises(CalendarError):
            calendar.add_days(when, n)


@pytest.mark.parametrize("when", [None, 5, "2026-01-01", date(2026, 1, 1), datetime(2026, 1, 1)])  # noqa: DTZ001
def test_what_is_no_aware_time_is_refused(when: Any) -> None:
    calendar = ServiceCalendar.from_dict(OFFICE)
    for question in (lambda: calendar.add(when, timedelta(1)), lambda: calendar.is_open(when),
                     lambda: list(calendar.closures(when, NOW))):
        with pytest.raises(CalendarError, match="aware"):
            question()


def test_a_second_a_year_is_enough_and_runs_out() -> None:
    calendar = ServiceCalendar.from_dict(SECOND_A_YEAR)
    assert calendar.add(NOW, timedelta(seconds=100)) == datetime(2126, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert calendar.add_days(NOW, 100) == datetime(2127, 1, 1, tzinfo=UTC)
    with pytest.raises(CalendarError):
        calendar.add(NOW, timedelta(seconds=1000))


@pytest.mark.parametrize("more", [
    {"holidays": [{"every": "01-01", "until": "12-31"}]},
    {"holidays": [{"from": "1990-01-01", "to": "2200-12-31"}]},
    {"holidays": [{"every": "01-02", "until": "12-31"}, {"country": "CH"}]},
    {"hours": {}, "shifts": {"2026-03-02": [["08:00", "09:00"]]}, "holidays": ["2026-03-02"]},
    {"hours": {}, "shifts": {"2026-03-02": [["08:00", "09:00"]]},
     "breaks": [{"date": "2026-03-02", "from": "07:00", "to": "09:00"}]},
])
def test_a_calendar_whose_holidays_leave_nothing_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="leave no day open: this calendar is never open"):
        ServiceCalendar.from_dict({"timezone": "UTC", "hours": "24x7", **more})


def test_hours_of_two_that_never_meet_say_so_when_asked() -> None:
    """Each is open, so that neither is refused; only their overlap is empty."""
    day, night = ([["08:00", "18:00"]], [["20:00", "06:00"]])
    both = ServiceCalendar.from_dict({"timezone": "UTC", "hours": {"mon-fri": day}}) & ServiceCalendar.from_dict(
        {"timezone": "UTC", "hours": {"mon-fri": night}})
    assert both.elapsed(NOW, NOW + timedelta(days=900)) == timedelta(0)
    for amount in (timedelta(0), timedelta(1), -timedelta(1)):
        with pytest.raises(CalendarError):
            both.add(NOW, amount)
    with pytest.raises(CalendarError):
        both.add_days(NOW, 1)


def test_ten_thousand_holidays_are_all_closed() -> None:
    days = [date(2000, 1, 1) + timedelta(days=3 * i) for i in range(10_000)]
    calendar = ServiceCalendar.from_dict({**OFFICE, "hours": "24x7", "holidays": [day.isoformat() for day in days]})
    assert calendar.known_until == date(2082, 12, 31)
    month = timedelta(days=30)
    assert calendar.elapsed(NOW, NOW + month) == timedelta(days=20)


def test_microseconds_stay_exact_in_late_years() -> None:
    calendar = ServiceCalendar.from_dict({"timezone": "UTC", "hours": "24x7"})
    start = datetime(2250, 3, 1, 11, 12, 13, tzinfo=UTC)
    for i in range(1, 1000):
        assert calendar.add(start, timedelta(microseconds=i)) == start + timedelta(microseconds=i)


# replay


def try_replay(cases: Any) -> None:
    try:
        replay(cases)
    except ConfigError as error:
        problems = error.problems
    else:
        problems = []
    assert all(isinstance(problem, Problem) and problem.message for problem in problems)


@pytest.mark.parametrize("key", [*case(), "clock_start", "now", "other"])
def test_any_value_in_a_case_is_taken_or_refused(key: str) -> None:
    for value in JUNK:
        try_replay([case(**{key: value})])


def test_anything_is_taken_for_cases_events_and_times_or_refused() -> None:
    for value in [*JUNK, "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1899-12-31T00:00:00Z",
                  "2300-01-01T00:00:00Z", "2026-W10-1", "2026-03-02T24:00:00Z"]:
        for cases in (value, [value], [case(events=[value])], [case(events=[{"at": value, "state": "new"}])],
                      [case(events=[{"at": "2026-03-02T09:00:00Z", "state": value}])], [case(now=value)],
                      [case(clock_start=value)]):
            try_replay(cases)


@pytest.mark.parametrize("target", [-1, -0.001, float("nan"), float("inf"), -float("inf"), 10**10, 10**400, True, "60"])
def test_a_target_that_is_no_amount_is_refused(target: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        replay([case(target_s=target)])
    assert [p.path for p in caught.value.problems] == ["[0].target_s"]


def test_a_target_of_zero_is_due_at_once_and_breached_a_moment_later() -> None:
    assert replay([case(target_s=0)])[0]["due"] == "2026-03-02T09:00:00+01:00"
    assert replay([case(target_s=0, now="2026-03-02T09:00:01+01:00")])[0]["state"] == "breached"


@pytest.mark.parametrize("bad", [
    case(calendar=SECOND_A_YEAR, target_s=10**9), case(calendar=NEVER),
    case(events=[{"at": "0001-01-01T00:00:00Z", "state": "new"}]), case(now="9999-12-31T00:00:00Z"),
])
def test_a_case_that_cannot_be_counted_is_named_among_the_problems(bad: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        replay([case(), bad, case(target_s="x")])
    assert [p.path.partition(".")[0] for p in caught.value.problems] == ["[1]", "[2]"]


def test_events_before_the_start_tell_only_the_state_it_starts_in() -> None:
    before = [{"at": "2026-03-02T08:00:00+01:00", "state": "new"},
              {"at": "2026-03-02T09:00:00+01:00", "state": "pending"}]
    reading = replay([case(events=before, clock_start="2026-03-02T10:00:00+01:00", now="2026-03-02T11:00:00+01:00")])[0]
    assert (reading["state"], reading["active_s"], reading["paused_s"]) == ("paused", 0, 3600)


def test_of_events_at_one_time_the_last_given_counts_in_any_zone() -> None:
    events = [{"at": "2026-03-02T09:00:00+01:00", "state": "new"}, {"at": "2026-03-02T08:00:00Z", "state": "pending"}]
    assert replay([case(events=events)])[0]["state"] == "paused"
    assert replay([case(events=events[::-1])])[0]["state"] == "running"


def test_thousands_of_events_are_counted_to_the_second() -> None:
    start = datetime(2026, 3, 2, 7, tzinfo=UTC)
    moves = [{"at": (start + timedelta(seconds=i)).isoformat(), "state": "pending" if i % 2 else "new"}
             for i in range(10_000)]
    reading = replay([case(events=moves[::-1])])[0]
    assert (reading["active_s"], reading["paused_s"]) == (5000, 4999)
