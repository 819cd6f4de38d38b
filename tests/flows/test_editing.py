"""Edits by us: refused at once or delivered once, and what happens when the tool moved too."""

from __future__ import annotations

import pytest

from connector.domain.errors import NotFound, Refused, TryLater
from connector.domain.history import EventKind, Origin, Role
from connector.domain.ticket import Comment, Draft, Kind, PendingOn, State
from connector.flows import burial, deliver, editing, hints, intake
from connector.ports import Deps
from tests.flows.fake_tool import ME, Clock, FakeTool
from tests.flows.looking import conflicts, history, stored, told


@pytest.fixture
def one(deps: Deps, tool: FakeTool, clock: Clock) -> int:
    """Our key of ticket 1, which has been read."""
    tool.opened("1", group="desk")
    intake.poll(deps, "desk")
    clock.forward(60)
    return stored(deps, "1").key


def test_an_edit_arrives_once_and_its_echo_is_no_news(deps: Deps, tool: FakeTool, clock: Clock, one: int) -> None:
    editing.edit(deps, one, {"title": "ours"}, "anna")
    assert stored(deps, "1").ticket.title == "ours"
    assert stored(deps, "1").base is not None
    assert deliver.tick(deps) == 1
    clock.forward(5)
    for _ in range(2):
        intake.poll(deps, "desk")
    tool.said("1", "moves the stamp")
    intake.poll(deps, "desk")
    assert tool.tickets["1"].title == "ours"
    assert stored(deps, "1").base is None
    assert told(deps, "1", "title") == ["ours"]
    assert [e.echo for e in history(deps, "1") if e.actor == ME] == ["own/1/title"]
    assert not conflicts(deps, "1")
    assert tool.calls.count("update") == 1


def test_an_edit_of_a_field_the_tool_owns_is_refused_at_once(deps: Deps, one: int) -> None:
    with pytest.raises(Refused, match="priority belongs to desk"):
        editing.edit(deps, one, {"priority": "P1"}, "anna")


def test_all_problems_of_an_edit_are_told_at_once(deps: Deps, one: int) -> None:
    with pytest.raises(Refused, match=r"nonsense cannot be edited; impact: .*huge.*"):
        editing.edit(deps, one, {"nonsense": 1, "impact": "huge"}, "anna")
    with pytest.raises(Refused, match="impact"):
        editing.edit(deps, one, {"impact": "very_high"}, "anna")
    assert stored(deps, "1").revision == 1


def test_an_edit_that_changes_nothing_does_nothing(deps: Deps, one: int) -> None:
    assert editing.edit(deps, one, {"group": "desk"}, "anna").revision == 1
    assert deliver.tick(deps) == 0


def test_an_edit_of_an_unknown_ticket_is_not_found(deps: Deps) -> None:
    with pytest.raises(NotFound):
        editing.edit(deps, 99, {"title": "x"}, "anna")


def test_state_and_reason_travel_together(deps: Deps, tool: FakeTool, one: int) -> None:
    with pytest.raises(Refused):
        editing.edit(deps, one, {"pending_on": "customer"}, "anna")
    editing.edit(deps, one, {"state": "pending", "pending_on": "customer"}, "anna")
    deliver.tick(deps)
    assert (tool.tickets["1"].state, tool.tickets["1"].pending_on) == (State.PENDING, PendingOn.CUSTOMER)
    editing.edit(deps, one, {"state": "in_progress"}, "anna")
    deliver.tick(deps)
    assert (tool.tickets["1"].state, tool.tickets["1"].pending_on) == (State.IN_PROGRESS, None)


def test_rapid_edits_coalesce_but_states_keep_their_order(deps: Deps, tool: FakeTool, one: int) -> None:
    for title, state in (("a", "in_progress"), ("b", "resolved"), ("c", "closed")):
        editing.edit(deps, one, {"title": title, "state": state}, "anna")
    assert deliver.tick(deps) == 3
    ours = [(e.field, e.new) for e in tool.log["1"] if e.actor == ME]
    assert [new for field, new in ours if field == "state"] == ["in_progress", "resolved", "closed"]
    assert [new for field, new in ours if field == "title"] == ["c"]
    assert stored(deps, "1").base is None


