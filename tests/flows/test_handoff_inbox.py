"""Messages of suppliers: each takes effect once, or not at all, and says why."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connector.domain.errors import NotFound, Refused
from connector.domain.handoffs.chain import EntryKind
from connector.domain.handoffs.handoff import IllegalMove
from connector.domain.handoffs.moves import HandoffState, Move
from connector.domain.handoffs.supplier_message import SentFile
from connector.flows import files, handoffs
from connector.store import SqlStore
from tests.flows.handoff_world import World, a_file

S = HandoffState
HELLO = b"hello"
DIGEST = hashlib.sha256(HELLO).hexdigest()


@pytest.fixture
def world(sqlite_store: SqlStore, tmp_path: Path) -> World:
    return World(sqlite_store, tmp_path / "files")


def test_the_same_message_again_has_one_effect_and_the_same_answer(store: SqlStore) -> None:
    world = World(store)
    id = world.offer().id
    answers = [world.told(id, "acknowledged", comment="got it", message="m1", digest="d") for _ in range(3)]
    assert [one.outcome for one in answers] == ["done", "repeat", "repeat"]
    assert {(one.handoff, one.message) for one in answers} == {(id, "m1")}
    assert len(world.entries(id)) == 3
    with pytest.raises(Refused) as refused:
        world.told(id, "declined", "no", message="m1", digest="other")
    assert refused.value.status == 409
    assert world.handoff(id).state is S.ACKNOWLEDGED


def test_a_repeat_that_comes_late_is_answered_as_it_was_though_the_work_went_on(world: World) -> None:
    id = world.offer().id
    first = world.told(id, "acknowledged", message="m1")
    world.told(id, "in_progress", message="m2")
    world.told(id, "handed_back", "cannot", message="m3")
    again = world.told(id, "acknowledged", message="m1")
    assert (again.handoff, again.message, again.outcome) == (first.handoff, first.message, "repeat")
    assert world.handoff(id).state is S.HANDED_BACK


def test_the_same_id_from_another_supplier_is_another_message(world: World) -> None:
    hosting, network = world.offer().id, world.offer("network").id
    world.told(hosting, "acknowledged", message="m1")
    assert world.told(network, "acknowledged", message="m1", receiver="network").outcome == "done"


def test_what_is_refused_leaves_nothing_behind_and_may_be_sent_again_mended(world: World) -> None:
    id = world.offer().id
    with pytest.raises(IllegalMove) as refused:
        world.told(id, "resolved", "done", comment="all good", message="m1", files=(a_file(HELLO, DIGEST),))
    assert refused.value.allowed == (Move.ACKNOWLEDGE, Move.DECLINE, Move.START, Move.DISPUTE)
    assert len(world.entries(id)) == 1
    world.told(id, "acknowledged")
    assert world.told(id, "resolved", "done", message="m1").outcome == "done"


@pytest.mark.parametrize("id", ["ho-nothing", "", "theirs"])
def test_what_is_not_theirs_looks_like_what_is_not_there(world: World, id: str) -> None:
    given = world.offer("network").id if id == "theirs" else id
    with pytest.raises(NotFound) as refused:
        world.told(given, "acknowledged")
    assert str(refused.value) == f"no handoff {given}"
    assert refused.value.status == 404


def test_a_draft_is_not_there_for_them(world: World) -> None:
    id = world.offer(draft=True).id
    with pytest.raises(NotFound):
        world.told(id, "acknowledged")
    assert world.act(id, Move.OFFER).state is S.OFFERED
    assert world.told(id, "acknowledged").outcome == "done"


def test_an_unknown_status_is_refused_with_the_known_ones(world: World) -> None:
    id = world.offer().id
    with pytest.raises(Refused, match=r"status: `on ice` is unknown; expected one of acknowledged, .*fixed") as refused:
        world.told(id, "on ice")
    assert refused.value.status == 422


def test_a_status_that_needs_a_reason_is_refused_without(world: World) -> None:
    id = world.offer().id
    with pytest.raises(Refused, match="reason: decline needs one") as refused:
        world.told(id, "declined")
    assert refused.value.status == 422
    assert world.told(id, "declined", comment="not ours").outcome == "done", "the comment is reason enough"


def test_a_status_it_has_already_moves_nothing_but_its_words_count(world: World) -> None:
    id = world.offer().id
    world.told(id, "in_progress")
    world.told(id, "in_progress", comment="still at it")
    assert world.moves(id) == ["offer", "start"]
    assert [entry.body["text"] for entry in world.entries(id, EntryKind.COMMENT)] == ["still at it"]


def test_a_comment_is_known_by_its_id(world: World) -> None:
    id = world.offer().id
    for n in range(2):
        world.told(id, comment="one", comment_id="c1", author="tom", message=f"m{n}")
    (entry,) = world.entries(id, EntryKind.COMMENT)
    assert (entry.actor, entry.body["id"], entry.body["message"]) == ("tom", "c1", "m0")


def test_a_comment_of_ours_that_comes_back_under_its_id_is_an_echo(world: World) -> None:
    """Systems that copy what they get send it back as news; with words of their own it is theirs."""
    id = world.offer().id
    world.told(id, "in_progress")
    world.settle(minutes=1)
    handoffs.comment(world.deps, id, "is it done?", "ines", once="c9")
    world.tool.said("1", "please hurry", public=True)
    world.settle(minutes=1)
    sent = [data for kind, data in world.sent() if kind == "handoff.comment_added"]
    assert [data["comment"] for data in sent] == ["is it done?", "please hurry"]
    for data in sent:
        world.told(id, comment=data["comment"], comment_id=data["comment_id"])
    assert len(world.entries(id, EntryKind.COMMENT)) == 2
    world.told(id, comment="not yet", comment_id=sent[0]["comment_id"])
    world.settle()
    assert [entry.body["text"] for entry in world.entries(id, EntryKind.COMMENT)][2:] == ["not yet"]
    assert len([one for one in world.sent() if one[0] == "handoff.comment_added"]) == 2


def test_a_comment_that_is_edited_is_told_besides(world: World) -> None:
    id = world.offer().id
    world.told(id, comment="one", comment_id="c1")
    world.told(id, comment="two", comment_id="c1")
    world.told(id, comment="two", comment_id="c1")
    assert [(one.body["text"], one.body.get("edited", False)) for one in world.entries(id, EntryKind.COMMENT)] == [
        ("one", False), ("two", True)]


def test_their_number_is_learned_from_any_message(world: World) -> None:
    id = world.offer().id
    world.told(id, comment="hello", theirs="CS-1")
    world.told(id, "acknowledged", theirs="CS-1")
    assert world.handoff(id).theirs == "CS-1"
    assert len(world.entries(id, EntryKind.EDITED)) == 1


def test_an_unknown_type_is_kept_with_the_handoff_or_in_the_audit_trail(world: World) -> None:
    id = world.offer().id
    assert world.told(id, type="handoff.rated", known=False).outcome == "recorded"
    assert world.entries(id, EntryKind.RECEIVED)[0].body["type"] == "handoff.rated"
    other = world.offer("network").id
    for nobody in ("", "ho-nothing", other):
        assert world.told(nobody, type="weather.changed", known=False).outcome == "recorded"
    assert world.entries(other, EntryKind.RECEIVED) == []


def test_a_file_inside_a_message_is_kept_before_it_is_told(world: World) -> None:
    id = world.offer().id
    world.told(id, comment="log", files=(a_file(HELLO, DIGEST), a_file(HELLO, DIGEST, "again.txt")))
    assert [entry.body["name"] for entry in world.entries(id, EntryKind.FILE)] == ["log.txt"]
    assert b"".join(files.read(world.deps, DIGEST)) == HELLO


def test_a_file_that_cannot_be_fetched_is_refused(world: World) -> None:
    id = world.offer("network").id
    there = SentFile(name="big.log", sha256=DIGEST, size=5, url="https://network.example/big.log")
    with pytest.raises(Refused, match=r"big\.log cannot be fetched: send its content") as refused:
        world.told(id, comment="see", files=(there,), receiver="network")
    assert refused.value.status == 422
    assert world.entries(id, EntryKind.COMMENT) == []


def test_a_dispute_of_theirs_does_to_the_clock_what_the_contract_says(world: World) -> None:
    id = world.offer().id
    world.told(id, reason="this is not covered", type="handoff.dispute_opened")
    opened = world.handoff(id)
    assert (opened.state, opened.disputed_by, opened.dispute_effect) == (S.DISPUTED, "theirs", "runs")


def test_nothing_is_said_to_a_closed_handoff(world: World) -> None:
    id = world.offer().id
    world.act(id, Move.WITHDRAW, "never mind")
    with pytest.raises(IllegalMove, match="closed"):
        world.told(id, comment="but why")


def test_a_receiver_no_longer_in_the_files_can_still_finish_its_work(world: World) -> None:
    id = world.offer().id
    gone: Any = world.deps.registry()  # type: ignore[misc]
    receiver = gone.receivers["hosting"]
    left = type(gone)(tuple(one for one in gone.profiles if one.name != "hosting-uc"))
    world.deps = replace(world.deps, registry=lambda: left)
    from connector.domain.handoffs.supplier_message import Command
    from connector.flows import handoffs
    told = Command(type="handoff.status_changed", known=True, handoff=id, status="in_progress")
    handoffs.answer(world.deps, receiver, "m9", "d", told)
    assert world.handoff(id).state is S.IN_PROGRESS
