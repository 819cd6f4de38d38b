"""The written form of a profile: what it means, and every mistake at its place."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.agreements.profile import Agreement, Chain, Profile, StartFrom, TargetName
from connector.domain.agreements.profile_format import KEYS, draft, parse
from connector.domain.history import Role
from connector.domain.problems import Problems

GOOD: dict[str, Any] = {"profile": "p", "agreement": "sla", "calendar": "weekdays", "targets": {"resolution": "4h"}}


def read(**more: Any) -> Profile:
    problems = Problems()
    found = parse({**GOOD, **more}, problems, version="v")
    assert found is not None, problems.found
    return found


def wrong(**more: Any) -> list[tuple[str, str]]:
    problems = Problems()
    given = {key: value for key, value in {**GOOD, **more}.items() if value is not ...}
    assert parse(given, problems) is None
    return [(problem.path, problem.message) for problem in problems.found]


def test_the_least_a_profile_says_and_what_holds_where_it_is_silent() -> None:
    made = read()
    assert (made.name, made.agreement, made.calendar, made.version) == ("p", Agreement.SLA, Chain("weekdays"), "v")
    assert (made.start_from, made.pauses_kept, made.reopen_within) == (StartFrom.OPENED, True, None)
    assert (made.manual_due, made.children, made.floor) == (True, True, timedelta(0))
    assert made.applies_to.weight == 0
    assert made.responder.roles == {Role.AGENT}
    assert not made.major.fields


def test_an_ola_begins_when_the_work_comes() -> None:
    assert read(agreement="ola").start_from is StartFrom.ATTACHED
    assert read(agreement="uc").start_from is StartFrom.ATTACHED


@pytest.mark.parametrize(("written", "start"), [
    ({"start": "opened"}, StartFrom.OPENED), ({"start": "attached"}, StartFrom.ATTACHED),
    ({"start": "assigned"}, StartFrom.ASSIGNED), ({"start": "created"}, StartFrom.OPENED),
    ({"start": True}, StartFrom.OPENED), ({"start": True, "set_start_to": "assigned"}, StartFrom.ASSIGNED),
    ({"start": False}, StartFrom.ATTACHED), ({}, StartFrom.OPENED),
    ({"set_start_to": "assigned"}, StartFrom.ASSIGNED), ({"set_start_to": "created"}, StartFrom.OPENED),
])
def test_where_time_begins(written: dict[str, Any], start: StartFrom) -> None:
    assert read(retroactive=written).start_from is start


@pytest.mark.parametrize("start", [False, "opened", None])
def test_a_start_said_twice_is_refused(start: object) -> None:
    found = wrong(retroactive={"start": start, "set_start_to": "assigned"})
    assert [path for path, _ in found] == ["retroactive.start"]


@pytest.mark.parametrize(("written", "within"), [
    ({"within": "5d"}, timedelta(days=5)), ({"within": "5d", "then": "resume", "else": "new cycle"}, timedelta(days=5)),
    ({"then": "resume", "else": "resume"}, None), ({"then": "new cycle"}, timedelta(0)),
])
def test_what_becomes_of_a_reopened_ticket(written: dict[str, Any], within: timedelta | None) -> None:
    assert read(reopen=written).reopen_within == within
    assert read(conditions={"reopen": written}).reopen_within == within


def test_targets_by_priority_with_a_rest() -> None:
    (target,) = read(targets={"resolution": {"P1": "1h", "else": "8h"}}).targets
    assert [str(target.amount(one)) for one in ("P1", "P2", None)] == ["1h", "8h", "8h"]
    (target,) = read(targets={"resolution": {"P1": "1h"}}).targets
    assert [target.amount(one) for one in ("P2", None)] == [None, None]


def test_a_target_has_its_own_conditions_else_the_profiles_else_those_of_its_nature() -> None:
    made = read(conditions={"pause": {"state": "pending"}, "cancel": {"tags": "void"}}, targets={
        "first_response": {"within": "1h", "conditions": {"pause": []}}, "resolution": "4h"})
    response, resolution = made.targets
    assert response.conditions.pause == ()
    assert resolution.conditions.pause is not None
    assert [str(rule.when) for rule in resolution.conditions.pause] == ["state = pending"]
    assert response.conditions.stop is not None
    assert response.conditions.stop.holds({"responded": True, "state": "new"})
    assert resolution.conditions.cancel is not None
    for facts, cancelled in (({"tags": ("void",)}, True), ({"deleted": True}, True), ({"state": "cancelled"}, False)):
        assert resolution.conditions.cancel.holds({"tags": (), "deleted": False, **facts}) is cancelled


def test_pauses_with_reasons_and_limits() -> None:
    rules = read(conditions={"pause": [
        {"when": {"pending_on": "customer"}, "reason": "waiting", "at_most": "10d", "times": 3},
        {"when": {"state": "pending"}}]}).targets[0].conditions.pause
    assert rules is not None
    assert [(rule.reason, rule.at_most, rule.times) for rule in rules] == [
        ("waiting", timedelta(days=10), 3), ("state = pending", None, None)]


def test_chains_matrices_and_the_rest() -> None:
    made = read(calendar={"from": ["contract", "site"], "else": "weekdays"},
                timezone={"from": "customer", "else": "UTC"},
                classification={"matrix": {"high": {"low": "P3"}}, "major_incident": {"when": {"priority": "P1"}}},
                responder={"roles": ["agent", "supplier"], "internal_notes": True}, on_change={"floor": "15m"},
                manual_due="ignored", children="no clock", coverage={"included": "all", "billed": 5},
                nests=["ola"], escalate="ladder", description="d")
    assert (made.calendar, made.timezone) == (Chain("weekdays", ("contract", "site")), Chain("UTC", ("customer",)))
    assert made.matrix == {("high", "low"): "P3"}
    assert made.major.fields == {"priority"}
    assert (made.responder.roles, made.responder.notes) == ({Role.AGENT, Role.SUPPLIER}, True)
    assert (made.floor, made.manual_due, made.children) == (timedelta(minutes=15), False, False)
    assert (made.coverage, made.nests, made.escalate) == ({"included": "all", "billed": "5"}, ("ola",), "ladder")
    assert made.plan_fields == {"priority", "impact", "urgency", "contract", "site", "customer"}
    assert not made.due_by_hand


def test_the_facts_it_asks_for_are_all_that_can_change_it() -> None:
    made = read(applies_to={"group": "A"}, conditions={"pause": {"tags": "hold"}},
                targets={"next_response": "1h", "resolution": "4h"})
    assert {"group", "tags", "awaiting_reply", "state", "deleted", "priority", "due_at"} <= made.fields
    assert "title" not in made.fields


@pytest.mark.parametrize(("more", "path", "says"), [
    ({"profile": ...}, "profile", "is required: the name of this profile"),
    ({"profile": 5}, "profile", "is required"), ({"agreement": ...}, "agreement", "is required"),
    ({"agreement": "slo"}, "agreement", "did you mean `sla`?"), ({"agreement": ["sla"]}, "agreement", "is unknown"),
    ({"calendar": ...}, "calendar", "is required"), ({"calendar": 5}, "calendar", "5 is not a name or {from, else}"),
    ({"calendar": {"from": ["contract"]}}, "calendar.else", "is required"),
    ({"calendar": {"from": ["planet"], "else": "x"}}, "calendar.from.0", "'planet' is unknown"),
    ({"calendar": {"from": 5, "else": "x"}}, "calendar.from", "expected a list of sources"),
    ({"targets": ...}, "targets", "is required"), ({"targets": {}}, "targets", "is required"),
    ({"targets": {"resoluton": "4h"}}, "targets.resoluton", "did you mean `resolution`?"),
    ({"targets": {"resolution": {}}}, "targets.resolution", "expected a duration, or durations by priority"),
    ({"targets": {"resolution": {"P6": "4h"}}}, "targets.resolution.P6", "`P6` is no priority; expected P1"),
    ({"targets": {"resolution": {"P1": "x"}}}, "targets.resolution.P1", "'x' is not a duration"),
    ({"targets": {"resolution": {"within": "4h", "conditions": {"reopen": {"within": "5d"}}}}},
     "targets.resolution.conditions.reopen", "unknown key `reopen`"),
    ({"target": {}}, "target", "did you mean `targets`?"),
    ({"conditions": {"paus": {}}}, "conditions.paus", "did you mean `pause`?"),
    ({"conditions": {"pause": [{"state": "pending"}]}}, "conditions.pause.0", "expected {when: condition"),
    ({"conditions": {"pause": [{"when": {}, "times": 0}]}}, "conditions.pause.0.times", "0 is not a number of pauses"),
    ({"conditions": {"pause": [{"when": {}, "at_most": "1 day"}]}}, "conditions.pause.0.at_most", "is not a duration"),
    ({"conditions": []}, "conditions", "is not a table"),
    ({"reopen": {"then": "resume"}}, "reopen.within", "is required: until when"),
    ({"reopen": {"then": "new cycle", "else": "resume"}}, "reopen", "a late reopening cannot resume"),
    ({"reopen": {"within": "5d", "then": "maybe"}}, "reopen.then", "'maybe' is unknown"),
    ({"retroactive": {"start": "yesterday"}}, "retroactive.start", "'yesterday' is unknown"),
    ({"retroactive": {"pauses": "some"}}, "retroactive.pauses", "'some' is unknown"),
    ({"classification": {"matrix": {"huge": {}}}}, "classification.matrix.huge", "unknown key"),
    ({"classification": {"matrix": {"high": {"low": "P9"}}}}, "classification.matrix.high.low", "'P9' is unknown"),
    ({"classification": {"major_incident": {"when": {"major_incident": True}}}},
     "classification.major_incident.when", "cannot be one because it is one"),
    ({"applies_to": {"major_incident": True}}, "applies_to", "only an OLA or UC can ask for one"),
    ({"applies_to": {"custmer": "A"}}, "applies_to.custmer", "did you mean `customer`?"),
    ({"responder": {"roles": "agent"}}, "responder.roles", "expected a list of roles"),
    ({"responder": {"roles": ["requester"]}}, "responder.roles.0", "'requester' is unknown"),
    ({"responder": {"automatic": "no"}}, "responder.automatic", "'no' is not true or false"),
    ({"on_change": {"floor": "soon"}}, "on_change.floor", "'soon' is not a duration"),
    ({"manual_due": "loses"}, "manual_due", "'loses' is unknown"), ({"children": False}, "children", "is unknown"),
    ({"nests": "ola"}, "nests", "expected a list of profile names"), ({"nests": [5]}, "nests", "expected a list"),
    ({"coverage": {"price": "x"}}, "coverage.price", "unknown key"), ({"coverage": {"billed": []}}, "coverage.billed",
                                                                      "is not a text"),
])
def test_what_cannot_be_meant_is_told_with_its_place(more: dict[str, Any], path: str, says: str) -> None:
    told = wrong(**more)
    assert [at for at, _ in told] == [path]
    assert says in told[0][1]


def test_every_mistake_is_told_at_once_and_what_could_be_read_is_a_draft() -> None:
    bad = {**GOOD, "agreement": "slo", "targets": {"resolution": "x", "update": {"within": "1h", "calendar": "night"}},
           "conditions": {"stop": {"state": "x"}}, "nests": ["hosting"]}
    problems = Problems()
    made = draft(bad, problems)
    assert [problem.path for problem in problems.found] == [
        "agreement", "conditions.stop.state", "targets.resolution"]
    assert made is not None
    assert (made.name, made.nests, made.calendar.otherwise) == ("p", ("hosting",), "weekdays")
    assert [str(target.otherwise) for target in made.targets if target.otherwise] == ["1h of night"]
    assert {target.name for target in made.targets} == {TargetName.RESOLUTION, TargetName.UPDATE}


@pytest.mark.parametrize("data", [None, 5, "profile", [], [GOOD]])
def test_what_is_no_table_is_no_profile(data: Any) -> None:
    problems = Problems()
    assert parse(data, problems) is None
    assert "is not a profile" in problems.found[0].message


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.sampled_from(
    ["4h", "P1", "state", "pending", "resume", "24x7", "3 working days"])
NAMES = st.sampled_from(
    ["when", "within", "P1", "else", "from", "start", "pause", "state", "roles", "matrix", "reopen", "resolution"])
ANY = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | SCALARS, inner,
                                                                                    max_size=3), max_leaves=8)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.dictionaries(st.sampled_from(KEYS), ANY, max_size=4))
def test_anything_is_taken_or_told(data: dict[str, Any]) -> None:
    problems = Problems()
    found = parse({**GOOD, **data}, problems)
    assert (found is None) is bool(problems.errors)
    assert all(problem.message for problem in problems.found)