def test_an_edit_taken_back_while_the_first_is_in_doubt_is_still_written(
    deps: Deps, tool: FakeTool, clock: Clock, one: int,
) -> None:
    lose_answer(tool, "update")
    editing.edit(deps, one, {"title": "ours"}, "anna")
    deliver.tick(deps)
    editing.edit(deps, one, {"title": "ticket 1"}, "anna")
    intake.poll(deps, "desk")
    assert stored(deps, "1").ticket.title == "ticket 1"
    clock.forward(60)
    deliver.tick(deps)
    assert tool.tickets["1"].title == "ticket 1"
    assert not conflicts(deps, "1")
    assert told(deps, "1", "title") == ["ours", "ticket 1"]


def lose_answer(tool: FakeTool, verb: str) -> None:
    """The next exchange of that kind has its effect, but no answer comes."""
    def lose(called: str, moment: str) -> None:
        if (called, moment) == (verb, "after"):
            tool.at = lambda verb, moment: None
            raise TryLater("time-out")
    tool.at = lose


def test_a_lost_answer_is_not_repeated(deps: Deps, tool: FakeTool, clock: Clock, one: int) -> None:
    for verb, act in (("update", lambda: editing.edit(deps, one, {"title": "ours"}, "anna")),
                      ("comment", lambda: editing.comment(deps, one, Comment(text="hello"), "anna")),
                      ("attach", lambda: editing.attach(deps, one, "a.txt", "text/plain", [b"x"], "anna"))):
        act()
        lose_answer(tool, verb)
        deliver.tick(deps)
        clock.forward(60)
        deliver.tick(deps)
    assert tool.calls.count("update") == 1
    assert tool.notes("1") == ["hello"]
    assert tool.files["1"] == [("a.txt", b"x")]


def test_of_a_field_with_rule_newest_the_later_change_wins(deps: Deps, tool: FakeTool, clock: Clock, one: int) -> None:
    editing.edit(deps, one, {"title": "ours"}, "anna")
    clock.forward(5)
    tool.edited("1", title="theirs")
    deliver.tick(deps)
    assert tool.tickets["1"].title == stored(deps, "1").ticket.title == "theirs"
    assert conflicts(deps, "1") == [("title", "ours", "theirs", "newest")]
    assert told(deps, "1", "title") == ["theirs"]
    tool.edited("1", title="early")
    clock.forward(5)
    editing.edit(deps, one, {"title": "late"}, "anna")
    deliver.tick(deps)
    assert tool.tickets["1"].title == stored(deps, "1").ticket.title == "late"
    assert conflicts(deps, "1")[1:] == [("title", "early", "late", "newest")]
    assert told(deps, "1", "title") == ["theirs", "early", "late"]


def test_of_equal_times_the_tools_change_wins(deps: Deps, tool: FakeTool, one: int) -> None:
    editing.edit(deps, one, {"title": "ours"}, "anna")
    tool.edited("1", title="theirs")
    intake.poll(deps, "desk")
    assert stored(deps, "1").ticket.title == "theirs"
    deliver.tick(deps)
    assert tool.tickets["1"].title == "theirs"


def test_a_field_that_is_ours_is_written_again_over_the_tools_change(
    deps: Deps, tool: FakeTool, clock: Clock, one: int,
) -> None:
    tool.edited("1", group="their choice")
    intake.poll(deps, "desk")
    assert stored(deps, "1").ticket.group == "their choice", "never set by us, so not held against the tool"
    editing.edit(deps, one, {"group": "ours"}, "anna")
    deliver.tick(deps)
    clock.forward(60)
    tool.edited("1", group="theirs")
    intake.poll(deps, "desk")
    deliver.tick(deps)
    assert tool.tickets["1"].group == stored(deps, "1").ticket.group == "ours"
    assert conflicts(deps, "1") == [("group", "theirs", "ours", "connector")]
    assert told(deps, "1", "group") == ["their choice", "ours", "theirs", "ours"]


