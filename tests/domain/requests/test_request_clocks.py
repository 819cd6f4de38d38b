"""Clocks of approvals and tasks: the engine's, so explained like any other."""

from __future__ import annotations

from connector.domain.agreements.clock import ClockState
from connector.domain.agreements.explain import explain
from connector.domain.agreements.registry import Registry
from connector.domain.requests import moves
from connector.domain.requests.clocks import reading
from connector.domain.requests.record import Record, after, record
from tests.domain.major.scene import at
from tests.domain.requests.test_catalogue_format import made

ITEM = """
item: laptop
applies_to: {tags: laptop}
approvals: [{approval: manager, by: {person: boss}, within: 1h}]
tasks:
  - {task: order, title: Order it, group: Buying, within: 2h}
  - {task: bring, title: Bring it, group: Buying}
"""
NOBODY = Registry(())


def due(amount, begins):  # type: ignore[no-untyped-def]
    return begins + amount.time


def coming(found: Record, minutes: float) -> Record:
    return moves.coming(found, at(minutes), lambda to, up: ("boss",), due)[1]


def begun() -> Record:
    found = record([moves.start(made(ITEM).plan, at(0))])
    assert found is not None
    return coming(found, 0)


def test_an_approval_has_a_clock_until_it_is_answered() -> None:
    found = begun()
    asked = reading(found, NOBODY, at(30)).approvals["manager"]
    assert (asked.clock.state, asked.clock.due) == (ClockState.RUNNING, at(60))
    found = after(found, moves.answer(found, "manager", "boss", True, at(50), "boss"))
    assert reading(found, NOBODY, at(500)).approvals["manager"].clock.state is ClockState.MET


def test_a_task_is_breached_when_the_record_says_it_is_late_and_explains_why() -> None:
    found = begun()
    found = coming(after(found, moves.answer(found, "manager", "boss", True, at(10), "boss")), 10)
    named = reading(found, NOBODY, at(131)).tasks["order"]
    assert named.clock.due == found.doing("order").due == at(130)
    assert named.clock.state is ClockState.BREACHED
    assert found.doing("order").late(at(131))
    told = explain(named, at(131))
    assert (told.profile, told.target, [line.why for line in told.lines]) == ("laptop/order", "resolution", ["started"])
    assert "bring" not in reading(found, NOBODY, at(131)).tasks


def test_a_task_that_came_back_has_no_clock_any_more_and_a_new_one_when_it_starts_again() -> None:
    found = begun()
    found = coming(after(found, moves.answer(found, "manager", "boss", True, at(10), "boss")), 10)
    found = after(found, moves.settle(found, "order", False, at(20), "ana", "sold out"))
    assert reading(found, NOBODY, at(600)).tasks["order"].clock.state is ClockState.CANCELLED
    found = coming(after(found, moves.again(found, "order", at(600), "ana")), 600)
    assert reading(found, NOBODY, at(601)).tasks["order"].clock.due == at(720)
