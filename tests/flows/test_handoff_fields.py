"""Fields that a supplier and the ticket both hold, through messages, deliveries and readings."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.domain.errors import Refused
from connector.domain.handoffs.chain import EntryKind
from connector.domain.handoffs.exchange import Kept
from connector.domain.handoffs.handoff import Held
from connector.flows import handoff_fields, intake
from connector.store import SqlStore
from tests.flows.handoff_world import World


@pytest.fixture
def world(sqlite_store: SqlStore, tmp_path: Path) -> World:
    return World(sqlite_store, tmp_path / "files")


def at_work(world: World) -> str:
    id = world.offer().id
    world.told(id, "in_progress")
    world.settle(minutes=1)
    return id


def changes(world: World) -> list[dict[str, object]]:
    return [data["changed"] for _, data in world.sent() if "changed" in data]


def test_their_change_reaches_the_tool_once_and_its_echo_is_no_news(world: World) -> None:
    id = at_work(world)
    world.told(id, comment="renamed", fields={"title": "Disk is broken"})
    for _ in range(3):
        world.settle(minutes=1)
    assert world.tool.tickets["1"].title == "Disk is broken"
    assert changes(world) == []
    assert world.tool.calls.count("update") == 2, "the state, and the title"


def test_our_change_reaches_them_once(world: World) -> None:
    at_work(world)
    world.tool.edited("1", title="Mail is down in Basel")
    for _ in range(3):
        world.settle(minutes=1)
    assert changes(world) == [{"title": "Mail is down in Basel"}]


def test_the_later_of_two_changes_wins_on_both_sides(world: World) -> None:
    id = at_work(world)
    world.tool.edited("1", title="ours")
    world.clock.forward(60)
    world.told(id, comment="x", fields={"title": "theirs"})
    for _ in range(2):
        world.settle(minutes=1)
    assert world.tool.tickets["1"].title == "theirs"
    assert changes(world) == []


def test_a_conflict_for_a_person_is_shown_and_decided(world: World) -> None:
    id = at_work(world)
    world.tool.edited("1", group="network")
    world.settle(minutes=1)
    assert changes(world) == [{"group": "network"}]
    world.tool.edited("1", group="servers")
    intake.poll(world.deps, "desk")
    world.told(id, comment="x", fields={"group": "storage"})
    world.settle(minutes=1)
    found = list(handoff_fields.drifts(world.deps, [world.handoff(id)]))
    assert [(one.field, one.ours, one.theirs, one.held) for _, one in found] == [
        ("group", "servers", "storage", Held.CONFLICT)]
    handoff_fields.decide_field(world.deps, id, "group", Kept.THEIRS, "ines")
    for _ in range(2):
        world.settle(minutes=1)
    assert world.tool.tickets["1"].group == "storage"
    assert list(handoff_fields.drifts(world.deps, [world.handoff(id)])) == []
    with pytest.raises(Refused, match="nothing waits"):
        handoff_fields.decide_field(world.deps, id, "group", Kept.OURS, "ines")


def test_what_the_tool_keeps_for_itself_is_told_as_drift(world: World) -> None:
    id = at_work(world)
    world.told(id, comment="x", fields={"priority": "Sev 2"})
    for _ in range(2):
        world.settle(minutes=1)
    (drift,) = [one for _, one in handoff_fields.drifts(world.deps, [world.handoff(id)])]
    assert (drift.field, drift.ours, drift.theirs) == ("priority", "P1", "P2")
    assert len(world.entries(id, EntryKind.CONFLICT)) == 1


def test_values_nobody_can_use_are_refused_and_leave_nothing(world: World) -> None:
    id = at_work(world)
    before = len(world.entries(id))
    with pytest.raises(Refused, match=r"fields\.priority: ") as refused:
        world.told(id, comment="x", fields={"priority": "huge", "title": "y"})
    assert refused.value.status == 422
    assert len(world.entries(id)) == before


def test_values_the_tool_has_no_word_for_stay_out_of_it(world: World) -> None:
    id = at_work(world)
    world.told(id, comment="x", fields={"impact": "very_high", "title": "still taken"})
    for _ in range(2):
        world.settle(minutes=1)
    assert world.tool.tickets["1"].title == "still taken"
    assert world.tool.tickets["1"].impact is None