def test_a_fight_over_a_field_ends_after_three_rounds_a_day(
    deps: Deps, tool: FakeTool, clock: Clock, one: int,
) -> None:
    editing.edit(deps, one, {"group": "ours"}, "anna")
    for _ in range(5):
        deliver.tick(deps)
        clock.forward(60)
        tool.edited("1", group="theirs")
        intake.poll(deps, "desk")
    assert stored(deps, "1").ticket.group == "theirs"
    assert stored(deps, "1").base is None
    assert [rule for *_, rule in conflicts(deps, "1")] == ["connector"] * 3 + ["gave way"]


def test_a_manual_conflict_keeps_the_tools_value_and_is_recorded(
    deps: Deps, tool: FakeTool, clock: Clock, one: int,
) -> None:
    tool.edited("1", assignee="bert")
    clock.forward(1)
    editing.edit(deps, one, {"assignee": "carl"}, "anna")
    deliver.tick(deps)
    assert tool.tickets["1"].assignee == stored(deps, "1").ticket.assignee == "bert"
    assert conflicts(deps, "1") == [("assignee", "carl", "bert", "manual")]


def test_lists_keep_the_additions_of_both_sides(deps: Deps, tool: FakeTool, clock: Clock, one: int) -> None:
    tool.edited("1", tags=("a", "b"))
    intake.poll(deps, "desk")
    editing.edit(deps, one, {"tags": ["a", "ours"]}, "anna")
    clock.forward(1)
    tool.edited("1", tags=("a", "b", "theirs"))
    deliver.tick(deps)
    assert tool.tickets["1"].tags == stored(deps, "1").ticket.tags == ("a", "theirs", "ours")
    assert not conflicts(deps, "1")


def test_a_value_the_tool_does_not_keep_is_recorded_and_not_written_for_ever(
    deps: Deps, tool: FakeTool, clock: Clock, one: int,
) -> None:
    tool.keeps = lambda patch: {name: str(value)[:5] for name, value in patch.items()}
    editing.edit(deps, one, {"title": "a long title"}, "anna")
    for _ in range(3):
        deliver.tick(deps)
        clock.forward(60)
        intake.poll(deps, "desk")
    assert stored(deps, "1").ticket.title == "a lon"
    assert stored(deps, "1").base is None
    assert conflicts(deps, "1") == [("title", "a long title", "a lon", "not kept")]
    assert tool.calls.count("update") == 1


def test_a_refused_edit_is_taken_back_buried_and_can_be_revived(
    deps: Deps, tool: FakeTool, clock: Clock, one: int,
) -> None:
    editing.edit(deps, one, {"title": "forbidden", "description": "fine"}, "anna")
    deliver.tick(deps)
    assert stored(deps, "1").ticket.title == "ticket 1"
    assert stored(deps, "1").base is None
    assert ("title", "forbidden", "ticket 1", "refused") in conflicts(deps, "1")
    assert told(deps, "1", "title") == []
    allow(tool)
    clock.forward(60)
    with deps.store.begin() as tx:
        assert tx.revive(None, "desk", clock()) == 1
    deliver.tick(deps)
    clock.forward(60)
    deliver.tick(deps)
    assert tool.tickets["1"].title == stored(deps, "1").ticket.title == "forbidden"
    assert tool.tickets["1"].description == "fine"
    assert told(deps, "1", "title") == ["forbidden"]


def allow(tool: FakeTool) -> None:
    """The tool takes every value from now on."""
    def update(id: str, patch: dict[str, object], again: bool = False) -> object:
        tool.edited(id, ME, **patch)
        return tool.tickets[id]
    tool.update = update  # type: ignore[method-assign,assignment]


def test_a_dropped_edit_is_taken_back(deps: Deps, tool: FakeTool, clock: Clock, one: int) -> None:
    editing.edit(deps, one, {"title": "ours", "state": "resolved"}, "anna")
    editing.edit(deps, one, {"description": "kept"}, "anna")
    with deps.store.read() as tx:
        first, _ = tx.pending(one)
    assert burial.drop(deps, first.id, one, "boss")
    assert not burial.drop(deps, first.id, one, "boss")
    now = stored(deps, "1")
    assert (now.ticket.title, now.ticket.state, now.ticket.description) == ("ticket 1", "new", "kept")
    assert [(field, lost, rule) for field, lost, _, rule in conflicts(deps, "1")] == [
        ("state", "resolved", "dropped"), ("title", "ours", "dropped")]
    deliver.tick(deps)
    assert (tool.tickets["1"].title, tool.tickets["1"].description) == ("ticket 1", "kept")
    assert stored(deps, "1").base is None


