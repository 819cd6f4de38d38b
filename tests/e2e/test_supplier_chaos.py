"""A thousand messages to a supplier that fails in every way, from workers killed at any moment: none lost,
none twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from connector.domain.delivery import Order
from connector.store import admin
from connector.store.tables import deliveries
from tests.channels.endpoint import NEW, RECEIVER
from tests.e2e import sender
from tests.e2e.waiting import eventually

ROOT = Path(__file__).parents[2]
HANDOFFS, MESSAGES = 50, 20
KILLS = 6


class Processes:
    def __init__(self) -> None:
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self, script: str, *arguments: str) -> subprocess.Popen[bytes]:
        environ = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen([sys.executable, str(ROOT / "tests/e2e" / script), *arguments], env=environ,
            cwd=ROOT)
        self.running.append(process)
        return process

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        self.running.remove(process)


@pytest.fixture
def processes() -> Iterator[Processes]:
    found = Processes()
    yield found
    for process in list(found.running):
        found.kill(process)


def test_to_a_supplier_nothing_is_lost_or_done_twice_and_each_handoff_keeps_its_order(
    tmp_path: Path, processes: Processes,
) -> None:
    url, start, rng = f"sqlite:///{tmp_path / 'connector.db'}", time.time(), random.Random(5)
    admin.upgrade(url)
    processes.start("supplier.py", str(tmp_path), "7", NEW)
    eventually((tmp_path / "port").exists)
    port = int((tmp_path / "port").read_text())
    desk = sender.deps(url, port, NEW, start)
    orders = [_order(handoff, sequence) for sequence in range(MESSAGES) for handoff in range(HANDOFFS)]
    with desk.store.begin() as tx:
        tx.enqueue(orders, desk.now())
    for turn in range(KILLS):
        ready = tmp_path / f"ready{turn}"
        worker = processes.start("sender.py", url, str(port), NEW, str(start), str(ready))
        eventually(ready.exists)
        time.sleep(rng.random() * 0.8)  # the moment of the kill is the point here, nothing waits for it
        processes.kill(worker)
    left = _waiting(desk)
    assert 0 < left < len(orders), "killed in the middle of work"
    for turn in range(2):
        processes.start("sender.py", url, str(port), NEW, str(start), str(tmp_path / f"last{turn}"))
    eventually(lambda: not _waiting(desk), 120)
    acts = [json.loads(line) for line in (tmp_path / "acts.jsonl").read_text().splitlines()]
    assert sorted(id for id, _, _ in acts) == sorted(order.key for order in orders)
    for handoff in range(HANDOFFS):
        assert [sequence for _, subject, sequence in acts if subject == f"H{handoff}"] == list(range(MESSAGES))


def _order(handoff: int, sequence: int) -> Order:
    payload = {"type": "handoff.comment_added", "time": "2026-03-02T09:00:00+00:00", "handoff": f"H{handoff}",
               "data": {"handoff_id": f"H{handoff}", "sequence": sequence, "comment": "x" * 200}}
    return Order(key=f"handoff/H{handoff}/{sequence}", target=RECEIVER.target, verb="handoff",
                 lane=f"handoff/H{handoff}", payload=payload)


def _waiting(desk: object) -> int:
    with desk.store.read() as tx:  # type: ignore[attr-defined]
        found: int = tx.run(select(func.count()).where(deliveries.c.state.in_(("waiting", "leased")))).scalar_one()
    return found
