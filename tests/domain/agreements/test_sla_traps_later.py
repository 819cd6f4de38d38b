"""The traps other SLA engines fell into, one test each: 20 to 39."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connector.domain.agreements.assess import assess
from connector.domain.agreements.clock import ClockState, Mode, Plan, Turn, read
from connector.domain.agreements.durations import duration
from connector.domain.agreements.engine import clocks
from connector.domain.agreements.fingerprint import fingerprint
from connector.domain.agreements.registry import Registry
from connector.domain.calendar import ServiceCalendar
from connector.domain.calendars import reader as calendar_reader
from connector.domain.calendars.format import horizon_problem
from connector.domain.errors import ConfigError
from connector.domain.history import Event, EventKind, Origin, Role, effective
from tests.domain.agreements.test_engine import ACME, MON, Story, one, profile, registry, ticket
from tests.domain.agreements.trap_desk import desk, held_elsewhere, resolution, waiting
from tests.domain.calendars.test_calendar import OFFICE, always, hours, local, office


@pytest.mark.parametrize(("role", "kind", "more"), [
    (Role.AGENT, EventKind.COMMENTED, {"auto": True}), (Role.AGENT, EventKind.NOTED, {}),
    (Role.SYSTEM, EventKind.COMMENTED, {}), (Role.CONNECTOR, EventKind.COMMENTED, {}),
    (Role.REQUESTER, EventKind.COMMENTED, {}), (Role.AGENT, EventKind.CREATED, {}),
    (Role.AGENT, EventKind.ATTACHED, {}),
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
    held_elsewhere("tests.test_http", "test_skew_is_their_clock_less_ours")


def test_trap_29_the_same_event_read_twice_counts_once() -> None:
    held_elsewhere("tests.flows.test_intake", "test_reading_everything_again_adds_nothing",
                   "test_what_happens_in_the_second_of_the_last_reading_is_read_too")
    held_elsewhere("tests.domain.test_history", "test_a_second_reading_of_the_memory_adds_nothing")
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
    for shut in ({"hours": {}}, {"hours": "24x7", "holidays": [{"every": "01-01", "until": "12-31"}]}):
        with pytest.raises(ConfigError, match="never open"):
            ServiceCalendar.from_dict({"timezone": "UTC", **shut})
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
    story = Story()
    story.last["urgency"] = "medium"
    story.set(local(2026, 3, 2, 11), urgency="high")
    faster = resolution(story, local(2026, 3, 2, 11), targets={"resolution": {"P2": "8h", "P1": "4h"}}).clock
    assert faster.at_share(0.5) == local(2026, 3, 2, 11), "2 of now 4 hours; it was a quarter of 8"


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
    held_elsewhere("tests.domain.agreements.test_write_back", "test_no_native_field_of_a_service_level_is_ever_written")
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
    held_elsewhere("tests.files.test_profiles", "test_holidays_that_end_too_soon_are_told_at_their_line_with_the_time")
    held_elsewhere("tests.commands.test_sla", "test_a_due_beyond_the_known_holidays_is_explained_with_a_warning")


def test_trap_39_new_time_zone_data_changes_the_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    """And with it, every open ticket is looked at again: tests/flows/test_agreements.py."""
    before = fingerprint(registry(), 2026)
    assert before == fingerprint(registry(), 2026), "the same files and data: the same"
    monkeypatch.setattr(calendar_reader, "ZoneInfo", lambda name: ZoneInfo("Africa/Cairo"))
    assert before != fingerprint(registry(), 2026), "the same files, but Zurich has other rules now"
    held_elsewhere("tests.flows.test_agreements", "test_what_is_new_in_force_is_looked_at_once")
