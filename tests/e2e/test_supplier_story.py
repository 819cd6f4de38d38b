"""The whole story over HTTP with a supplier that is another process: offered, acknowledged late, waiting for the
customer, rejected once, accepted, closed, proven.
"""

from __future__ import annotations

import json
import socket
import threading
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme

from connector.domain.address import AddressPolicy
from connector.domain.handoffs.chain import EntryKind
from connector.domain.handoffs.handoff import Handoff
from connector.domain.handoffs.moves import Move
from connector.domain.handoffs.proof_seal import verify
from connector.domain.ticket import Kind, State, Ticket
from connector.flows import assess, deliver, handoffs
from connector.guarded import Guarded
from connector.ports import Change
from connector.settings import Settings
from connector.store import admin
from connector.web import Services, create_app
from connector.web.handoffs.proofs import signed
from connector.web.handoffs.view import see
from connector.web.server import Server
from connector.wiring import deploy
from tests.channels.endpoint import NEW
from tests.e2e.processes import Processes
from tests.e2e.waiting import eventually

PUBLIC = "93.184.216.34"
CONTRACT = """
profile: hosting-uc
agreement: uc
calendar: 24x7
timezone: UTC
targets:
  acknowledge: 15m
  resolution: 8h
  approval: 4h
receiver:
  name: hosting
  kind: supplier
  reach: {webhook: {url: "https://hosting.example/hooks", secrets: [HOSTING_SECRET]}}
  shares: {fields: [title, priority]}
  severities: {P1: Sev 1}
  pause_reasons: [customer information]
"""


class Story:
    """Our service in this process, its clock in our hands; the supplier elsewhere."""

    def __init__(self, folder: Path, processes: Processes) -> None:
        self.folder, self.passed = folder, timedelta(0)
        (folder / "sla_profiles/suppliers").mkdir(parents=True)
        (folder / "sla_profiles/suppliers/hosting.yaml").write_text(CONTRACT)
        settings = Settings(file=folder / "connector.yaml", store_url=f"sqlite:///{folder / 'connector.db'}")
        admin.upgrade(settings.store_url)
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(folder / "ca.pem"))
        certificate = authority.issue_cert("hosting.example")
        certificate.private_key_and_cert_chain_pem.write_to_path(str(folder / "partner.pem"))
        out = Guarded(AddressPolicy(), resolve=lambda host, port: [PUBLIC], dial=self.dial, ca=str(folder / "ca.pem"))
        self.there = deploy(settings, self.now, out)
        self.parts = Services.of(self.there.store, self.there.deps, settings, self.there.agreements)
        self.server = Server(create_app(self.parts), "127.0.0.1", 0)
        threading.Thread(target=self.server.run, daemon=True).start()
        hook = f"http://127.0.0.1:{self.server.port}/api/v1/webhooks/suppliers/hosting"
        processes.start("partner.py", str(folder), NEW, hook)
        eventually((folder / "ports").exists)
        self.hooks, self.control = (int(port) for port in (folder / "ports").read_text().split())
        with self.there.store.begin() as tx:
            (self.ticket,) = tx.save([Change(ticket=Ticket(
                tool="snow", id="1", kind=Kind.INCIDENT, state=State.IN_PROGRESS, number="INC1", title="Mail is down",
                priority="P1", opened_at=self.now(), updated_at=self.now()))])

    def now(self) -> datetime:
        return datetime.now(UTC) + self.passed

    def dial(self, where: tuple[str, int], timeout: float | None = None) -> socket.socket:
        assert where == (PUBLIC, 443)
        return socket.create_connection(("127.0.0.1", self.hooks), timeout)

    def settle(self, **passed: float) -> None:
        self.passed += timedelta(**passed)
        assess.tick(self.there.deps)
        while deliver.tick(self.there.deps):
            pass

    def says(self, kind: str, **data: Any) -> tuple[int, str]:
        """The supplier sends a message; what our service answered it."""
        given = {"offset": self.passed.total_seconds(), "message": {"type": kind, "data": data}}
        status, text = json.loads(self.ask(json.dumps(given).encode()))
        return status, text

    def seen(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.ask())
        return found

    def ask(self, body: bytes | None = None) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.control}/", body, timeout=30) as answer:
            raw: bytes = answer.read()
        return raw

    def handoff(self, id: str) -> Handoff:
        with self.there.store.read() as tx:
            return tx.handoffs([id])[id]

    def close(self) -> None:
        self.server.end()
        self.there.close()


@pytest.fixture
def story(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    monkeypatch.setenv("HOSTING_SECRET", NEW)
    processes = Processes()
    found = Story(tmp_path, processes)
    yield found
    found.close()
    processes.close()


def test_from_the_offer_to_the_proof(story: Story) -> None:
    deps = story.there.deps
    made = handoffs.offer(deps, story.ticket, handoffs.Offer(receiver="hosting", reason="mail store is full"), "user:a")
    story.settle()
    (offer,) = story.seen()
    assert (offer["type"], offer["subject"], offer["data"]["severity"]) == ("handoff.offered", made.id, "Sev 1")
    assert offer["data"]["fields"] == {"title": "Mail is down", "priority": "P1"}

    story.settle(minutes=16)
    assert [entry.body["what"] for entry in entries(story, made.id, EntryKind.CLOCK)
            if entry.body["target"] == "acknowledge"] == ["breached"]
    status = {"handoff_id": made.id, "supplier_ticket": "CS-77"}
    assert story.says("handoff.status_changed", status="acknowledged", **status)[0] == 202
    assert story.says("handoff.status_changed", status="in_progress", **status)[0] == 202
    assert story.says("handoff.status_changed", status="waiting_customer", reason="customer information",
                      **status)[0] == 202
    story.settle(hours=5)
    assert story.says("handoff.status_changed", status="in_progress", **status)[0] == 202
    refused, why = story.says("handoff.status_changed", status="resolved", **status)
    assert (refused, "reason" in why) == (422, True)
    assert story.says("handoff.status_changed", status="resolved", reason="more disk", **status)[0] == 202
    handoffs.act(deps, made.id, Move.REJECT, "user:a", reason="still full at noon")
    story.settle(minutes=5)
    assert story.says("handoff.status_changed", status="resolved", reason="much more disk", **status)[0] == 202
    handoffs.act(deps, made.id, Move.ACCEPT, "user:a")
    handoffs.act(deps, made.id, Move.CLOSE, "user:a")
    assert story.says("handoff.comment_added", comment="thank you", **status)[0] == 409
    story.settle()

    told = [(message["type"], message["data"]["status"]) for message in story.seen()]
    assert told == [("handoff.offered", "offered"), ("handoff.status_changed", "rejected"),
                    ("handoff.status_changed", "accepted"), ("handoff.status_changed", "closed")]
    assert story.handoff(made.id).theirs == "CS-77"
    assert (story.handoff(made.id).state, story.handoff(made.id).rejections) == ("closed", 1)
    shown = see(story.parts, made.id)
    assert shown is not None
    resolution = next(clock.clock for clock in shown.reading.clocks if str(clock.target) == "resolution")
    assert resolution.state != "breached", "five hours of waiting for the customer did not count"
    proof = verify(signed(story.parts, shown))
    assert proof.whole
    assert proof.handoff == made.id


def entries(story: Story, id: str, kind: EntryKind) -> list[Any]:
    with story.there.store.read() as tx:
        return [entry for entry in tx.entries([id])[id] if entry.kind is kind]
