"""Ladders: each step at its moment, once, whatever is read late, and nothing of what passed before we knew."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from connector.domain.escalations.coming import Standing
from connector.domain.history import Event, EventKind, Origin, Role
from connector.domain.ticket import State, Ticket
from tests.domain.agreements.test_engine import Story, ticket
from tests.domain.calendars.test_calendar import local
from tests.domain.escalations.ladders import Climber, desk, rule

MON = local(2026, 3, 2, 8)
H, M = timedelta(hours=1), timedelta(minutes=1)
INCIDENT = """
steps:
  - {clock: resolution, at: 50%, do: [{notify: assignee}]}
  - {clock: resolution, at: 75%, do: [{assign: {level: 2}}, {notify: {on_duty: {level: 2}}}]}
  - {clock: resolution, at: 1h before due, unless: {state: pending}, do: [{notify: team_lead}]}
  - {clock: resolution, at: breach, do: [{notify: {manager: 1}}, {comment: internal}],
     repeat: {every: 2h, at_most: 6, hours: business, climb: manager}}
"""
HALF, THREE, HOUR, BREACH = "resolution at 50%", "resolution at 75%", "resolution 1h before due", "resolution at breach"


def one(**fields: Any) -> Ticket:
    return ticket(**{"opened_at": MON, "updated_at": MON, "priority": "P2", **fields})


def climber(text: str = INCIDENT, **fields: Any) -> Climber:
    found = Climber(desk(rule(text)), one(**fields))
    found.look(found.ticket.opened_at)
    return found


def test_each_step_fires_at_its_moment_and_only_then() -> None:
    desk = climber()
    moments = {local(2026, 3, 2, 10): HALF, local(2026, 3, 2, 11): THREE, local(2026, 3, 2, 12): BREACH}
    for at, step in moments.items():
        assert [s for s in desk.said(at - M) if step in s] == []
        if step == BREACH:
            assert desk.said(at) == [], "done at due is done in time"
            at += timedelta(microseconds=1)
        assert f"{step}#1 fired" in desk.said(at)
        assert desk.said(at + M) == []


def test_after_the_breach_it_climbs_every_two_hours_of_business_time_until_the_cap() -> None:
    desk = climber()
    at, found = MON, []
    while at < local(2026, 3, 4):
        found += [(f.n, f.climbed, f.moment.astimezone(MON.tzinfo)) for f in desk.look(at) if f.step == BREACH]
        assert desk.last is not None
        at = min(desk.last.next_at or local(2026, 3, 4), at + 10 * M)
    assert [(n, up) for n, up, _ in found] == [(n, n - 1) for n in range(1, 8)]
    assert [f"{at:%a %H:%M}" for _, _, at in found] == [
        "Mon 12:00", "Mon 15:00", "Mon 17:00", "Tue 09:30", "Tue 11:30", "Tue 14:30", "Tue 16:30"]
    assert desk.last is not None
    assert all(c.standing is Standing.DONE for c in desk.last.coming if c.step.name == BREACH)


def test_the_next_look_announced_is_never_after_a_firing() -> None:
    desk = climber()
    assert desk.last is not None
    assert desk.last.next_at == local(2026, 3, 2, 10)


def test_after_downtime_only_the_highest_step_fires_and_says_how_late_it_is() -> None:
    desk = climber()
    assert desk.said(local(2026, 3, 2, 12) + 30 * M) == [
        f"{HALF}#1 skipped late", f"{THREE}#1 skipped late", f"{HOUR}#1 skipped late", f"{BREACH}#1 fired late"]
    assert desk.said(local(2026, 3, 3, 17)) == [
        *[f"{BREACH}#{n} skipped late" for n in range(2, 7)], f"{BREACH}#7 fired late"]


def test_nothing_fires_while_the_clock_is_paused_and_the_rest_comes_later() -> None:
    story = Story().set(local(2026, 3, 2, 9), state="pending").set(local(2026, 3, 3, 9), state="in_progress")
    desk = climber(state=State.IN_PROGRESS)
    waiting = replace(desk.ticket, state=State.PENDING)
    desk.ticket, back = waiting, desk.ticket
    for hours in range(1, 24):
        assert desk.said(local(2026, 3, 2, 9) + hours * H, story.events[:1]) == []
    assert desk.last is not None
    assert {c.standing for c in desk.last.coming} == {Standing.PAUSED}
    desk.ticket = back
    assert desk.said(local(2026, 3, 3, 9, 59), story.events) == []
    assert desk.said(local(2026, 3, 3, 10), story.events) == [f"{HALF}#1 fired"]


def test_a_step_that_fired_is_not_undone_nor_moved_by_history_read_late() -> None:
    desk = climber(state=State.IN_PROGRESS)
    desk.look(local(2026, 3, 2, 10))
    late = Story().set(local(2026, 3, 2, 8, 10), state="pending").set(local(2026, 3, 2, 9, 10), state="in_progress")
    assert desk.said(local(2026, 3, 2, 10, 5), late.events) == []
    assert desk.said(local(2026, 3, 2, 11), late.events) == [], "half is now at 11:00, but it was told"
    assert desk.said(local(2026, 3, 2, 12), late.events) == [f"{THREE}#1 fired", f"{HOUR}#1 fired"]


def test_a_breach_that_history_read_late_undoes_stops_the_chain_until_it_breaches_again() -> None:
    desk = climber(state=State.IN_PROGRESS)
    for at in (local(2026, 3, 2, 10), local(2026, 3, 2, 11), local(2026, 3, 2, 12, 1)):
        desk.look(at)
    late = Story().set(local(2026, 3, 2, 8, 10), state="pending").set(local(2026, 3, 2, 11, 10), state="in_progress")
    assert desk.said(local(2026, 3, 2, 16), late.events) == [], "due is now Monday 16:00"
    assert desk.said(local(2026, 3, 2, 16) + M, late.events) == [f"{BREACH}#2 fired late"]


def test_a_raised_priority_fires_the_highest_threshold_passed_once() -> None:
    desk = climber(priority="P3", state=State.IN_PROGRESS)
    desk.look(local(2026, 3, 2, 11))
    raised = Story()
    raised.last["priority"] = "P3"
    raised.set(local(2026, 3, 2, 11, 30), priority="P2")
    desk.ticket = replace(desk.ticket, priority="P2")
    assert desk.said(local(2026, 3, 2, 11, 31), raised.events) == [
        f"{HALF}#1 skipped late", f"{THREE}#1 fired late", f"{HOUR}#1 fired late"], "two steps at 11:00"
    assert desk.said(local(2026, 3, 2, 11, 32), raised.events) == []


def test_a_priority_that_flaps_between_two_looks_fires_nothing_of_the_other_priority() -> None:
    desk = climber(priority="P3", state=State.IN_PROGRESS)
    desk.look(local(2026, 3, 2, 11))
    flap = Story()
    flap.last["priority"] = "P3"
    flap.set(local(2026, 3, 2, 11, 10), priority="P1").set(local(2026, 3, 2, 11, 20), priority="P3")
    assert desk.said(local(2026, 3, 2, 11, 30), flap.events) == []


def test_tickets_first_seen_long_after_their_opening_never_tell_of_what_passed_before() -> None:
    old = Climber(desk(rule(INCIDENT)), one(opened_at=local(2026, 2, 2, 8)))
    assert old.said(MON) == []
    assert old.last is not None
    assert {c.standing for c in old.last.coming} == {Standing.MISSED}
    assert [old.said(MON + hours * H) for hours in range(1, 40)] == [[]] * 39, "nor do its repeats"


def test_an_old_ticket_still_tells_of_what_comes_after_it_was_seen() -> None:
    desk_ = Climber(desk(rule(INCIDENT)), one(priority="P3", opened_at=local(2026, 2, 27, 15)))
    assert desk_.said(MON + 2 * H) == []
    assert desk_.last is not None
    assert desk_.last.next_at == local(2026, 3, 2, 11, 30)
    assert desk_.said(local(2026, 3, 2, 11, 30)) == [f"{THREE}#1 fired"]
    assert desk_.said(local(2026, 3, 2, 13, 30)) == [f"{HOUR}#1 fired"]


def test_imported_tickets_never_tell_of_what_passed_before_the_import() -> None:
    desk_ = Climber(desk(rule(INCIDENT)), one())
    created = Event(key="c", at=MON, kind=EventKind.CREATED, origin=Origin.IMPORT)
    assert desk_.said(local(2026, 3, 2, 11, 1), [created]) == []
    assert desk_.said(local(2026, 3, 2, 12, 1), [created]) == [f"{BREACH}#1 fired"]


def test_a_new_ladder_does_not_tell_of_what_passed_before_it_came_into_force() -> None:
    desk_ = Climber(desk(rule(INCIDENT, since=local(2026, 3, 2, 10, 30).astimezone(UTC))), one())
    assert desk_.said(local(2026, 3, 2, 10, 31)) == []
    assert f"{THREE}#1 fired" in desk_.said(local(2026, 3, 2, 11))


def test_a_running_cycle_keeps_the_version_of_its_ladder() -> None:
    first = rule(INCIDENT)
    second = rule(INCIDENT.replace("50%", "60%").replace("75%", "80%"), version="r2",
                  since=local(2026, 3, 2, 9).astimezone(UTC))
    desk_ = Climber(desk(first), one())
    desk_.look(MON)
    desk_.registry = desk(second, older=[first])
    assert desk_.said(local(2026, 3, 2, 10)) == [f"{HALF}#1 fired"]
    later = Climber(desk(second, older=[first]), one(opened_at=local(2026, 3, 2, 9, 30)))
    later.look(local(2026, 3, 2, 9, 30))
    assert [f.step for f in later.look(local(2026, 3, 2, 11, 54))] == ["resolution at 60%"]


def test_an_acknowledgement_ends_the_chains_begun_and_not_those_to_come() -> None:
    desk = climber()
    desk.look(local(2026, 3, 2, 10))
    desk.events.append(Event(key="ack/1", at=local(2026, 3, 2, 10, 1), kind=EventKind.ACKNOWLEDGED, role=Role.AGENT))
    desk.look(local(2026, 3, 2, 11))
    assert desk.said(local(2026, 3, 2, 12, 1)) == [f"{BREACH}#1 fired"]
    desk.events.append(Event(key="ack/2", at=local(2026, 3, 2, 13), kind=EventKind.ACKNOWLEDGED, role=Role.AGENT))
    assert [desk.said(local(2026, 3, 2, 13) + hours * H) for hours in range(1, 60)] == [[]] * 59
    assert desk.last is not None
    assert Standing.SILENCED in {c.standing for c in desk.last.coming}


def test_a_resolved_ticket_is_silent_also_about_what_passed_unseen() -> None:
    desk = climber(state=State.IN_PROGRESS)
    done = Story().set(local(2026, 3, 2, 12, 30), state="resolved")
    desk.ticket = replace(desk.ticket, state=State.RESOLVED)
    assert desk.said(local(2026, 3, 2, 17), done.events) == []


def test_late_criteria_still_fire_when_they_come_to_hold() -> None:
    desk = climber("steps: [{clock: resolution, at: 50%, when: {group: Network}, do: [{notify: team_lead}]}]")
    assert desk.said(local(2026, 3, 2, 10, 30)) == []
    assert desk.last is not None
    assert desk.last.coming[0].standing is Standing.UNMET
    moved = Story().set(local(2026, 3, 2, 11), group="Network")
    desk.ticket = replace(desk.ticket, group="Network")
    assert desk.said(local(2026, 3, 2, 11), moved.events) == [f"{HALF}#1 fired"]


def test_an_hour_before_due_is_business_time_and_the_start_when_the_target_is_shorter() -> None:
    desk_ = climber("steps: [{clock: resolution, at: 1h before due, do: [{notify: assignee}]}]",
                    opened_at=local(2026, 3, 2, 14))
    assert desk_.last is not None
    assert desk_.last.next_at == local(2026, 3, 2, 17)
    early = climber("steps: [{clock: resolution, at: 1d before due, do: [{notify: assignee}]}]")
    assert early.last is not None
    assert [f.moment for f in early.last.firings] == [MON]
    assert early.said(MON + M) == []


def test_an_hour_before_due_over_the_weekend_is_on_the_day_it_counts() -> None:
    friday = local(2026, 3, 6, 14)
    desk_ = Climber(desk(rule("steps: [{clock: resolution, at: 1h before due, do: [{notify: assignee}]}]")),
                    one(opened_at=friday, priority="P2"))
    desk_.look(friday)
    assert desk_.last is not None
    assert desk_.last.next_at == local(2026, 3, 6, 17)
    later = Climber(desk_.registry, one(opened_at=friday + H, priority="P2"))
    later.look(friday + H)
    assert later.last is not None
    assert later.last.next_at == local(2026, 3, 9, 8, 30), "due Monday 09:30"


def test_a_step_with_hours_waits_for_them_and_the_breach_keeps_its_own_time() -> None:
    desk = climber("steps: [{clock: resolution, at: breach, during: weekdays, do: [{notify: team_lead}]}]",
                   priority="P1", opened_at=local(2026, 3, 2, 16))
    assert desk.said(local(2026, 3, 2, 20, 1)) == []
    assert desk.last is not None
    assert (desk.last.coming[0].standing, desk.last.next_at) == (Standing.CLOSED, local(2026, 3, 3, 8))
    (firing,) = desk.look(local(2026, 3, 3, 8))
    assert (firing.what, firing.late, firing.moment) == ("fired", timedelta(0), local(2026, 3, 3, 8))


CHAIN = """
steps:
  - {clock: resolution, at: 50%, do: [{notify: assignee}],
     then: [{wait: 30m, do: [{notify: team_lead}]}, {wait: 15m, hours: wall, do: [{notify: {manager: 1}}]}]}
