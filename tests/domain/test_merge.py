"""Laws of the three-way merge."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.mapping import Owner
from connector.domain.merge import Context, Plan, Side, plan, united
from connector.domain.ticket import PendingOn, State
from connector.domain.values import fields, same, units

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LAWS = settings(max_examples=150, derandomize=True, deadline=None)

values: dict[str, st.SearchStrategy[Any]] = {
    "title": st.sampled_from(["", "a", "b", "c"]),
    "group": st.sampled_from(["", "net", "desk"]),
    "tags": st.lists(st.sampled_from("abcd"), unique=True, max_size=3).map(tuple),
    "state": st.sampled_from([State.NEW, State.IN_PROGRESS, State.PENDING, State.RESOLVED]),
    "pending_on": st.sampled_from([None, PendingOn.CUSTOMER, PendingOn.SUPPLIER]),
}


@st.composite
def a_side(draw: st.DrawFn) -> dict[str, Any]:
    """A ticket as one side knows it: some fields may be missing, never the reason of a known state."""
    names = draw(st.sets(st.sampled_from(["title", "group", "tags", "state"])))
    side = {name: draw(values[name]) for name in sorted(names)}
    if "state" in side:
        side["pending_on"] = draw(values["pending_on"])
    return side


owners = st.fixed_dictionaries({name: st.sampled_from(list(Owner)) for name in ("title", "group", "tags", "state")})
moments = st.integers(-2, 2).map(lambda n: NOON + timedelta(seconds=n))
times = st.fixed_dictionaries({}, optional=dict.fromkeys(("title", "group", "tags", "state"), moments))
contexts = st.builds(lambda a, b, claimed: Context(times={Side.TOOL: a, Side.PARTNER: b}, claimed=frozenset(claimed)),
                     times, times, st.sets(st.sampled_from(["title", "group"])))


def by(owner: Owner) -> Any:
    return lambda field: owner


@LAWS
@given(a_side(), owners, contexts)
def test_no_change_means_no_write(side: dict[str, Any], rules: dict[str, Owner], context: Context) -> None:
    found = plan(side, side, side, rules.__getitem__, context)
    assert found == Plan()


@LAWS
@given(a_side(), a_side(), owners, contexts)
def test_the_same_change_on_both_sides_is_told_to_neither(
    base: dict[str, Any], both: dict[str, Any], rules: dict[str, Owner], context: Context,
) -> None:
    found = plan(base, both, both, rules.__getitem__, context)
    assert (found.tool, found.partner, found.conflicts) == ({}, {}, [])


@LAWS
@given(a_side(), a_side(), owners)
def test_a_change_of_the_tool_alone_passes(
    base: dict[str, Any], tool: dict[str, Any], rules: dict[str, Owner],
) -> None:
    tool = {name: tool.get(name, value) for name, value in base.items()}
    found = plan(base, tool, base, rules.__getitem__)
    assert not found.tool
    assert not found.conflicts
    assert {**base, **found.partner} == tool or all(same(tool[n], {**base, **found.partner}[n]) for n in base)


@LAWS
@given(a_side(), a_side(), owners)
def test_a_change_of_the_partner_alone_passes_unless_the_tool_owns_the_field(
    base: dict[str, Any], partner: dict[str, Any], rules: dict[str, Owner],
) -> None:
    partner = {name: partner.get(name, value) for name, value in base.items()}
    found = plan(base, base, partner, rules.__getitem__)
    after = {**base, **found.tool}
    for name in base:
        owned = rules["state" if name == "pending_on" else name] is Owner.TOOL
        assert same(after[name], base[name] if owned else partner[name])


@LAWS
@given(a_side(), a_side(), a_side(), owners, contexts)
def test_after_the_writes_there_is_nothing_left_to_write(
    base: dict[str, Any], tool: dict[str, Any], partner: dict[str, Any], rules: dict[str, Owner], context: Context,
) -> None:
    first = plan(base, tool, partner, rules.__getitem__, context)
    left, right = {**tool, **first.tool}, {**partner, **first.partner}
    both = {n: v for n, v in units(left).items() if n in units(right) and same(v, units(right)[n])}
    agreed = {**base, **fields(both)}
    second = plan(agreed, left, right, rules.__getitem__, context)
    assert not second.tool
    assert not second.partner
    assert all(clash.rule is Owner.MANUAL for clash in second.conflicts)


@LAWS
@given(a_side(), a_side(), a_side(), owners, contexts)
def test_no_value_is_lost_without_a_conflict_or_a_rejection(
    base: dict[str, Any], tool: dict[str, Any], partner: dict[str, Any], rules: dict[str, Owner], context: Context,
) -> None:
    found = plan(base, tool, partner, rules.__getitem__, context)
    told = {clash.field for clash in found.conflicts} | {r.field for r in found.rejected}
    for side, writes in ((tool, found.tool), (partner, found.partner)):
        for name, value in writes.items():
            old, unit = side[name], "state" if name == "pending_on" else name
            moved = name not in base or not same(old, base[name])
            if moved and not same(old, value) and old not in ("", None, ()) and name != "pending_on":
                assert unit in told, (name, old, value)


@LAWS
@given(a_side(), a_side(), a_side(), owners, contexts)
def test_what_one_side_cannot_show_is_never_cleared_or_written(
    base: dict[str, Any], tool: dict[str, Any], partner: dict[str, Any], rules: dict[str, Owner], context: Context,
) -> None:
    found = plan(base, tool, partner, rules.__getitem__, context)
    both = tool.keys() & partner.keys()
    assert found.tool.keys() <= both
    assert found.partner.keys() <= both


@LAWS
@given(a_side(), a_side(), owners)
def test_without_a_base_a_known_value_is_never_replaced_by_an_unknown_one(
    tool: dict[str, Any], partner: dict[str, Any], rules: dict[str, Owner],
) -> None:
    found = plan({}, tool, partner, rules.__getitem__)
    for name, value in (*found.tool.items(), *found.partner.items()):
        if name != "pending_on":
            assert value not in ("", None, ()), name


@LAWS
@given(a_side(), a_side(), a_side(), owners, contexts)
def test_state_and_reason_travel_together(
    base: dict[str, Any], tool: dict[str, Any], partner: dict[str, Any], rules: dict[str, Owner], context: Context,
) -> None:
    found = plan(base, tool, partner, rules.__getitem__, context)
    for writes in (found.tool, found.partner):
        assert ("state" in writes) == ("pending_on" in writes)


@pytest.mark.parametrize(("ours", "theirs", "winner"), [(1, 0, "p"), (0, 1, "t"), (0, 0, "t")])
def test_the_newer_change_wins_and_of_equal_times_the_tools(ours: int, theirs: int, winner: str) -> None:
    context = Context(times={Side.TOOL: {"title": NOON + timedelta(seconds=theirs)},
                             Side.PARTNER: {"title": NOON + timedelta(seconds=ours)}})
    found = plan({"title": "b"}, {"title": "t"}, {"title": "p"}, by(Owner.NEWEST), context)
    assert found.conflicts[0].kept == winner
    assert found.conflicts[0].lost == ("t" if winner == "p" else "p")


def test_a_change_of_unknown_time_in_the_tool_counts_as_the_newer() -> None:
    context = Context(times={Side.PARTNER: {"title": NOON}})
    assert plan({"title": "b"}, {"title": "t"}, {"title": "p"}, by(Owner.NEWEST), context).partner == {"title": "t"}


def test_a_manual_conflict_writes_nothing_and_waits() -> None:
    found = plan({"title": "b"}, {"title": "t"}, {"title": "p"}, by(Owner.MANUAL))
    assert not found.tool
    assert not found.partner
    assert found.conflicts[0].winner is None


def test_lists_are_united_keeping_what_each_side_added_and_removed() -> None:
    found = plan({"tags": ("a", "b", "c")}, {"tags": ("a", "c", "t")}, {"tags": ("b", "c", "p")}, by(Owner.SET))
    assert found.tool == {"tags": ("c", "t", "p")}
    assert found.partner == {"tags": ("c", "t", "p")}
    assert united((), ("x",), ("x", "y")) == ("x", "y")


def test_a_claimed_field_is_written_again_over_the_tools_change() -> None:
    found = plan({"title": "ours"}, {"title": "t"}, {"title": "ours"}, by(Owner.CONNECTOR),
                 Context(claimed=frozenset({"title"})))
    assert found.tool == {"title": "ours"}
    assert found.conflicts[0].lost == "t"


def test_a_move_the_workflow_forbids_is_rejected_with_the_reason() -> None:
    context = Context(moves={Side.TOOL: {"closed": frozenset()}})
    closed, fresh = ({"state": s, "pending_on": None} for s in (State.CLOSED, State.IN_PROGRESS))
    found = plan(closed, closed, fresh, by(Owner.NEWEST), context)
    assert not found.tool
    assert found.rejected[0].reason == "no move from closed to in_progress there"


def test_a_field_that_cannot_be_written_there_is_rejected() -> None:
    found = plan({"title": "b"}, {"title": "b"}, {"title": "p"}, by(Owner.NEWEST),
                 Context(closed={Side.TOOL: frozenset({"title"})}))
    assert not found.tool
    assert found.rejected[0].field == "title"


def test_a_change_that_could_not_be_passed_on_is_told() -> None:
    assert plan({"title": "a"}, {}, {"title": "b"}, by(Owner.NEWEST)).warnings
    assert plan({"title": "a"}, {"title": "b"}, {}, by(Owner.NEWEST)).warnings
    assert not plan({"title": "a"}, {"title": "a"}, {}, by(Owner.NEWEST)).warnings


def test_rules_may_be_a_table_in_plain_words_and_a_field_without_one_is_left_alone() -> None:
    sides = {"title": "a", "group": "a", "priority": "P1"}, {"title": "b", "group": "b", "priority": "P2"}
    found = plan({"title": "", "group": "", "priority": ""}, *sides, {"title": "partner", "group": "tool"})
    assert (found.tool, found.partner) == ({"title": "b"}, {"group": "a"})
    assert found.warnings == ["priority differs, and no rule says who wins: it was left alone"]
    assert plan({}, *sides, {"title": "partner"}) == plan({}, *sides, {"title": Owner.CONNECTOR})
    with pytest.raises(ValueError, match="random"):
        plan({}, *sides, {"title": "random"})


@pytest.mark.parametrize("rule", [owner for owner in Owner if owner is not Owner.MANUAL])
def test_any_row_of_edits_settles_at_once_and_is_then_silent(rule: Owner) -> None:
    """Every pair of values on both sides, over every base, missing and empty ones included: what is written once
    leaves nothing to write, to decide or to correct, whether the base is renewed or an old message comes again."""
    missing = object()
    choices = (missing, None, "", (), "a", "b", ("a",), ("a", "b"), ("b", "c"), 0, False)
    for one, two, three, newer in itertools.product(choices, choices, choices, (-1, 0, 1)):
        base, tool, partner = ({} if value is missing else {"f": value} for value in (one, two, three))
        context = Context(times={Side.TOOL: {"f": NOON}, Side.PARTNER: {"f": NOON + timedelta(seconds=newer)}})
        first = plan(base, tool, partner, by(rule), context)
        tool, partner = {**tool, **first.tool}, {**partner, **first.partner}
        for known in (base, {**base, **(tool if tool == partner else {})}):
            again = plan(known, tool, partner, by(rule), context)
            assert (again.tool, again.partner, again.conflicts) == ({}, {}, []), (one, two, three, newer)
