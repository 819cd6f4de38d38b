"""What time, the customer and the ticket do to a handoff, and the mirror of its clock in the tool."""


from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from connector.domain.agreements.engine import clocks
from connector.domain.errors import Refused
from connector.domain.handoffs.handoff import Choice, IllegalMove, may
from connector.domain.handoffs.moves import HandoffState, Move, Side
from connector.domain.history import Role, effective
from connector.domain.ticket import PendingOn, State
from connector.flows import handoffs
from connector.store import SqlStore
from tests.flows.handoff_world import World, registry

S = HandoffState
HELLO = b"hello"
DIGEST = hashlib.sha256(HELLO).hexdigest()


@pytest.fixture
def world(sqlite_store: SqlStore, tmp_path: Path) -> World:
    return World(sqlite_store, tmp_path / "files")


def in_tool(world: World) -> tuple[State, PendingOn | None]:
    ticket = world.tool.tickets["1"]
    return ticket.state, ticket.pending_on


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
