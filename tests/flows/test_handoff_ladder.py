"""Ladders see what happens to handoffs: late acknowledgement and silence climb like any clock."""

from __future__ import annotations

from connector.domain.agreements.registry import Registry
from connector.domain.handoffs.moves import HandoffState
from connector.domain.history import EventKind
from connector.store import SqlStore
from tests.domain.escalations.ladders import rule
from tests.flows.handoff_world import CUSTOMER, HOSTING, World, profile

LADDER = """
calendar: 24x7
steps:
  - {handoff: offered, for: 15m, do: [{comment: {to: internal, text: the supplier has not acknowledged}}]}
  - {handoff: silent, for: 6h, receiver: hosting, do: [{comment: {to: internal, text: the supplier is silent}}]}
  - {clock: resolution, at: breach, do: [{comment: {to: internal, text: late}}]}
"""


def test_a_late_acknowledgement_and_silence_are_escalated_once(sqlite_store: SqlStore) -> None:
    contracts = [profile({**CUSTOMER, "escalate": "ladder"}), profile(HOSTING)]
    world = World(sqlite_store, contracts=Registry.checked(contracts, {}, escalations=[rule(LADDER)]))
    id = world.offer().id
    world.settle(minutes=14)
    assert world.tool.notes("1") == []
    world.settle(minutes=2)
    for _ in range(2):
        world.settle(minutes=10)
    assert world.tool.notes("1") == ["the supplier has not acknowledged"]
    world.told(id, "in_progress")
    world.settle(hours=5)
    assert len(world.tool.notes("1")) == 1
    world.settle(hours=2)
    world.settle(hours=2)
    assert world.tool.notes("1") == ["the supplier has not acknowledged", "the supplier is silent"]
    assert world.handoff(id).state is HandoffState.IN_PROGRESS
    with world.deps.store.read() as tx:
        fired = [event for event in tx.history([world.stored.key])[world.stored.key]
                 if event.kind is EventKind.ESCALATED and event.data.get("what") == "fired"]
    assert len(fired) == 2
