"""Service calendars: rules by name, and a slow second opinion over random plans, zones and change days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.calendar import CalendarError, ServiceCalendar
from connector.domain.calendars.batch import BatchCalendar
from connector.domain.calendars.format import horizon_problem
from connector.domain.calendars.ical import from_ical
from connector.domain.calendars.windows import micros
from connector.domain.errors import ConfigError

ZURICH = ZoneInfo("Europe/Zurich")
OFFICE = {
    "timezone": "Europe/Zurich",
    "hours": {"mon-fri": [["08:00", "12:00"], ["13:00", "17:30"]]},
    "holidays": ["2026-01-01", {"date": "2026-08-01", "name": "National Day"}],
}
WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def office(**more: object) -> ServiceCalendar:
    return ServiceCalendar.from_dict({**OFFICE, **more})


def always(zone: str = "Europe/Zurich", **more: object) -> ServiceCalendar:
    return ServiceCalendar.from_dict({"timezone": zone, "hours": "24x7", **more})


def local(*parts: int, zone: ZoneInfo = ZURICH, fold: int = 0) -> datetime:
    return datetime(*parts, tzinfo=zone, fold=fold)


def hours(n: float) -> timedelta:
    return timedelta(hours=n)


# one rule each


def test_time_runs_in_opening_hours_only() -> None:
    assert office().add(local(2026, 3, 6, 16, 30), hours(2)) == local(2026, 3, 9, 9, 0)
    assert office().elapsed(local(2026, 3, 6, 16, 30), local(2026, 3, 9, 9, 0)) == hours(2)


def test_lunch_does_not_count() -> None:
    assert office().add(local(2026, 3, 2, 11, 0), hours(2)) == local(2026, 3, 2, 14, 0)


def test_a_due_time_on_a_closing_instant_is_that_closing_instant() -> None:
    assert office().add(local(2026, 3, 2, 15, 30), hours(2)) == local(2026, 3, 2, 17, 30)
    assert office().add(local(2026, 3, 2, 11, 0), hours(1)) == local(2026, 3, 2, 12, 0)


def test_zero_moves_to_the_next_open_instant() -> None:
    calendar = office()
    assert calendar.add(local(2026, 3, 7, 10), hours(0)) == local(2026, 3, 9, 8)
    assert calendar.add(local(2026, 3, 2, 9, 1, 2), hours(0)) == local(2026, 3, 2, 9, 1, 2)
    assert calendar.add(local(2026, 3, 2, 12), hours(0)) == local(2026, 3, 2, 13), "a closing instant is not open"


def test_a_start_outside_hours_counts_from_the_next_opening() -> None:
    assert office().add(local(2026, 3, 7, 10), hours(1)) == local(2026, 3, 9, 9)


def test_negative_durations_go_backwards() -> None:
    calendar = office()
    assert calendar.add(local(2026, 3, 9, 9), hours(-2)) == local(2026, 3, 6, 16, 30)
    assert calendar.add(local(2026, 3, 9, 9), hours(-1)) == local(2026, 3, 9, 8), "an opening instant is a result"


def test_swapped_ends_give_a_negative_time() -> None:
    assert office().elapsed(local(2026, 3, 2, 10), local(2026, 3, 2, 9)) == hours(-1)


def test_holidays_are_closed_and_named() -> None:
    calendar = always(holidays=[{"date": "2026-08-01", "name": "National Day"}])
    assert not calendar.is_open(local(2026, 8, 1, 0, 0))
    assert calendar.is_open(local(2026, 8, 2, 0, 0))
    assert list(calendar.closures(local(2026, 7, 30), local(2026, 8, 2))) == [(date(2026, 8, 1), "National Day")]


def test_a_window_is_half_open() -> None:
    assert office().is_open(local(2026, 3, 2, 8))
    assert not office().is_open(local(2026, 3, 2, 12))


def test_twenty_four_hours_end_at_midnight_and_touching_windows_are_one() -> None:
    calendar = ServiceCalendar.from_dict(
        {"timezone": "UTC", "hours": {"mon": [["00:00", "12:00"], ["12:00", "24:00"]], "tue": [["00:00", "06:00"]]}})
    found = list(calendar.windows(local(2026, 3, 2, zone=ZoneInfo("UTC")), local(2026, 3, 8, zone=ZoneInfo("UTC"))))
    assert found == [(datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 3, 6, tzinfo=UTC))]


def test_a_night_shift_is_one_window_over_midnight() -> None:
    calendar = ServiceCalendar.from_dict({"timezone": "Europe/Zurich", "hours": {"fri": [["22:00", "06:00"]]}})
    assert calendar.add(local(2026, 3, 6, 23), hours(4)) == local(2026, 3, 7, 3)
    assert calendar.add(local(2026, 3, 6, 23), hours(8)) == local(2026, 3, 13, 23)


def test_a_holiday_takes_the_local_date_with_the_tail_of_the_evening_before() -> None:
    plan = {"timezone": "Europe/Zurich", "hours": {"mon-sun": [["22:00", "06:00"]]}, "holidays": ["2026-03-04"]}
    by_date = ServiceCalendar.from_dict(plan)
    assert by_date.elapsed(local(2026, 3, 3, 20), local(2026, 3, 5, 20)) == hours(2 + 6)
    by_shift = ServiceCalendar.from_dict({**plan, "holiday_rule": "shift"})
    assert by_shift.elapsed(local(2026, 3, 3, 20), local(2026, 3, 5, 20)) == hours(8), "the tail of Tuesday is worked"


def test_shifts_replace_the_windows_of_their_date() -> None:
    calendar = office(shifts={"2026-12-24": [["08:00", "12:00"]], "2026-12-26": [["10:00", "11:00"]], "2026-12-25": []})
    assert calendar.elapsed(local(2026, 12, 24), local(2026, 12, 27)) == hours(5)


def test_a_shift_wins_over_a_public_holiday_but_not_over_a_listed_one() -> None:
    swiss = {"country": "CH", "subdivision": "ZH"}
    assert office(holidays=[swiss], shifts={"2026-12-25": [["09:00", "10:00"]]}).is_open(local(2026, 12, 25, 9))
    listed = office(holidays=["2026-12-25"], shifts={"2026-12-25": [["09:00", "10:00"]]})
    assert not listed.is_open(local(2026, 12, 25, 9))
    assert "stays closed" in str(listed.warnings[0])


def test_breaks_take_time_out_of_one_date() -> None:
    calendar = office(breaks=[{"date": "2026-03-02", "from": "09:00", "to": "10:30"}])
    assert calendar.add(local(2026, 3, 2, 8, 30), hours(1)) == local(2026, 3, 2, 11, 0)


def test_public_holidays_of_a_canton() -> None:
    zurich, ticino = (office(holidays=[{"country": "CH", "subdivision": s}]) for s in ("ZH", "TI"))
    assert zurich.is_open(local(2026, 3, 19, 9))
    assert not ticino.is_open(local(2026, 3, 19, 9)), "Saint Joseph is kept in Ticino"
    assert not zurich.is_open(local(2026, 4, 3, 9)), "Good Friday is kept in Zurich"


def test_recurring_closures_return_every_year_and_cross_new_year() -> None:
    calendar = office(holidays=[{"every": "12-24", "until": "01-02", "name": "Works holiday"}])
    for year in (2026, 2027, 2031):
        assert calendar.elapsed(local(year, 12, 24), local(year + 1, 1, 3)) == timedelta(0)
    assert [d for d, _ in calendar.closures(local(2027, 12, 31), local(2028, 1, 4))] == [
        date(2027, 12, 31), date(2028, 1, 1), date(2028, 1, 2)]


def test_a_version_holds_from_its_date() -> None:
    calendar = office(versions=[{"effective_from": "2026-07-01", "hours": {"mon-fri": [["07:00", "19:00"]]}}])
    assert calendar.elapsed(local(2026, 6, 30), local(2026, 7, 1)) == hours(8.5)
    assert calendar.elapsed(local(2026, 7, 1), local(2026, 7, 2)) == hours(12)


def test_customer_and_supplier_hours_intersect() -> None:
    montreal = ServiceCalendar.from_dict({"timezone": "America/Montreal", "hours": {"mon-fri": [["08:00", "17:00"]]}})
    both = office() & montreal
    found = list(both.windows(local(2026, 3, 2), local(2026, 3, 3)))
    assert found == [(local(2026, 3, 2, 14), local(2026, 3, 2, 17, 30))]
    assert both.timezone.key == "Europe/Zurich"


def test_results_are_in_the_zone_of_the_calendar_whatever_zone_came_in() -> None:
    due = office().add(datetime(2026, 3, 2, 8, 0, tzinfo=UTC), hours(1))
    assert due.isoformat() == "2026-03-02T10:00:00+01:00"


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(CalendarError, match="no time zone"):
        office().add(datetime(2026, 3, 2, 8, 0), hours(1))  # noqa: DTZ001


def test_microseconds_are_kept() -> None:
    start = local(2026, 3, 2, 9, 0, 0) + timedelta(microseconds=123_457)
    assert office().add(start, hours(1)).microsecond == 123_457


# daylight saving time


def test_days_of_23_and_25_hours_count_as_what_they_are() -> None:
    assert always().elapsed(local(2026, 3, 29), local(2026, 3, 30)) == hours(23)
    assert always().elapsed(local(2026, 10, 25), local(2026, 10, 26)) == hours(25)
    assert always().add(local(2026, 10, 24, 23, 30), hours(24)) == local(2026, 10, 25, 22, 30)


def test_a_window_inside_the_gap_is_empty_and_an_edge_in_it_is_the_change() -> None:
    inside = ServiceCalendar.from_dict({"timezone": "Europe/Zurich", "hours": {"sun": [["02:15", "02:45"]]}})
    assert inside.elapsed(local(2026, 3, 29), local(2026, 3, 30)) == timedelta(0)
    across = ServiceCalendar.from_dict({"timezone": "Europe/Zurich", "hours": {"sun": [["02:30", "04:00"]]}})
    found = list(across.windows(local(2026, 3, 29), local(2026, 3, 30)))
    assert found == [(local(2026, 3, 29, 3), local(2026, 3, 29, 4))]


def test_an_edge_in_the_fold_is_its_first_occurrence_so_that_windows_tile_the_day() -> None:
    halves = [
        ServiceCalendar.from_dict({"timezone": "Europe/Zurich", "hours": {"sun": [span]}})
        for span in (["00:00", "02:30"], ["02:30", "24:00"])
    ]
    parts = [half.elapsed(local(2026, 10, 25), local(2026, 10, 26)) for half in halves]
    assert parts == [hours(2.5), hours(22.5)]


def test_midnight_that_does_not_exist() -> None:
    sao_paulo = ZoneInfo("America/Sao_Paulo")
    calendar = always("America/Sao_Paulo", holidays=["2018-11-05"])
    opens = datetime(2018, 11, 4, 3, 0, tzinfo=UTC)
    assert calendar.elapsed(opens, local(2018, 11, 6, zone=sao_paulo)) == hours(23)


# working days


def test_working_days_keep_the_local_time_across_a_change_of_clocks() -> None:
    assert always().add_days(local(2026, 3, 28, 10), 1) == local(2026, 3, 29, 10)
    assert office().add_days(local(2026, 3, 27, 10), 1) == local(2026, 3, 30, 10)


@pytest.mark.parametrize(("start", "n", "due"), [
    (local(2026, 3, 6, 10), 1, local(2026, 3, 9, 10)),
    (local(2026, 3, 6, 10), 5, local(2026, 3, 13, 10)),
    (local(2026, 3, 7, 10), 1, local(2026, 3, 10, 8)),
    (local(2026, 3, 6, 18), 1, local(2026, 3, 9, 17, 30)),
    (local(2026, 3, 6, 12, 30), 1, local(2026, 3, 9, 12)),
    (local(2026, 3, 6, 6), 1, local(2026, 3, 9, 8)),
    (local(2026, 3, 9, 10), -1, local(2026, 3, 6, 10)),
    (local(2026, 3, 7, 10), 0, local(2026, 3, 9, 8)),
    (local(2025, 12, 31, 10), 1, local(2026, 1, 2, 10)),
])
def test_working_days(start: datetime, n: int, due: datetime) -> None:
    assert office().add_days(start, n) == due


def test_working_days_until_the_end_of_the_day() -> None:
    assert office().add_days(local(2026, 3, 6, 10), 1, end_of_day=True) == local(2026, 3, 9, 17, 30)
    assert office().add_days(local(2026, 3, 7, 10), 0, end_of_day=True) == local(2026, 3, 9, 17, 30)


# what is refused


@pytest.mark.parametrize(("change", "where", "what"), [
    ({"timezone": "Europe/Zuerich"}, "timezone", "not a known time zone"),
    ({"timezone": None}, "timezone", "required"),
    ({"hours": {}}, "hours", "never open"),
    ({"hours": {"mon": [["08:00", "12:00"], ["11:00", "13:00"]]}}, "hours.mon.1", "overlaps"),
    ({"hours": {"mon": [["22:00", "06:00"]], "tue": [["05:00", "12:00"]]}}, "hours.mon", "past midnight into"),
    ({"hours": {"monday": [["08:00", "12:00"]]}}, "hours.monday", "not a weekday"),
    ({"hours": {"mon": [["8h", "12:00"]]}}, "hours.mon.0", "not a time of day"),
    ({"hours": {"mon": [["24:30", "12:00"]]}}, "hours.mon.0", "not a time of day"),
    ({"hours": {"mon": [["08:00", "08:00"]]}}, "hours.mon.0", "empty window"),
    ({"holidays": ["2026-02-30"]}, "holidays.0", "not a date"),
    ({"holidays": [{"country": "XX"}]}, "holidays.0", "no public holidays are known"),
    ({"holidays": [{"country": "CH", "subdivision": "XX"}]}, "holidays.0", "no subdivision"),
    ({"holidays": [{"every": "13-01"}]}, "holidays.0", "not a date of the year"),
    ({"holidays": [{"from": "2026-02-03", "to": "2026-02-01"}]}, "holidays.0", "ends before"),
    ({"breaks": [{"date": "2026-01-01"}]}, "breaks.0", "not a break"),
    ({"shifts": {"tomorrow": []}}, "shifts.tomorrow", "not a date"),
    ({"holiday_rule": "maybe"}, "holiday_rule", "expected date or shift"),
    ({"houres": {}}, "houres", "unknown"),
    ({"versions": [{"hours": {}}]}, "versions.0", "effective_from"),
])
def test_a_bad_calendar_is_refused_with_the_place(change: dict[str, object], where: str, what: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ServiceCalendar.from_dict({**OFFICE, **change})
    assert any(problem.path == where and what in problem.message for problem in caught.value.problems), caught.value


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        ServiceCalendar.from_dict({"timezone": "Mars", "hours": {"mon": [["a", "b"]]}, "holidays": ["x"], "foo": 1})
    assert {p.path for p in caught.value.problems} >= {"timezone", "hours.mon.0", "holidays.0", "foo"}


def test_a_calendar_that_runs_out_says_so_instead_of_looping() -> None:
    once = ServiceCalendar.from_dict({"timezone": "UTC", "shifts": {"2026-03-02": [["08:00", "09:00"]]}})
    start = datetime(2026, 3, 1, tzinfo=UTC)
    assert once.add(start, hours(1)) == datetime(2026, 3, 2, 9, tzinfo=UTC)
    questions = (lambda: once.add(start, hours(2)), lambda: once.add_days(start, 3), lambda: once.add(start, hours(-1)))
    for question in questions:
        with pytest.raises(CalendarError):
            question()


def test_a_due_beyond_the_last_known_holiday_year_is_warned_about() -> None:
    calendar = office()
    assert calendar.known_until == date(2026, 12, 31)
    assert horizon_problem(calendar.known_until, date(2026, 12, 31)) is None
    assert "add the next year" in str(horizon_problem(calendar.known_until, date(2027, 1, 4)))
    assert office(holidays=[{"every": "12-25"}]).known_until is None


def test_ical_closures_are_read_or_refused() -> None:
    def event(*lines: str) -> str:
        return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x", "BEGIN:VEVENT", "UID:1", *lines,
                            "END:VEVENT", "END:VCALENDAR", ""])

    two_days = event("DTSTART;VALUE=DATE:20260514", "DTEND;VALUE=DATE:20260516", "SUMMARY:Ascension bridge")
    closures = from_ical(two_days)
    assert closures == [{"from": "2026-05-14", "to": "2026-05-15", "name": "Ascension bridge"}]
    assert not office(holidays=closures).is_open(local(2026, 5, 15, 9))
    yearly = event("DTSTART;VALUE=DATE:20200801", "RRULE:FREQ=YEARLY", "SUMMARY:National Day")
    assert from_ical(yearly) == [{"every": "08-01", "until": "08-01", "name": "National Day"}]
    for bad in (event("DTSTART:20260514T100000Z", "SUMMARY:x"), "hello",
                event("DTSTART;VALUE=DATE:20260514", "RRULE:FREQ=HOURLY", "SUMMARY:x")):
        with pytest.raises(ValueError):
            from_ical(bad)


# a slow second opinion

ZONES = ["Europe/Zurich", "America/Montreal", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu",
         "America/Sao_Paulo", "Africa/Casablanca", "UTC"]
STEP = timedelta(minutes=5)


class Slow:
    """Walks the instants five minutes at a time and asks of each whether a window holds it."""

    def __init__(self, data: dict[str, object], first: date, days: int) -> None:
        self.zone = ZoneInfo(str(data["timezone"]))
        start = datetime.combine(first - timedelta(days=2), datetime.min.time(), self.zone).astimezone(UTC)
        self.instants = [start + STEP * i for i in range((days + 5) * 288)]
        readings = [at.astimezone(self.zone).replace(tzinfo=None, fold=0) for at in self.instants]
        edges: dict[datetime, datetime] = {}
        latest = datetime(1, 1, 1)  # noqa: DTZ001
        for at, reading in zip(self.instants, readings, strict=True):
            if reading > latest:
                edges[reading] = at
                latest = reading
        ordered = sorted(edges)

        def first_at_or_after(reading: datetime) -> datetime:
            return next((edges[r] for r in ordered if r >= reading), self.instants[-1])

        self.open: set[datetime] = set()
        week: dict[str, list[list[str]]] = data["hours"]  # type: ignore[assignment]
        shut = {str(d) for d in data["holidays"]}  # type: ignore[attr-defined]
        for i in range(days + 5):
            day = first + timedelta(days=i - 2)
            for opens, closes in week.get(WEEKDAYS[day.weekday()], []):
                begin = _reading(day, opens)
                end = _reading(day, closes)
                if end <= begin:
                    end += timedelta(days=1)
                a, b = first_at_or_after(begin), first_at_or_after(end)
                self.open.update(at for at in self.instants if a <= at < b)
        for at, reading in zip(self.instants, readings, strict=True):
            if reading.date().isoformat() in shut:
                self.open.discard(at)

    def elapsed(self, start: datetime, end: datetime) -> timedelta:
        return STEP * sum(1 for at in self.instants if start <= at < end and at in self.open)


def _reading(day: date, time: str) -> datetime:
    hour, minute = map(int, time.split(":"))
    return datetime.combine(day, datetime.min.time()) + timedelta(hours=hour, minutes=minute)


@st.composite
def plans(draw: st.DrawFn) -> tuple[dict[str, object], date]:
    zone = draw(st.sampled_from(ZONES))
    near_change = draw(st.sampled_from([date(2026, 3, 29), date(2026, 10, 25), date(2026, 3, 8), date(2026, 11, 1),
                                        date(2018, 11, 4), date(2026, 4, 5), date(2026, 10, 4), date(2026, 6, 1)]))
    first = near_change - timedelta(days=draw(st.integers(0, 3)))
    week: dict[str, list[list[str]]] = {}
    for day in draw(st.sets(st.sampled_from(WEEKDAYS), min_size=1)):
        edges = sorted(draw(st.sets(st.integers(0, 96), min_size=2, max_size=4)))
        week[day] = [[_quarter(a), _quarter(b)] for a, b in zip(edges[::2], edges[1::2], strict=False)]
    shut = [(first + timedelta(days=i)).isoformat() for i in draw(st.sets(st.integers(0, 6), max_size=1))]
    return {"timezone": zone, "hours": week, "holidays": shut}, first


def _quarter(n: int) -> str:
    return f"{n // 4:02}:{n % 4 * 15:02}"


@settings(max_examples=60, deadline=None, derandomize=True)
@given(plans(), st.integers(0, 6 * 288), st.integers(0, 6 * 288))
def test_it_agrees_with_walking_the_instants(plan: tuple[dict[str, object], date], a: int, b: int) -> None:
    data, first = plan
    slow = Slow(data, first, 6)
    calendar = ServiceCalendar.from_dict(data)
    start, end = slow.instants[288 + min(a, b)], slow.instants[288 + max(a, b)]
    expected = slow.elapsed(start, end)
    assert calendar.elapsed(start, end) == expected
    assert calendar.is_open(start) == (start in slow.open)
    total = sum((closes.astimezone(UTC) - opens.astimezone(UTC) for opens, closes in calendar.windows(start, end)),
                timedelta())
    assert total == expected
    if expected:
        due = calendar.add(start, expected)
        assert start < due <= end
        assert slow.elapsed(start, due) == expected
        assert slow.elapsed(start, due - STEP) < expected, "the earliest such instant"
        back = calendar.add(end, -expected)
        assert start <= back < end
        assert slow.elapsed(back, end) == expected


@settings(max_examples=40, deadline=None, derandomize=True)
@given(plans(), st.lists(st.tuples(st.integers(0, 10**9), st.integers(1, 10**8)), min_size=1, max_size=20))
def test_arrays_give_the_same_answers(plan: tuple[dict[str, object], date], pairs: list[tuple[int, int]]) -> None:
    data, first = plan
    calendar = ServiceCalendar.from_dict(data)
    origin = micros(datetime.combine(first, datetime.min.time(), UTC))
    starts = np.array([origin + a * 1000 for a, _ in pairs], dtype=np.int64)
    amounts = np.array([d * 1000 for _, d in pairs], dtype=np.int64)
    batch = BatchCalendar(calendar, origin, origin + 10**15)
    dues = batch.add(starts, amounts)
    assert dues.tolist() == [calendar.add_micros(int(s), int(d)) for s, d in zip(starts, amounts, strict=True)]
    assert batch.elapsed(starts, dues).tolist() == amounts.tolist()


def test_batches_refuse_what_lies_outside_their_stretch() -> None:
    batch = BatchCalendar(office(), micros(local(2026, 1, 1)), micros(local(2026, 2, 1)))
    with pytest.raises(ValueError, match="outside"):
        batch.elapsed(np.array([0]), np.array([1]))
