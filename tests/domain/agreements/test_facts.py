"""Facts: what was known at each moment, from effective events in order."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from connector.domain.agreements.facts import before_opening, moments
from connector.domain.agreements.profile import HELD_BY_US, Responder
from connector.domain.history import Event, EventKind, Origin, Role
from tests.domain.agreements.test_engine import MON, Story, ticket

ASKED = ("priority", "group", "customer", "deleted", "reassignments", "custom.site")
H = timedelta(hours=1)


def facts(story: Story, name: str, responder: Responder | None = None, **fields: Any) -> list[Any]:
    line = moments(ticket(**{**story.last, **fields}), story.events, ASKED, responder or Responder())
    return [moment.facts[name] for moment in line]


def test_a_field_had_its_first_old_value_before_and_one_that_never_changed_its_present() -> None:
    story = Story()
    story.last["priority"] = "P3"
    story.set(MON + H, priority="P2").set(MON + 2 * H, priority="P1")
    assert facts(story, "priority") == ["P3", "P2", "P1"]
    assert facts(story, "customer") == ["ACME SA"] * 3


def test_custom_fields_are_facts_too() -> None:
    story = Story()
    story.last["custom.site"] = "Bern"
    story.set(MON + H, **{"custom.site": "Basel"})
    line = moments(ticket(custom={"site": "Basel"}), story.events, ASKED, Responder())
    assert [moment.facts["custom.site"] for moment in line] == ["Bern", "Basel"]


def test_what_happens_in_one_instant_is_one_moment_with_all_its_reasons() -> None:
    story = Story()
    story.last["priority"] = "P3"
    story.set(MON + H, priority="P1", assignee="bob")
    line = moments(ticket(**story.last), story.events, ASKED, Responder())
    assert [(moment.at, moment.why) for moment in line] == [
        (MON, "opened"), (MON + H, "priority P1, assignee bob")]
    assert line[1].changed == {"priority", "assignee", "acknowledged"}


def test_nothing_nobody_asks_about_makes_no_moment() -> None:
    story = Story().set(MON + H, title="new").say(MON + 2 * H, Role.AGENT, kind=EventKind.ATTACHED)
    assert len(facts(story, "priority", title="new")) == 1


@pytest.mark.parametrize(("role", "field", "value", "taken"), [
    (Role.AGENT, "assignee", "bob", True), (Role.UNKNOWN, "assignee", "bob", True), (Role.AGENT, "assignee", "", False),
    (Role.SYSTEM, "assignee", "bob", False), (Role.CONNECTOR, "assignee", "bob", False),
    (Role.REQUESTER, "state", "closed", False), (Role.AGENT, "state", "in_progress", True),
    (Role.AGENT, "state", "new", False), (Role.SUPPLIER, "state", "in_progress", True),
])
def test_who_acknowledges(role: Role, field: str, value: str, taken: bool) -> None:
    assert facts(Story().set(MON + H, role, **{field: value}), "acknowledged")[-1] is taken


def test_a_rule_that_may_answer_may_also_take() -> None:
    story = Story().set(MON + H, Role.SYSTEM, assignee="bob")
    assert facts(story, "acknowledged", Responder(frozenset({Role.AGENT, Role.SYSTEM})))[-1] is True


def test_born_assigned_or_in_work_is_acknowledged() -> None:
    assert facts(Story(), "acknowledged", assignee="bob") == [True]
    assert facts(Story(), "acknowledged", state="in_progress") == [True]


@pytest.mark.parametrize(("responder", "role", "more", "answers"), [
    (Responder(), Role.AGENT, {}, True), (Responder(), Role.SUPPLIER, {}, False),
    (Responder(frozenset({Role.SUPPLIER})), Role.SUPPLIER, {}, True),
    (Responder(), Role.AGENT, {"kind": EventKind.NOTED}, False),
    (Responder(notes=True), Role.AGENT, {"kind": EventKind.NOTED}, True),
    (Responder(), Role.AGENT, {"auto": True}, False), (Responder(automatic=True), Role.AGENT, {"auto": True}, True),
    (Responder(), Role.AGENT, {"actor": "Ana"}, False), (Responder(requester=True), Role.AGENT, {"actor": "Ana"}, True),
    (Responder(requester=True), Role.REQUESTER, {"actor": "Ana"}, False),
    (Responder(frozenset({Role.AGENT, Role.SYSTEM})), Role.CONNECTOR, {}, False),
])
def test_who_answers(responder: Responder, role: Role, more: dict[str, Any], answers: bool) -> None:
    assert facts(Story().say(MON + H, role, **more), "responded", responder)[-1] is answers


def test_a_requester_known_by_address_is_the_requester() -> None:
    story = Story().say(MON + H, Role.AGENT, actor="ANA@acme.example")
    assert facts(story, "responded", requester_email="ana@acme.example") == [False]
    assert facts(story, "responded")[-1] is True


def test_a_reply_is_awaited_from_the_first_message_after_an_answer() -> None:
    story = Story().say(MON + H, Role.REQUESTER).say(MON + 2 * H, Role.AGENT).say(MON + 3 * H, Role.REQUESTER)
    story.say(MON + 4 * H, Role.REQUESTER).say(MON + 5 * H, Role.AGENT)
    line = moments(ticket(), story.events, ASKED, Responder())
    assert [(moment.at, moment.facts["awaiting_reply"], moment.facts["updates"]) for moment in line] == [
        (MON, False, 0), (MON + 2 * H, False, 1), (MON + 3 * H, True, 1), (MON + 5 * H, False, 2)]
    assert [moment.why for moment in line] == ["opened", "answer", "message from the requester", "answer"]


def test_handing_over_and_reopening_are_counted() -> None:
    story = Story()
    story.last["group"] = "A"
    story.set(MON + H, group="B").set(MON + 2 * H, group="").set(MON + 3 * H, group="C")
    story.set(MON + 4 * H, assignee="bob").set(MON + 5 * H, assignee="eve")
    assert facts(story, "reassignments") == [0, 1, 1, 1, 1, 2], "to nobody and from nobody is no handing over"
    story = Story().set(MON + H, state="resolved").set(MON + 2 * H, state="closed").set(MON + 3 * H, state="new")
    story.set(MON + 4 * H, state="resolved").set(MON + 5 * H, state="in_progress")
    assert facts(story, "reopenings") == [0, 0, 0, 1, 1, 2]


def test_deleted_merged_and_restored() -> None:
    story = Story()
    for i, kind in enumerate((EventKind.DELETED, EventKind.RESTORED, EventKind.MERGED)):
        story.say(MON + H * (i + 1), Role.SYSTEM, kind=kind)
    assert facts(story, "deleted", deleted=True) == [False, True, False, True]


def test_who_put_a_ticket_where_it_waits_is_known_also_when_nobody_asks_what_for() -> None:
    ours = Event(key="a", at=MON + H, kind=EventKind.CHANGED, field="state", old="new", new="pending",
                 role=Role.CONNECTOR, origin=Origin.CONNECTOR)
    told = Event(key="b", seq=1, at=MON + 2 * H, kind=EventKind.CHANGED, field="pending_on", old=None, new="customer",
                 role=Role.AGENT)
    line = moments(ticket(state="pending", pending_on="customer"), [ours, told], ("state",), Responder())
    assert [moment.facts[HELD_BY_US] for moment in line] == [False, True, False]


def test_what_happened_before_the_opening_counts_at_the_opening() -> None:
    story = Story().set(MON - H, state="pending").set(MON - timedelta(seconds=2), assignee="bob")
    line = moments(ticket(**story.last), story.events, ASKED, Responder())
    assert [(moment.at, moment.facts["state"], moment.why) for moment in line] == [(MON, "pending", "opened")]
    assert [event.field for event in before_opening(ticket(), story.events)] == ["state"], "seconds are tolerated"
