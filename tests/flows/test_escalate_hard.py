"""Ladders against what should not happen: two workers at the same place, tickets that break, tools that answer back."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace as changed
from datetime import datetime, timedelta
from typing import Any

import pytest

from connector.domain.notices.notice import MOST, Notice, of_person
from connector.domain.notices.people import Person, Severity
from connector.domain.notices.template import Templates
from connector.domain.ticket import State
from connector.flows import escalate_ticket, telling
from connector.flows.notices import post
from connector.messages import shipped
from connector.ports import Cursor, Tx
from connector.store import SqlStore
from connector.store import open as open_store
from tests.domain.escalations.ladders import rule
from tests.flows.fake_channel import FakeChannel, with_channels
from tests.flows.test_escalate import MON, World

OPENED = "{applies_to: {}, steps: [{on: opened, do: [{tag: seen}, {notify: {person: ana}}]}]}"


class Together:
    """A transaction whose reading of cursors waits for another one to have read as well, if that can be."""

    def __init__(self, tx: Tx, both: threading.Barrier) -> None:
        self.tx, self.both = tx, both

    def __getattr__(self, name: str) -> Any:
        return getattr(self.tx, name)

    def cursor(self, tool: str, stream: str) -> Cursor:
        found = self.tx.cursor(tool, stream)
        with suppress(threading.BrokenBarrierError):
            self.both.wait(0.3)
        return found


def at_once(url: str, work: Any) -> list[Any]:
    """What two workers get who do the same at the same time."""
    both = threading.Barrier(2)

    def run(_: int) -> Any:
        store = open_store(url)
        with store.begin() as tx:
            got = work(Together(tx, both))
        store.close()
        return got

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(run, range(2)))


def test_two_workers_never_take_the_same_turn(postgres_url: str) -> None:
    def turn(tx: Any) -> int:
        taking = object.__new__(escalate_ticket.Firings)
        taking.tx, taking.now = tx, MON
        return taking._turn("rule/step/group Network", 4)

    assert sorted(at_once(postgres_url, turn)) == [0, 1]


def test_two_workers_count_what_a_person_was_sent_together(postgres_url: str) -> None:
    channels = with_channels(World(open_store(postgres_url)).deps, FakeChannel())
    ann, given = of_person(Person("ann", "Ann", "ann@example.org")), iter("ab")

    def tell(tx: Any) -> int:
        name = next(given)
        told = [Notice(f"{name}{n}", shipped()["escalation"], Severity.NORMAL, {}) for n in range(MOST - 1)]
        return post(tx, channels, [(one, ann) for one in told], MON)

    at_once(postgres_url, tell)
    with channels.store.read() as tx:
        now = tx.outstanding("mail", "notify")
        assert (len(now), len(tx.outstanding("digest", "notify"))) == (MOST, MOST - 2)


def broken(monkeypatch: pytest.MonkeyPatch, where: Any, name: str, id: str) -> None:
    """For one ticket, a mistake of ours."""
    real = getattr(where, name)

    def call(*given: Any, **more: Any) -> Any:
        if any(getattr(one, "id", "") == id for one in given):
            raise OverflowError("date value out of range")
        return real(*given, **more)

    monkeypatch.setattr(where, name, call)


@pytest.mark.parametrize(("where", "name"), [(escalate_ticket, "effects"), (telling, "facts")])
def test_a_ticket_on_which_a_step_breaks_holds_up_no_other(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch, where: Any, name: str,
) -> None:
    world, mail = World(store, rule(OPENED)), FakeChannel()
    world.registry = changed(world.registry, templates=Templates(shipped()))
    world.deps = with_channels(world.deps, mail)
    broken(monkeypatch, where, name, "1")
    ids = [world.tool.opened(priority="P2", group="Desk") for _ in range(2)]
    world.sync()
    world.at(MON + timedelta(minutes=1))
    assert ids[0] == "1"
    assert world.tool.tickets["2"].tags == ("seen",)
    assert world.told("2") == ["opened#1 fired"]


def test_a_ticket_on_which_a_step_broke_is_tried_again(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(store, rule("{applies_to: {}, steps: [{on: opened, do: [{tag: seen}]}]}"))
    with monkeypatch.context() as patched:
        broken(patched, escalate_ticket, "effects", "1")
        world.opened()
        world.at(MON + timedelta(minutes=1))
        assert world.told("1") == []
    world.at(MON + timedelta(hours=1, minutes=5))
    assert world.tool.tickets["1"].tags == ("seen",)
    assert world.told("1") == ["opened#1 fired"]


def test_a_requester_who_cannot_be_told_is_seen_and_the_fallback_comes(store: SqlStore) -> None:
    world = World(store, rule("{applies_to: {}, steps: [{on: opened, do: [{notify: requester}], "
                              "fallback: [{tag: call-them}]}]}"))
    world.deps = with_channels(world.deps, FakeChannel())
    id = world.opened(requester="Paul", requester_email="")
    for minute in range(1, 5):
        world.at(MON + timedelta(minutes=minute))
    assert world.refusals(id) == [
        "the requester is not told: no address of the requester that can be written to"]
    assert world.tool.tickets[id].tags == ("call-them",)


def test_all_that_one_step_could_not_do_is_seen_and_the_fallback_comes_once(store: SqlStore) -> None:
    world = World(store, rule("{applies_to: {}, steps: [{on: opened, do: [{assign: {level: 4}}, {notify: requester}, "
                              "{handoff: nobody}], fallback: [{tag: look}]}]}"))
    world.deps = with_channels(world.deps, FakeChannel())
    id = world.opened(requester_email="")
    for minute in range(1, 5):
        world.at(MON + timedelta(minutes=minute))
    assert sorted(why.split(":")[0].split(" `")[0] for why in world.refusals(id))[:1] == ["no group is of level 4"]
    assert len(world.refusals(id)) == 3
    assert world.told(id) == ["opened#1 fired", "opened#1 fallback"]
    assert world.tool.tickets[id].tags == ("look",)


def test_a_tool_that_undoes_what_a_step_does_each_time_is_answered_twenty_times_and_that_is_seen(
    store: SqlStore,
) -> None:
    world = World(store, rule("{applies_to: {}, steps: [{on: raised, do: [{comment: {to: internal, text: up}}]}]}"))
    id = world.opened()

    def flap(times: int) -> None:
        for _ in range(times):
            for priority in ("P1", "P2"):
                world.clock.forward(20)
                world.tool.edited(id, priority=priority)
                world.sync()

    flap(30)
    assert world.tool.notes(id) == ["up"] * 20
    (why,) = world.refusals(id)
    assert why.startswith("stopped for a day: it began 20 times within one")
    world.clock.forward(86_400)
    flap(1)
    assert len(world.tool.notes(id)) == 21, "the day after it may again"


def moments(start: datetime, *hours: float) -> list[datetime]:
    return [start + timedelta(hours=one) for one in hours]


def test_a_clock_that_steps_back_and_forth_by_an_hour_fires_each_step_once(store: SqlStore) -> None:
    world = World(store, rule("""
