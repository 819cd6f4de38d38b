"""What a simulated service desk is made of. Plain data: the desk keeps it, the makes show it in their own words."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

REQUESTER: Final = "requester"
ASSIGNED: Final = "assigned"
OBSERVER: Final = "observer"


@dataclass(slots=True)
class Person:
    """Somebody the tool knows: an agent, a customer, or the account of the connector."""

    id: int
    login: str
    first: str
    last: str
    email: str
    role: str = "customer"
    company: int = 0
    site: int = 0
    groups: tuple[int, ...] = ()
    language: str = "en"
    zone: str = ""
    active: bool = True

    @property
    def name(self) -> str:
        return f"{self.first} {self.last}".strip() or self.login


@dataclass(slots=True)
class Group:
    """A support group of level 1 to 4."""

    id: int
    name: str
    level: int = 1
    manager: int | None = None


@dataclass(slots=True)
class Supplier:
    id: int
    name: str
    email: str = ""


@dataclass(slots=True)
class Company:
    """A customer; 0 is the organisation itself."""

    id: int
    name: str
    parent: int | None = None


@dataclass(slots=True)
class Site:
    id: int
    name: str


@dataclass(slots=True)
class Category:
    id: int
    name: str
    parent: int | None = None
    path: str = ""


@dataclass(slots=True)
class Actor:
    """A person, group or supplier bound to a ticket in a role. `who` 0 with an address is a stranger."""

    id: int
    role: str
    kind: str
    who: int
    email: str = ""


@dataclass(slots=True)
class Ticket:
    """A ticket. `status` and `priority` are the tool's own raw values, kept in step with `state` by its side.

    `extra` holds what only one make knows (its own columns, custom fields).
    """

    id: int
    kind: str
    opened_at: datetime
    updated_at: datetime
    created_at: datetime
    created_by: int
    updated_by: int
    title: str = ""
    description: str = ""
    state: str = "new"
    status: str = ""
    pending_on: str | None = None
    impact: str = "medium"
    urgency: str = "medium"
    priority: int = 3
    category: int | None = None
    service: str = ""
    company: int = 0
    site: int = 0
    parent: int | None = None
    actors: list[Actor] = field(default_factory=list)
    resolved_at: datetime | None = None
    closed_at: datetime | None = None
    due_at: datetime | None = None
    taken_at: datetime | None = None
    pending_since: datetime | None = None
    resolution: str = ""
    close_code: str = ""
    revision: int = 0
    trashed: bool = False
    hidden: bool = False
    extra: dict[str, Any] = field(default_factory=dict)
    comments: list[Comment] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    log: list[Change] = field(default_factory=list)

    def first(self, role: str, kind: str) -> int | None:
        for actor in self.actors:
            if actor.role == role and actor.kind == kind:
                return actor.who
        return None

    @property
    def requester(self) -> int | None:
        return self.first(REQUESTER, "person")

    @property
    def assignee(self) -> int | None:
        return self.first(ASSIGNED, "person")

    @property
    def group(self) -> int | None:
        return self.first(ASSIGNED, "group")

    @property
    def supplier(self) -> int | None:
        return self.first(ASSIGNED, "supplier")


ACTORS: Final = {"requester": (REQUESTER, "person"), "assignee": (ASSIGNED, "person"), "group": (ASSIGNED, "group"),
                 "supplier": (ASSIGNED, "supplier")}
"""Fields of a ticket that are its first actor in a role."""


@dataclass(slots=True)
class Change:
    """One line of the audit log: `field` went from `old` to `new`. Fields beside a ticket's own: `created` (new is the
    list of first actors), `comment` and `file` (new is the id), `trashed`, `actor:<role>:<kind>`."""

    id: int
    ticket: int
    at: datetime
    by: int
    field: str
    old: Any
    new: Any
    revision: int


@dataclass(slots=True)
class Comment:
    """`kind` is message (from the requester's side), reply (by an agent), note (internal), solution or task."""

    id: int
    ticket: int
    at: datetime
    by: int
    text: str
    kind: str = "reply"
    edited_at: datetime | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def public(self) -> bool:
        return self.kind != "note"


@dataclass(slots=True)
class File:
    id: int
    ticket: int
    at: datetime
    by: int
    name: str
    media_type: str
    data: bytes
    comment: int | None = None
    note: str = ""


@dataclass(slots=True)
class Deletion:
    """A ticket that is gone for good."""

    id: int
    ticket: int
    kind: str
    at: datetime
    by: int
    title: str
    extra: dict[str, Any]


@dataclass(slots=True, frozen=True)
class Happening:
    """What the desk tells its listeners (webhooks): created, changed, commented, attached, trashed, deleted."""

    kind: str
    ticket: int
    at: datetime
    by: int
    detail: str = ""
    sub: int = 0
