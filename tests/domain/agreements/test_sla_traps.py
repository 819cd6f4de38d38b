"""The traps other SLA engines fell into, one test each: 1 to 19. Where another room holds a behaviour, it is named."""

from __future__ import annotations

import importlib
from datetime import UTC, datetime

import pytest

from connector.domain.agreements.assess import agreed, assess
from connector.domain.agreements.clock import ClockState
from connector.domain.agreements.engine import clocks
from connector.domain.agreements.registry import Registry
from connector.domain.calendar import CalendarError, ServiceCalendar
from connector.domain.history import EventKind
from connector.domain.importing.rows import zone
from tests.domain.agreements.test_engine import ACME, MON, Story, one, profile, registry, ticket
from tests.domain.agreements.trap_desk import TARGETS, desk, held_elsewhere, resolution, waiting
from tests.domain.calendars.test_calendar import OFFICE, always, hours, local, office


def test_trap_01_days_of_23_and_25_hours() -> None:
    assert always().elapsed(local(2026, 3, 28, 23, 30), local(2026, 3, 30)) == hours(23.5)
    assert always().elapsed(local(2026, 10, 25), local(2026, 10, 26)) == hours(25)


def test_trap_02_window_edges_inside_the_gap_or_the_fold() -> None:
    sunday = {"timezone": "Europe/Zurich", "hours": {"sun": [["02:30", "04:00"]]}}
    calendar = ServiceCalendar.from_dict(sunday)
    assert calendar.elapsed(local(2026, 3, 29), local(2026, 3, 30)) == hours(1), "the gap is no time"
    assert calendar.elapsed(local(2026, 10, 25), local(2026, 10, 26)) == hours(2.5), "from the first 02:30"


def test_trap_03_due_exactly_on_closing_time_is_today() -> None:
    assert office().add(local(2026, 3, 2, 15, 30), hours(2)) == local(2026, 3, 2, 17, 30)


def test_trap_04_a_start_outside_hours_and_a_target_of_zero() -> None:
    assert office().add(local(2026, 3, 7, 3), hours(0)) == local(2026, 3, 9, 8)
    early = Story().read(local(2026, 3, 2, 7), desk(targets={"resolution": "0m"}), opened_at=local(2026, 2, 28, 3))
    assert one(early, "resolution").clock.due == local(2026, 3, 2, 8)


def test_trap_05_midnight_in_a_night_shift_and_holidays_with_its_tail() -> None:
    held_elsewhere("tests.domain.calendars.test_calendar", "test_a_night_shift_is_one_window_over_midnight",
                   "test_a_holiday_takes_the_local_date_with_the_tail_of_the_evening_before")
    two = [["22:00", "24:00"], ["00:00", "06:00"]]
    night = ServiceCalendar.from_dict({"timezone": "UTC", "hours": {"mon-sun": two}})
    at = datetime(2026, 3, 2, 23, tzinfo=UTC)
    assert len(list(night.windows(at, at + hours(6)))) == 1


def test_trap_06_a_holiday_edited_later_changes_no_running_clock_until_applied() -> None:
    shut = {**OFFICE, "holidays": ["2026-03-02"]}
    old, new = (profile(ACME, targets=TARGETS) for _ in range(2))
    object.__setattr__(old, "calendars", {"weekdays": OFFICE})
    object.__setattr__(new, "calendars", {"weekdays": shut})
    object.__setattr__(new, "version", "2")
    edited = Registry.checked([new], {"weekdays": shut}, None, {("acme-gold", "1"): old})
    held = clocks(ticket(), [], edited, MON, {"acme-gold": "1"})
    assert one(held, "resolution").clock.due == local(2026, 3, 3, 8, 30)
    assert one(clocks(ticket(), [], edited, MON), "resolution").clock.due == local(2026, 3, 3, 17)


def test_trap_06_a_breach_that_an_applied_version_heals_is_corrected_on_record() -> None:
    old, new = profile(ACME, targets={"resolution": "1h"}), profile(ACME, targets={"resolution": "8h"})
    object.__setattr__(new, "version", "2")
    first = assess(ticket(), [], Registry.checked([old], {"weekdays": OFFICE}), MON + hours(2))
    both = Registry.checked([new], {"weekdays": OFFICE}, None, {("acme-gold", "1"): old})
    assert not [e for e in assess(ticket(), first.events, both, MON + hours(2)).events if e.kind is EventKind.CLOCK]
    applied = [*first.events, agreed("acme-gold", "2", MON + hours(3), "admin")]
    told = [event.data["what"] for event in assess(ticket(), applied, both, MON + hours(3)).events]
    assert told == ["corrected"]