def test_a_dropped_create_takes_its_ticket_and_what_waits_for_it_away(
    deps: Deps, tool: FakeTool, clock: Clock,
) -> None:
    made = editing.create(deps, "desk", Draft(kind=Kind.INCIDENT, fields={"title": "printer"}), "k1", "anna")
    editing.comment(deps, made.key, Comment(text="first"), "anna")
    with deps.store.read() as tx:
        first, _ = tx.pending(made.key)
    assert burial.drop(deps, first.id, made.key, "boss")
    deliver.tick(deps)
    assert stored(deps, "~k1").ticket.deleted
    assert tool.tickets == {}


def test_a_refused_comment_is_taken_out_of_the_history(deps: Deps, tool: FakeTool, one: int) -> None:
    editing.comment(deps, one, Comment(text="forbidden"), "anna")
    editing.comment(deps, one, Comment(text="fine"), "anna")
    deliver.tick(deps)
    from connector.domain.history import effective
    assert [e.text for e in effective(history(deps, "1")) if e.kind is EventKind.NOTED] == ["fine"]
    assert tool.notes("1") == ["fine"]


def test_a_comment_of_ours_is_recognised_when_it_is_read(deps: Deps, tool: FakeTool, clock: Clock, one: int) -> None:
    key = editing.comment(deps, one, Comment(text="hello", public=True), "anna", "abc")
    assert editing.comment(deps, one, Comment(text="hello", public=True), "anna", "abc") == key == "abc"
    deliver.tick(deps)
    clock.forward(60)
    hints.run(deps, "desk")
    said = [e for e in history(deps, "1") if e.kind is EventKind.COMMENTED]
    assert len(said) == 2
    assert [e.echo for e in said if e.actor == ME] == ["abc"]


def test_a_created_ticket_takes_the_tools_id_and_is_one_ticket(deps: Deps, tool: FakeTool, clock: Clock) -> None:
    draft = Draft(kind=Kind.INCIDENT, fields={"title": "printer", "group": "desk"})
    made = editing.create(deps, "desk", draft, "k1", "anna")
    assert editing.create(deps, "desk", draft, "k1", "anna").key == made.key
    assert made.ticket.id == "~k1"
    editing.comment(deps, made.key, Comment(text="first"), "anna")
    editing.edit(deps, made.key, {"title": "printer on fire"}, "anna")
    deliver.tick(deps)
    assert editing.create(deps, "desk", draft, "k1", "anna").key == made.key
    clock.forward(60)
    intake.poll(deps, "desk")
    hints.run(deps, "desk")
    (id,) = tool.tickets
    assert stored(deps, id).key == made.key
    assert stored(deps, id).ticket == tool.tickets[id]
    assert tool.notes(id) == ["first"]
    assert [e.kind for e in history(deps, id)].count(EventKind.CREATED) == 2
    assert told(deps, id, "title") == ["printer on fire"]
    assert told(deps, id, "number") == [], "what the tool fills in is no change"


def test_a_create_whose_answer_was_lost_makes_one_ticket_even_if_a_poll_sees_it_first(
    deps: Deps, tool: FakeTool, clock: Clock,
) -> None:
    tool.opened("7")
    made = editing.create(deps, "desk", Draft(kind=Kind.INCIDENT, fields={"title": "printer"}), "k1", "anna")
    lose_answer(tool, "create")
    deliver.tick(deps)
    report = intake.poll(deps, "desk")
    assert (report.new, report.postponed) == (1, 1)
    clock.forward(60)
    deliver.tick(deps)
    hints.run(deps, "desk")
    intake.poll(deps, "desk")
    assert len(tool.tickets) == 2
    (id,) = tool.keys["k1"]
    assert stored(deps, id).key == made.key
    with deps.store.read() as tx:
        assert len(tx.by_key(range(1, 9))) == 2


