"""A service desk with two suppliers that send webhooks; each has been offered one piece of work."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from connector.domain.handoffs.chain import Entry, EntryKind
from connector.domain.handoffs.handoff import Handoff
from connector.domain.signing import sign
from connector.files.in_force import Agreements
from connector.flows.handoff_offer import Offer, offer_in
from connector.settings.supplier_keys import SupplierKeys
from tests.channels.endpoint import NEW, OLD
from tests.web.conftest import app_of
from tests.web.world import World

PATH = "/api/v1/webhooks/suppliers/{}"
PROFILE = """
profile: {name}-uc
agreement: uc
applies_to: {{supplier: "{name}"}}
calendar: 24x7
timezone: UTC
targets: {{resolution: {{else: 12h}}}}
receiver:
  name: {name}
  kind: supplier
  reach: {{webhook: {{url: "https://{name}.example/hooks", secrets: [{variable}, {variable}_OLD]}}}}
  statuses: {{"En cours": start}}
"""
KEYS = SupplierKeys({"ALPHA": NEW, "ALPHA_OLD": OLD, "BETA": "whsec_" + base64.b64encode(b"beta" * 8).decode()})
BETA = KEYS._environ["BETA"]


class Desk:
    """A service desk with two suppliers; each has been offered one piece of work."""

    def __init__(self, there: World, app: Flask) -> None:
        self.there, self.app, self.client = there, app, app.test_client()
        self.work = {name: self.offer(name) for name in ("alpha", "beta")}
        self.sent = 0

    def offer(self, receiver: str) -> str:
        with self.there.store.begin() as tx:
            ticket = self.there.keys[{"alpha": "2", "beta": "5"}[receiver]]
            return offer_in(tx, self.there.services.deps, ticket, Offer(receiver=receiver, reason="please"),
                "user:a").id

    def post(self, body: bytes, name: str = "alpha", *, id: str = "", secrets: tuple[str, ...] = (NEW,),
             headers: dict[str, str] | None = None, late: float = 0, client: FlaskClient | None = None) -> TestResponse:
        self.sent += 1
        at = self.there.clock() - timedelta(seconds=late)
        signed = sign(id or f"m{self.sent}", at, body, secrets)
        given = {"Content-Type": "application/json", **signed, **(headers or {})}
        return (client or self.client).post(PATH.format(name), data=body, headers=given)

    def tell(self, kind: str, name: str = "alpha", handoff: str = "", **more: Any) -> TestResponse:
        post = {key: more.pop(key) for key in ("id", "secrets", "headers", "late") if key in more}
        if name == "beta":
            post.setdefault("secrets", (BETA,))
        data = {"handoff_id": handoff or self.work[name], **more}
        return self.post(json.dumps({"type": kind, "timestamp": "2026-03-02T08:59:00Z", "data": data}).encode(), name,
                         **post)

    def status(self, status: str, **more: Any) -> TestResponse:
        return self.tell("handoff.status_changed", status=status, **more)

    def handoff(self, name: str = "alpha") -> Handoff:
        with self.there.store.read() as tx:
            return tx.handoffs([self.work[name]])[self.work[name]]

    def entries(self, kind: EntryKind, name: str = "alpha") -> list[Entry]:
        with self.there.store.read() as tx:
            return [entry for entry in tx.entries([self.work[name]])[self.work[name]] if entry.kind is kind]


def supplied(there: World, folder: Path) -> Desk:
    profiles = folder / "sla_profiles" / "suppliers"
    profiles.mkdir(parents=True)
    for name in ("alpha", "beta"):
        (profiles / f"{name}.yaml").write_text(PROFILE.format(name=name, variable=name.upper()))
    agreements = Agreements(folder / "sla_profiles", there.store, there.clock)
    deps = replace(there.services.deps, registry=agreements.current, options={"files": folder / "files"})
    there.services = replace(there.services, deps=deps, agreements=agreements, keys=KEYS)
    return Desk(there, app_of(there))


def problem(response: TestResponse, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.get_data(as_text=True)
    assert response.content_type == "application/problem+json"
    found: dict[str, Any] = response.get_json()
    assert found["status"] == status
    return found
