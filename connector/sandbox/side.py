"""What each make adds to the neutral desk: its ids, its raw values, its rules, its API and its webhooks."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from flask import Flask

from connector.sandbox.desk import Desk
from connector.sandbox.model import Happening, Person, Ticket

ENDED = frozenset({"resolved", "closed", "cancelled"})
AGENT = "agent"
"""Login of the person who acts when a test edits a ticket in the tool."""
ACCOUNT = "connector"
"""Login of the connector's own account."""


class Side(ABC):
    """One make. Holds what belongs to the tool and not to the desk: sessions, tokens, settings."""

    make: ClassVar[str]
    kinds: ClassVar[tuple[str, ...]] = ("incident", "service_request")
    """Kinds of ticket this make has."""
    secrets: ClassVar[frozenset[str]] = frozenset({"password", "client_secret", "key", "app_token", "user_token",
                                                   "api_key"})
    """Names of credentials that are secret."""

    def __init__(self, desk: Desk, version: str = "") -> None:
        self.desk = desk
        self.version = version
        self.url = ""
        desk.rule = self.rule

    # ---- to be said by each make

    @abstractmethod
    def app(self) -> Flask: ...

    @abstractmethod
    def id_of(self, ticket: Ticket) -> str:
        """The tool's own id, as the API shows it."""

    @abstractmethod
    def find(self, id: str) -> Ticket | None: ...

    @abstractmethod
    def status_of(self, state: str, pending_on: str | None, kind: str) -> str:
        """The raw status for a state."""

    @abstractmethod
    def state_of(self, status: str, kind: str) -> str: ...

    @abstractmethod
    def priority_of(self, name: str) -> int:
        """The raw priority for P1 to P5."""

    @abstractmethod
    def computed_priority(self, ticket: Ticket, impact: str, urgency: str) -> int | None:
        """The priority the tool works out by itself, None if it does not."""

    @abstractmethod
    def auth(self) -> dict[str, Any]:
        """Credentials of the connector's account, in the shape of the vendor's AUTH schema (secrets as text)."""

    def options(self) -> dict[str, Any]:
        return {}

    def timezone(self) -> str:
        return "UTC"

    def expire(self) -> None:  # noqa: B027 - a make without sessions has nothing to forget
        """Forget sessions and tokens."""

    def too_many(self) -> bytes:
        """The body of a 429."""
        return b"{}"

    def base(self) -> str:
        """The address to configure."""
        return self.url

    @abstractmethod
    def hook(self, happening: Happening, secret: str, delivery: int, at: float) -> tuple[dict[str, str], bytes]:
        """Headers and body of a webhook about a happening."""

    def webhook_secret(self) -> str:
        """A secret in the shape this make wants."""
        return self.secret("webhook")

    def move(self, ticket: Ticket, by: int, changes: Mapping[str, Any], at: datetime | None = None) -> None:
        """A change as people make it in the tool, with what belongs to it there."""
        self.desk.change(ticket, by, changes, at=at)

    def remove(self, ticket: Ticket, by: int, at: datetime | None = None) -> None:
        """Away with a ticket, as people do it in the tool."""
        self.desk.delete(ticket, by, at=at)

    # ---- the same for all

    def secret(self, name: str) -> str:
        """A credential that is the same for the same seed, and guessed by nobody who does not know this file."""
        return hashlib.sha256(f"{self.desk.seed}/{self.make}/{name}".encode()).hexdigest()[:40]

    def account(self) -> Person:
        return self.desk.person(ACCOUNT)

    def agent(self) -> Person:
        return self.desk.person(AGENT)

    def rule(self, ticket: Ticket, changes: dict[str, Any], at: datetime) -> dict[str, Any]:
        """Keeps state, raw status, priority and dates in step. A new ticket has no status yet."""
        new = not ticket.status
        if new:
            changes.setdefault("state", "new")
        kind = changes.get("kind", ticket.kind)
        if isinstance(changes.get("priority"), str):
            changes["priority"] = self.priority_of(changes["priority"])
        if "status" in changes and "state" not in changes:
            changes["state"] = self.state_of(changes["status"], kind)
        elif "state" in changes and "status" not in changes:
            waits = changes.get("pending_on", ticket.pending_on)
            if new or changes["state"] != ticket.state:
                changes["status"] = self.status_of(changes["state"], waits, kind)
        if "state" in changes and (new or changes["state"] != ticket.state):
            self._dates(ticket, changes, at)
        if new or "impact" in changes or "urgency" in changes:
            impact, urgency = changes.get("impact", ticket.impact), changes.get("urgency", ticket.urgency)
            same = not new and (impact, urgency) == (ticket.impact, ticket.urgency)
            computed = None if same else self.computed_priority(ticket, impact, urgency)
            if computed is not None:
                changes["priority"] = computed
        return changes

    def _dates(self, ticket: Ticket, changes: dict[str, Any], now: datetime) -> None:
        state = changes["state"]
        if state != "pending":
            changes.setdefault("pending_on", None)
        changes.setdefault("pending_since", now if state == "pending" else None)
        if state in ENDED:
            if ticket.resolved_at is None:
                changes.setdefault("resolved_at", now)
            if state != "resolved":
                changes.setdefault("closed_at", now)
        else:
            changes.setdefault("resolved_at", None)
            changes.setdefault("closed_at", None)

    def named(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Changes as a person writes them: groups, people, suppliers and categories by name instead of by id."""
        desk, known = self.desk, dict(changes)
        for field, table in (("group", desk.groups), ("supplier", desk.suppliers)):
            if isinstance(known.get(field), str):
                known[field] = _by_name(table, known[field])
        for field in ("assignee", "requester"):
            if isinstance(known.get(field), str):
                known[field] = desk.person(known[field]).id
        if isinstance(known.get("category"), str):
            known["category"] = next((c.id for c in desk.categories.values()
                                      if known["category"] in (c.path, c.name)), None)
        if isinstance(known.get("company"), str):
            known["company"] = _by_name(desk.companies, known["company"])
        return known


def _by_name(table: Mapping[int, Any], name: str) -> int | None:
    if not name:
        return None
    for number, row in table.items():
        if row.name == name:
            return number
    raise KeyError(f"{name!r} is not at this desk (there are {', '.join(row.name for row in table.values())})")