def test_trap_07_recurring_holidays_and_moved_dates() -> None:
    held_elsewhere("tests.domain.calendars.test_calendar",
                   "test_recurring_closures_return_every_year_and_cross_new_year",
                   "test_a_shift_wins_over_a_public_holiday_but_not_over_a_listed_one")
    calendar = office(holidays=[{"country": "CH", "subdivision": "ZH"}])
    assert not any(map(calendar.is_open, [local(2026, 4, 6, 9), local(2027, 3, 29, 9)])), "Easter Monday"


def test_trap_08_the_zone_of_the_customer_is_that_of_the_agreement_not_of_a_traveller() -> None:
    desk_ = registry(customer={"ACME SA": {"timezone": "America/Montreal"}})
    result = Story().read(MON, desk_, custom={"timezone": "Asia/Tokyo"})
    assert str(one(result, "resolution").clock.due) == "2026-03-02 17:00:00-05:00"


def test_trap_09_times_without_a_zone_are_refused_or_read_in_the_tools_zone() -> None:
    with pytest.raises(CalendarError):
        office().is_open(datetime(2026, 3, 2, 9))  # noqa: DTZ001
    assert zone("Europe/Zurich").key == "Europe/Zurich"
    with pytest.raises(ValueError):
        zone("Europe/Zurch")
    held_elsewhere("tests.domain.importing.test_local_time", "test_an_hour_the_clock_jumped_over",
                   "test_an_hour_that_came_twice", "test_what_is_no_time_is_told")


def test_trap_10_a_pause_adds_business_time_and_outside_hours_nothing() -> None:
    assert resolution(waiting(local(2026, 3, 2, 16), local(2026, 3, 3, 9)), local(2026, 3, 3, 9)).clock.due == local(
        2026, 3, 3, 11)
    assert resolution(waiting(local(2026, 3, 2, 18), local(2026, 3, 3, 7)), local(2026, 3, 3, 7)).clock.due == local(
        2026, 3, 3, 8, 30)


def test_trap_11_a_pause_of_unknown_end_has_no_due_but_what_remains() -> None:
    seen = resolution(waiting(local(2026, 3, 2, 10)), local(2026, 9, 1))
    assert (seen.clock.state, seen.clock.due, seen.clock.remaining) == (ClockState.PAUSED, None, hours(7))


def test_trap_12_a_target_used_up_before_the_pause_stays_in_the_past() -> None:
    seen = resolution(waiting(local(2026, 3, 3, 9)), local(2026, 3, 9))
    assert (seen.clock.state, seen.clock.due) == (ClockState.BREACHED, local(2026, 3, 3, 8, 30))


def test_trap_13_paused_before_due_and_seen_after_is_no_breach() -> None:
    story, registry_ = Story(), desk(targets={"resolution": "8h"})
    early = assess(ticket(), story.events, registry_, local(2026, 3, 3, 8, 35))
    assert [e.data["what"] for e in early.events if e.kind is EventKind.CLOCK] == ["breached"]
    story.set(local(2026, 3, 3, 8, 29), state="pending", pending_on="customer")
    late = assess(ticket(**story.last), [*story.events, *early.events], registry_, local(2026, 3, 3, 8, 36))
    assert one(late.result, "resolution").clock.state is ClockState.PAUSED
    assert [e.data["what"] for e in late.events] == ["corrected"]


def test_trap_14_overlapping_pauses_born_pending_and_solved_while_pending() -> None:
    rules = [{"when": {"state": "pending"}}, {"when": {"tags": "hold"}}]
    story = Story()
    story.last["tags"] = ()
    story.set(local(2026, 3, 2, 9), state="pending").set(local(2026, 3, 2, 10), tags=("hold",))
    story.set(local(2026, 3, 2, 11), state="in_progress").set(local(2026, 3, 2, 14), tags=())
    seen = resolution(story, local(2026, 3, 2, 14), conditions={"pause": rules})
    assert seen.clock.paused == hours(4), "09:00 to 14:00 without lunch, once"
    born = Story().read(MON + hours(1), desk(), state="pending", pending_on="customer")
    assert one(born, "resolution").clock.state is ClockState.PAUSED
    solved = waiting(local(2026, 3, 2, 10)).set(local(2026, 3, 9), state="resolved")
    assert resolution(solved, local(2026, 3, 10)).clock.state is ClockState.MET


