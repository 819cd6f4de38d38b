"""Replays: odd but sensible input is counted exactly, everything else is refused with its place."""

from __future__ import annotations

from typing import Any

import pytest

from connector.domain.agreements.replay import replay
from connector.domain.errors import ConfigError
from tests.domain.calendars.test_calendar import OFFICE

ALWAYS = {"timezone": "Europe/Zurich", "hours": "24x7"}


def case(*moves: str, **more: Any) -> dict[str, Any]:
    """Moves are "ISO time state"."""
    events = [{"at": move.rpartition(" ")[0], "state": move.rpartition(" ")[2]} for move in moves]
    return {"calendar": OFFICE, "target_s": 4 * 3600, "events": events, "paused_states": ["pending"],
            "stopped_states": ["closed"], **more}


def one(*moves: str, **more: Any) -> tuple[Any, ...]:
    reading = replay([case(*moves, **more)])[0]
    assert list(reading) == ["state", "due", "active_s", "remaining_s", "paused_s"]
    return tuple(reading.values())


def problems(*cases: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        replay(list(cases), "cases.json")
    return [str(problem) for problem in caught.value.problems]


def test_a_start_in_the_evening_counts_from_the_next_opening() -> None:
    assert one("2026-03-06T20:00:00+01:00 new") == ("running", "2026-03-09T12:00:00+01:00", 0, 14400, 0)


def test_a_target_of_zero_is_due_at_the_next_opening() -> None:
    assert one("2026-03-06T20:00:00+01:00 new", target_s=0) == ("running", "2026-03-09T08:00:00+01:00", 0, 0, 0)
    assert one("2026-03-02T09:00:00+01:00 new", "2026-03-02T09:00:00+01:00 closed", target_s=0)[0] == "met"
    assert one("2026-03-02T09:00:00+01:00 new", "2026-03-02T09:00:01+01:00 closed", target_s=0) == (
        "breached", "2026-03-02T09:00:00+01:00", 1, -1, 0)


def test_times_in_any_zone_and_order_give_results_in_the_zone_of_the_calendar() -> None:
    moves = ["2026-03-02T08:00:00Z new", "2026-03-02T04:00:00-05:00 pending", "2026-03-02T11:30:00+01:00 open"]
    straight = one(*moves)
    assert straight == ("running", "2026-03-02T15:30:00+01:00", 3600, 10800, 5400)
    assert one(*reversed(moves)) == straight


def test_states_nobody_named_let_the_clock_run() -> None:
    assert one("2026-03-02T09:00:00+01:00 waiting", "2026-03-02T10:00:00+01:00 Pending")[0] == "running"


def test_a_state_that_pauses_and_stops_stops_as_in_a_profile() -> None:
    moves = ("2026-03-02T09:00:00+01:00 new", "2026-03-02T10:00:00+01:00 closed")
    assert one(*moves, paused_states=["closed"])[0] == "met"


def test_a_stopped_clock_that_runs_again_goes_on_with_the_time_between_as_pause() -> None:
    assert one("2026-03-02T09:00:00+01:00 new", "2026-03-02T10:00:00+01:00 closed",
               "2026-03-02T14:00:00+01:00 open") == ("running", "2026-03-02T17:00:00+01:00", 3600, 10800, 10800)


def test_closed_twice_it_ended_the_first_time() -> None:
    assert one("2026-03-02T09:00:00+01:00 new", "2026-03-02T10:00:00+01:00 closed",
               "2026-03-04T10:00:00+01:00 closed") == ("met", "2026-03-02T14:00:00+01:00", 3600, 10800, 0)


def test_a_breach_stays_through_pauses_and_ends() -> None:
    moves = ["2026-03-02T09:00:00+01:00 new", "2026-03-02T15:00:00+01:00 pending", "2026-03-03T09:00:00+01:00 closed"]
    for n in (2, 3):
        assert one(*moves[:n])[:4] == ("breached", "2026-03-02T14:00:00+01:00", 18000, -3600)


def test_a_pause_outside_hours_is_nothing() -> None:
    assert one("2026-03-02T16:00:00+01:00 new", "2026-03-02T18:00:00+01:00 pending",
               "2026-03-03T07:00:00+01:00 open") == ("running", "2026-03-03T10:30:00+01:00", 5400, 9000, 0)


@pytest.mark.parametrize(("start", "due"), [
    ("2026-03-28T23:00:00+01:00", "2026-03-29T04:00:00+02:00"),
    ("2026-10-24T23:00:00+02:00", "2026-10-25T02:00:00+01:00"),
    ("2026-10-25T02:30:00+02:00", "2026-10-25T05:30:00+01:00"),
])
def test_nights_of_change_count_real_seconds(start: str, due: str) -> None:
    assert one(f"{start} new", calendar=ALWAYS)[1] == due


def test_a_window_to_24_00_goes_on_into_the_next_day() -> None:
    hours = {"timezone": "UTC", "hours": {"mon": [["20:00", "24:00"]], "tue": [["00:00", "02:00"]]}}
    assert one("2026-03-02T22:00:00Z new", calendar=hours)[1] == "2026-03-03T02:00:00+00:00"
    assert one("2026-03-02T22:00:00Z new", calendar=hours, target_s=7200)[1] == "2026-03-03T00:00:00+00:00"


def test_the_clock_may_start_before_or_after_the_first_event() -> None:
    moves = ("2026-03-02T10:00:00+01:00 pending", "2026-03-02T11:00:00+01:00 open")
    assert one(*moves, clock_start="2026-03-02T09:00:00+01:00")[2:] == (3600, 10800, 3600)
    assert one(*moves, clock_start="2026-03-02T10:30:00+01:00")[2:] == (0, 14400, 1800)
    assert one(*moves, clock_start="2026-03-02T13:00:00+01:00") == (
        "running", "2026-03-02T17:00:00+01:00", 0, 14400, 0)
    assert one(clock_start="2026-03-02T13:00:00+01:00")[1] == "2026-03-02T17:00:00+01:00"
    assert one(*moves, clock_start=None)[2:] == (0, 14400, 3600)


def test_it_is_read_as_of_now_and_of_what_was_known_then() -> None:
    moves = ("2026-03-02T09:00:00+01:00 new", "2026-03-02T10:00:00+01:00 closed")
    assert one(*moves, now="2026-03-02T09:30:00+01:00")[0] == "running"
    assert problems(case(*moves, now="2026-03-02T08:59:59+01:00")) == [
        "cases.json: [0].now: is before the clock starts"]


def test_fractions_of_a_second_are_kept() -> None:
    assert one("2026-03-02T09:00:00.250000+01:00 new", "2026-03-02T09:00:01+01:00 pending", target_s=1.5) == (
        "paused", None, 0.75, 0.75, 0)


def test_a_huge_target_is_counted_as_long_as_the_calendar_answers() -> None:
    reading = one("2026-03-02T09:00:00+01:00 new", target_s=10**8, calendar={
        **OFFICE, "hours": {"mon-fri": [["08:00", "17:00"]]}})
    assert reading[1] == "2037-12-29T12:46:40+01:00", "617 weeks of 45 hours and 12:46:40"
    assert problems(case("2026-03-02T09:00:00+01:00 new", target_s=10**9 + 1)) == [
        "cases.json: [0].target_s: 1000000001 is not a number of seconds from 0 to 1,000,000,000"]


def test_keys_that_are_slips_are_refused_and_notes_are_left_alone() -> None:
    notes = {"name": "evening", "expected": {"state": "running"}, "note": None}
    assert one("2026-03-02T09:00:00+01:00 new", **notes)[0] == "running"
    assert problems(case("2026-03-02T09:00:00+01:00 new", pausedStates=["x"], clockstart="x")) == [
        "cases.json: [0].pausedStates: unknown key, did you mean `paused_states`?",
        "cases.json: [0].clockstart: unknown key, did you mean `clock_start`?"]


def test_times_outside_the_years_of_a_calendar_are_told_each_with_its_place() -> None:
    found = problems(case("0001-01-01T00:00:00+14:00 new", "9999-12-31T23:59:59-12:00 new",
                          clock_start="2300-01-01T00:00:00Z"))
    assert [problem.split(": ")[1] for problem in found] == ["[0].events[0].at", "[0].events[1].at", "[0].clock_start"]


def test_lists_that_are_null_are_empty() -> None:
    assert one("2026-03-02T09:00:00+01:00 pending", paused_states=None, stopped_states=None)[0] == "running"


def test_every_problem_of_every_case_is_told_at_once_and_nothing_is_printed() -> None:
    bad = {"calendar": {"timezone": "Mars", "hours": {}}, "target_s": -1, "events": [
        {"at": "2026-03-02T09:00:00", "state": "new"}, {"at": "yesterday", "state": "new"}, {"state": 1}, 7],
        "paused_states": "pending", "clock_start": "soon"}
    assert problems(case("2026-03-02T09:00:00Z new"), bad, {}, case(), "x") == [
        "cases.json: [1].paused_states: 'pending' is not a list of states",
        "cases.json: [1].target_s: -1 is not a number of seconds from 0 to 1,000,000,000",
        "cases.json: [1].events[0].at: '2026-03-02T09:00:00' is not a time with its zone, like "
        "2026-03-02T08:00:00+01:00",
        "cases.json: [1].events[1].at: 'yesterday' is not a time with its zone, like 2026-03-02T08:00:00+01:00",
        "cases.json: [1].events[2].at: None is not a time with its zone, like 2026-03-02T08:00:00+01:00",
        "cases.json: [1].events[2].state: 1 is not a state; expected a text",
        "cases.json: [1].events[3]: 7 is not an event; expected {at, state}",
        "cases.json: [1].clock_start: 'soon' is not a time with its zone, like 2026-03-02T08:00:00+01:00",
        "cases.json: [1].calendar.timezone: 'Mars' is not a known time zone; expected an IANA name such as "
        "Europe/Zurich",
        "cases.json: [1].calendar.hours: this calendar is never open; give at least one window",
        "cases.json: [2].calendar: is required", "cases.json: [2].target_s: is required",
        "cases.json: [2].events: is required",
        "cases.json: [3].events: expected at least one event or a clock_start",
        "cases.json: [4]: 'x' is not a case; expected {calendar, target_s, events}",
    ]


def test_no_cases_give_no_readings_and_something_else_is_refused() -> None:
    assert replay([]) == []
    with pytest.raises(ConfigError, match="is not a list of cases"):
        replay({"calendar": OFFICE})
