"""osTicket over a desk: departments are groups, help topics are categories; it has no impact, urgency or kinds."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, NamedTuple

import orjson
from flask import Flask

from connector.sandbox.model import Happening, Ticket
from connector.sandbox.side import Side


class Status(NamedTuple):
    name: str
    state: str


STATUSES: Final = {1: Status("Open", "open"), 2: Status("Resolved", "closed"), 3: Status("Closed", "closed"),
                   4: Status("Archived", "archived"), 5: Status("Deleted", "deleted"),
                   6: Status("Waiting for customer", "open"), 7: Status("Waiting for supplier", "open")}
"""The stock rows and the two that docs/osticket.md recommends."""
PRIORITIES: Final = {1: ("low", "Low", 4), 2: ("normal", "Normal", 3), 3: ("high", "High", 2),
                     4: ("emergency", "Emergency", 1)}
TEAMS: Final = {1: "Level I", 2: "Level II"}
SLAS: Final = {1: ("Default", 18), 2: ("Gold", 4)}
FIELDS: Final[dict[str, tuple[int, str, dict[str, str] | None]]] = {
    "asset_tag": (36, "text", None), "business_impact": (37, "choices", {"high": "High", "low": "Low"}),
    "is_vip": (38, "bool", None), "needed_by": (39, "datetime", None), "sla_due": (40, "text", None),
    "sla_state": (41, "text", None), "sla_left": (42, "text", None),
}
"""Custom fields of the ticket form."""
_PENDING: Final = {"customer": "6", "supplier": "7"}


class OsTicket(Side):
    make: ClassVar[str] = "osticket"
    kinds: ClassVar[tuple[str, ...]] = ("incident", "service_request")

    def __init__(self, desk: Any, version: str = "") -> None:
        super().__init__(desk, version or "1.18.1")
        self.keys: dict[str, tuple[str, str, dict[str, Any]]] = {}
        """Keys of writes: verb, digest of the content, result."""
        self.mails: dict[str, int] = {}
        """Message-IDs and their tickets."""
        self.epoch = 1
        """Part of every cursor: raise it and all cursors are gone."""
        self.switches: dict[str, bool] = {"plugin": True, "verify_email": False, "bmp": True,
                                          "unregistered": True}
        self.required: dict[int, dict[str, str]] = {}
        """Fields that a help topic demands: topic id -> name -> label."""
        self.filtered = ("@spam.example",)

    def app(self) -> Flask:
        from connector.sandbox.osticket.app import make_app

        return make_app(self)

    def id_of(self, ticket: Ticket) -> str:
        return str(ticket.id)

    def find(self, id: str) -> Ticket | None:
        return self.desk.tickets.get(int(id)) if id.isdigit() else None

    def number(self, id: int) -> str:
        """Six digits that look drawn by lot and never repeat (multiplication modulo a prime)."""
        return f"{id * 387_419 % 1_000_003:06d}"

    def by_number(self, number: str) -> Ticket | None:
        return next((t for t in self.desk.tickets.values() if self.number(t.id) == number), None)

    def status_of(self, state: str, pending_on: str | None, kind: str) -> str:
        if state == "pending":
            return _PENDING.get(pending_on or "", "6")
        return {"resolved": "2", "closed": "3", "cancelled": "3"}.get(state, "1")

    def state_of(self, status: str, kind: str) -> str:
        return {"2": "resolved", "3": "closed", "4": "closed", "5": "cancelled", "6": "pending",
                "7": "pending"}.get(status, "in_progress")

    def priority_of(self, name: str) -> int:
        return {"P1": 4, "P2": 3, "P3": 2}.get(name, 1)

    def computed_priority(self, ticket: Ticket, impact: str, urgency: str) -> int | None:
        return None

    def rule(self, ticket: Ticket, changes: dict[str, Any], at: datetime) -> dict[str, Any]:
        if "status" in changes:
            changes["pending_on"] = {"6": "customer", "7": "supplier"}.get(changes["status"])
        elif "pending_on" in changes and changes.get("state", ticket.state) == "pending" and ticket.status:
            changes["status"] = self.status_of("pending", changes["pending_on"], ticket.kind)
        if not ticket.status and "priority" not in changes:
            scale = {"high": 1, "medium": 2, "low": 3}
            level = scale.get(changes.get("impact", ""), 2) + scale.get(changes.get("urgency", ""), 2) - 1
            changes["priority"] = self.priority_of(f"P{level}")
        return super().rule(ticket, changes, at)

    @property
    def settling(self) -> float:
        """Seconds a change must be old to be listed (a write may commit late); none where time stands still."""
        return 2.0 if self.desk.clock.speed else 0.0

    def auth(self) -> dict[str, Any]:
        return {"api_key": self.secret("api key").upper()}

    def expire(self) -> None:
        self.epoch += 1

    def hook(self, happening: Happening, secret: str, delivery: int, at: float) -> tuple[dict[str, str], bytes]:
        own = {"created": "created", "deleted": "deleted", "commented": happening.detail}
        event = own.get(happening.kind, "updated")
        event = {"task": "note", "solution": "reply"}.get(event, event)
        body = orjson.dumps({
            "event": f"ticket.{event}", "id": happening.ticket, "number": self.number(happening.ticket),
            "at": utc(happening.at), "delivery": str(uuid.UUID(self.desk.uid("delivery", delivery)))})
        moment = str(int(at))
        mac = hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()
        return {"Content-Type": "application/json", "X-Connector-Timestamp": moment,
                "X-Connector-Signature": f"sha256={mac}"}, body


def utc(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat(timespec="seconds")[:19] + "Z" if at is not None else None


def moment(text: str) -> datetime:
    """Raises ValueError."""
    at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)

