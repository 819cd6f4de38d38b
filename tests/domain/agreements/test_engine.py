"""From history to clocks: which agreements speak, when their clocks run, and what stops them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from ruamel.yaml import YAML

from connector.domain.agreements.clock import ClockState
from connector.domain.agreements.engine import NamedClock, Result, clocks
from connector.domain.agreements.profile import Profile
from connector.domain.agreements.profile_format import parse
from connector.domain.agreements.registry import Registry
from connector.domain.history import Event, EventKind, Role, effective
from connector.domain.problems import Problems
from connector.domain.ticket import Kind, Scale, State, Ticket
from tests.domain.calendars.test_calendar import OFFICE, local

ACME = """
profile: acme-gold
agreement: sla
applies_to: {customer: ACME SA, kind: incident}
calendar: weekdays
timezone: {from: [contract, customer, site], else: Europe/Zurich}
classification:
  matrix: {high: {high: P1, medium: P2, low: P3}, medium: {high: P2, medium: P3, low: P4}, low: {high: P3, medium: P4, low: P4}}
  major_incident: {when: {any: [{priority: P1}, {affected_users: ">= 100"}]}}
targets:
  first_response: {P1: 15m, P2: 1h, P3: 4h, P4: 1d}
  resolution:     {P1: {within: 4h, calendar: 24x7}, P2: 8h, P3: 3 working days, P4: {within: 5 working days, at: end of day}}
conditions:
  pause: {state: pending, pending_on: [customer]}
  stop: {state: [resolved, closed]}
  reopen: {within: 5d, then: resume, else: new cycle}
retroactive: {start: opened, pauses: kept}
escalate: incident-ladder
"""  # noqa: E501
MON = local(2026, 3, 2, 9)


def profile(text: str, **more: Any) -> Profile:
    problems = Problems()
    found = parse({**YAML(typ="safe").load(text), **more}, problems, version="1")
    assert found is not None, problems.found
    return found


def registry(*profiles: Profile, **directory: Any) -> Registry:
    montreal = {"timezone": "America/Montreal", "hours": {"mon-fri": [["09:00", "17:00"]]}}
    return Registry.checked(profiles or (profile(ACME),), {"weekdays": OFFICE, "montreal": montreal}, directory)


def ticket(**fields: Any) -> Ticket:
    defaults: dict[str, Any] = {"state": State.NEW, "opened_at": MON, "updated_at": MON, "customer": "ACME SA",
                                "impact": Scale.HIGH, "urgency": Scale.MEDIUM, "requester": "ana"}
    return Ticket(tool="t", id="1", kind=Kind.INCIDENT, **{**defaults, **fields})


class Story:
    """Builds a history step by step."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.last: dict[str, Any] = {"state": "new", "assignee": ""}

    def set(self, at: datetime, role: Role = Role.AGENT, **fields: Any) -> Story:
        for name, value in fields.items():
            self._add(at, EventKind.CHANGED, role, field=name, old=self.last.get(name), new=value)
            self.last[name] = value
        return self

    def say(
        self, at: datetime, role: Role, actor: str = "", kind: EventKind = EventKind.COMMENTED, **data: Any
    ) -> Story:
        return self._add(at, kind, role, actor=actor or str(role), data=data)

    def _add(self, at: datetime, kind: EventKind, role: Role, **more: Any) -> Story:
        self.events.append(Event(key=f"{len(self.events)}", seq=len(self.events), at=at, kind=kind, role=role, **more))
        return self

    def read(self, now: datetime, desk: Registry | None = None, **fields: Any) -> Result:
        return clocks(ticket(**{**self.last, **fields}), effective(self.events), desk or registry(), now)


def one(result: Result, target: str, cycle: int = 1) -> NamedClock:
    return next(c for c in result.clocks if c.target == target and c.clock.cycle == cycle)


def test_a_ticket_gets_a_clock_for_each_target_of_its_priority() -> None:
    result = Story().read(MON)
    assert {str(c.target): c.clock.due for c in result.clocks} == {
        "first_response": local(2026, 3, 2, 10), "resolution": local(2026, 3, 3, 8, 30)}
    assert result.next_at == local(2026, 3, 2, 10) + timedelta(microseconds=1)


def test_waiting_for_the_customer_pauses_and_waiting_for_a_supplier_does_not() -> None:
    story = Story().set(local(2026, 3, 2, 10), state="pending", pending_on="customer")
    assert one(story.read(local(2026, 3, 2, 11)), "resolution").clock.state is ClockState.PAUSED
    story = Story().set(local(2026, 3, 2, 10), state="pending", pending_on="supplier")
    assert one(story.read(local(2026, 3, 2, 11)), "resolution").clock.state is ClockState.RUNNING


def test_an_answer_by_an_agent_is_the_first_response() -> None:
    story = Story().say(local(2026, 3, 2, 9, 30), Role.AGENT)
    assert one(story.read(local(2026, 3, 2, 11)), "first_response").clock.state is ClockState.MET


