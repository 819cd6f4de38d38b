"""Loops between steps are found when files are read, however long the way round; what only looks like one is not."""

from __future__ import annotations

import pytest

from connector.domain.agreements.conditions import condition
from connector.domain.escalations.checks import Known, checks
from connector.domain.escalations.loops import may
from connector.domain.problems import Problems
from tests.domain.agreements.test_engine import profile
from tests.domain.escalations.ladders import PROFILE, rule

INCIDENTS = PROFILE.replace("agreement: sla", "agreement: sla\napplies_to: {kind: incident}")


def found(*ladders: str, agreed: str = INCIDENTS) -> list[str]:
    told = checks([rule(one) for one in ladders], [profile(agreed)], Known(calendars=frozenset({"weekdays"})))
    return [one.message for one in told if "starts it again" in one.message]


def steps(*written: str) -> str:
    return "{applies_to: {kind: incident}, steps: [" + ", ".join(f"{{{one}}}" for one in written) + "]}"


STUCK = "for: 1h, hours: wall"


@pytest.mark.parametrize(("first", "second"), [
    (f"name: a, in_state: {{group: A}}, {STUCK}, do: [{{assign: {{group: B}}}}]",
     f"name: b, in_state: {{group: B}}, {STUCK}, do: [{{assign: {{group: A}}}}]"),
    (f"name: a, in_state: {{state: pending, priority: P1}}, {STUCK}, do: [{{state: in_progress}}]",
     f"name: b, in_state: {{state: in_progress, priority: P1}}, {STUCK}, "
     "do: [{state: {state: pending, pending_on: supplier}}]"),
    (f"name: a, in_state: {{any: [{{state: pending}}, {{state: new}}]}}, {STUCK}, do: [{{state: in_progress}}]",
     f"name: b, in_state: {{not: {{state: pending}}}}, {STUCK}, "
     "do: [{state: {state: pending, pending_on: other}}]"),
    ("name: a, on: raised, do: [{assign: {level: 2}}]", "name: b, on: reassigned, do: [{raise: 1}]"),
    ("name: a, handoff: declined, receiver: x, do: [{handoff: y}]",
     "name: b, handoff: declined, receiver: y, do: [{handoff: x}]"),
])
def test_two_steps_that_send_a_ticket_to_and_fro_are_refused(first: str, second: str) -> None:
    assert found(steps(first, second)) == ["its action starts it again: `a` -> `b` -> `a`"]


@pytest.mark.parametrize("step", [
    "clock: resolution, at: breach", "on: opened", "no_update: 4h, hours: wall", f"in_state: {{state: new}}, {STUCK}",
])
def test_a_ticket_that_opens_another_of_its_kind_without_end_is_refused(step: str) -> None:
    (told,) = found(steps(f"name: a, {step}, do: [{{open: incident}}]"))
    assert told.startswith("its action starts it again: `a` -> `a`; the ticket that is opened climbs the ladder")


@pytest.mark.parametrize("ladder", [
    steps("tickets: 10, within: 15m, do: [{open: problem}]"),
    steps("clock: resolution, at: breach, do: [{open: problem}]"),
    steps(f"in_state: {{state: pending}}, {STUCK}, do: [{{priority: P1}}]"),
    steps(f"name: a, in_state: {{group: A, priority: P1}}, {STUCK}, do: [{{assign: {{group: B}}}}]",
          f"name: b, in_state: {{group: B, priority: P3}}, {STUCK}, do: [{{assign: {{group: A}}}}]"),
    steps("name: a, on: raised, do: [{assign: {group: B}}]",
          "name: b, on: reassigned, unless: {group: B}, do: [{raise: 1}]"),
])
def test_what_cannot_come_round_is_not_refused(ladder: str) -> None:
    assert found(ladder) == []


def test_ten_incidents_may_open_one_problem_also_where_problems_have_clocks() -> None:
    assert found("{applies_to: {}, steps: [{tickets: 10, within: 15m, do: [{open: problem}]}]}", agreed=PROFILE) == []


@pytest.mark.parametrize(("written", "yes", "no"), [
    ({"priority": "P1"}, True, False), ({"priority": ["P1", "P2"]}, True, False),
    ({"priority": {"like": "P*"}}, True, False), ({"priority": None}, False, True), ({"tags": "vip"}, True, False),
    ({"not": {"priority": "P1"}}, False, True), ({"any": [{"priority": "P2"}, {"service": "mail"}]}, True, True),
    ({"priority": "P1", "service": "mail"}, True, True), ({"service": "mail"}, True, True),
    ({"reassignments": ">= 2"}, True, False),
])
def test_a_condition_may_hold_as_far_as_what_is_sure_allows(written: object, yes: bool, no: bool) -> None:
    asked = condition(written, Problems())
    sure = {"priority": "P1", "tags": ("vip",), "reassignments": 2}
    assert (may(asked.shape, sure), may(asked.shape, sure, wanted=False)) == (yes, no)
