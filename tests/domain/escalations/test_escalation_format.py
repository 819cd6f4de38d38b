"""The written form of ladders: what loads, and every mistake told at once with its place."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connector.domain.agreements.profile import TargetName
from connector.domain.errors import Problem
from connector.domain.escalations.actions import Assign, Notify, Reach, Say, SetFields, Who
from connector.domain.escalations.checks import Known, checks, unknown_ladders
from connector.domain.escalations.rules import Base, Hours, OnClock, OnSurge, Rule
from tests.domain.agreements.test_engine import profile
from tests.domain.escalations.ladders import PROFILE, problems_of, rule

DESIGN = """
escalation: incident-ladder
steps:
  - {clock: resolution, at: 50%, do: [{notify: assignee}]}
  - {clock: resolution, at: 75%, do: [{assign: {level: 2}}, {notify: {on_duty: {level: 2}}}]}
  - {clock: resolution, at: 1h before due, unless: {state: pending}, do: [{notify: team_lead}]}
  - {clock: resolution, at: breach, do: [{notify: {manager: 1}}, {comment: internal}], repeat: {every: 2h, at_most: 6, hours: business, climb: manager}}
"""  # noqa: E501


def test_the_ladder_of_the_design_loads_as_it_stands() -> None:
    assert problems_of(DESIGN) == []
    found = rule(DESIGN)
    half, three, hour, breach = found.steps
    assert half.trigger == OnClock(TargetName.RESOLUTION, share=0.5)
    assert three.links[0].actions == (Assign(Who(Reach.LEVEL, number=2)), Notify((Who(Reach.ON_DUTY, number=2),)))
    assert isinstance(hour.trigger, OnClock)
    assert (hour.trigger.sign, hour.trigger.offset.time) == (-1, timedelta(hours=1))
    assert hour.unless.holds({"state": "pending"})
    assert not hour.unless.holds({"state": "new"})
    assert breach.repeat is not None
    assert (breach.repeat.at_most, breach.repeat.hours) == (6, Hours.BUSINESS)
    assert breach.length == 7
    assert [breach.climbed(n) for n in (1, 2, 7)] == [0, 1, 6]
    assert breach.links[0].actions[1] == Say(False)


@pytest.mark.parametrize(("at", "base", "sign"), [
    ("breach", Base.BREACH, 0), ("due", Base.DUE, 0), ("30m after due", Base.DUE, 1),
    ("15m after start", Base.START, 1), ("1 working day before due", Base.DUE, -1),
])
def test_moments_of_a_clock(at: str, base: Base, sign: int) -> None:
    trigger = rule(f"steps: [{{clock: resolution, at: {at}, do: [{{notify: assignee}}]}}]").steps[0].trigger
    assert isinstance(trigger, OnClock)
    assert (trigger.base, trigger.sign) == (base, sign)


@pytest.mark.parametrize(("step", "told"), [
    ("clock: resolutoin, at: 50%", "steps.0.clock: unknown clock 'resolutoin', did you mean `resolution`?"),
    ("clock: resolution, at: 50 percent", "steps.0.at: '50 percent' is no moment of a clock"),
    ("clock: resolution, at: 1001%", "steps.0.at: 1001%: expected from 0% to 1000%"),
    ("clock: resolution, at: 1h before start", "nothing is known before the start"),
    ("clock: resolution, on: opened, at: 50%", "has clock, on; expected one of"),
    ("when: {state: new}", "has no trigger"),
    ("clock: resolution, at: 50%, times: 2", "`times` does not go with `clock`"),
    ("on: reasigned", "'reasigned' is unknown, did you mean `reassigned`?"),
    ("on: opened, times: 2", "goes with reassigned and reopened only"),
    ("no_update: 4h", "counts business time, so the rule needs a `calendar`"),
    ("in_state: {stat: new}, for: 2h, hours: wall", "unknown field `stat`, did you mean `state`?"),
    ("in_state: {state: new}, hours: wall", "expected a duration"),
    ("handoff: silent", "steps.0.for: is required with silent"),
    ("handoff: lost", "'lost' is no state of a handoff"),
    ("tickets: 1, within: 15m", "at least 2"),
    ("tickets: 10, within: 15m, same: colour", "'colour' cannot be counted by"),
    ("tickets: 10", "steps.0.within: is required"),
    ("clock: resolution, at: 50%, repeat: {every: 2h}", "a chain without an end is not allowed"),
    ("clock: resolution, at: 50%, repeat: {every: 10s, at_most: 3}", "is less than a minute"),
    ("clock: resolution, at: 50%, repeat: {every: 2h, at_most: 1000}", "expected a number from 1 to 100"),
    ("clock: resolution, at: 50%, repeat: {every: 2h, at_most: 3, climb: tree}", "'tree' is unknown; expected manager"),
    ("clock: resolution, at: 50%, then: [{wait: 0s, do: [{notify: assignee}]}]", "is nothing: put"),
    ("clock: resolution, at: 50%, acknowledgement: never", "expected stops or goes on"),
    ("clock: resolution, at: 50%, agreement: slo", "'slo' is unknown"),
    ("clock: resolution, at: 50%, hours: office", "expected business or wall"),
])
def test_a_mistake_is_told_with_its_place(step: str, told: str) -> None:
    found = problems_of(f"{{escalation: a, steps: [{{{step}, do: [{{notify: assignee}}]}}]}}")
    assert any(told in one for one in found), found


@pytest.mark.parametrize(("action", "told"), [
    ("{notfy: assignee}", "unknown action `notfy`, did you mean `notify`?"),
    ("{notify: asignee}", "'asignee' is nobody, did you mean `assignee`?"),
    ("{notify: {manager: 0}}", "expected a number from 1 to 20"),
    ("{notify: {level: 5}}", "expected a number from 1 to 4"),
    ("{notify: {person: x, in_turn: true}}", "goes with a group, a level or the team only"),
    ("{notify: {to: assignee, severity: loud}}", "'loud' is unknown"),
    ("{assign: requester}", "expected {group: name}, {level: 2}"),
    ("{assign: {manager: 1}}", "a ticket cannot be assigned to manager 1"),
    ("{state: opened}", "state"),
    ("{state: pending}", "a pending ticket waits for somebody"),
    ("{priority: P9}", "'P9' is no priority"),
    ("{raise: 5}", "expected by how many priorities"),
    ("{comment: loud}", "expected internal or public"),
    ("{comment: {to: internal, template: a, text: b}}", "one of them"),
    ("{tag: []}", "expected a tag"),
    ("{link: {child: 1}}", "expected {parent: id"),
    ("{handoff: {reason: x}}", "expected the name of a receiver"),
    ("{open: thing}", "'thing' is unknown"),
    ("{declare_major_incident: no}", "expected true"),
    ("{notify: assignee, tag: a}", "is not an action"),
])
def test_a_mistake_in_an_action_is_told(action: str, told: str) -> None:
    found = problems_of(f"{{escalation: a, steps: [{{clock: resolution, at: 50%, do: [{action}]}}]}}")
    assert any(told in one for one in found), found


def test_all_mistakes_come_at_once() -> None:
    found = problems_of("""
        escalation: ""
        stepps: []
        steps: [{clock: x, at: y, do: []}, {on: z, do: [{fire: them}]}, 7]
    """)
    assert len(found) >= 6


def test_two_steps_of_one_name_need_names() -> None:
    same = "{clock: resolution, at: 50%, do: [{notify: assignee}]}"
    assert any("is also called" in one for one in problems_of(f"{{escalation: a, steps: [{same}, {same}]}}"))


def test_a_state_is_written_with_what_it_waits_for() -> None:
    step = rule("steps: [{clock: resolution, at: 50%, do: [{state: {state: pending, pending_on: supplier}}]}]").steps[0]
    (action,) = step.actions
    assert isinstance(action, SetFields)
    assert dict(action.fields) == {"state": "pending", "pending_on": "supplier"}


def checked(*rules: Rule, **known: frozenset[str] | frozenset[int]) -> list[Problem]:
    names = {"calendars": frozenset({"weekdays"}), **known}
    return checks(rules, [profile(PROFILE)], Known(**names))  # type: ignore[arg-type]


@pytest.mark.parametrize("step", [
    "on: reassigned, do: [{assign: {group: B}}]",
    "on: raised, do: [raise]",
    "on: reopened, do: [{state: in_progress}]",
    "in_state: {state: in_progress}, for: 1h, hours: wall, do: [{state: in_progress}]",
    "on: opened, do: [{open: problem}]",
    "handoff: declined, do: [{handoff: hosting}]",
])
def test_a_step_whose_action_triggers_itself_is_refused(step: str) -> None:
    assert any("its action starts it again" in one.message for one in checked(rule(f"steps: [{{{step}}}]")))


def test_steps_that_start_each_other_across_rules_are_refused_once() -> None:
    first = rule("steps: [{on: reassigned, do: [{raise: 1}]}]")
    second = rule("{escalation: other, applies_to: {}, steps: [{on: raised, do: [{assign: {group: B}}]}]}")
    (told,) = [one for one in checked(first, second) if one.severity == "error"]
    assert told.message == "its action starts it again: `reassigned` -> `raised` -> `reassigned`"


def test_a_ladder_without_a_loop_is_not_refused() -> None:
    assert checked(rule(DESIGN.replace("incident-ladder", "ladder"))) == []
    assert checked(rule("steps: [{on: reassigned, do: [{raise: 1}]}]")) == []


@pytest.mark.parametrize(("action", "told"), [
    ("notify: {group: Netwrk}", "there is no group `Netwrk`, did you mean `Network`?"),
    ("notify: {person: nobody}", "there is no person `nobody`"),
    ("assign: {level: 3}", "there is no level `3`"),
    ("notify: {to: assignee, template: x}", "there is no template `x`"),
    ("handoff: x", "there is no receiver `x`"),
    ("webhook: x", "there is no webhook `x`"),
])
def test_a_name_that_leads_nowhere_is_told(action: str, told: str) -> None:
    found = checked(rule(f"steps: [{{clock: resolution, at: 50%, do: [{{{action}}}]}}]"), groups=frozenset({"Network"}),
                    people=frozenset({"ana"}), levels=frozenset({1, 2}), templates={},
                    receivers=frozenset({"hosting"}), webhooks=frozenset({"pager"}))
    assert [one.path for one in found if told in one.message] == ["steps.0.do.0"], found


def test_an_unknown_calendar_and_a_ladder_nobody_climbs_are_told() -> None:
    found = checked(rule("{escalation: other, calendar: weekday, steps: [{on: opened, do: [{tag: a}]}]}"))
    assert [one.message.split(",")[0] for one in found] == [
        "no profile says `escalate: other` and it has no `applies_to`: it does nothing",
        "there is no calendar `weekday`"]


def test_a_profile_that_names_a_ladder_that_is_not_there_is_told() -> None:
    (told,) = unknown_ladders([rule("{escalation: laddr, steps: [{on: opened, do: [{tag: a}]}]}")], [profile(PROFILE)])
    assert told.message == "there is no escalation `ladder`, did you mean `laddr`?"


def test_ten_tickets_of_one_service_are_alike_by_default() -> None:
    trigger = rule("steps: [{tickets: 10, within: 15m, do: [declare_major_incident]}]").steps[0].trigger
    assert trigger == OnSurge(10, timedelta(minutes=15), ("service",), timedelta(hours=1))
