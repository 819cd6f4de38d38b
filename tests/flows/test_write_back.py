"""Clocks told to a stand-in tool over HTTP: written once when they change, and never by their own doing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connector import sandbox, vendors, yaml12
from connector.domain.agreements.assess import assess
from connector.domain.errors import Refused
from connector.domain.history import Event, EventKind, Origin, Role, effective
from connector.domain.mapping import Mapping
from connector.files.profiles import load
from connector.flows import assess as clocks
from connector.flows import backlog, deliver, hints, intake
from connector.ports import Change, Deps, Tool
from connector.sandbox.clock import Clock
from connector.sandbox.glpi import Glpi
from connector.sandbox.server import Request
from connector.store import SqlStore

SUNDAY = datetime(2026, 3, 1, 12, tzinfo=UTC)
"""Office hours begin the next morning."""
ROOT = Path(__file__).parents[2]
TOLD = {"custom.sla_due": "resolution.due", "custom.sla_state": "resolution.state",
        "custom.sla_left": "resolution.remaining"}  # fmt: skip


@dataclass(frozen=True)
class Make:
    """How one make is told: the fields of the stand-in, how the mapping names them, and what a write looks like."""

    name: str
    shown: tuple[str, ...]
    rules: tuple[dict[str, Any], ...]
    high: dict[str, str]
    """What makes a ticket of priority P1."""
    method: str
    path: str

    def wrote(self, request: Request) -> bool:
        return request.method == self.method and re.search(self.path, request.path) is not None


BLOCK = ("sladuefield", "slastatefield", "slaleftfield")
MAKES = {make.name: make for make in (
    Make("servicenow", ("u_external_ref", "u_cost_centre", "u_contract"),
         ({"from": "u_external_ref"}, {"from": "u_cost_centre"}, {"from": "u_contract"}),
         {"impact": "high", "urgency": "high"}, "PATCH", "/table/"),
    Make("glpi", BLOCK, tuple({"from": f"option.{76665 + at}", "write": f"fields.7.{name}"}
                              for at, name in enumerate(BLOCK)),
         {"impact": "very_high", "urgency": "very_high"}, "PUT", r"/Ticket/\d+$"),
    Make("osticket", ("field.sla_due", "field.sla_state", "field.sla_left"),
         ({"from": "field.sla_due"}, {"from": "field.sla_state"}, {"from": "field.sla_left"}),
         {"priority": "P1"}, "POST", "/update$"),
)}


class Bench:
    """A stand-in tool whose own fields are told of the standard agreement's resolution."""

    def __init__(self, store: SqlStore, make: Make, tool: sandbox.Handle, told: dict[str, str]) -> None:
        self.make = make
        path = ROOT / "mappings" / f"{make.name}.yaml"
        data: dict[str, Any] = yaml12.load(path).data
        data["fields"] |= {name: {"owner": "connector", "write": True, **rule}
                           for name, rule in zip(TOLD, make.rules, strict=True)}
        mapping = Mapping.from_dict({**data, "clocks": told} if told else data)
        vendor = vendors.build(tool.settings("desk", path, page=50), mapping, tool.desk.clock.now)
        registry = load(ROOT / "sla_profiles").registry
        self.store, self.tool, self.vendor = store, tool, vendor
        self.deps = Deps(store=store, tools={"desk": Tool(name="desk", vendor=vendor, mapping=mapping)},
                         now=tool.desk.clock.now, owner="tests", registry=lambda: registry)

    def work(self, seconds: float = 30) -> int:
        """What the worker does in a round: read, look at the clocks, deliver, read again. Values written."""
        self.tool.step(seconds)
        intake.poll(self.deps, "desk")
        backlog.run(self.deps, "desk")
        written = clocks.tick(self.deps).written
        deliver.tick(self.deps)
        self.tool.step(5)
        hints.run(self.deps, "desk")
        return written

    def create(self) -> str:
        return self.tool.create(title="Mail is slow", **self.make.high)

    def settle(self) -> None:
        for _ in range(6):
            if not self.work():
                return
        raise AssertionError("it never comes to rest")

    def shown(self, id: str) -> tuple[str, ...]:
        extra = self.tool.ticket(id).extra
        return tuple(str(extra.get(own) or "") for own in self.make.shown)

    def history(self, id: str) -> list[Event]:
        with self.store.read() as tx:
            key = tx.tickets("desk", [id])[id].key
            return tx.history([key])[key]

    def states(self, id: str) -> dict[str, str]:
        with self.store.read() as tx:
            stored = tx.tickets("desk", [id])[id]
        assert self.deps.registry is not None
        result = assess(stored.ticket, self.history(id), self.deps.registry(), self.deps.now()).result
        return {str(named.target): str(named.clock.state) for named in result.clocks}

    def writes(self) -> int:
        return sum(self.make.wrote(request) for request in self.tool.requests)


def bench(store: SqlStore, make: Make, told: dict[str, str]) -> Iterator[Bench]:
    with sandbox.start(make.name, seed=3, tickets=0, clock=Clock(0, SUNDAY)) as tool:
        if isinstance(tool.side, Glpi):
            tool.side.blocks = {7: BLOCK}
        made = Bench(store, make, tool, told)
        yield made
        made.vendor.close()


