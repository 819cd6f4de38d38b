"""The traps other SLA engines fell into, one test each. Where another room holds the behaviour, its test is named."""

from __future__ import annotations

import importlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.domain.assess import assess
from connector.domain.calendar import CalendarError, ServiceCalendar
from connector.domain.calendar_format import horizon_problem
from connector.domain.clock import ClockState, Mode, Plan, Turn, read
from connector.domain.durations import duration
from connector.domain.engine import NamedClock, clocks
from connector.domain.errors import ConfigError
from connector.domain.fingerprint import fingerprint
from connector.domain.history import Event, EventKind, Origin, Role, effective
from connector.domain.registry import Registry
from connector.domain.rows import zone
from tests.domain.test_calendar import OFFICE, always, hours, local, office
from tests.domain.test_engine import ACME, MON, Story, one, profile, registry, ticket

TARGETS = {"first_response": "1h", "resolution": "8h"}


def desk(**more: Any) -> Registry:
    return registry(profile(ACME, **{"targets": TARGETS, **more}))


def resolution(story: Story, now: datetime, **more: Any) -> NamedClock:
    return one(story.read(now, desk(**more)), "resolution")


def held_elsewhere(module: str, *names: str) -> None:
    """These tests exist, where the behaviour lives."""
    found = importlib.import_module(module)
    assert all(callable(getattr(found, name)) for name in names)


