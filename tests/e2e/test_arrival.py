"""A change in a tool arrives by webhook long before the next poll, and by the poll without; ours arrives once."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from connector import settings as settings_module
from connector import vendors
from connector.commands.demo_desk import MAKES, Tools
from connector.domain.ticket import Comment
from connector.flows import editing
from connector.store import admin
from connector.wiring import Deployment, deploy
from tests.e2e.service import Service
from tests.e2e.waiting import eventually


class World:
    """Three tools, the service as a process, and our view of its store."""

    def __init__(self, tools: Tools, desk: Deployment, service: Service) -> None:
        self.tools, self.desk, self.service = tools, desk, service

    def title(self, make: str, id: str) -> str:
        with self.desk.store.read() as tx:
            found = tx.tickets(make, [id]).get(id)
        return found.ticket.title if found else ""

    def some(self, make: str) -> str:
        handle = self.tools.handles[make]
        open_ones = [t for t in handle.desk.tickets.values() if t.kind == "incident" and t.state != "closed"]
        return handle.side.id_of(open_ones[0])


@pytest.fixture(params=["webhooks", "polls"])
def world(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    monkeypatch.chdir(Path(__file__).parents[2])
    webhooks = request.param == "webhooks"
    with Tools(6, port if webhooks else 1) as tools:
        path = tools.write(tmp_path, port)
        data = YAML().load(path)
        for tool in data["tools"].values():
            tool["poll_every"] = "12h" if webhooks else "1s"
        with path.open("w") as stream:
            YAML().dump(data, stream)
        read = settings_module.load(path, {}, vendors.schemas)
        admin.upgrade(read.store_url)
        desk = deploy(read)
        service = Service(path, port)
        try:
            service.start()
            service.wait_until_alive()
            there = World(tools, desk, service)
            for make in MAKES:
                eventually(lambda make=make: there.title(make, there.some(make)))
            yield there
        finally:
            service.close()
            desk.close()


def test_a_change_in_each_tool_arrives(world: World) -> None:
    for make in MAKES:
        id = world.some(make)
        world.tools.handles[make].edit(id, title=f"changed in {make}")
        took = eventually(lambda make=make, id=id: world.title(make, id) == f"changed in {make}")
        print(f"{make}: {took:.2f} s")


def test_a_change_of_ours_arrives_once_although_answers_are_lost(world: World) -> None:
    for make in MAKES:
        handle, id = world.tools.handles[make], world.some(make)
        with world.desk.store.read() as tx:
            key = tx.tickets(make, [id])[id].key
        for method in ("POST", "PUT", "PATCH"):
            handle.faults.add("lost_answer", method=method, times=2)
        editing.edit(world.desk.deps, key, {"title": f"ours in {make}"}, "test")
        editing.comment(world.desk.deps, key, Comment(text=f"said once in {make}"), "test")
        eventually(lambda key=key: not _pending(world, key))
        ticket = handle.ticket(id)
        assert ticket.title == f"ours in {make}"
        assert sum(f"said once in {make}" in comment.text for comment in ticket.comments) == 1


def _pending(world: World, key: int) -> bool:
    with world.desk.store.read() as tx:
        return bool(tx.pending(key))
