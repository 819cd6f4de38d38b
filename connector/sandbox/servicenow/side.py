"""ServiceNow over a desk: its ids and raw values, its rules, its webhooks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

import orjson
from flask import Flask

from connector.sandbox.model import Happening, Ticket
from connector.sandbox.servicenow import words
from connector.sandbox.side import Side

DATE: Final = "%Y-%m-%d %H:%M:%S"
CUSTOM: Final = ("u_cost_centre", "u_contract", "u_vip", "u_external_ref")
"""Columns this instance has beside those of the base system."""
_RATE: Final = {"error": {"message": "Rate limit exceeded",
                          "detail": "Rate limit of 100 requests per hour for Table API exceeded"}, "status": "failure"}


class Aborted(Exception):
    """A business rule said no (403)."""


class ServiceNow(Side):
    make: ClassVar[str] = "servicenow"
    kinds: ClassVar[tuple[str, ...]] = ("incident", "service_request", "task", "problem", "change")

    def __init__(self, desk: Any, version: str = "") -> None:
        super().__init__(desk, version or "glide-xanadu-07-02-2024__patch4")
        self.tokens: dict[str, str] = {}
        self.strict = True
        """Whether resolving needs a close code and notes, as in the base system."""

    def app(self) -> Flask:
        from connector.sandbox.servicenow.app import make_app

        return make_app(self)

    def id_of(self, ticket: Ticket) -> str:
        uid = ticket.extra.get("_uid")
        if uid is None:
            uid = ticket.extra["_uid"] = self.desk.uid("task", ticket.id)
        return str(uid)

    def find(self, id: str) -> Ticket | None:
        known = self.desk.by_uid(id)
        return self.desk.tickets.get(known[1]) if known is not None and known[0] == "task" else None

    def number(self, ticket: Ticket) -> str:
        return f"{words.PREFIX[ticket.kind]}{10000 + ticket.id:07d}"

    def status_of(self, state: str, pending_on: str | None, kind: str) -> str:
        return words.STATUS[kind][state]

    def state_of(self, status: str, kind: str) -> str:
        return words.STATE[kind].get(status, "in_progress")

    def priority_of(self, name: str) -> int:
        return int(name.removeprefix("P"))

    def computed_priority(self, ticket: Ticket, impact: str, urgency: str) -> int:
        return words.priority(impact, urgency)

    def rule(self, ticket: Ticket, changes: dict[str, Any], at: datetime) -> dict[str, Any]:
        if "category" in changes:
            changes.update(_category=None, _subcategory=None)
        changes = super().rule(ticket, changes, at)
        if "assignee" in changes and changes["assignee"] is not None and ticket.status and ticket.taken_at is None:
            changes["taken_at"] = at
        kind = changes.get("kind", ticket.kind)
        if "status" in changes and kind == "incident" and changes["status"] in ("6", "7"):
            code = changes.get("close_code", ticket.close_code)
            notes = changes.get("resolution", ticket.resolution)
            if self.strict and not (code and notes):
                raise Aborted("Operation against file 'incident' was aborted by Business Rule 'Resolution code and "
                              "notes are mandatory^1'. Error: close_code and close_notes are mandatory")
        return changes

    def named(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """As an agent fills the form: the form asks for a code and notes when resolving."""
        known = super().named(changes)
        if known.get("state") in ("resolved", "closed"):
            known.setdefault("close_code", "Solution provided")
            known.setdefault("resolution", "Solved by the agent.")
        return known

    def auth(self) -> dict[str, Any]:
        return {"method": "basic", "user": self.account().login, "password": self.secret("password")}

    def oauth(self) -> dict[str, Any]:
        """Credentials for the password grant."""
        return {**self.auth(), "method": "oauth_password", "client_id": self.secret("client")[:32],
                "client_secret": self.secret("client secret")}

    def expire(self) -> None:
        self.tokens.clear()

    def too_many(self) -> bytes:
        return orjson.dumps(_RATE)

    def hook(self, happening: Happening, secret: str, delivery: int, at: float) -> tuple[dict[str, str], bytes]:
        """What our application in the instance sends: Standard Webhooks (research: servicenow.md section 10)."""
        told = {"type": _EVENTS[happening.kind], "ids": [self.desk.uid("task", happening.ticket)]}
        # ASCII only: what the instance signs must not depend on its charset.
        body = json.dumps(told, separators=(",", ":")).encode()
        message, moment = f"msg_{self.desk.uid('delivery', delivery)}", str(int(at))
        key = base64.b64decode(secret.removeprefix("whsec_"))
        mac = hmac.new(key, f"{message}.{moment}.".encode() + body, hashlib.sha256).digest()
        return {"Content-Type": "application/json", "webhook-id": message, "webhook-timestamp": moment,
                "webhook-signature": f"v1,{base64.b64encode(mac).decode()}"}, body

    def webhook_secret(self) -> str:
        return "whsec_" + base64.b64encode(hashlib.sha256(self.secret("webhook").encode()).digest()).decode()


_EVENTS: Final = {"created": "ticket.created", "changed": "ticket.updated", "commented": "ticket.updated",
                  "attached": "ticket.updated", "trashed": "ticket.updated", "deleted": "ticket.deleted"}


def stamp(at: datetime | None) -> str:
    return at.astimezone(UTC).isoformat(" ", "seconds")[:19] if at is not None else ""


def moment(text: str) -> datetime | None:
    """Raises ValueError."""
    return datetime.strptime(text, DATE).replace(tzinfo=UTC) if text else None

