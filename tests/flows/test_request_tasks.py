"""Tasks of a service request that a receiver does: each with a handoff of its own, from its offer to its end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from connector.domain.handoffs.handoff import Handoff
from connector.domain.handoffs.moves import HandoffState, Move
from connector.domain.handoffs.supplier_message import Command, MessageType
from connector.domain.requests import moves
from connector.domain.requests.record import State, TaskState
from connector.domain.ticket import Kind
from connector.flows import handoffs, requests
from connector.store import SqlStore
from tests.domain.escalations.ladders import rule
from tests.domain.requests.test_catalogue_format import made
from tests.flows.fake_channel import FakeChannel
from tests.flows.handoff_world import registry
from tests.flows.looking import history, stored
from tests.flows.test_requests import Desk

ITEM = """
item: laptop
applies_to: {tags: laptop}
tasks:
  - {task: rack, title: Rack it, handoff: hosting, within: 8h}
  - {task: wire, title: Wire it, handoff: hosting, after: []}
  - {task: tell, title: Tell them, group: Buying, after: [rack, wire]}
"""


class Handed(Desk):
    def __init__(self, store: SqlStore, item: str = ITEM) -> None:
        super().__init__(store)
        known = registry()
        self.registry = replace(known, catalogue=(made(item),), people=self.registry.people,
                                templates=self.registry.templates)
        channel = FakeChannel("supplier:hosting")
        self.deps = replace(self.deps, channels={**self.deps.channels, channel.name: channel})
        self.id = self.opened(kind=Kind.SERVICE_REQUEST, tags=("laptop",), priority="P2")
        self.told_count = 0

    def every(self) -> list[Handoff]:
        with self.deps.store.read() as tx:
            key = stored(self.deps, self.id).key
            return sorted(tx.handoffs_of([key]).get(key, []), key=lambda one: one.work)

    def of(self, task: str) -> Handoff:
        (found,) = [one for one in self.every() if one.work == task]
        return found

    def says(self, task: str, status: str, reason: str = "") -> None:
        self.told_count += 1
        receiver = self.registry.receivers["hosting"]
        command = Command(type=str(MessageType.STATUS), known=True, handoff=self.of(task).id, status=status,
                          reason=reason)
        handoffs.answer(self.deps, receiver, f"m{self.told_count}", f"m{self.told_count}", command)
        self.pass_(1)

    def ours(self, task: str, move: Move, reason: str = "") -> None:
        handoffs.act(self.deps, self.of(task).id, move, "ines", reason=reason)
        self.pass_(1)

    def pass_(self, seconds: float) -> None:
        self.clock.forward(seconds)
        self.tick()
        self.tick()

    def state(self, task: str) -> str:
        return self.record(self.id).doing(task).state

    def does(self, make: object) -> None:
        requests.act(self.deps, stored(self.deps, self.id).key, make, "ana")  # type: ignore[arg-type]
        self.pass_(1)


@pytest.fixture
def desk(store: SqlStore) -> Handed:
    return Handed(store)


def test_two_tasks_of_one_receiver_at_once_are_two_handoffs(desk: Handed) -> None:
    assert [(one.work, one.state) for one in desk.every()] == [("rack", "offered"), ("wire", "offered")]
    desk.says("rack", "declined", "no rack is free")
    assert (desk.state("rack"), desk.state("wire")) == (TaskState.FAILED, TaskState.STARTED)
    assert desk.of("wire").state is HandoffState.OFFERED
    desk.says("wire", "in_progress")
    desk.says("wire", "resolved_proposed", "wired")
    desk.ours("wire", Move.ACCEPT)
    assert (desk.state("rack"), desk.state("wire")) == (TaskState.FAILED, TaskState.DONE)


def test_a_task_goes_from_its_offer_over_a_decline_and_a_hand_back_to_its_end(desk: Handed) -> None:
    first = desk.of("rack").id
    desk.says("rack", "declined", "no rack is free")
    assert desk.record(desk.id).doing("rack").text == "declined: no rack is free"
    desk.does(lambda found, now: moves.again(found, "rack", now, "ana"))
    assert (desk.state("rack"), desk.of("rack").state, desk.of("rack").id) == (TaskState.STARTED, "offered", first)
    desk.says("rack", "acknowledged")
    desk.says("rack", "in_progress")
    desk.says("rack", "handed_back", "the rack is broken")
    assert desk.record(desk.id).doing("rack").text == "handed back: the rack is broken"
    desk.does(lambda found, now: moves.again(found, "rack", now, "ana"))
    desk.says("rack", "in_progress")
    desk.says("rack", "resolved_proposed", "racked")
    assert desk.state("rack") == TaskState.STARTED
    desk.ours("rack", Move.ACCEPT)
    assert desk.state("rack") == TaskState.DONE
    desk.ours("rack", Move.CLOSE)
    assert (desk.state("rack"), desk.of("rack").state) == (TaskState.DONE, HandoffState.CLOSED)
    assert len(desk.every()) == 2


def test_work_offered_again_on_the_page_of_handoffs_takes_its_task_along(desk: Handed) -> None:
    desk.says("rack", "declined", "no rack is free")
    desk.ours("rack", Move.OFFER)
    desk.pass_(300)
    assert (desk.state("rack"), desk.of("rack").state) == (TaskState.STARTED, HandoffState.OFFERED)
    desk.says("rack", "in_progress")
    desk.says("rack", "resolved_proposed", "racked")
    desk.ours("rack", Move.ACCEPT)
    assert desk.state("rack") == TaskState.DONE


def test_a_task_that_a_person_settles_is_taken_back_from_its_receiver(desk: Handed) -> None:
    desk.does(lambda found, now: moves.drop(found, "rack", now, "ana", "not needed"))
    desk.does(lambda found, now: moves.settle(found, "wire", True, now, "ana"))
    assert [one.state for one in desk.every()] == [HandoffState.CLOSED] * 2
    assert (desk.state("rack"), desk.state("wire")) == (TaskState.DROPPED, TaskState.DONE)
    assert len(desk.tasks()) == 1


def test_a_cancelled_request_takes_back_what_receivers_have(desk: Handed) -> None:
    desk.does(lambda found, now: moves.cancel(found, now, "ana", "not needed"))
    assert desk.record(desk.id).state is State.CANCELLED
    assert [one.state for one in desk.every()] == [HandoffState.CLOSED] * 2


def test_work_of_the_whole_ticket_is_no_task(desk: Handed) -> None:
    desk.says("rack", "declined", "no rack is free")
    handoffs.offer(desk.deps, stored(desk.deps, desk.id).key, handoffs.Offer(receiver="hosting", reason="look"), "ines")
    desk.pass_(1)
    assert [(one.work, one.state) for one in desk.every()] == [
        ("", "offered"), ("rack", "declined"), ("wire", "offered")]
    assert desk.state("rack") == TaskState.FAILED


def test_a_late_task_is_told_once(desk: Handed) -> None:
    for _ in range(3):
        desk.pass_(timedelta(hours=8).total_seconds())
    told = [event for event in history(desk.deps, desk.id) if event.data.get("what") == "task_late"]
    assert [event.data["task"] for event in told] == ["rack"]


def test_a_ladder_hears_of_late_tasks_and_of_those_that_came_back(store: SqlStore) -> None:
    desk = Handed(store)
    watch = rule("{escalation: watch, applies_to: {kind: service_request}, steps: ["
                 "{on: task_late, do: [{comment: internal}]}, {on: task_failed, do: [{tag: stuck}]}]}")
    desk.registry = replace(desk.registry, escalations={watch.name: watch})
    desk.opened()
    desk.pass_(1)
    desk.says("wire", "declined", "no wire")
    desk.pass_(2)
    assert desk.told(desk.id) == ["task_failed#1 fired"]
    desk.pass_(timedelta(hours=8).total_seconds())
    desk.pass_(2)
    assert desk.told(desk.id) == ["task_failed#1 fired", "task_late#1 fired"]
    assert stored(desk.deps, desk.id).ticket.tags == ("laptop", "stuck")