"""


def test_a_chain_waits_between_its_links() -> None:
    desk = climber(CHAIN)
    fired = {at: desk.said(at) for at in (local(2026, 3, 2, 10) + n * 15 * M for n in range(5))}
    assert list(fired.values()) == [[f"{HALF}#1 fired"], [], [f"{HALF}#2 fired"], [f"{HALF}#3 fired"], []]


@pytest.mark.parametrize("skew", [timedelta(seconds=-40), timedelta(seconds=40)])
def test_a_tool_whose_clock_is_off_makes_nobody_escalate_twice(skew: timedelta) -> None:
    desk_ = Climber(desk(rule("applies_to: {}\nsteps: [{on: opened, do: [{notify: team_lead}]}]")),
                    one(opened_at=MON + skew))
    found = [desk_.said(MON + n * 10 * timedelta(seconds=1)) for n in range(12)]
    assert sum(map(len, found)) == 1


def happening(text: str, **fields: Any) -> Climber:
    step = f"{{{text}, do: [{{notify: team_lead}}]}}"
    found = Climber(desk(rule(f"applies_to: {{}}\ncalendar: weekdays\nsteps: [{step}]")), one(**fields))
    found.look(MON)
    return found


def test_the_third_reassignment_fires_once_and_our_own_do_not_count() -> None:
    desk_ = happening("on: reassigned, times: 3")
    moves = Story()
    moves.last["group"] = "Desk"
    for n, (group, role) in enumerate([("A", Role.AGENT), ("B", Role.CONNECTOR), ("C", Role.AGENT), ("D", Role.AGENT)]):
        moves.set(MON + n * M, role, group=group)
    events = [replace(e, origin=Origin.CONNECTOR) if e.role is Role.CONNECTOR else e for e in moves.events]
    desk_.ticket = replace(desk_.ticket, group="D")
    assert [desk_.said(MON + n * M, events[: n + 1]) for n in range(4)] == [[], [], [], ["reassigned 3 times#1 fired"]]
    moves.set(MON + H, group="E")
    assert desk_.said(MON + H, [*events, moves.events[-1]]) == []


def test_every_reopening_is_told_once_though_the_first_was_read_late() -> None:
    desk_ = happening("on: reopened", state=State.IN_PROGRESS)
    story = Story().set(MON + H, state="resolved").set(MON + 2 * H, state="in_progress")
    second = Story().set(MON + 3 * H, state="closed").set(MON + 4 * H, state="in_progress")
    assert desk_.said(MON + 2 * H, story.events) == ["reopened#1 fired"]
    renamed = [replace(event, key=f"x{event.key}") for event in second.events]
    assert desk_.said(MON + 4 * H, [*story.events, *renamed]) == []


def test_a_customers_reply_is_told_each_time_it_waits_for_an_answer() -> None:
    desk_ = happening("on: replied", state=State.IN_PROGRESS)
    story = Story().say(MON + M, Role.AGENT).say(MON + 2 * M, Role.REQUESTER, "ana").say(
        MON + 3 * M, Role.REQUESTER, "ana")
    assert desk_.said(MON + 3 * M, story.events) == ["replied#1 fired"]
    story.say(MON + 4 * M, Role.AGENT).say(MON + 5 * M, Role.REQUESTER, "ana")
    assert desk_.said(MON + 5 * M, story.events) == ["replied#1 fired"]
    assert len({event.key for event in desk_.events}) == len(desk_.events)


def test_no_update_for_four_business_hours_counts_from_the_last_touch_of_somebody_else() -> None:
    desk_ = happening("no_update: 4h", state=State.IN_PROGRESS)
    assert desk_.last is not None
    assert desk_.last.next_at == local(2026, 3, 2, 12)
    story = Story().say(MON + 3 * H, Role.AGENT, kind=EventKind.NOTED)
    assert desk_.said(local(2026, 3, 2, 12), story.events) == []
    ours = Event(key="own", at=MON + 3 * H + M, kind=EventKind.CHANGED, field="priority", old="P3", new="P2",
                 role=Role.CONNECTOR, origin=Origin.CONNECTOR)
    assert desk_.said(local(2026, 3, 2, 16), [*story.events, ours]) == ["no update for 4h#1 fired"]
    assert desk_.said(local(2026, 3, 2, 17), [*story.events, ours]) == []
    story.say(local(2026, 3, 3, 8), Role.AGENT)
    assert desk_.said(local(2026, 3, 3, 12), [*story.events, ours]) == ["no update for 4h#1 fired"]


def test_a_ticket_stuck_in_a_state_is_told_once_per_stay() -> None:
    desk_ = happening("in_state: {state: pending}, for: 2h", state=State.PENDING)
    story = Story().set(MON + H, state="pending")
    assert desk_.said(MON + 2 * H, story.events) == []
    assert desk_.said(MON + 3 * H, story.events) == ["state = pending for 2h#1 fired"]
    assert desk_.said(local(2026, 3, 4), story.events) == []


def test_a_raised_priority_is_told_but_not_when_we_raised_it() -> None:
    desk_ = happening("on: raised", priority="P2")
    raised = Event(key="r", at=MON + M, kind=EventKind.CHANGED, field="priority", old="P3", new="P2", role=Role.AGENT)
    ours = replace(raised, role=Role.CONNECTOR, origin=Origin.CONNECTOR)
    assert desk_.said(MON + M, [ours]) == []
    assert desk_.said(MON + M, [raised]) == ["raised#1 fired"]


def handoff(n: int, at: datetime, state: str, side: str = "ours") -> Event:
    return Event(key=f"h{n}", at=at, kind=EventKind("handoff"), data={
        "handoff": "7", "receiver": "hosting", "state": state, "side": side})


def test_a_supplier_who_says_nothing_is_told() -> None:
    desk_ = happening("handoff: silent, for: 2h, hours: wall")
    offered = [handoff(1, MON, "offered"), handoff(2, MON + H, "acknowledged", "theirs")]
    assert desk_.said(MON + 2 * H, offered) == []
    assert desk_.said(MON + 3 * H, offered) == ["handoff silent for 2h#1 fired"]
    back = [*offered, handoff(3, MON + 4 * H, "handed_back", "theirs")]
    assert desk_.said(MON + 9 * H, back) == []


def test_an_offset_in_working_days_keeps_the_local_time_of_day_over_a_change_of_clocks() -> None:
    """Friday 27 March to Monday 30 March 2026: the night between has 23 hours."""
    friday = local(2026, 3, 26, 14)
    desk_ = Climber(desk(rule("steps: [{clock: resolution, at: 1 working day after start, do: [{tag: a}]}]")),
                    one(opened_at=friday + timedelta(days=1), priority="P3"))
    desk_.look(friday + timedelta(days=1))
    assert desk_.last is not None
    assert desk_.last.next_at == local(2026, 3, 30, 14)


def test_wall_time_after_a_breach_is_held_while_the_clock_is_paused() -> None:
    desk_ = climber("steps: [{clock: resolution, at: breach, do: [{tag: a}], "
                    "repeat: {every: 1h, at_most: 3, hours: wall}}]", state=State.IN_PROGRESS)
    assert desk_.said(local(2026, 3, 2, 12, 1)) == [f"{BREACH}#1 fired"]
    story = Story().set(local(2026, 3, 2, 12, 30), state="pending").set(local(2026, 3, 2, 15), state="in_progress")
    back, desk_.ticket = desk_.ticket, replace(desk_.ticket, state=State.PENDING)
    assert desk_.said(local(2026, 3, 2, 14, 30), story.events[:1]) == []
    desk_.ticket = back
    assert desk_.said(local(2026, 3, 2, 15), story.events) == [f"{BREACH}#2 fired"]
    assert desk_.said(local(2026, 3, 2, 15, 59), story.events) == []
    assert desk_.said(local(2026, 3, 2, 16), story.events) == [f"{BREACH}#3 fired"]


def test_no_look_at_any_hour_fires_a_business_step_at_night() -> None:
    """GLPI#1996 and zammad#4432: reminders at midnight, hundreds of them."""
    desk_ = climber()
    hours: list[int] = []
    for n in range(24 * 8):
        hours += [f.moment.astimezone(MON.tzinfo).hour for f in desk_.look(MON + n * H) if f.what == "fired"]
    assert hours
    assert all(8 <= hour < 18 for hour in hours)
    assert len(hours) <= 10


def test_a_calendar_that_ends_is_told_and_the_other_ladders_go_on() -> None:
    broken = rule("{escalation: other, applies_to: {}, calendar: gone, steps: [{no_update: 4h, do: [{tag: a}]}]}")
    desk_ = Climber(desk(rule(INCIDENT), broken), one())
    assert desk_.said(local(2026, 3, 2, 8)) == []
    assert desk_.last is not None
    assert desk_.last.problems
    assert desk_.said(local(2026, 3, 2, 10)) == [f"{HALF}#1 fired"]