def test_what_is_no_first_response() -> None:
    at = local(2026, 3, 2, 9, 30)
    for story in (
        Story().say(at, Role.AGENT, kind=EventKind.NOTED),
        Story().say(at, Role.AGENT, auto=True),
        Story().say(at, Role.AGENT, actor="ANA"),
        Story().say(at, Role.REQUESTER),
        Story().say(at, Role.CONNECTOR),
        Story().say(at, Role.SYSTEM),
    ):
        assert one(story.read(local(2026, 3, 2, 9, 45)), "first_response").clock.state is ClockState.RUNNING


def test_priority_rises_mid_flight_from_the_opening_with_pauses_kept() -> None:
    story = Story()
    story.last["urgency"] = Scale.MEDIUM
    story.set(local(2026, 3, 2, 10), state="pending", pending_on="customer")
    story.set(local(2026, 3, 2, 11), state="in_progress", pending_on=None)
    story.set(local(2026, 3, 2, 11), urgency=Scale.HIGH)
    clock = one(story.read(local(2026, 3, 2, 12)), "resolution")
    assert clock.segment.priority == "P1"
    assert clock.clock.due == local(2026, 3, 2, 14), "4 h around the clock from 09:00, and one hour of pause"


def test_working_days_until_the_end_of_the_day() -> None:
    result = Story().read(MON, impact=Scale.LOW, urgency=Scale.LOW)
    assert one(result, "resolution").clock.due == local(2026, 3, 9, 17, 30)


def test_a_reopening_within_five_days_goes_on_and_later_begins_anew() -> None:
    story = Story().set(local(2026, 3, 2, 11), state="resolved").set(local(2026, 3, 4, 9), state="in_progress")
    assert one(story.read(local(2026, 3, 4, 9)), "resolution").clock.due == local(2026, 3, 4, 16)
    story = Story().set(local(2026, 3, 2, 11), state="resolved").set(local(2026, 3, 9, 9), state="in_progress")
    result = story.read(local(2026, 3, 9, 9))
    assert one(result, "resolution", 1).clock.state is ClockState.MET
    assert one(result, "resolution", 2).clock.start == local(2026, 3, 9, 9)


def test_the_most_specific_profile_speaks_and_a_tie_is_told() -> None:
    vip = profile(ACME, profile="vip", applies_to={"customer": "ACME SA", "kind": "incident", "tags": ["vip"]})
    result = Story().read(MON, registry(profile(ACME), vip), tags=("vip",))
    assert {c.profile.name for c in result.clocks} == {"vip"}
    twin = profile(ACME, profile="twin", applies_to={"customer": "ACME SA", "state": "new"})
    result = Story().read(MON, registry(profile(ACME), twin))
    assert not result.clocks
    assert "acme-gold and twin apply alike" in result.problems[0]


def test_a_ticket_no_profile_matches_says_so() -> None:
    result = Story().read(MON, customer="Nobody")
    assert result.problems == ("no profile applies to this ticket",)


def test_the_zone_of_the_customer_wins_over_the_profile() -> None:
    desk = registry(customer={"ACME SA": {"timezone": "America/Montreal"}})
    clock = one(Story().read(MON, desk), "resolution")
    assert clock.clock.due is not None
    assert clock.clock.due.isoformat() == "2026-03-02T17:00:00-05:00"
    assert clock.segment.hours is not None
    assert clock.segment.hours.zone_source == "customer ACME SA"


def test_an_ola_runs_while_the_team_has_the_ticket_and_anew_when_it_comes_back() -> None:
    text = "{profile: net, agreement: ola, applies_to: {group: Network}, calendar: weekdays, targets: {resolution: 4h}}"
    ola = profile(text)
    story = Story()
    story.last["group"] = "Desk"
    story.set(local(2026, 3, 2, 10), group="Network").set(local(2026, 3, 2, 11), group="Desk")
    story.set(local(2026, 3, 2, 14), group="Network")
    result = story.read(local(2026, 3, 2, 15), registry(ola))
    assert [(c.clock.cycle, c.clock.state, c.clock.start) for c in result.clocks] == [
        (1, ClockState.MET, local(2026, 3, 2, 10)), (2, ClockState.RUNNING, local(2026, 3, 2, 14))]


def test_the_next_response_counts_from_the_oldest_unanswered_message() -> None:
    desk = registry(profile(ACME, targets={"next_response": "2h"}))
    story = Story().say(local(2026, 3, 2, 9, 30), Role.AGENT).say(local(2026, 3, 2, 10), Role.REQUESTER)
    story.say(local(2026, 3, 2, 11), Role.REQUESTER)
    assert one(story.read(local(2026, 3, 2, 11, 30), desk), "next_response").clock.due == local(2026, 3, 2, 12)
    story.say(local(2026, 3, 2, 11, 45), Role.AGENT).say(local(2026, 3, 2, 15), Role.REQUESTER)
    result = story.read(local(2026, 3, 2, 15, 30), desk)
    assert [c.clock.state for c in result.clocks] == [ClockState.MET, ClockState.RUNNING]


