"""Work given away and coming back: what each step writes, where the ticket stands, who is told."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from connector.domain.actions import HandOff
from connector.domain.engine import clocks
from connector.domain.errors import NotFound, Refused
from connector.domain.handoff import Choice, IllegalMove, may
from connector.domain.handoff_chain import EntryKind
from connector.domain.handoff_moves import HandoffState, Move, Side
from connector.domain.history import Role, effective
from connector.domain.supplier_message import SentFile
from connector.domain.ticket import PendingOn, State
from connector.flows import files, handing, handoffs
from connector.store import SqlStore
from tests.flows.handoff_world import World, a_file, registry

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


def test_a_hold_of_their_own_pauses_nothing(world: World) -> None:
    id = world.offer().id
    world.told(id, "in_progress")
    world.told(id, "waiting_customer", "our technician is ill")
    world.settle(hours=9)
    assert in_tool(world) == (State.PENDING, PendingOn.SUPPLIER)
    assert "resolution 1 breached" in world.clocks(id)


def test_an_offer_nobody_answers_expires(world: World) -> None:
    id = world.offer("network").id
    world.settle(minutes=59)
    assert world.handoff(id).state is S.OFFERED
    world.settle(minutes=1)
    assert world.handoff(id).state is S.EXPIRED
    with pytest.raises(IllegalMove):
        world.act(id, Move.ACKNOWLEDGE, side=Side.THEIRS, receiver="network")


def test_silence_is_noticed_once_and_ends_with_their_next_word(world: World) -> None:
    id = world.offer().id
    world.told(id, "in_progress")
    world.settle(hours=7)
    world.settle(hours=2)
    assert [what for what in world.clocks(id) if what == "silent"] == ["silent"]
    assert world.handoff(id).silent
    world.told(id, comment="still at it")
    assert not world.handoff(id).silent
    world.settle(hours=6)
    assert world.clocks(id).count("silent") == 2


def test_a_closed_ticket_calls_the_work_back(world: World) -> None:
    id = world.offer().id
    world.told(id, "in_progress")
    world.settle()
    world.tool.edited("1", state=State.CLOSED, pending_on=None)
    world.settle()
    assert (world.handoff(id).state, world.moves(id)[-1]) == (S.CLOSED, "withdraw")


def test_the_customers_answer_ends_the_waiting(world: World) -> None:
    id = world.offer().id
    world.told(id, "in_progress")
    world.told(id, "waiting_customer", "customer information")
    world.settle(hours=1)
    world.tool.said("1", "it is the left one", public=True, actor="anna")
    world.tool.log["1"][-1] = replace(world.tool.log["1"][-1], role=Role.REQUESTER)
    world.settle(minutes=1)
    assert world.handoff(id).state is S.IN_PROGRESS
    assert in_tool(world) == (State.PENDING, PendingOn.SUPPLIER)
    assert ("handoff.comment_added", "it is the left one") in [
        (kind, data.get("comment")) for kind, data in world.sent()]


def test_a_dispute_stops_the_clock_only_where_the_contract_or_we_say_so(world: World) -> None:
    id = world.offer().id
    world.told(id, "in_progress")
    world.told(id, reason="the ticket was wrong", type="handoff.dispute_opened")
    world.settle(hours=1)
    assert in_tool(world) == (State.PENDING, PendingOn.SUPPLIER), "by contract it runs"
    with pytest.raises(IllegalMove):
        world.told(id, "resolved", "done")
    with pytest.raises(Refused, match="not yours to say"):
        world.act(id, Move.SETTLE, "we are right", side=Side.THEIRS, receiver="hosting", effect="credited")
    world.act(id, Move.SETTLE, "one hour is theirs", effect="credited")
    (clock,) = [one.clock for one in world.reading(id).clocks if one.target == "resolution"]
    assert clock.active == timedelta(0)


# the thread


def test_words_stay_in_the_thread_until_somebody_publishes_them(world: World) -> None:
    id = world.offer().id
    world.told(id, "in_progress", comment="your disk is old")
    world.settle()
    assert world.tool.notes("1") == []
    (entry,) = world.entries(id, EntryKind.COMMENT)
    for _ in range(2):
        handoffs.publish(world.deps, id, entry.seq, "ines")
    world.settle()
    assert world.tool.notes("1") == ["your disk is old"]
    world.settle(minutes=5)
    assert [kind for kind, _ in world.sent()] == ["handoff.offered"], "their own words do not come back to them"


def test_our_words_are_sent_once_however_often_they_are_said(world: World) -> None:
    id = world.offer().id
    for _ in range(2):
        handoffs.comment(world.deps, id, "any news?", "ines", once="k1")
    world.settle()
    assert [data["comment"] for kind, data in world.sent() if kind == "handoff.comment_added"] == ["any news?"]
    with pytest.raises(Refused, match="empty"):
        handoffs.comment(world.deps, id, " ", "ines")


def test_public_comments_of_the_ticket_go_along_and_notes_do_not(world: World) -> None:
    world.tool.said("1", "said before", public=True)
    world.settle(minutes=1)
    id = world.offer().id
    world.settle(minutes=1)
    world.tool.said("1", "for everybody", public=True)
    world.tool.said("1", "for us only")
    world.settle(minutes=1)
    assert [data["comment"] for kind, data in world.sent() if kind == "handoff.comment_added"] == ["for everybody"]
    note = next(one for one in world.tool.log["1"] if one.text == "for us only")
    with pytest.raises(NotFound):
        handoffs.share(world.deps, id, note.key, "ines")


def test_a_file_travels_once_by_its_content(world: World) -> None:
    id = world.offer().id
    for name in ("a.txt", "b.txt"):
        handoffs.attach(world.deps, id, f"C:\\{name}", "text/plain", [HELLO], "ines")
    world.told(id, comment="see", files=(a_file(HELLO, DIGEST),))
    (entry,) = world.entries(id, EntryKind.FILE)
    assert (entry.body["name"], entry.body["sha256"]) == ("a.txt", DIGEST)
    world.settle()
    assert [data["attachments"][0]["sha256"] for kind, data in world.sent() if "attachments" in data] == [DIGEST]
    handoffs.publish(world.deps, id, entry.seq, "ines")
    world.settle()
    assert world.tool.files["1"] == [("a.txt", HELLO)]


def test_files_of_handoffs_are_kept_for_as_long_as_the_handoff(world: World) -> None:
    id = world.offer().id
    handoffs.attach(world.deps, id, "a.txt", "text/plain", [HELLO], "ines")
    files.keep(world.deps, [b"not needed"])
    world.clock.now += timedelta(days=36500)
    assert files.clean(world.deps) == 1
    assert b"".join(files.read(world.deps, DIGEST)) == HELLO


def test_files_do_not_go_to_whom_they_are_not_shared_with(world: World) -> None:
    id = world.offer("network").id
    with pytest.raises(Refused, match="files are not shared"):
        handoffs.attach(world.deps, id, "a.txt", "text/plain", [HELLO], "ines")


def test_a_file_they_only_point_at_is_fetched_in_the_background(world: World) -> None:
    id = world.offer().id
    there = SentFile(name="big.log", sha256=DIGEST, size=5, url="https://hosting.example/big.log")
    world.told(id, comment="see", files=(there,))
    world.settle()
    (fetch,) = [one for one in world.channel.got if one.verb == "fetch"]
    assert (fetch.payload["url"], fetch.payload["sha256"]) == (there.url, DIGEST)


def test_a_field_service_reports_its_visit_with_the_parts_it_used(world: World) -> None:
    visit = {"site": "Basel", "access": "badge at the desk", "visit_from": "2026-03-03T08:00+01:00"}
    id = world.offer("field", details=visit).id
    world.act(id, Move.START, side=Side.THEIRS, receiver="field")
    handoffs.report(world.deps, id, "report.pdf", [b"%PDF-1.4"], "tom", signed_by="Anna Muster",
                    parts=[{"name": "Disk", "number": "D-1", "quantity": "2"}], receiver="field")
    (entry,) = world.entries(id, EntryKind.REPORT)
    assert entry.body["parts"] == [{"name": "Disk", "number": "D-1", "quantity": "2"}]
    with pytest.raises(Refused, match="signed_by"):
        handoffs.report(world.deps, id, "report.pdf", [b"%PDF-1.4"], "tom", signed_by="")


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


def test_one_bad_handoff_does_not_stop_the_others(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from connector.flows import handoff_tick

    bad, good = world.offer().id, world.offer("soc").id
    real = handoff_tick.look

    def broken(handoff: Any, *given: Any) -> Any:
        if handoff.id == bad:
            raise RuntimeError("a mistake of ours")
        return real(handoff, *given)

    monkeypatch.setattr(handoff_tick, "look", broken)
    world.settle(minutes=20)
    assert world.clocks(good) == ["acknowledge 1 breached"]
    assert world.clocks(bad) == []
    monkeypatch.undo()
    world.settle(hours=2)
    assert "acknowledge 1 breached" in world.clocks(bad)


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


@pytest.mark.parametrize("seed", range(4))
def test_in_the_tools_history_too_the_customers_clock_is_the_mirror_of_the_suppliers(world: World, seed: int) -> None:
    rng = Random(seed)
    id = world.offer().id
    for _ in range(25):
        world.clock.forward(rng.randrange(1, 5000))
        now = world.handoff(id)
        ends = (Move.WITHDRAW, Move.CLOSE, Move.ACCEPT, Move.DECLINE)
        side, what = rng.choice([(side, one) for side in (Side.OURS, Side.THEIRS) for one in may(now, side)
                                 if one not in ends])
        reason = rng.choice(["customer information", "lunch"])
        disputed = what is Move.DISPUTE and side is Side.OURS
        world.act(id, what, reason, side=side, **({"effect": rng.choice(["runs", "frozen"])} if disputed else {}))
        if rng.random() < 0.4:
            world.settle(minutes=rng.randrange(1, 60))
        if world.handoff(id).decision_due:
            handoffs.decide(world.deps, id, Choice.OFFER_AGAIN, "lea", "again")
    world.settle(seconds=1)
    with world.deps.store.read() as tx:
        history = effective(tx.history([world.stored.key])[world.stored.key])
    customer = next(one.clock for one in clocks(world.stored.ticket, history, registry(), world.clock.now).clocks
                    if one.profile.name == "customer")
    waited = sum((line.business for line in customer.ledger if line.why == "supplier"), timedelta(0))
    used = sum((one.clock.active for one in world.reading(id).clocks if one.target == "resolution"), timedelta(0))
    assert waited == used
    assert used > timedelta(0)