def test_trap_15_history_from_before_the_opening_is_clamped_and_logged_once() -> None:
    assert office().elapsed(local(2026, 3, 2, 10), local(2026, 3, 2, 9)) == hours(-1), "swapped ends are negative"
    story = Story().set(MON - hours(5), state="pending", pending_on="customer").set(MON + hours(1), state="in_progress")
    registry_ = desk(targets={"resolution": "8h"})
    first = assess(ticket(**story.last), story.events, registry_, MON + hours(2))
    seen = one(first.result, "resolution").clock
    assert (seen.start, seen.paused, seen.active) == (MON, hours(1), hours(1))
    clamped = [event for event in first.events if event.kind is EventKind.CLAMPED]
    assert [event.data["taken"] for event in clamped] == [MON.isoformat()] * 2, "state and what it waits for"
    again = assess(ticket(**story.last), [*story.events, *first.events], registry_, MON + hours(3))
    assert again.events == ()


def test_trap_16_solved_closed_and_reopened() -> None:
    story = Story().set(local(2026, 3, 2, 11), state="resolved").set(local(2026, 3, 3, 11), state="closed")
    story.set(local(2026, 3, 4, 9), state="in_progress")
    assert resolution(story, local(2026, 3, 4, 9)).clock.remaining == hours(6), "the solved time is a pause"
    late = Story().set(local(2026, 3, 2, 11), state="resolved").set(local(2026, 3, 20, 16), state="in_progress")
    days = {"resolution": {"within": "2 working days", "at": "end of day"}}
    result = late.read(local(2026, 3, 20, 16), desk(targets=days))
    assert one(result, "resolution", 1).clock.state is ClockState.MET
    assert one(result, "resolution", 2).clock.due == local(2026, 3, 24, 17, 30), "working days count from the reopening"


def test_trap_17_a_higher_priority_can_be_given_a_floor() -> None:
    amounts = {"resolution": {"P2": "8h", "P1": "1h"}}
    story = Story()
    story.last["urgency"] = "medium"
    story.set(local(2026, 3, 2, 11), urgency="high")
    strict = one(story.read(local(2026, 3, 2, 11, 1), desk(targets=amounts)), "resolution")
    assert (strict.clock.state, strict.clock.breached_at) == (ClockState.BREACHED, local(2026, 3, 2, 11))
    kind = one(story.read(local(2026, 3, 2, 11, 1), desk(targets=amounts, on_change={"floor": "15m"})), "resolution")
    assert (kind.clock.state, kind.clock.due) == (ClockState.RUNNING, local(2026, 3, 2, 11, 15))


def test_trap_18_an_sla_that_left_and_came_back_gives_no_new_time() -> None:
    story = Story()
    story.last["customer"] = "ACME SA"
    story.set(local(2026, 3, 2, 11), customer="Other")
    assert resolution(story, local(2026, 3, 2, 12)).clock.state is ClockState.CANCELLED
    story.set(local(2026, 3, 2, 14), customer="ACME SA")
    seen = resolution(story, local(2026, 3, 2, 14))
    assert (seen.clock.start, seen.clock.remaining, seen.clock.cycle) == (MON, hours(6), 1)


def test_trap_18_a_priority_without_target_cancels_until_there_is_one_again() -> None:
    story = Story()
    story.last["priority"] = "P3"
    story.set(local(2026, 3, 2, 10), priority="P5").set(local(2026, 3, 2, 11), state="in_progress")
    only = {"targets": {"resolution": {"P3": "8h"}}, "classification": {}}
    assert resolution(story, local(2026, 3, 2, 12), **only).clock.state is ClockState.CANCELLED
    story.set(local(2026, 3, 2, 14), priority="P3")
    assert resolution(story, local(2026, 3, 2, 14), **only).clock.remaining == hours(7)


def test_trap_19_a_flap_between_two_polls_fires_nothing_where_a_floor_damps_it() -> None:
    amounts = {"resolution": {"P2": "8h", "P1": "1h"}}
    story = Story()
    story.last["urgency"] = "medium"
    story.set(local(2026, 3, 2, 11), urgency="high").set(local(2026, 3, 2, 11, 2), urgency="medium")
    damped = one(story.read(local(2026, 3, 2, 12), desk(targets=amounts, on_change={"floor": "15m"})), "resolution")
    assert (damped.clock.state, damped.clock.due) == (ClockState.RUNNING, local(2026, 3, 3, 8, 30))


def test_every_trap_of_the_research_has_its_test() -> None:
    modules = [importlib.import_module(f"tests.domain.agreements.{name}")
               for name in ("test_sla_traps", "test_sla_traps_later")]
    names = [name for module in modules for name in vars(module) if name.startswith("test_trap_")]
    assert {int(name.split("_")[2]) for name in names} == set(range(1, 40))
