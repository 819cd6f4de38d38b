"""Work given away and coming back: what each step writes, where the ticket stands, who is told."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.domain.errors import Refused
from connector.domain.escalations.actions import HandOff
from connector.domain.handoffs.chain import EntryKind
from connector.domain.handoffs.handoff import Choice, IllegalMove
from connector.domain.handoffs.moves import HandoffState, Move, Side
from connector.domain.history import Role
from connector.domain.ticket import PendingOn, State
from connector.flows import handing, handoffs
from connector.store import SqlStore
from tests.flows.handoff_world import World

S = HandoffState
HELLO = b"hello"
DIGEST = hashlib.sha256(HELLO).hexdigest()


@pytest.fixture
def world(sqlite_store: SqlStore, tmp_path: Path) -> World:
    return World(sqlite_store, tmp_path / "files")


def in_tool(world: World) -> tuple[State, PendingOn | None]:
    ticket = world.tool.tickets["1"]
    return ticket.state, ticket.pending_on


def test_the_whole_story_of_a_supplier(store: SqlStore) -> None:
    world = World(store)
    id = world.offer(tried="restarted", contact="+41 44 000").id
    world.settle()
    assert [kind for kind, _ in world.sent()] == ["handoff.offered"]
    assert in_tool(world) == (State.NEW, None), "the ticket is ours until they take it"
    world.settle(minutes=20)
    assert world.clocks(id) == ["acknowledge 1 breached"]
    assert world.handoff(id).late == ("acknowledge",)

    world.told(id, "acknowledged", theirs="CS-77")
    world.settle()
    assert world.handoff(id).theirs == "CS-77"
    assert in_tool(world) == (State.PENDING, PendingOn.SUPPLIER)
    world.told(id, "waiting_customer", "Customer information")
    world.settle(hours=1)
    assert in_tool(world) == (State.PENDING, PendingOn.CUSTOMER)
    world.told(id, "in_progress")
    world.settle(hours=1)
    assert in_tool(world) == (State.PENDING, PendingOn.SUPPLIER)
    world.told(id, "FIXED", "replaced the disk")
    world.settle()
    assert in_tool(world) == (State.IN_PROGRESS, None)
    world.act(id, Move.REJECT, "still down")
    world.settle(minutes=10)
    assert in_tool(world) == (State.PENDING, PendingOn.SUPPLIER)
    world.told(id, "resolved", "replaced the other disk")
    world.settle()
    world.act(id, Move.ACCEPT)
    world.settle()
    assert in_tool(world) == (State.IN_PROGRESS, None)
    world.tool.edited("1", state=State.RESOLVED)
    world.settle()
    last = world.handoff(id)
    assert (last.state, last.rejections) == (S.CLOSED, 1)
    assert world.moves(id) == ["offer", "acknowledge", "wait_customer", "resume", "propose_resolution", "reject",
                               "propose_resolution", "accept", "close"]
    told = [data.get("move", kind) for kind, data in world.sent()]
    assert told == ["offer", "reject", "accept", "close"]
    assert [event.data["what"] for event in world.events()][:3] == ["offer", "breached", "edited"]


def test_an_offer_says_what_the_list_allows_and_no_more(world: World) -> None:
    world.offer(tried="restarted", contact="+41 44 000", data_class="internal")
    world.settle()
    ((_, data),) = world.sent()
    assert data["fields"] == {"title": "Mail is down", "priority": "P1", "group": "desk"}
    assert {name: data[name] for name in ("reason", "tried", "contact", "severity", "status", "ticket")} == {
        "reason": "server does not answer", "tried": "restarted", "contact": "+41 44 000", "severity": "Sev 1",
        "status": "offered", "ticket": "INC1"}
    assert "Anna cannot read mail" not in str(data)


def test_a_security_team_is_sent_no_words(world: World) -> None:
    id = world.offer("soc", reason="anna clicked a link", tried="took her laptop", contact="anna@example.org").id
    world.settle()
    with pytest.raises(Refused, match="no free text"):
        handoffs.comment(world.deps, id, "the password was hunter2", "ines")
    world.act(id, Move.WITHDRAW, "it was a false alarm of anna")
    world.settle()
    everything = str([delivery.payload for delivery in world.mails.got])
    assert len(world.mails.got) == 2
    for word in ("anna", "laptop", "Mail is down", "false alarm"):
        assert word not in everything
    assert "amber+strict" in everything
    assert world.mails.got[0].payload["data"]["fields"] == {"priority": "P1", "category": "mail"}
    assert [event.text for event in world.events()] == ["", ""]


def test_a_file_for_a_security_team_is_called_by_its_content_and_not_by_words(world: World) -> None:
    soc, hosting = world.offer("soc").id, world.offer().id
    for id in (soc, hosting):
        handoffs.attach(world.deps, id, "anna clicked.eml", "message/rfc822", [b"x"], "ines")
        handoffs.attach(world.deps, id, "mail of.anna", "message/rfc822", [b"y"], "ines")
    names = {id: [entry.body["name"] for entry in world.entries(id, EntryKind.FILE)] for id in (soc, hosting)}
    assert names == {soc: ["file-2d711642b726.eml", "file-a1fce4363854"], hosting: ["anna clicked.eml", "mail of.anna"]}


def test_every_look_at_a_security_handoff_is_recorded_and_at_others_none(world: World) -> None:
    soc, hosting = world.offer("soc").id, world.offer().id
    handoffs.looked(world.deps, soc, "ines")
    handoffs.looked(world.deps, hosting, "ines")
    assert [entry.actor for entry in world.entries(soc, EntryKind.ACCESS)] == ["ines"]
    assert world.entries(hosting, EntryKind.ACCESS) == []


def test_the_same_offer_twice_is_one(world: World) -> None:
    first = world.offer(once="a")
    assert world.offer(once="a").id == first.id
    world.told(first.id, "declined", "not ours")
    again = world.offer(once="b")
    assert again.id == first.id
    assert world.offer(once="b") == again
    assert world.moves(first.id) == ["offer", "decline", "offer"]


@pytest.mark.parametrize(("what", "message"), [
    ({"receiver": "hostin"}, "did you mean `hosting`"),
    ({"reason": " "}, "say why"),
    ({"priority": "P9"}, "expected one of P1"),
    ({"details": {"floor": "2"}}, "details: `floor` is unknown"),
    ({"contact": "x" * 501}, "contact: longer than 500"),
])
def test_an_offer_that_cannot_be_is_refused_whole(world: World, what: dict[str, Any], message: str) -> None:
    with pytest.raises(Refused, match=message):
        world.offer(**what)
    with world.deps.store.read() as tx:
        assert tx.handoffs_of([world.stored.key]) == {}


def test_a_ticket_that_ended_is_not_handed_over(world: World) -> None:
    world.tool.edited("1", state=State.RESOLVED)
    world.settle()
    with pytest.raises(Refused, match="the ticket is resolved"):
        world.offer()


def test_work_handed_back_is_offered_again_with_what_is_left_of_its_time(world: World) -> None:
    id = world.offer().id
    world.told(id, "in_progress")
    world.settle(hours=3)
    world.told(id, "handed_back", "not our server")
    world.settle(hours=2)
    assert in_tool(world) == (State.IN_PROGRESS, None)
    assert world.offer().id == id
    world.told(id, "acknowledged")
    world.settle(hours=1)
    (clock,) = [one.clock for one in world.reading(id).clocks if one.target == "resolution"]
    assert (clock.active, clock.remaining) == (timedelta(hours=4), timedelta(hours=4))


def test_to_another_receiver_a_new_handoff_begins_and_the_old_one_stays_on_record(world: World) -> None:
    first = world.offer().id
    world.told(first, "declined", "not ours")
    second = world.offer("network")
    assert (second.follows, second.bounces) == (first, 1)
    assert world.handoff(first).state is S.CLOSED
    assert world.handoff(first).decision_due is False


def test_the_third_return_goes_to_a_person_who_has_to_decide(world: World) -> None:
    id = world.offer().id
    for _ in range(2):
        world.told(id, "declined", "not ours")
        world.offer()
    world.told(id, "declined", "not ours!")
    assert world.handoff(id).decision_due
    with pytest.raises(IllegalMove, match="decide first"):
        world.offer()
    with pytest.raises(IllegalMove, match="decide first"):
        world.offer("network")
    with pytest.raises(IllegalMove, match="decide first"):
        world.act(id, Move.OFFER)
    decided = handoffs.decide(world.deps, id, Choice.OFFER_AGAIN, "lea", "they have to")
    assert decided.state is S.OFFERED
    world.told(id, "declined", "no")
    assert world.handoff(id).decision_due, "each further return asks again"
    handoffs.decide(world.deps, id, Choice.REROUTE, "lea", "network knows")
    other = world.offer("network")
    assert (other.bounces, other.state) == (4, S.OFFERED)


def test_work_called_back_to_give_it_to_another_counts_as_a_return(world: World) -> None:
    for receiver in ("hosting", "network", "hosting"):
        made = world.offer(receiver)
        assert made.state is S.OFFERED
        world.act(made.id, Move.WITHDRAW, "elsewhere")
    third = world.offer("network")
    assert (third.bounces, third.state, third.decision_due) == (3, S.DRAFT, True)
    assert world.channel.keys.count("handoff.offered") == 0
    assert handoffs.decide(world.deps, third.id, Choice.OFFER_AGAIN, "lea", "last try").state is S.OFFERED


def test_several_handoffs_at_once_keep_the_ticket_pending_until_the_last(world: World) -> None:
    one, two = world.offer().id, world.offer("network").id
    world.told(one, "in_progress")
    world.act(two, Move.START, side=Side.THEIRS, receiver="network")
    world.settle()
    world.told(one, "resolved", "done")
    world.settle()
    assert in_tool(world) == (State.PENDING, PendingOn.SUPPLIER)
    world.act(two, Move.PROPOSE, "done", side=Side.THEIRS, receiver="network")
    world.settle()
    assert in_tool(world) == (State.IN_PROGRESS, None)


def test_a_ticket_somebody_moved_meanwhile_is_left_where_it_is(world: World) -> None:
    id = world.offer().id
    world.told(id, "in_progress")
    world.settle()
    world.tool.edited("1", state=State.RESOLVED, pending_on=None)
    world.settle()
    world.told(id, "resolved", "done")
    world.settle()
    assert in_tool(world) == (State.RESOLVED, None)


def test_a_new_priority_brings_their_word_and_a_new_plan(world: World) -> None:
    id = world.offer(priority="P2").id
    assert world.handoff(id).severity == "Sev 2"
    world.settle(minutes=20)
    handoffs.edit(world.deps, id, {"priority": "P1"}, "ines")
    world.settle(minutes=1)
    assert world.handoff(id).severity == "Sev 1"
    assert world.clocks(id) == ["acknowledge 1 breached"]
    assert world.sent()[-1][1]["changed"] == {"priority": "P1", "severity": "Sev 1"}
    with pytest.raises(Refused, match="state cannot be edited; priority: expected one of"):
        handoffs.edit(world.deps, id, {"state": "closed", "priority": "high"}, "ines")


def test_a_change_made_on_an_older_reading_is_refused(world: World) -> None:
    made = world.offer()
    world.told(made.id, "acknowledged")
    with pytest.raises(Refused) as refused:
        world.act(made.id, Move.WITHDRAW, "sorry", only_at=made.revision)
    assert refused.value.status == 412


def test_a_message_that_cannot_be_delivered_is_told_in_the_handoff(world: World) -> None:
    def refuses(moment: str) -> None:
        raise Refused("they do not take it", 400)

    world.channel.at = refuses
    id = world.offer().id
    world.settle()
    (entry,) = world.entries(id, EntryKind.UNDELIVERED)
    assert (entry.body["type"], entry.body["why"]) == ("handoff.offered", "they do not take it")
    assert world.events()[-1].data["what"] == "undelivered"


def test_a_ladder_hands_over_once_however_often_it_fires(world: World) -> None:
    def fire(key: str) -> None:
        with world.deps.store.begin() as tx:
            stored = tx.by_key([world.stored.key])[world.stored.key]
            handing.offer(tx, world.deps, stored, HandOff("hosting"), key, world.clock.now)

    fire("a")
    fire("b")
    with world.deps.store.read() as tx:
        (first,) = tx.handoffs_of([world.stored.key])[world.stored.key]
    assert (first.state, first.reason) == (S.OFFERED, "escalated")
    assert world.events()[0].role is Role.CONNECTOR
    world.told(first.id, "declined", "not ours")
    fire("c")
    assert world.moves(first.id) == ["offer", "decline", "offer"]