def test_a_created_ticket_that_was_read_unrecognised_is_not_shown_twice(
    deps: Deps, tool: FakeTool, clock: Clock,
) -> None:
    made = editing.create(deps, "desk", Draft(kind=Kind.INCIDENT, fields={"title": "printer"}), "k1", "anna")
    lose_answer(tool, "create")
    deliver.tick(deps)
    (id,) = tool.tickets
    tool.edited(id, title="renamed by a rule of the tool")
    intake.poll(deps, "desk")
    editing.comment(deps, made.key, Comment(text="still arrives"), "anna")
    clock.forward(60)
    deliver.tick(deps)
    assert tool.notes(id) == ["still arrives"]
    with deps.store.read() as tx:
        living = [s for s in tx.by_key(range(1, 9)).values() if not s.ticket.deleted]
    assert [s.ticket.id for s in living] == [id]


def test_what_waits_for_a_ticket_that_is_refused_is_refused_too(deps: Deps, tool: FakeTool) -> None:
    def refuse(verb: str, moment: str) -> None:
        if verb == "create":
            raise Refused("no")
    tool.at = refuse
    made = editing.create(deps, "desk", Draft(kind=Kind.INCIDENT, fields={"title": "printer"}), "k1", "anna")
    editing.comment(deps, made.key, Comment(text="first"), "anna")
    deliver.tick(deps)
    with deps.store.read() as tx:
        assert tx.pending(made.key) == []
    assert tool.calls == ["create"]


def test_a_file_name_is_only_a_name(deps: Deps, tool: FakeTool, one: int) -> None:
    with pytest.raises(Refused):
        editing.attach(deps, one, "../", "text/plain", [b""], "anna")
    editing.attach(deps, one, "..\\..\\etc/passwd", "text/plain", [b"x", b"y"], "anna")
    deliver.tick(deps)
    assert tool.files["1"] == [("passwd", b"xy")]


def test_a_deleted_ticket_cannot_be_edited(deps: Deps, tool: FakeTool, clock: Clock, one: int) -> None:
    tool.purged("1")
    for _ in range(2):
        intake.refresh(deps, "desk", ["1"])
        clock.forward(601)
    assert stored(deps, "1").ticket.deleted
    with pytest.raises(Refused, match="deleted"):
        editing.edit(deps, one, {"title": "x"}, "anna")


def test_a_persons_edits_count_as_an_agents_and_our_own_do_not(deps: Deps, one: int) -> None:
    editing.edit(deps, one, {"title": "by hand"}, "user:anna")
    editing.edit(deps, one, {"title": "by rule"}, "automation", role=Role.CONNECTOR)
    editing.comment(deps, one, Comment(text="by hand", public=True), "user:anna")
    editing.comment(deps, one, Comment(text="by rule", public=True), "automation", role=Role.CONNECTOR)
    editing.attach(deps, one, "a.txt", "text/plain", [b"x"], "automation", role=Role.CONNECTOR)
    made = editing.create(deps, "desk", Draft(kind=Kind.INCIDENT, fields={"title": "new"}), "k9", "user:anna")
    with deps.store.read() as tx:
        told = tx.history([one, made.key])
    ours = [e for e in told[one] if e.origin is Origin.CONNECTOR]
    assert sorted((e.kind, e.actor, e.role) for e in ours) == [
        ("attached", "automation", Role.CONNECTOR), ("changed", "automation", Role.CONNECTOR),
        ("changed", "user:anna", Role.AGENT), ("commented", "automation", Role.CONNECTOR),
        ("commented", "user:anna", Role.AGENT)]
    assert [(e.actor, e.role) for e in told[made.key]] == [("user:anna", Role.AGENT)]


def test_after_a_comment_the_clocks_are_looked_at_again(deps: Deps, one: int) -> None:
    with deps.store.begin() as tx:
        tx.schedule({one: None})
    editing.comment(deps, one, Comment(text="hello", public=True), "user:anna")
    with deps.store.read() as tx:
        assert [stored.key for stored in tx.due(deps.now(), 10)] == [one]
