"""Ladders at work: due steps reach the tool once each, in the transaction that records them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace as changed
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connector.domain.agreements.registry import Registry
from connector.domain.escalations.rules import Rule
from connector.domain.history import EventKind
from connector.domain.mapping import Mapping
from connector.domain.notices.people import Group, People, Person
from connector.domain.ticket import Kind, State, Ticket
from connector.flows import assess, backlog, deliver, hints, intake
from connector.flows.rebind import rebind
from connector.ports import Change, Deps
from connector.store import SqlStore
from connector.store import open as open_store
from tests.domain.calendars.test_calendar import local
from tests.domain.escalations.ladders import desk, rule
from tests.flows.fake_tool import WRITTEN, Clock, FakeTool, connect
from tests.flows.looking import history

MON = local(2026, 3, 2, 8).astimezone(UTC)
H, M = timedelta(hours=1), timedelta(minutes=1)
LADDER = """
steps:
  - {clock: resolution, at: 50%, do: [{comment: {to: internal, text: half of the time is used}}]}
  - {clock: resolution, at: 75%, do: [{assign: {group: Network}}, {tag: urgent}]}
  - {clock: resolution, at: breach, do: [{raise: 1}]}
"""
PEOPLE = People(
    {"ana": Person("ana", "Ana", email="ana@desk.example", logins={"desk": "ana"})},
    {"Network": Group("Network", "Network", level=2, members=("ana",), tools={"desk": "Net"})},
)

WRITING = Mapping.from_dict(WRITTEN | {"fields": WRITTEN["fields"] | {
    "kind": {"from": "kind", "owner": "newest", "write": True,
             "values": {"incident": "incident", "problem": "problem"}},
    "priority": {"from": "priority", "owner": "newest", "write": True},
    "service": {"from": "service", "owner": "newest", "write": True}}})
"""A tool that lets us set priorities."""


class World:
    """A tool with tickets, a store, and a clock that is moved by hand."""

    def __init__(self, store: SqlStore, *rules: Rule, people: People = PEOPLE) -> None:
        self.clock = Clock(MON)
        self.tool = FakeTool(self.clock)
        self.registry: Registry = changed(desk(*rules), people=people)
        deps = connect(store, self.tool)
        tool = changed(deps.tools["desk"], mapping=WRITING)
        self.deps: Deps = changed(deps, registry=lambda: self.registry, tools={"desk": tool})

    def opened(self, **fields: Any) -> str:
        id = self.tool.opened(**{"priority": "P2", "group": "Desk", **fields})
        self.sync()
        return id

    def sync(self) -> None:
        intake.poll(self.deps, "desk")
        self.clock.forward(3)
        backlog.run(self.deps, "desk")
        self.tick()

    def tick(self) -> int:
        done = assess.tick(self.deps).escalated
        deliver.tick(self.deps)
        hints.run(self.deps, "desk")
        return done

    def at(self, moment: datetime) -> int:
        self.clock.now = moment.astimezone(UTC)
        return self.tick()

    def told(self, id: str) -> list[str]:
        return [f"{e.data['step']}#{e.data['n']} {e.data['what']}" for e in history(self.deps, id)
                if e.kind is EventKind.ESCALATED and e.data["what"] not in ("refused", "bound")]

    def refusals(self, id: str) -> list[str]:
        return [e.text for e in history(self.deps, id) if e.data.get("what") == "refused"]


@pytest.fixture
def world(store: SqlStore) -> World:
    return World(store, rule(LADDER))


def test_each_step_reaches_the_tool_at_its_moment_and_once(world: World) -> None:
    id = world.opened()
    assert world.at(local(2026, 3, 2, 9, 59)) == 0
    assert world.at(local(2026, 3, 2, 10)) == 1
    assert world.tool.notes(id) == ["half of the time is used"]
    assert world.at(local(2026, 3, 2, 11)) == 1
    assert (world.tool.tickets[id].group, world.tool.tickets[id].tags) == ("Net", ("urgent",))
    assert world.at(local(2026, 3, 2, 12)) == 0
    assert world.at(local(2026, 3, 2, 12) + timedelta(microseconds=1)) == 1
    assert world.tool.tickets[id].priority == "P1"
    for hours in range(1, 30):
        assert world.at(local(2026, 3, 2, 12) + hours * H) == 0
    assert world.told(id) == ["resolution at 50%#1 fired", "resolution at 75%#1 fired", "resolution at breach#1 fired"]
    assert world.tool.notes(id) == ["half of the time is used"]


def test_our_own_write_and_its_echo_start_no_clock_and_no_step(store: SqlStore) -> None:
    watch = rule("{escalation: watch, applies_to: {}, steps: [{on: reassigned, do: [{tag: moved}]}, "
                 "{on: raised, do: [{tag: raised}]}]}")
    world = World(store, rule(LADDER), watch)
    id = world.opened()
    for hours in range(1, 40):
        world.at(MON + hours * H / 4)
        world.sync()
    assert world.tool.tickets[id].tags == ("urgent",)
    assert [line for line in world.told(id) if "re" in line.split("#")[0] and "resolution" not in line] == []
    world.tool.edited(id, group="Elsewhere")
    world.clock.forward(5)
    world.sync()
    assert world.told(id)[-1] == "reassigned#1 fired"


def test_after_downtime_only_the_highest_step_reaches_the_tool(world: World) -> None:
    id = world.opened()
    assert world.at(local(2026, 3, 2, 13, 30)) == 1
    assert (world.tool.notes(id), world.tool.tickets[id].group) == ([], "Desk")
    assert world.tool.tickets[id].priority == "P1"
    assert world.told(id) == ["resolution at 50%#1 skipped", "resolution at 75%#1 skipped",
                              "resolution at breach#1 fired"]


def test_tickets_of_the_first_load_tell_nothing_of_the_past(store: SqlStore) -> None:
    world = World(store, rule(LADDER))
    ids = [world.tool.opened(priority="P2") for _ in range(20)]
    world.clock.now = MON + timedelta(days=30)
    world.sync()
    for hours in range(30):
        assert world.at(MON + timedelta(days=30, hours=hours)) == 0
    assert [world.told(id) for id in ids] == [[]] * 20
    assert world.tool.calls.count("update") == 0


def test_a_group_that_the_tool_refuses_is_seen_and_the_fallback_comes_once(store: SqlStore) -> None:
    world = World(store, rule("""
        steps:
          - clock: resolution
            at: 50%
            do: [{assign: {group: forbidden}}]
            fallback: [{assign: {group: Network}}, {comment: {to: internal, text: assigned to Network instead}}]
    """))
    id = world.opened()
    for minutes in range(8):
        world.at(local(2026, 3, 2, 10) + minutes * M)
    assert world.tool.tickets[id].group == "Net"
    assert world.tool.notes(id) == ["assigned to Network instead"]
    assert world.refusals(id) == ["the tool does not like that value"]
    assert world.told(id) == ["resolution at 50%#1 fired", "resolution at 50%#1 fallback"]


def test_a_field_we_may_not_write_is_refused_at_once_and_visible(store: SqlStore) -> None:
    world = World(store, rule("steps: [{clock: resolution, at: 50%, do: [{assign: {level: 4}}, "
                              "{state: {state: pending, pending_on: change}}], fallback: [{tag: stuck}]}]"))
    id = world.opened()
    world.at(local(2026, 3, 2, 10))
    world.tick()
    (said,) = world.refusals(id)
    assert "no group is of level 4" in said
    assert world.tool.tickets[id].tags == ("stuck",)


def test_one_ticket_that_cannot_be_computed_does_not_stop_the_others(world: World, monkeypatch: Any) -> None:
    from connector.flows import escalate
    good, bad = world.opened(), world.opened()
    real = escalate.outlook

    def failing(ticket: Ticket, *given: Any) -> Any:
        if ticket.id == bad:
            raise ArithmeticError
        return real(ticket, *given)

    monkeypatch.setattr(escalate, "outlook", failing)
    assert world.at(local(2026, 3, 2, 10)) == 1
    assert (len(world.told(good)), world.told(bad)) == (1, [])


def test_a_ticket_waits_for_its_history_but_not_for_ever(store: SqlStore) -> None:
    world = World(store, rule(LADDER))
    id = world.tool.opened(priority="P2")
    with store.begin() as tx:
        tx.save([Change(ticket=world.tool.tickets[id], history_due=True)])
    assert world.at(local(2026, 3, 2, 10)) == 0
    assert world.at(local(2026, 3, 2, 10, 15)) == 1


def surge(store: SqlStore) -> World:
    return World(store, rule("{escalation: many, applies_to: {kind: incident}, steps: "
                             "[{tickets: 10, within: 15m, again: 2h, do: [declare_major_incident]}]}"), rule(LADDER))


def crowd(world: World, count: int, every: timedelta, service: str = "Mail") -> list[str]:
    ids = []
    for _ in range(count):
        ids.append(world.opened(title="mail", service=service))
        world.clock.now += every
    return ids


def test_ten_incidents_on_one_service_in_a_quarter_of_an_hour_are_one_surge(store: SqlStore) -> None:
    world = surge(store)
    ids = crowd(world, 30, M)
    tagged = [id for id in ids if "major-incident" in world.tool.tickets[id].tags]
    assert tagged == [ids[9]]
    world.clock.now += 2 * H
    again = crowd(world, 12, M)
    assert [id for id in again if "major-incident" in world.tool.tickets[id].tags] == [again[9]]


def test_ten_incidents_in_an_hour_or_on_two_services_are_none(store: SqlStore) -> None:
    world = surge(store)
    ids = [*crowd(world, 12, 5 * M), *crowd(world, 9, M, "Print"), *crowd(world, 9, M, "Scan")]
    assert [id for id in ids if world.tool.tickets[id].tags] == []


def test_a_round_robin_takes_one_after_the_other(store: SqlStore) -> None:
    three = {name: Person(name, name, logins={"desk": name}) for name in ("ana", "bob", "eve")}
    people = People(three, {"Network": Group("Network", "Network", level=2, members=("ana", "bob", "eve"))})
    world = World(store, rule("steps: [{clock: resolution, at: 50%, do: [{assign: {group: Network, in_turn: true}}]}]"),
                  people=people)
    ids = [world.opened() for _ in range(6)]
    world.at(local(2026, 3, 2, 10, 1))
    assert [world.tool.tickets[id].assignee for id in ids] == ["ana", "bob", "eve"] * 2


def test_an_opened_problem_is_opened_once(store: SqlStore) -> None:
    world = World(store, rule("steps: [{clock: resolution, at: 50%, "
                              "do: [{open: {kind: problem, title: look closer}}]}]"))
    world.opened()
    for minutes in range(5):
        world.at(local(2026, 3, 2, 10) + minutes * M)
        world.sync()
    assert [t.title for t in world.tool.tickets.values() if t.kind is Kind.PROBLEM] == ["look closer"]


def test_two_workers_at_once_fire_each_step_once(postgres_url: str) -> None:
    stores = [open_store(postgres_url) for _ in range(2)]
    world = World(stores[0], rule(LADDER))
    ids = [world.opened() for _ in range(40)]
    world.clock.now = local(2026, 3, 2, 10, 3).astimezone(UTC)
    both = [changed(world.deps, store=one, owner=f"worker {n}") for n, one in enumerate(stores)]
    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(assess.tick, both))
    assert sum(report.escalated for report in reports) == 40
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(deliver.tick, both))
    assert [world.tool.notes(id) for id in ids] == [["half of the time is used"]] * 40
    for one in stores:
        one.close()


def test_applying_binds_running_ladders_to_the_version_in_force_and_only_those(store: SqlStore) -> None:
    first = rule(LADDER)
    world = World(store, first)
    id, other = world.opened(), world.opened(state=State.RESOLVED)
    second = rule(LADDER.replace("75%", "80%"), version="r2", since=MON + timedelta(hours=1))
    world.at(local(2026, 3, 2, 10))
    world.registry = changed(desk(second, older=[first]), people=PEOPLE)
    assert rebind(world.deps, second, "ana") == 1
    assert rebind(world.deps, second, "ana") == 0, "once"
    assert world.at(local(2026, 3, 2, 11, 1)) == 0, "75 % is no step any more"
    assert world.at(local(2026, 3, 2, 11, 12)) == 1
    assert world.told(id)[-1] == "resolution at 80%#1 fired"
    assert not any(event.data.get("what") == "bound" for event in history(world.deps, other))


def test_what_a_rule_says_to_the_requester_names_only_what_they_may_see(store: SqlStore) -> None:
    world = World(store, rule("steps: [{clock: resolution, at: 50%, do: [{comment: {to: public, "
                              "text: \"We look into {title}.\"}}]}]"))
    id = world.opened(title="mail {recipient}")
    world.at(local(2026, 3, 2, 10))
    assert world.tool.notes(id) == ["We look into mail {recipient}."]


def test_ladders_of_tools_that_are_not_connected_are_silent(store: SqlStore) -> None:
    world = World(store, rule(LADDER))
    id = world.opened()
    world.deps = changed(world.deps, tools={})
    world.clock.now = local(2026, 3, 2, 12, 1).astimezone(UTC)
    assert assess.tick(world.deps).escalated == 0
    assert world.told(id) == []