def test_an_update_is_owed_from_the_last_one() -> None:
    desk = registry(profile(ACME, targets={"update": "2h"}))
    story = Story().say(local(2026, 3, 2, 10), Role.AGENT)
    result = story.read(local(2026, 3, 2, 10, 30), desk)
    assert [(c.clock.cycle, c.clock.state) for c in result.clocks] == [(1, ClockState.MET), (2, ClockState.RUNNING)]
    assert result.clocks[1].clock.due == local(2026, 3, 2, 12)


def test_a_due_time_set_by_hand_wins_and_pauses_do_not_move_it() -> None:
    due = local(2026, 3, 5, 12)
    story = Story().set(local(2026, 3, 2, 10), state="pending", pending_on="customer")
    story.set(local(2026, 3, 4, 10), state="in_progress", pending_on=None)
    clock = one(story.read(local(2026, 3, 4, 11), due_at=due), "resolution")
    assert (clock.clock.due, clock.manual_due, clock.clock.state) == (due, True, ClockState.RUNNING)
    assert one(story.read(local(2026, 3, 6), due_at=due), "resolution").clock.breached_at == due


def test_a_pause_may_be_limited_in_time_and_number() -> None:
    rule = {"when": {"state": "pending"}, "reason": "waiting for the customer", "at_most": "1h", "times": 1}
    desk = registry(profile(ACME, conditions={"pause": [rule]}))
    story = Story().set(local(2026, 3, 2, 9), state="pending")
    result = story.read(local(2026, 3, 2, 9, 30), desk)
    assert one(result, "resolution").clock.state is ClockState.PAUSED
    assert result.next_at == local(2026, 3, 2, 10)
    assert one(story.read(local(2026, 3, 2, 11), desk), "resolution").clock.active == timedelta(hours=1)
    story.set(local(2026, 3, 2, 9, 30), state="in_progress").set(local(2026, 3, 2, 10), state="pending")
    assert one(story.read(local(2026, 3, 2, 10, 30), desk), "resolution").clock.state is ClockState.RUNNING


def test_a_cancelled_or_deleted_ticket_cancels_its_clocks() -> None:
    story = Story().set(local(2026, 3, 2, 10), state="cancelled")
    assert {c.clock.state for c in story.read(local(2026, 3, 2, 11)).clocks} == {ClockState.CANCELLED}
    story = Story().say(local(2026, 3, 2, 10), Role.SYSTEM, kind=EventKind.DELETED)
    assert {c.clock.state for c in story.read(local(2026, 3, 2, 11)).clocks} == {ClockState.CANCELLED}


def test_history_out_of_order_reads_the_same() -> None:
    story = Story().set(local(2026, 3, 2, 10), state="pending", pending_on="customer")
    story.set(local(2026, 3, 2, 12), state="in_progress", pending_on=None).say(local(2026, 3, 2, 13), Role.AGENT)
    desk = registry()
    straight = story.read(local(2026, 3, 2, 16), desk)
    story.events.reverse()
    assert [c.clock for c in story.read(local(2026, 3, 2, 16), desk).clocks] == [c.clock for c in straight.clocks]


def test_a_running_clock_keeps_its_version() -> None:
    old = profile(ACME)
    new = profile(ACME, targets={"resolution": "1h"})
    desk = Registry.checked([new], {"weekdays": OFFICE}, None, {("acme-gold", "0"): old})
    assert one(clocks(ticket(), [], desk, MON, {"acme-gold": "0"}), "resolution").clock.target == timedelta(hours=8)
    assert one(clocks(ticket(), [], desk, MON), "resolution").clock.target == timedelta(hours=1)


def test_what_was_met_stays_met_when_the_ticket_is_deleted_later() -> None:
    story = Story().set(local(2026, 3, 2, 10), state="resolved")
    story.say(local(2026, 3, 3), Role.SYSTEM, kind=EventKind.DELETED)
    assert one(story.read(local(2026, 3, 4)), "resolution").clock.state is ClockState.MET


def test_changes_no_profile_asks_about_leave_the_clocks_alone() -> None:
    story = Story().set(local(2026, 3, 2, 10), title="new title", group="Network")
    assert len(one(story.read(local(2026, 3, 2, 11)), "resolution").clock.ledger) == 1


def test_the_next_look_at_a_due_in_the_second_pass_of_an_hour_is_after_it() -> None:
    """Python adds to local times by the clock on the wall: the look was an hour early, and repeated for an hour."""
    one_ = profile("{profile: p, agreement: sla, calendar: z, targets: {resolution: 1h}}")
    desk = Registry.checked([one_], {"z": {"timezone": "Europe/Zurich", "hours": "24x7"}})
    opened = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    result = Story().read(opened, desk, opened_at=opened)
    assert result.next_at == opened + timedelta(hours=1, microseconds=1)