def waiting(start: datetime, end: datetime | None = None) -> Story:
    story = Story().set(start, state="pending", pending_on="customer")
    return story if end is None else story.set(end, state="in_progress", pending_on=None)


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
    held_elsewhere("tests.domain.test_calendar", "test_a_night_shift_is_one_window_over_midnight",
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


def test_trap_07_recurring_holidays_and_moved_dates() -> None:
    held_elsewhere("tests.domain.test_calendar", "test_recurring_closures_return_every_year_and_cross_new_year",
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
    held_elsewhere("tests.domain.test_rows")


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


@pytest.mark.parametrize(("role", "kind", "more"), [
    (Role.AGENT, EventKind.COMMENTED, {"auto": True}), (Role.AGENT, EventKind.NOTED, {}),
    (Role.SYSTEM, EventKind.COMMENTED, {}), (Role.CONNECTOR, EventKind.COMMENTED, {}),
    (Role.REQUESTER, EventKind.COMMENTED, {}),
])
def test_trap_20_what_is_no_first_response(role: Role, kind: EventKind, more: dict[str, Any]) -> None:
    story = Story().say(MON + hours(0.5), role, kind=kind, **more)
    assert one(story.read(MON + hours(0.6), desk()), "first_response").clock.state is ClockState.RUNNING


def test_trap_20_the_agent_who_is_the_requester_and_a_rule_that_assigns_do_not_answer() -> None:
    story = Story().say(MON + hours(0.5), Role.AGENT, actor="Ana")
    assert one(story.read(MON + hours(0.6), desk()), "first_response").clock.state is ClockState.RUNNING
    taken = desk(targets={"acknowledge": "1h"})
    for role, state in ((Role.SYSTEM, ClockState.RUNNING), (Role.REQUESTER, ClockState.RUNNING),
                        (Role.AGENT, ClockState.MET), (Role.UNKNOWN, ClockState.MET)):
        story = Story().set(MON + hours(0.5), role, assignee="bob")
        assert one(story.read(MON + hours(0.6), taken), "acknowledge").clock.state is state, role


def test_trap_21_our_own_writes_pause_nothing_and_answer_nothing() -> None:
    ours: dict[str, Any] = {"at": MON + hours(1), "role": Role.CONNECTOR, "origin": Origin.CONNECTOR}
    events = [Event(key="a", kind=EventKind.CHANGED, field="state", old="new", new="pending", **ours),
              Event(key="b", seq=1, kind=EventKind.CHANGED, field="pending_on", new="customer", **ours),
              Event(key="c", kind=EventKind.COMMENTED, **ours)]
    result = clocks(ticket(state="pending", pending_on="customer"), events, desk(), MON + hours(1.5))
    assert {named.clock.state for named in result.clocks} == {ClockState.BREACHED, ClockState.RUNNING}
    held_elsewhere("tests.flows.test_write_back", "test_what_we_write_starts_stops_and_pauses_no_clock")


def test_trap_22_the_next_response_counts_from_the_oldest_message_and_ends_with_the_ticket() -> None:
    story = Story().say(MON, Role.AGENT).say(MON + hours(1), Role.REQUESTER).say(MON + hours(1.5), Role.REQUESTER)
    targets = desk(targets={"next_response": "4h", "update": "30m", "first_response": "4h"})
    result = story.read(MON + hours(2), targets)
    assert one(result, "next_response").clock.start == MON + hours(1)
    assert one(result, "first_response").clock.state is ClockState.MET, "an update owed sooner does not override it"
    story.set(MON + hours(2), state="resolved")
    assert one(story.read(MON + hours(9), targets), "next_response").clock.state is ClockState.MET
    story.say(local(2026, 3, 3, 9), Role.AGENT).say(local(2026, 3, 3, 10), Role.REQUESTER)
    thanks = story.read(local(2026, 3, 3, 16), targets)
    assert not [c for c in thanks.clocks if c.clock.cycle > 1 and c.target == "next_response"], "a thanks owes nothing"


def test_trap_23_a_business_target_is_never_due_outside_hours_and_a_wall_clock_one_may_be() -> None:
    for minute in range(0, 5000, 37):
        due = office().add(local(2026, 3, 2) + timedelta(minutes=minute), hours(3))
        assert office().is_open(due - timedelta(microseconds=1))
    night = desk(targets={"resolution": {"within": "8h", "calendar": "24x7"}})
    assert one(Story().read(local(2026, 3, 2, 21), night, opened_at=local(2026, 3, 2, 20)),
               "resolution").clock.due == local(2026, 3, 3, 4)


def test_trap_24_shares_are_in_business_time_and_never_before_the_start() -> None:
    clock = one(Story().read(local(2026, 3, 2, 16), desk(), opened_at=local(2026, 3, 2, 15, 30)), "resolution").clock
    assert clock.at_share(0.75) == local(2026, 3, 3, 12), "2 h on Monday, 4 h on Tuesday"
    assert clock.due is not None
    before = clock.ledger[-1].plan.calendar.add(clock.due, hours(-1))
    assert before == local(2026, 3, 3, 14)


def test_trap_25_working_days_keep_the_local_time_across_the_change_of_clocks() -> None:
    assert office().add_days(local(2026, 3, 27, 10), 1) == local(2026, 3, 30, 10)
    assert always().add_days(local(2026, 3, 28, 10), 1) == local(2026, 3, 29, 10), "23 hours"


def test_trap_26_every_target_is_looked_at_each_time() -> None:
    """Nothing is queued one by one: the moment of the next look is the earliest of all clocks, found anew each time."""
    result = Story().read(MON, desk())
    dues = [named.clock.due for named in result.clocks if named.clock.due is not None]
    assert result.next_at == min(dues) + timedelta(microseconds=1)


def test_trap_27_after_a_downtime_each_breach_is_recorded_once_at_its_own_time() -> None:
    late = assess(ticket(), [], desk(), local(2026, 6, 1))
    assert [(e.data["target"], e.at) for e in late.events if e.kind is EventKind.CLOCK] == [
        ("first_response", local(2026, 3, 2, 10)), ("resolution", local(2026, 3, 3, 8, 30))]


def test_trap_28_skew_of_the_tool_is_measured_and_a_few_seconds_are_tolerated() -> None:
    story = Story().set(MON - timedelta(seconds=3), state="in_progress")
    assert not [e for e in assess(ticket(), story.events, desk(), MON + hours(1)).events if e.kind is EventKind.CLAMPED]
    held_elsewhere("tests.test_http")


def test_trap_29_the_same_event_read_twice_counts_once() -> None:
    held_elsewhere("tests.flows.test_intake")
    held_elsewhere("tests.domain.test_history")
    story = Story().say(MON, Role.AGENT)
    echo = Event(key="x", at=MON, kind=EventKind.COMMENTED, role=Role.AGENT, echo="0")
    targets = desk(targets={"update": "1h"})
    for events in (story.events, [*story.events, echo]):
        assert [c.clock.cycle for c in clocks(ticket(), effective(events), targets, MON + hours(0.1)).clocks] == [1]


def test_trap_30_seconds_and_less_are_kept() -> None:
    odd = MON + timedelta(seconds=36, microseconds=5)
    clock = one(Story().read(odd, desk(targets={"resolution": "90s"}), opened_at=odd), "resolution").clock
    assert clock.due == odd + timedelta(seconds=90)


def test_trap_31_in_the_due_second_is_on_time() -> None:
    plan, due = Plan(office(), hours(1)), MON + hours(1)
    turns = [Turn(MON, Mode.RUN, plan), Turn(due, Mode.STOP, plan)]
    assert read(turns, due + hours(1))[-1].state is ClockState.MET
    assert read(turns[:1], due)[-1].state is ClockState.RUNNING
    assert read(turns[:1], due + timedelta(microseconds=1))[-1].state is ClockState.BREACHED


def test_trap_32_an_empty_calendar_is_refused_and_one_that_ends_stops_only_its_own_clock() -> None:
    with pytest.raises(ConfigError, match="never open"):
        ServiceCalendar.from_dict({"timezone": "UTC", "hours": {}})
    ends = {"timezone": "UTC", "shifts": {"2026-03-02": [["08:00", "09:00"]]}, "hours": {}}
    two = Registry.checked([profile(ACME, targets={"first_response": "1h", "resolution": {
        "within": "8h", "calendar": "ends"}})], {"weekdays": OFFICE, "ends": ends})
    result = clocks(ticket(), [], two, MON)
    assert [str(named.target) for named in result.clocks] == ["first_response"]
    assert "acme-gold/resolution cannot be computed" in result.problems[0]


def test_trap_33_very_long_targets_cost_no_more_and_nonsense_is_refused() -> None:
    assert office().elapsed(MON, office().add(MON, hours(4000))) == hours(4000)
    for text in ("99999999999h", "11y", "4000d"):
        with pytest.raises(ValueError):
            duration(text)


def test_trap_34_percent_is_of_the_present_target_without_pauses() -> None:
    clock = resolution(waiting(local(2026, 3, 2, 10), local(2026, 3, 2, 11)), local(2026, 3, 2, 14)).clock
    assert clock.at_share(0.5) == local(2026, 3, 2, 15), "4 of 8 hours, an hour of pause and lunch left out"


def test_trap_35_a_due_time_set_by_hand_wins_from_when_it_was_set_and_erases_no_breach() -> None:
    due = local(2026, 3, 5, 12)
    story = waiting(local(2026, 3, 2, 10), local(2026, 3, 4, 10)).set(MON, due_at=due)
    by_hand = resolution(story, local(2026, 3, 4, 11))
    assert (by_hand.manual_due, by_hand.clock.due, by_hand.clock.remaining) == (True, due, hours(9.5))
    assert by_hand.clock.at_share(1) == due
    late = Story()
    late.last["due_at"] = None
    late.set(local(2026, 3, 3, 12), due_at=due)
    assert resolution(late, local(2026, 3, 3, 13)).clock.breached_at == local(2026, 3, 3, 8, 30)
    moved = Story().set(MON, due_at=local(2026, 3, 2, 10)).set(local(2026, 3, 2, 11), due_at=due)
    assert resolution(moved, local(2026, 3, 2, 12)).clock.breached_at == local(2026, 3, 2, 10), "the first passed"
    over = waiting(local(2026, 3, 2, 10)).set(local(2026, 3, 9), state="resolved").set(MON, due_at=due)
    assert resolution(over, local(2026, 3, 10)).clock.state is ClockState.BREACHED, "done after it, paused or not"


def test_trap_36_the_tools_own_fields_are_not_fought_over() -> None:
    held_elsewhere("tests.domain.test_write_back")
    held_elsewhere("tests.flows.test_write_back", "test_nothing_is_written_while_nothing_changes")


@pytest.mark.parametrize("kind", [EventKind.DELETED, EventKind.MERGED])
def test_trap_37_merged_and_deleted_tickets_owe_nothing_whatever_a_profile_says(kind: EventKind) -> None:
    story = Story().say(MON + hours(1), Role.SYSTEM, kind=kind)
    own = {"conditions": {"cancel": {"state": "cancelled"}}}
    assert resolution(story, MON + hours(2), **own).clock.state is ClockState.CANCELLED
    story.say(MON + hours(3), Role.SYSTEM, kind=EventKind.RESTORED)
    assert resolution(story, MON + hours(3), **own).clock.remaining == hours(7)


def test_trap_37_child_tickets_may_have_no_clock() -> None:
    assert not Story().read(MON, desk(children="no clock"), parent="7").clocks
    assert Story().read(MON, desk(), parent="7").clocks


def test_trap_38_a_due_beyond_the_last_known_holidays_is_warned_about() -> None:
    calendar = office(holidays=["2026-01-01"])
    assert horizon_problem(calendar.known_until, local(2027, 1, 4).date()) is not None
    assert horizon_problem(calendar.known_until, local(2026, 12, 31).date()) is None


def test_trap_39_new_time_zone_data_changes_the_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    """And with it, every open ticket is looked at again: tests/flows/test_agreements.py."""
    before = fingerprint(registry(), 2026)
    assert before == fingerprint(registry(), 2026), "the same files and data: the same"
    other = Registry.checked([profile(ACME)], {"weekdays": {**OFFICE, "timezone": "Europe/Lisbon"}})
    assert before != fingerprint(other, 2026)
    held_elsewhere("tests.flows.test_agreements", "test_what_is_new_in_force_is_looked_at_once")


def test_every_trap_of_the_research_has_its_test() -> None:
    names = [name for name in globals() if name.startswith("test_trap_")]
    assert {int(name.split("_")[2]) for name in names} == set(range(1, 40))
    assert Path(__file__).name == "test_sla_traps.py"
