"""Deletions are found, and nothing else is taken for one."""

from __future__ import annotations

import pytest

from connector.domain.errors import TryLater
from connector.domain.ticket import Draft, Kind
from connector.flows import editing, hints, intake, sweep
from connector.ports import Capability, Deps
from tests.flows.fake_tool import Clock, FakeTool
from tests.flows.looking import stored


@pytest.fixture
def fifty(deps: Deps, tool: FakeTool, clock: Clock) -> None:
    for n in range(50):
        tool.opened(str(n))
    intake.poll(deps, "desk")
    clock.forward(60)


@pytest.mark.usefixtures("fifty")
def test_a_ticket_missed_twice_some_time_apart_is_deleted(deps: Deps, tool: FakeTool, clock: Clock) -> None:
    tool.purged("7")
    assert sweep.run(deps, "desk").missing == 1
    assert sweep.run(deps, "desk").deleted == 0
    clock.forward(601)
    assert sweep.run(deps, "desk").deleted == 1
    assert stored(deps, "7").ticket.deleted
    assert sweep.run(deps, "desk").missing == 0


@pytest.mark.usefixtures("fifty")
def test_a_ticket_that_was_back_in_between_starts_anew(deps: Deps, tool: FakeTool, clock: Clock) -> None:
    for hidden in ({"7"}, set(), {"7"}):
        tool.hidden = hidden
        swept = sweep.run(deps, "desk")
        clock.forward(3600)
    assert (swept.missing, swept.deleted) == (1, 0)


@pytest.mark.usefixtures("fifty")
def test_a_ticket_restored_without_a_stamp_is_alive_again(deps: Deps, tool: FakeTool, clock: Clock) -> None:
    tool.hidden = {"7"}
    for _ in range(2):
        sweep.run(deps, "desk")
        clock.forward(3600)
    assert stored(deps, "7").ticket.deleted
    tool.hidden = set()
    sweep.run(deps, "desk")
    hints.run(deps, "desk")
    assert not stored(deps, "7").ticket.deleted


@pytest.mark.usefixtures("fifty")
def test_lost_rights_are_not_taken_for_deletions(deps: Deps, tool: FakeTool, clock: Clock) -> None:
    tool.hidden = {str(n) for n in range(20)}
    for _ in range(3):
        swept = sweep.run(deps, "desk")
        clock.forward(3600)
    assert "20 of 50" in swept.stopped
    assert stored(deps, "1").missing_since is None
    assert not stored(deps, "1").ticket.deleted


@pytest.mark.usefixtures("fifty")
def test_a_sweep_cut_short_concludes_nothing(deps: Deps, tool: FakeTool, clock: Clock) -> None:
    tool.purged("7")

    def half() -> object:
        yield ["1", "2"]
        raise TryLater("down")
    tool.ids = half  # type: ignore[method-assign,assignment]
    with pytest.raises(TryLater):
        sweep.run(deps, "desk")
    assert sweep.run(deps, "desk", stop=lambda: True).stopped
    assert stored(deps, "7").missing_since is None


@pytest.mark.usefixtures("fifty")
def test_a_ticket_that_was_never_read_is_found(deps: Deps, tool: FakeTool, clock: Clock) -> None:
    tool.opened("lost")
    tool.tickets["lost"] = type(tool.tickets["lost"])(**{
        **{f: getattr(tool.tickets["1"], f) for f in tool.tickets["1"].__struct_fields__}, "id": "lost"})
    assert sweep.run(deps, "desk").unknown == 1
    assert hints.run(deps, "desk").new == 1


def test_a_ticket_still_to_be_created_is_not_missing(deps: Deps, tool: FakeTool, clock: Clock) -> None:
    made = editing.create(deps, "desk", Draft(kind=Kind.INCIDENT, fields={"title": "x"}), "k", "anna")
    for _ in range(2):
        assert sweep.run(deps, "desk").missing == 0
        clock.forward(3600)
    assert not stored(deps, made.ticket.id).ticket.deleted


@pytest.mark.usefixtures("fifty")
def test_deletions_the_tool_lists_are_taken_at_once(deps: Deps, tool: FakeTool, clock: Clock) -> None:
    every = tool.capabilities()
    tool.capabilities = lambda: every | {Capability.DELETIONS}  # type: ignore[method-assign]
    tool.purged("7")
    tool.deleted.append("8")
    assert sweep.listed(deps, "desk").deleted == 1
    assert stored(deps, "7").ticket.deleted
    assert not stored(deps, "8").ticket.deleted, "listed, but it lives"
    assert sweep.listed(deps, "desk").seen == 0


@pytest.mark.usefixtures("fifty")
def test_a_tool_that_cannot_list_its_ids_is_not_swept(deps: Deps, tool: FakeTool) -> None:
    every = tool.capabilities()
    tool.capabilities = lambda: every - {Capability.IDS}  # type: ignore[method-assign]
    assert sweep.run(deps, "desk").stopped
