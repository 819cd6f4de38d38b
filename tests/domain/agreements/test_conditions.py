"""Conditions: what they say, what they weigh, and what is refused when they are written."""

from __future__ import annotations

from typing import Any

import pytest

from connector.domain.agreements.conditions import ALWAYS, DEEPEST, Condition, condition
from connector.domain.problems import Problems
from connector.domain.ticket import PendingOn, State

FACTS: dict[str, Any] = {
    "state": State.PENDING, "pending_on": PendingOn.CUSTOMER, "customer": "ACME SA", "priority": "P1", "supplier": "",
    "category": "Network/VPN", "tags": ("vip", "hold"), "level": 2, "group": None, "reassignments": 3,
    "acknowledged": True, "custom.affected_users": "120", "custom.vip": "true", "custom.code": 7,
}


def made(written: Any) -> Condition:
    problems = Problems()
    found = condition(written, problems)
    assert problems.found == []
    return found


def wrong(written: Any) -> list[tuple[str, str]]:
    problems = Problems()
    found = condition(written, problems)
    assert not found.holds(FACTS), "what is wrong never holds"
    return [(problem.path, problem.message) for problem in problems.found]


@pytest.mark.parametrize("written", [
    {}, {"state": "pending"}, {"customer": "ACME SA"}, {"state": ["new", "pending"]}, {"supplier": None},
    {"group": None}, {"category": {"like": "network*"}}, {"category": {"like": "*vpn"}}, {"tags": "vip"},
    {"tags": ["other", "hold"]}, {"tags": {"like": "v?p"}}, {"custom.affected_users": ">= 100"},
    {"affected_users": "> 119.5"}, {"level": "<= 2"}, {"level": 2}, {"reassignments": ">= 3"}, {"reassignments": 3},
    {"acknowledged": True}, {"custom.vip": True}, {"custom.code": "7"}, {"custom.code": 7},
    {"any": [{"state": "new"}, {"priority": "P1"}]}, {"all": [{"state": "pending"}, {"priority": "P1"}]},
    {"not": {"state": "new"}}, {"state": "pending", "customer": "ACME SA", "priority": ["P1", "P2"]},
    {"not": {"any": [{"state": "new"}, {"not": {"priority": "P1"}}]}},
])
def test_what_holds(written: Any) -> None:
    assert made(written).holds(FACTS)


@pytest.mark.parametrize("written", [
    {"state": "new"}, {"customer": "acme sa"}, {"state": ["new", "closed"]}, {"customer": None},
    {"category": {"like": "vpn*"}}, {"tags": "other"}, {"custom.affected_users": "> 120"}, {"custom.unknown": ">= 0"},
    {"category": ">= 1"}, {"acknowledged": False}, {"custom.vip": False}, {"custom.code": 8},
    {"any": [{"state": "new"}, {"priority": "P2"}]}, {"all": [{"state": "pending"}, {"priority": "P2"}]},
    {"not": {"state": "pending"}}, {"state": "pending", "priority": "P2"}, {"group": {"like": "*"}},
])
def test_what_does_not_hold(written: Any) -> None:
    assert not made(written).holds(FACTS)


def test_a_condition_of_one_of_holds_whether_facts_are_text_or_names() -> None:
    """From the store they are text, from a ticket they are members."""
    for written in ({"state": "pending"}, {"state": ["pending"]}, {"state": ["pending", "new"]}):
        assert made(written).holds({"state": "pending"})
        assert made(written).holds({"state": State.PENDING})


@pytest.mark.parametrize(("written", "weight"), [
    ({}, 0), ({"state": "new"}, 1), ({"state": "new", "priority": "P1"}, 2), ({"state": ["new", "pending"]}, 1),
    ({"not": {"state": "new", "priority": "P1"}}, 2),
    ({"any": [{"state": "new", "priority": "P1"}, {"customer": "A"}]}, 1),
    ({"all": [{"state": "new"}, {"customer": "A", "priority": "P1"}]}, 3),
])
def test_the_weight_is_what_surely_must_hold(written: Any, weight: int) -> None:
    assert made(written).weight == weight


def test_its_fields_are_all_it_asks_for() -> None:
    asked = made({"any": [{"state": "new"}, {"not": {"affected_users": "> 1"}}], "customer": "A"})
    assert asked.fields == {"state", "custom.affected_users", "customer"}


def test_it_says_itself_in_words() -> None:
    assert str(made({"any": [{"priority": "P1"}, {"custom.users": ">= 100"}], "supplier": None})) == (
        "(priority = P1 or custom.users >= 100) and supplier not known")
    assert str(ALWAYS) == "always"


def test_the_same_in_another_order_is_the_same() -> None:
    one = made({"state": ["new", "pending"], "customer": "A"})
    assert one.same == made({"customer": "A", "state": ["pending", "new"]}).same
    assert one.same == made({"all": [{"customer": "A"}, {"state": ["new", "pending"]}]}).same
    assert one.same != made({"any": [{"customer": "A"}, {"state": ["new", "pending"]}]}).same
    assert one.same != made({"state": ["new"], "customer": "A"}).same


@pytest.mark.parametrize(("written", "path", "says"), [
    ("pending", "", "'pending' is not a condition; expected a table"),
    ([], "", "is not a condition"),
    ({"stat": "new"}, "stat", "unknown field `stat`, did you mean `state`? (a custom field is written custom.stat)"),
    ({"a b": 1}, "a b", "`a b` is not a field of a ticket"),
    ({"state": "sleeping"}, "state", "'sleeping'"),
    ({"state": ["new", "sleeping"]}, "state.1", "'sleeping'"),
    ({"priority": "P9"}, "priority", "'P9'"),
    ({"kind": ["incident", 5]}, "kind.1", "5"),
    ({"state": []}, "state", "`state` has an empty list: it could never hold"),
    ({"state": [["new"]]}, "state", "has a list within its list"),
    ({"any": []}, "any", "expected a list of conditions under `any`"),
    ({"all": {"state": "new"}}, "all", "expected a list of conditions under `all`"),
    ({"any": ["new"]}, "any.0", "'new' is not a condition"),
    ({"not": ["new"]}, "not", "is not a condition"),
    ({"acknowledged": "yes"}, "acknowledged", "'yes' is not true or false"),
    ({"reassignments": "two"}, "reassignments", "'two' is not a number"),
    ({"reassignments": True}, "reassignments", "is not a number"),
    ({"tags": 5}, "tags", "5 is not a tag"),
    ({"category": {"like": 5}}, "category", 'expected a value, a list or {like: "VPN*"}'),
    ({"category": {"lik": "x"}}, "category", 'expected a value, a list or {like: "VPN*"}'),
    ({"customer": {"like": "a", "not": "b"}}, "customer", "is not a comparison"),
])
def test_what_cannot_be_meant_is_refused_with_its_place(written: Any, path: str, says: str) -> None:
    (told,) = wrong(written)
    assert told[0] == path
    assert says in told[1]


def test_every_mistake_is_told_at_once() -> None:
    assert [path for path, _ in wrong({"stat": 1, "any": [{"state": "x"}, {"priority": "P1"}], "not": 5})] == [
        "stat", "any.0.state", "not"]


def test_conditions_deeper_than_anybody_reads_are_refused() -> None:
    deep: Any = {"state": "new"}
    for _ in range(DEEPEST + 5):
        deep = {"not": deep}
    assert [says for _, says in wrong(deep)] == ["is nested too deeply"]
