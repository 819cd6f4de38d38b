"""Service requests at work: approvals asked for once, tasks as tickets of the tool, followed to the end."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from connector.domain.errors import NotFound, Refused
from connector.domain.links import Links, Purpose
from connector.domain.mapping import Mapping
from connector.domain.notices.desk import Desk as DeskFacts
from connector.domain.notices.people import Group, People, Person
from connector.domain.notices.template import Templates
from connector.domain.requests import moves
from connector.domain.requests.record import Record, State, TaskState
from connector.domain.ticket import Kind
from connector.domain.ticket import State as TicketState
from connector.flows import approving, editing, requests
from connector.flows.notices import OPTION
from connector.messages import shipped
from connector.store import SqlStore
from tests.domain.requests.test_catalogue_format import made
from tests.flows.fake_channel import FakeChannel, with_channels
from tests.flows.fake_tool import WRITTEN, Killed
from tests.flows.looking import history, stored
from tests.flows.test_escalate import World

PEOPLE = People(
    {"boss": Person("boss", "Boss", email="boss@desk.example"),
     "paul": Person("paul", "Paul", email="paul@desk.example", manager="boss")},
    {"Buying": Group("Buying", "Buying", level=2, tools={"desk": "Buy"})})
ITEM = """
item: laptop
title: A laptop
applies_to: {tags: laptop}
approvals: [{approval: manager, by: {manager: 1}}]
tasks:
  - {task: order, title: Order it, group: Buying, within: 8h}
  - {task: bring, title: Bring it, group: Buying}