@pytest.fixture(params=list(MAKES))
def make(request: pytest.FixtureRequest) -> Make:
    return MAKES[request.param]


@pytest.fixture
def desk(sqlite_store: SqlStore, make: Make) -> Iterator[Bench]:
    yield from bench(sqlite_store, make, TOLD)


@pytest.fixture
def silent(sqlite_store: SqlStore, make: Make) -> Iterator[Bench]:
    yield from bench(sqlite_store, make, {})


def test_due_state_and_remaining_arrive_in_the_tools_own_fields(desk: Bench) -> None:
    id = desk.create()
    desk.settle()
    due, state, left = desk.shown(id)
    assert (state, left) == ("running", "8:00:00")
    assert len(due) == len("2026-03-02 16:00:00")
    assert due > f"{desk.deps.now():%Y-%m-%d %H:%M:%S}"


def test_nothing_is_written_while_nothing_changes(desk: Bench) -> None:
    desk.create()
    desk.settle()
    before = desk.writes()
    for _ in range(5):
        assert desk.work(600) == 0
    assert desk.writes() == before


def test_a_pause_empties_due_and_a_breach_is_told(desk: Bench) -> None:
    id = desk.create()
    desk.settle()
    desk.tool.edit(id, state="pending", pending_on="customer")
    desk.settle()
    assert desk.shown(id)[:2] == ("", "paused")
    desk.tool.edit(id, state="in_progress")
    desk.settle()
    assert desk.shown(id)[1] == "running"
    desk.tool.step(timedelta(days=10).total_seconds())
    desk.settle()
    assert desk.shown(id)[1:] == ("breached", "0:00:00")
    desk.tool.edit(id, state="resolved")
    desk.settle()
    assert desk.shown(id)[1] == "breached"


def test_what_we_write_starts_stops_and_pauses_no_clock(desk: Bench) -> None:
    """Traps 21 and 36: our own write and its echo count for nothing."""
    id = desk.create()
    desk.tool.step(30)
    intake.poll(desk.deps, "desk")
    before = desk.states(id)
    assert before["first_response"] == before["resolution"] == "running"
    desk.settle()
    desk.tool.step(3600)
    intake.poll(desk.deps, "desk")
    assert desk.states(id) == before
    mine = [e for e in desk.history(id) if e.field in TOLD]
    assert mine
    assert {e.role for e in mine if e.origin is Origin.CONNECTOR} == {Role.CONNECTOR}
    assert all(e.origin is Origin.CONNECTOR for e in effective(mine)), "what the tool shows of it is an echo"


def test_without_the_section_nothing_is_written(silent: Bench) -> None:
    id = silent.create()
    silent.settle()
    assert silent.shown(id) == ("", "", "")
    assert silent.writes() == 0


def test_a_tool_that_refuses_is_asked_once(desk: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    id = desk.create()
    asked: list[object] = []

    def no(id: str, patch: object, again: bool = False) -> object:
        asked.append(patch)
        raise Refused("403: the account may not write u_external_ref")

    monkeypatch.setattr(desk.vendor, "update", no)
    desk.settle()
    desk.settle()
    assert len(asked) == 1
    assert desk.shown(id) == ("", "", "")
    desk.tool.step(timedelta(days=10).total_seconds())
    desk.settle()
    assert len(asked) == 2, "another value is worth another try"


def test_a_history_still_to_be_read_is_waited_for(desk: Bench) -> None:
    id = desk.create()
    desk.tool.step(30)
    intake.poll(desk.deps, "desk")
    with desk.store.begin() as tx:
        stored = tx.tickets("desk", [id], lock=True)[id]
        tx.save([Change(ticket=stored.ticket, before=stored, history_due=True)])
    assert clocks.tick(desk.deps).written == 0


def test_commented_by_us_or_not_the_written_value_is_the_same_once_read_back(desk: Bench) -> None:
    id = desk.create()
    desk.settle()
    with desk.store.read() as tx:
        stored = tx.tickets("desk", [id])[id]
    assert stored.base is None, "nothing of ours is on its way any more"
    assert stored.ticket.custom["sla_state"] == "running"
    assert not [e for e in desk.history(id) if e.kind is EventKind.CONFLICT]


def test_the_tools_clock_is_compared_with_ours_and_not_with_the_machines(desk: Bench) -> None:
    desk.work()
    assert desk.vendor.skew() == timedelta(0)


def test_the_examples_that_are_shipped_as_comments_hold(make: Make) -> None:
    shipped = (ROOT / "mappings" / f"{make.name}.yaml").read_text("utf-8")
    text = re.sub(r"^( *)# ?((?:  )?(?:custom\.sla_|clocks:))", r"\1\2", shipped, flags=re.MULTILINE)
    mapping = Mapping.from_dict(yaml12.parse(text.encode()).data)
    assert list(mapping.clocks) == list(TOLD)

