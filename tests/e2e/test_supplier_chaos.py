"""A thousand messages to a supplier that fails in every way, from workers killed at any moment: none lost,
none twice."""

from __future__ import annotations

import http.client
import json
import random
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select
from standardwebhooks import Webhook

from connector.domain.delivery import Order
from connector.domain.handoffs.chain import EntryKind, broken
from connector.domain.ticket import Kind, State, Ticket
from connector.flows.handoffs import Offer, offer
from connector.ports import Change
from connector.store import admin
from connector.store.tables import deliveries
from connector.wiring import Deployment
from tests.channels.endpoint import NEW, RECEIVER
from tests.e2e import receiving, sender
from tests.e2e.processes import Processes
from tests.e2e.waiting import eventually

HANDOFFS, MESSAGES = 50, 20
KILLS = 6


@pytest.fixture
def processes() -> Iterator[Processes]:
    found = Processes()
    yield found
    found.close()


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


class Sender:
    """A supplier that repeats each message, same id and bytes, until it is told that it was taken."""

    def __init__(self, port: int, handoffs: list[str], seed: int) -> None:
        self.port, self.handoffs, self.rng = port, handoffs, random.Random(seed)
        self.tries, self.odd = 0, set[int]()
        self.secret = Webhook(NEW)

    def run(self) -> None:
        for number in range(MESSAGES):
            for handoff in self.handoffs:
                self.until_taken(f"{handoff}:{number}", json.dumps({"type": "handoff.comment_added", "data": {
                    "handoff_id": handoff, "comment": f"comment {number}", "comment_id": f"c{number}"}}))

    def until_taken(self, id: str, body: str) -> None:
        while True:
            self.tries += 1
            at = datetime.now(UTC)
            headers = {"webhook-id": id, "webhook-timestamp": str(int(at.timestamp())),
                       "webhook-signature": self.secret.sign(id, at, body), "Content-Type": "application/json"}
            try:
                # Now and then it does not wait for the answer: it was acted on, but they do not know.
                patience = 0.003 if self.rng.random() < 0.1 else 20
                status = self.post(body, headers, patience)
            except (OSError, http.client.HTTPException):
                time.sleep(0.01)
                continue
            if status == 202:
                return
            self.odd.add(status)

    def post(self, body: str, headers: dict[str, str], patience: float) -> int:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=patience)
        try:
            line.request("POST", "/api/v1/webhooks/suppliers/hosting", body, headers)
            return line.getresponse().status
        finally:
            line.close()


def test_from_a_supplier_nothing_is_lost_or_done_twice_while_our_service_is_killed(
    tmp_path: Path, processes: Processes, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOSTING_SECRET", NEW)
    (tmp_path / "sla_profiles/suppliers").mkdir(parents=True)
    (tmp_path / "sla_profiles/suppliers/hosting.yaml").write_text(receiving.PROFILE)
    admin.upgrade(f"sqlite:///{tmp_path / 'connector.db'}")
    desk = receiving.deployment(tmp_path)
    handoffs = _handed_over(desk)
    port, rng = _free_port(), random.Random(3)
    service = processes.start("receiving.py", str(tmp_path), str(port))
    senders = [Sender(port, handoffs[n::4], n) for n in range(4)]
    threads = [threading.Thread(target=one.run) for one in senders]
    for thread in threads:
        thread.start()
    kills = 0
    while any(thread.is_alive() for thread in threads):
        time.sleep(1.5 + rng.random() * 1.5)  # the moment of the kill is the point here, nothing waits for it
        if kills < KILLS:
            kills += 1
            processes.kill(service)
            service = processes.start("receiving.py", str(tmp_path), str(port))
    assert kills >= 2, "it was killed in the middle of work"
    assert sum(one.tries for one in senders) > HANDOFFS * MESSAGES, "something was repeated"
    assert set().union(*(one.odd for one in senders)) <= {503}
    with desk.store.read() as tx:
        chains, records = tx.entries(handoffs), tx.handoffs(handoffs)
    for handoff in handoffs:
        said = [entry.body["text"] for entry in chains[handoff] if entry.kind is EntryKind.COMMENT]
        assert said == [f"comment {number}" for number in range(MESSAGES)]
        assert broken(handoff, chains[handoff], records[handoff].head) == ""
    desk.close()


def _handed_over(desk: Deployment) -> list[str]:
    now = desk.deps.now()
    tickets = [Ticket(tool="snow", id=str(n), kind=Kind.INCIDENT, state=State.IN_PROGRESS, number=f"INC{n}",
                      title="Printer", opened_at=now, updated_at=now) for n in range(HANDOFFS)]
    with desk.store.begin() as tx:
        keys = tx.save([Change(ticket=ticket) for ticket in tickets])
    return [offer(desk.deps, key, Offer(receiver="hosting", reason="please"), "user:a").id for key in keys]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
