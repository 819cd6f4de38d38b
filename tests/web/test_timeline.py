"""A ticket's history as told on its page."""

from __future__ import annotations

from datetime import timedelta

from connector.domain.history import EventKind, Origin
from connector.domain.ticket import PendingOn, State
from connector.web.editing import inputs, parse, patch, spoken
from connector.web.timeline import entries
from tests.web.world import event, ticket

from tests.web.world import MAPPING  # isort: skip


def test_the_latest_comes_first() -> None:
    told = entries([event("a", 30, field="group"), event("b", 10, field="title")])
    assert [entry.events[0].key for entry in told] == ["b", "a"]


def test_what_one_person_changed_at_once_is_told_together() -> None:
    told = entries([event("a", 30, field="group", actor="x"), event("b", 30, field="title", actor="x")])
    assert [len(entry.events) for entry in told] == [2]


def test_what_two_people_changed_is_told_apart() -> None:
    assert len(entries([event("a", 30, field="group", actor="x"), event("b", 30, field="title", actor="y")])) == 2


def test_exact_and_inferred_changes_are_told_apart() -> None:
    told = entries([event("a", 30, field="group"), event("b", 30, field="title", inferred=True)])
    assert sorted(entry.inferred for entry in told) == [False, True]


def test_an_end_and_a_reopening_are_marked() -> None:
    end = event("a", 30, field="state", old="new", new="resolved")
    again = event("b", 20, field="state", old="resolved", new="in_progress")
    assert [entry.tone for entry in entries([end, again])] == ["reopened", "ended"]


def test_echoes_of_our_own_changes_are_not_told_twice() -> None:
    ours = event("a", 30, field="group", origin=Origin.CONNECTOR)
    told = entries([ours, event("b", 29, field="group", echo="a")])
    assert [(entry.events[0].key, entry.ours) for entry in told] == [("a", True)]


def test_comments_and_changes_can_be_shown_alone() -> None:
    events = [event("a", 30, field="group"), event("b", 20, EventKind.COMMENTED), event("c", 10, EventKind.NOTED)]
    assert [entry.kind for entry in entries(events, "comments")] == ["noted", "commented"]
    assert [entry.kind for entry in entries(events, "changes")] == ["changed"]


def test_a_form_offers_what_the_mapping_writes_and_we_may_own() -> None:
    names = [item.name for item in inputs(MAPPING, ticket("1"))]
    assert "title" in names
    assert "number" not in names
    assert "customer" not in names


def test_a_choice_offers_only_what_the_tool_accepts() -> None:
    (state,) = [item for item in inputs(MAPPING, ticket("1")) if item.name == "state"]
    keys = [key for key, _label in state.options or ()]
    assert "pending/customer" in keys
    assert "pending/supplier" not in keys
    assert "cancelled" not in keys


def test_only_what_was_changed_in_the_form_is_a_change() -> None:
    one = ticket("1", title="Old", group="A")
    form = {"title": "New", "was.title": "Old", "group": "A", "was.group": "A"}
    assert patch(MAPPING, one, form) == {"title": "New"}


def test_a_field_that_somebody_else_changed_meanwhile_is_left_alone() -> None:
    one = ticket("1", group="B")
    assert patch(MAPPING, one, {"group": "A", "was.group": "A"}) == {}


def test_state_and_reason_travel_together() -> None:
    assert parse("state", "pending/customer") == {"state": "pending", "pending_on": "customer"}
    assert parse("state", "resolved") == {"state": "resolved", "pending_on": None}
    assert spoken("state", ticket("1", state=State.PENDING, pending_on=PendingOn.CUSTOMER)) == "pending/customer"


def test_tags_are_read_from_a_line() -> None:
    assert parse("tags", "vip, mail,, vip ") == {"tags": ("vip", "mail")}


def test_an_entry_spans_two_seconds_at_most() -> None:
    first = event("a", 30, field="group", actor="x")
    later = event("b", 30 - timedelta(seconds=3) / timedelta(minutes=1), field="title", actor="x")
    assert len(entries([first, later])) == 2
