"""The ticket in our own vocabulary, and what we may ask a tool to do to it.

Every time is an aware datetime in UTC. An empty string or None means "not known": it is never guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

from msgspec import Struct

Value = str | int | float | bool | None | datetime | tuple[str, ...]
Custom = dict[str, str | int | float | bool | None]


class Ref(NamedTuple):
    """Where a ticket lives: the name of the tool and the tool's own id."""

    tool: str
    id: str

    def __str__(self) -> str:
        return f"{self.tool}/{self.id}"


class Kind(StrEnum):
    """ITIL 4 record types. `task` is a fulfilment task of a service request."""

    INCIDENT = "incident"
    SERVICE_REQUEST = "service_request"
    TASK = "task"
    PROBLEM = "problem"
    CHANGE = "change"


class State(StrEnum):
    NEW = "new"
    IN_PROGRESS = "in_progress"
    PENDING = "pending"
    RESOLVED = "resolved"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class PendingOn(StrEnum):
    """Who or what a pending ticket waits for."""

    CUSTOMER = "customer"
    SUPPLIER = "supplier"
    PROBLEM = "problem"
    CHANGE = "change"
    APPROVAL = "approval"
    INTERNAL = "internal"
    OTHER = "other"


class Scale(StrEnum):
    """Impact and urgency."""

    VERY_HIGH = "very_high"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    VERY_LOW = "very_low"


PRIORITIES: Final = ("P1", "P2", "P3", "P4", "P5")
ENDED: Final = frozenset({State.RESOLVED, State.CLOSED, State.CANCELLED})


class Ticket(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A ticket as one tool last showed it (or as we want it to be, while our change is on its way).

    `version` is the tool's own change stamp, if it has one, and breaks ties of `updated_at`.
    `level` is the support level (1 to 4) of `group`. `parent` is the id, in the same tool, of the ticket above.
    """

    tool: str
    id: str
    kind: Kind
    state: State
    opened_at: datetime
    updated_at: datetime
    number: str = ""
    title: str = ""
    description: str = ""
    pending_on: PendingOn | None = None
    impact: Scale | None = None
    urgency: Scale | None = None
    priority: str | None = None
    category: str = ""
    service: str = ""
    customer: str = ""
    site: str = ""
    contract: str = ""
    supplier: str = ""
    requester: str = ""
    requester_email: str = ""
    assignee: str = ""
    group: str = ""
    level: int | None = None
    parent: str = ""
    resolved_at: datetime | None = None
    closed_at: datetime | None = None
    due_at: datetime | None = None
    tags: tuple[str, ...] = ()
    custom: Custom = {}
    deleted: bool = False
    version: str = ""

    @property
    def ref(self) -> Ref:
        return Ref(self.tool, self.id)


IDENTITY: Final = frozenset({"tool", "id"})
STAMPS: Final = frozenset({"updated_at", "version"})
FIELDS: Final[tuple[str, ...]] = tuple(name for name in Ticket.__struct_fields__ if name not in IDENTITY | STAMPS)
"""Names of the fields that carry meaning: what mappings fill, merges compare and events report."""


class Draft(Struct, frozen=True, kw_only=True):
    """A ticket to be created: canonical field name -> value (`custom.x` for custom fields)."""

    kind: Kind
    fields: dict[str, Value]


Patch = Mapping[str, Value]
"""Canonical field name -> new value (`custom.x` for custom fields). `state` and `pending_on` travel together."""


class Comment(Struct, frozen=True, kw_only=True):
    """Plain text. `public` comments are seen by the requester, the others by agents only."""

    text: str
    public: bool = False
    author: str = ""


class AttachmentInfo(Struct, frozen=True, kw_only=True):
    id: str
    name: str
    media_type: str = "application/octet-stream"
    size: int | None = None
    created_at: datetime | None = None


class Attachment(Struct, frozen=True, kw_only=True):
    """A file to add. `open` gives its bytes in chunks, anew at each call, so that a retry can read them again."""

    name: str
    media_type: str
    size: int
    open: Callable[[], Iterator[bytes]]


def value_of(ticket: Ticket, field: str) -> Value:
    """The value of a canonical field; `custom.x` reads a custom field (None when absent)."""
    if field.startswith("custom."):
        return ticket.custom.get(field[7:])
    value: Value = getattr(ticket, field)
    return value