steps:
  - {clock: resolution, at: 50%, do: [{comment: {to: internal, text: half}}]}
  - {clock: resolution, at: breach, do: [{comment: {to: internal, text: over}}], repeat: {every: 1h, at_most: 3}}
"""))
    id = world.opened()
    for at in moments(MON, 2.1, 1.1, 2.0, 3.1, 2.1, 4.1, 3.1, 4.2, 5.2, 4.2, 5.3, 6.05, 5.3, 7.05, 6.1, 8, 9, 12):
        world.at(at)
    assert sorted(world.told(id)) == ["resolution at 50%#1 fired", *(f"resolution at breach#{n} fired"
                                                                     for n in (1, 2, 3, 4))]
    assert world.tool.notes(id) == ["half", "over", "over", "over", "over"]


def test_a_first_load_of_old_tickets_starts_no_step_of_any_kind(store: SqlStore) -> None:
    world = World(store, rule("""
applies_to: {}
calendar: weekdays
steps:
  - {clock: resolution, at: 50%, do: [{tag: a}]}
  - {clock: resolution, at: 2h after due, hours: wall, do: [{tag: b}], repeat: {every: 1h, at_most: 9, hours: wall}}
  - {on: opened, do: [{tag: c}]}
  - {on: raised, do: [{tag: d}]}
  - {on: reassigned, times: 1, do: [{tag: e}]}
  - {on: reopened, do: [{tag: f}]}
  - {on: replied, do: [{tag: g}]}
  - {no_update: 4h, do: [{tag: h}]}
  - {in_state: {state: new}, for: 1d, hours: wall, do: [{tag: i}]}
  - {tickets: 10, within: 15m, same: priority, do: [{tag: j}]}
"""))
    ids = [world.tool.opened(priority="P3", group="Desk", state=State.NEW) for _ in range(30)]
    for id in ids:
        world.tool.edited(id, priority="P2", group="Network")
        world.tool.edited(id, state=State.RESOLVED)
        world.tool.edited(id, state=State.NEW)
        world.tool.said(id, "still broken", actor="user")
    world.clock.now = MON + timedelta(days=30)
    world.sync()
    for hours in range(1, 60, 3):
        world.at(MON + timedelta(days=30, hours=hours))
    assert [world.told(id) for id in ids] == [[]] * 30
    assert {ticket.tags for ticket in world.tool.tickets.values()} == {()}