"""
KINDS_FIELD = {"from": "kind", "owner": "newest", "write": True,
               "values": {"incident": "incident", "service_request": "service_request", "task": "task"}}
KINDS = Mapping.from_dict(WRITTEN | {"fields": WRITTEN["fields"] | {
    "kind": KINDS_FIELD,
    "parent": {"from": "parent", "owner": "newest", "write": True}}})


class Desk(World):
    def __init__(self, store: SqlStore) -> None:
        super().__init__(store, people=PEOPLE)
        self.registry = replace(self.registry, catalogue=(made(ITEM),), templates=Templates(shipped()))
        self.mail = FakeChannel()
        self.deps = with_channels(self.deps, self.mail)
        self.deps = replace(self.deps, tools={"desk": replace(self.deps.tools["desk"], mapping=KINDS)})

    def ordered(self) -> str:
        return self.opened(kind=Kind.SERVICE_REQUEST, tags=("laptop",), title="A laptop please",
                           requester_email="paul@desk.example")

    def record(self, id: str) -> Record:
        return requests.standing(self.deps, stored(self.deps, id).key)[1]

    def act(self, id: str, make: Callable[[Record], object]) -> None:
        now = self.clock.now
        requests.act(self.deps, stored(self.deps, id).key, lambda found, _: make(found), "x")  # type: ignore[arg-type, return-value]
        assert now == self.clock.now
        self.tick()

    def tasks(self) -> list[str]:
        return sorted(one.id for one in self.tool.tickets.values() if one.kind is Kind.TASK)

    def mails(self) -> list[str]:
        return [f"{one.payload['to'].split('@')[0]}: {one.payload['subject']}" for one in self.mail.got]


@pytest.fixture
def desk(store: SqlStore) -> Desk:
    return Desk(store)


def test_a_request_goes_from_approval_over_its_tasks_to_its_end(desk: Desk) -> None:
    id = desk.ordered()
    now = desk.clock.now
    assert desk.record(id).state is State.APPROVING
    assert [line.split(":")[0] for line in desk.mails()].count("boss") == 1
    assert desk.tasks() == []
    desk.act(id, lambda found: moves.answer(found, "manager", "boss", True, now, "boss"))
    (first,) = desk.tasks()
    assert (desk.tool.tickets[first].group, desk.tool.tickets[first].parent) == ("Buy", id)
    for _ in range(3):
        desk.clock.forward(400)
        desk.sync()
    assert desk.tasks() == [first]
    editing.edit(desk.deps, stored(desk.deps, first).key, {"state": "resolved"}, "ana")
    desk.sync()
    desk.clock.forward(400)
    desk.sync()
    assert desk.record(id).doing("order").state is TaskState.DONE
    (second,) = set(desk.tasks()) - {first}
    editing.edit(desk.deps, stored(desk.deps, second).key, {"state": "closed"}, "ana")
    desk.sync()
    desk.clock.forward(400)
    desk.sync()
    assert desk.record(id).state is State.COMPLETED
    assert stored(desk.deps, id).ticket.state is TicketState.RESOLVED
    assert desk.mails()[-1].startswith("paul: ")


def test_a_refusal_ends_it_and_no_task_begins(desk: Desk) -> None:
    id, now = desk.ordered(), desk.clock.now
    desk.act(id, lambda found: moves.answer(found, "manager", "boss", False, now, "boss", "too dear"))
    assert desk.record(id).state is State.REFUSED
    assert desk.tasks() == []
    assert "too dear" in desk.mail.got[-1].payload["text"]


def test_a_ticket_that_ends_ends_its_request(desk: Desk) -> None:
    id = desk.ordered()
    editing.edit(desk.deps, stored(desk.deps, id).key, {"state": "closed"}, "ana")
    desk.sync()
    assert desk.record(id).state is State.CANCELLED


def test_a_cancelled_request_takes_its_tasks_along(desk: Desk) -> None:
    cancelling = {**WRITTEN["fields"], "kind": KINDS_FIELD, "state": {
        **WRITTEN["fields"]["state"], "values": {**WRITTEN["fields"]["state"]["values"], "cancelled": "cancelled"}}}
    mapping = Mapping.from_dict(WRITTEN | {"fields": cancelling})
    desk.deps = replace(desk.deps, tools={"desk": replace(desk.deps.tools["desk"], mapping=mapping)})
    id, now = desk.ordered(), desk.clock.now
    desk.act(id, lambda found: moves.answer(found, "manager", "boss", True, now, "boss"))
    (task,) = desk.tasks()
    desk.act(id, lambda found: moves.cancel(found, now, "ana", "not needed"))
    desk.sync()
    assert [stored(desk.deps, one).ticket.state for one in (id, task)] == [TicketState.CANCELLED] * 2
    assert desk.record(id).why == "not needed"


def test_an_incident_is_no_request(desk: Desk) -> None:
    id = desk.opened(tags=("laptop",))
    assert not [event for event in history(desk.deps, id) if event.kind == "request"]


def test_a_process_killed_after_the_tool_made_the_ticket_makes_no_second(desk: Desk) -> None:
    id, now = desk.ordered(), desk.clock.now
    key = stored(desk.deps, id).key

    def dies(verb: str, moment: str) -> None:
        if (verb, moment) == ("create", "after"):
            raise Killed

    desk.tool.at = dies
    requests.act(desk.deps, key, lambda found, _: moves.answer(found, "manager", "boss", True, now, "boss"), "boss")
    with pytest.raises(Killed):
        desk.tick()
    desk.tool.at = lambda verb, moment: None
    for _ in range(3):
        desk.clock.forward(700)
        desk.sync()
    assert len(desk.tasks()) == 1


def test_a_tool_without_tasks_is_told_by_a_note_and_a_person_settles_them(desk: Desk) -> None:
    fields = {**WRITTEN["fields"], "kind": {"from": "kind", "owner": "newest", "write": True, "values": {
        "incident": "incident", "service_request": "service_request"}}}
    plain = Mapping.from_dict(WRITTEN | {"fields": fields})
    desk.deps = replace(desk.deps, tools={"desk": replace(desk.deps.tools["desk"], mapping=plain)})
    id, now = desk.ordered(), desk.clock.now
    desk.act(id, lambda found: moves.answer(found, "manager", "boss", True, now, "boss"))
    assert desk.tasks() == []
    (note,) = desk.tool.notes(id)
    assert note.startswith("Order it (Buy), until ")
    desk.act(id, lambda found: moves.settle(found, "order", True, now, "ana"))
    desk.act(id, lambda found: moves.settle(found, "bring", True, now, "ana"))
    assert len(desk.tool.notes(id)) == 2
    assert desk.record(id).state is State.COMPLETED


def test_nobody_approves_what_they_ask_for_themselves(desk: Desk) -> None:
    item = ITEM.replace("{manager: 1}", "{group: Buying}").replace("by:", "substitute: {person: boss}, by:")
    people = People(PEOPLE.people, {"Buying": replace(PEOPLE.groups["Buying"], members=("paul",))})
    desk.registry = replace(desk.registry, catalogue=(made(item),), people=people)
    asked = desk.record(desk.ordered()).approvals["manager"]
    assert (asked.people, asked.substitutes) == ((), ("boss",))


def test_each_approver_gets_a_link_of_their_own_that_answers(desk: Desk) -> None:
    links = Links("https://desk.example", b"k" * 32)
    desk.deps = replace(desk.deps, options={**desk.deps.options, OPTION: DeskFacts("Desk", links=links)})
    id = desk.ordered()
    key = stored(desk.deps, id).key
    text = next(one.payload["text"] for one in desk.mail.got if one.payload["to"].startswith("boss"))
    token = text.split("https://desk.example/approve/")[1].split()[0]
    given = links.read(token, desk.clock.now, Purpose.APPROVE)
    assert (given.ticket, given.person) == (key, "boss")
    for _ in range(2):
        approving.answer(desk.deps, key, given.person, given.what, True, "", "person:boss", "link")
    assert desk.record(id).state is State.FULFILLING
    with pytest.raises(NotFound):
        approving.answer(desk.deps, key, "paul", given.what, True, "", "person:paul", "link")


def test_of_two_answers_at_once_one_counts_and_the_other_learns_it_is_over(desk: Desk) -> None:
    desk.registry = replace(desk.registry, catalogue=(made(ITEM.replace("{manager: 1}", "{group: Buying}")),),
                            people=People(PEOPLE.people | {"eve": Person("eve", "Eve", email="eve@desk.example")},
                                          {"Buying": replace(PEOPLE.groups["Buying"], members=("boss", "eve"))}))
    id = desk.ordered()
    key, asked = stored(desk.deps, id).key, "request/approval/manager/asked"

    def say(person: str, yes: bool) -> str:
        try:
            approving.answer(desk.deps, key, person, asked, yes, "no", person, "link")
        except Refused as error:
            return error.reason
        return ""

    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(say, ("boss", "eve"), (True, False)))
    assert sorted(map(bool, said)) == [False, True]
    assert len(desk.record(id).approvals["manager"].answers) == 1


def test_a_process_killed_while_approval_is_asked_for_asks_once(desk: Desk) -> None:
    def dies(moment: str) -> None:
        desk.mail.at = lambda moment: None
        raise Killed

    desk.mail.at = dies
    with pytest.raises(Killed):
        desk.ordered()
    for _ in range(3):
        desk.clock.forward(700)
        desk.sync()
    assert [line for line in desk.mails() if line.startswith("boss")] == ["boss: [1] Please approve: A laptop"]
