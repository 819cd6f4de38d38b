"""GLPI over a desk: its ids and raw values, its rules, its webhooks."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Final
from zoneinfo import ZoneInfo

import orjson
from flask import Flask

from connector.sandbox.model import File, Happening, Person, Ticket
from connector.sandbox.side import Side

STATUS: Final = {"new": "1", "in_progress": "2", "pending": "4", "resolved": "5", "closed": "6", "cancelled": "6"}
STATE: Final = {"1": "new", "2": "in_progress", "3": "in_progress", "4": "pending", "5": "resolved", "6": "closed"}
SCALE: Final = {"very_high": 5, "high": 4, "medium": 3, "low": 2, "very_low": 1}
SCALE_BACK: Final = {number: name for name, number in SCALE.items()}
MATRIX: Final = {1: (1, 1, 2, 2, 2), 2: (1, 2, 2, 3, 3), 3: (2, 2, 3, 4, 4), 4: (2, 3, 4, 4, 5), 5: (2, 3, 4, 5, 5)}
"""priority_matrix of a fresh GLPI: urgency, then impact 1 to 5."""
SOURCES: Final = ("Helpdesk", "E-Mail", "Phone", "Direct", "Written", "Other", "Connector")


class Glpi(Side):
    make: ClassVar[str] = "glpi"

    def __init__(self, desk: Any, version: str = "") -> None:
        super().__init__(desk, version or "10.0.12")
        self.zone = "UTC"
        """Zone of the connector's account: GLPI shows and takes local times of the user that owns the token."""
        self.sessions: dict[str, Any] = {}
        self.loose: dict[int, File] = {}
        self.blocks: dict[int, tuple[str, ...]] = {}
        """Blocks (each a tab of its own) of the plugin Fields and the names of their fields; {} without the plugin."""
        """Documents that hang on no ticket yet."""
        self.switches: dict[str, bool] = {"api": True, "credentials": True, "app_token": True, "maintenance": False,
                                          "strict_sql": True}

    def app(self) -> Flask:
        from connector.sandbox.glpi.app import make_app

        return make_app(self)

    @property
    def eleven(self) -> bool:
        """GLPI 11: the high-level API beside the old one, text stored as it was typed, webhooks of its own."""
        return self.version.startswith("11")

    def rest(self) -> str:
        """The address of the old API."""
        return f"{self.url}/apirest.php"

    def base(self) -> str:
        return self.url if self.eleven else self.rest()

    def escape(self, text: str) -> str:
        """As GLPI 10 stores what users type."""
        if self.eleven:
            return text
        return text.replace("&", "&#38;").replace("<", "&#60;").replace(">", "&#62;")

    def id_of(self, ticket: Ticket) -> str:
        return str(ticket.id)

    def find(self, id: str) -> Ticket | None:
        return self.desk.tickets.get(int(id)) if id.isdigit() else None

    def status_of(self, state: str, pending_on: str | None, kind: str) -> str:
        return STATUS[state]

    def state_of(self, status: str, kind: str) -> str:
        return STATE.get(status, "in_progress")

    def priority_of(self, name: str) -> int:
        return 6 - int(name.removeprefix("P"))

    def computed_priority(self, ticket: Ticket, impact: str, urgency: str) -> int:
        return MATRIX[SCALE[urgency]][SCALE[impact] - 1]

    def rule(self, ticket: Ticket, changes: dict[str, Any], at: datetime) -> dict[str, Any]:
        """A new ticket that gets somebody is assigned; one that loses its last is new again."""
        touched = [name for name in ("assignee", "group", "supplier") if name in changes]
        status = changes.get("status", ticket.status or "1")
        if (touched and "state" not in changes and "status" not in changes) or (not ticket.status and touched):
            left = any(changes.get(name, getattr(ticket, name)) for name in ("assignee", "group", "supplier"))
            if left and status in ("", "1") and changes.get("state", "new") == "new":
                changes.update(status="2", state="in_progress")
            elif not left and status == "2" and ticket.status:
                changes.update(status="1", state="new")
        changes = super().rule(ticket, changes, at)
        if touched and ticket.taken_at is None and any(changes[name] for name in touched):
            changes.setdefault("taken_at", at)
        return changes

    def move(self, ticket: Ticket, by: int, changes: Mapping[str, Any], at: datetime | None = None) -> None:
        """People solve with a solution; the solution is what the requester reads."""
        solves = changes.get("state") == "resolved" and ticket.state != "resolved"
        super().move(ticket, by, {k: v for k, v in changes.items() if k not in ("resolution", "close_code")}, at)
        if solves:
            self.desk.comment(ticket, by, str(changes.get("resolution") or "Solved."), "solution", at=at)

    def remove(self, ticket: Ticket, by: int, at: datetime | None = None) -> None:
        """Into the trash bin; purging is a second step that few take."""
        self.desk.trash(ticket, by, at=at)

    def auth(self) -> dict[str, Any]:
        """For the high-level API in GLPI 11 (`old_auth` is for the other one)."""
        if not self.eleven:
            return self.old_auth()
        login = self.account().login
        return {"login": login, "password": self.secret(f"password {login}"), "client_id": self.secret("client")[:32],
                "client_secret": self.secret("client secret")}

    def old_auth(self) -> dict[str, Any]:
        return {"user_token": self.user_token(self.account()), "app_token": self.secret("app token")}

    def user_token(self, person: Person) -> str:
        return self.secret(f"user token {person.login}")

    def timezone(self) -> str:
        return self.zone

    def expire(self) -> None:
        self.sessions.clear()

    def too_many(self) -> bytes:
        return b"<html>\n<head><title>429 Too Many Requests</title></head>\n</html>\n"

    def hook(self, happening: Happening, secret: str, delivery: int, at: float) -> tuple[dict[str, str], bytes]:
        """GLPI 10: our plugin. GLPI 11: GLPI's own webhook (body then timestamp, no separator)."""
        moment = str(int(at))
        if self.eleven:
            body = orjson.dumps(self._eleven(happening))
            mac = hmac.new(secret.encode(), body + moment.encode(), hashlib.sha256).hexdigest()
            return {"Content-Type": "application/json", "X-GLPI-signature": mac, "X-GLPI-timestamp": moment}, body
        body = orjson.dumps(self._ten(happening))
        mac = hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()
        return {"Content-Type": "application/json", "X-Connector-Timestamp": moment,
                "X-Connector-Id": self.desk.uid("delivery", delivery), "X-Connector-Signature": f"sha256={mac}"}, body

    def _ten(self, happening: Happening) -> dict[str, Any]:
        ticket = self.desk.tickets.get(happening.ticket)
        told: dict[str, Any] = {"event": f"ticket.{_EVENTS[happening.kind]}", "itemtype": "Ticket",
                                "id": happening.ticket}
        if ticket is not None:
            told |= {"name": ticket.title, "status": int(ticket.status), "entities_id": ticket.company,
                     "date_mod": local(ticket.updated_at, "UTC")}
        return told

    def _eleven(self, happening: Happening) -> dict[str, Any]:
        event = {"created": "new", "deleted": "delete", "trashed": "delete"}.get(happening.kind, "update")
        ticket = self.desk.tickets.get(happening.ticket)
        name = ticket.title if ticket is not None else ""
        return {"event": event, "item": {"itemtype": "Ticket", "id": happening.ticket, "name": name,
                                         "date_mod": happening.at.astimezone(UTC).isoformat(timespec="seconds")}}


_EVENTS: Final = {"created": "created", "changed": "updated", "commented": "updated", "attached": "updated",
                  "trashed": "deleted", "deleted": "purged"}


def local(at: datetime | None, zone: str) -> str | None:
    """Local time of a zone as GLPI writes it; None for none."""
    if at is None:
        return None
    return at.astimezone(ZoneInfo(zone) if zone != "UTC" else UTC).isoformat(" ", "seconds")[:19]


def instant(text: str, zone: str) -> datetime:
    """Raises ValueError. A T or Z is swallowed without conversion, as GLPI does."""
    at = datetime.fromisoformat(text.strip().replace("T", " ").rstrip("Z"))
    return at.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
