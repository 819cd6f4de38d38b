"""kill -9 at any moment loses nothing and doubles nothing; SIGTERM ends cleanly."""

from __future__ import annotations

import random
import socket
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from connector import settings as settings_module
from connector import vendors
from connector.commands.demo_desk import Busy, Tools, check
from connector.flows import deliver
from connector.store import admin
from connector.wiring import Deployment, deploy, utc_now
from tests.e2e.service import Service

ROUNDS = 7


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def tools(port: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tools]:
    monkeypatch.chdir(Path(__file__).parents[2])
    with Tools(25, port) as running:
        yield running


@pytest.fixture
def desk(tools: Tools, port: int, tmp_path: Path) -> Iterator[Deployment]:
    """The same store, as seen from this process: the people at our desk."""
    read = settings_module.load(tools.write(tmp_path, port), {}, vendors.schemas)
    admin.upgrade(read.store_url)
    deployment = deploy(read)
    yield deployment
    deployment.close()


def test_killed_again_and_again_nothing_is_lost_or_doubled(
    tools: Tools, desk: Deployment, port: int, tmp_path: Path
) -> None:
    rng = random.Random(11)
    service = Service(tmp_path / "connector.yaml", port)
    busy = Busy(desk.deps, tools)
    for handle in tools.handles.values():
        handle.faults.add("lost_answer", method="POST", times=None, chance=0.3)
    try:
        busy.start()
        for _ in range(ROUNDS):
            service.start()
            service.wait_until_alive()
            time.sleep(rng.random() * 2)  # the moment of the kill is the point here, nothing waits for it
            service.kill()
        busy.stop()
        service.start()
        service.wait_until_alive()
        # What the last kill left leased is taken over when its lease has run out, not before.
        later = replace(desk.deps, now=lambda: utc_now() + deliver.LEASE)
        verdict = check(later, tools, busy)
        assert verdict.good, (verdict.missing, verdict.doubled, verdict.differing, verdict.in_tool, verdict.in_store)
        assert said_more_than_once(tools) == []
        assert sum(busy.done.values()) > 10 * ROUNDS / 7, "there was something to lose"
        assert service.end() == 0
    finally:
        service.close()


def said_more_than_once(tools: Tools) -> list[str]:
    """Comments of ours that a tool holds twice."""
    found: list[str] = []
    for name, handle in tools.handles.items():
        for ticket in handle.desk.tickets.values():
            ours = Counter(c.text for c in ticket.comments if c.text.startswith("from our desk") and "[ref" in c.text)
            found += [f"{name}/{ticket.id}: {text}" for text, count in ours.items() if count > 1]
    return found


def test_sigterm_ends_cleanly_and_gives_its_leases_back(
    tools: Tools, desk: Deployment, port: int, tmp_path: Path
) -> None:
    service = Service(tmp_path / "connector.yaml", port)
    try:
        service.start()
        service.wait_until_alive()
        assert service.end() == 0
        with desk.store.begin() as tx:
            now = desk.deps.now()
            for name in ("worker", *(f"poll:{tool}" for tool in tools.handles)):
                assert tx.lease(name, "another", now, now), f"{name} is still held"
    finally:
        service.close()
