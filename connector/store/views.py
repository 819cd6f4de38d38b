"""What the read side gives to pages and the REST API: plain frozen values, no SQL."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Generic, Literal, TypeVar

from msgspec import Struct

from connector.domain.delivery import DeliveryState
from connector.domain.history import Event
from connector.domain.ticket import Ticket

T = TypeVar("T")
TicketSort = Literal["updated", "opened", "priority", "number"]


class BadCursor(ValueError):
    """A page cursor that we did not make, or made for another sort order."""


class Paged(Struct, Generic[T], frozen=True, kw_only=True):
    """One page. `next` is opaque; hand it back as `cursor` for the page after, None when there is none."""

    items: list[T]
    next: str | None = None


class TicketFilter(Struct, frozen=True, kw_only=True):
    """All conditions hold together; several values of one field mean any of them; () or None means any value.

    An empty string among the values means "not known". `text` is searched in number and title, without regard to
    case or accents; every word must occur. `deleted` None shows living and deleted tickets.
    """

    tool: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    state: tuple[str, ...] = ()
    priority: tuple[str, ...] = ()
    group: tuple[str, ...] = ()
    assignee: tuple[str, ...] = ()
    customer: tuple[str, ...] = ()
    service: tuple[str, ...] = ()
    supplier: tuple[str, ...] = ()
    number: str = ""
    text: str = ""
    opened_from: datetime | None = None
    opened_before: datetime | None = None
    updated_from: datetime | None = None
    updated_before: datetime | None = None
    deleted: bool | None = False
    on_its_way: bool | None = None
    """True: only tickets with a change of ours not yet shown by the tool."""


class TicketRow(Struct, frozen=True, kw_only=True):
    """A line of the ticket list. Long texts are cut at 255 characters; the full ticket is in TicketDetail."""

    key: int
    tool: str
    id: str
    number: str
    title: str
    kind: str
    state: str
    pending_on: str
    priority: str
    group: str
    assignee: str
    customer: str
    service: str
    supplier: str
    opened_at: datetime
    updated_at: datetime
    deleted: bool
    on_its_way: bool


class DeliveryRow(Struct, frozen=True, kw_only=True):
    """A delivery as it stands. `payload` and `result` are only filled by `Queries.delivery`."""

    id: int
    key: str
    target: str
    verb: str
    lane: str
    ticket: int | None
    state: DeliveryState
    attempts: int
    created_at: datetime
    ready_at: datetime
    finished_at: datetime | None
    owner: str
    lease_until: datetime | None
    reason: str
    payload: dict[str, Any] | None = None
    result: dict[str, Any] | None = None


class TicketDetail(Struct, frozen=True, kw_only=True):
    """One ticket. `events` are all that are stored, in order; `domain.history.effective` drops echoes and superseded.

    `base` is what the tool last showed where that differs from `ticket`. `conflicts` are those events that record one.
    """

    key: int
    ticket: Ticket
    base: Ticket | None
    revision: int
    history_due: bool
    missing_since: datetime | None
    next_check_at: datetime | None
    events: list[Event]
    conflicts: list[Event]
    deliveries: list[DeliveryRow]
    """Waiting, leased and dead ones, oldest first."""


class QuarantineRow(Struct, frozen=True, kw_only=True):
    tool: str
    ticket: str
    problems: tuple[str, ...]
    tries: int
    first_at: datetime
    last_at: datetime
    next_at: datetime


class AuditRow(Struct, frozen=True, kw_only=True):
    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]


class AgreementVersion(Struct, frozen=True, kw_only=True):
    """A version of a profile that was in force: its content, calendars and directory entries included."""

    version: str
    kept_at: datetime
    document: dict[str, Any]


class StreamAge(Struct, frozen=True, kw_only=True):
    stream: str
    moved_at: datetime


class ConnectionRow(Struct, frozen=True, kw_only=True):
    """Health of one tool, as last recorded with `Tx.health`. Counts cover the last 24 hours for exchanges."""

    tool: str
    reachable: bool | None = None
    """None: nothing has been recorded yet."""
    version: str = ""
    account: str = ""
    plugin: str = ""
    capabilities: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    skew: timedelta | None = None
    ok_at: datetime | None = None
    failed_at: datetime | None = None
    reason: str = ""
    worked: int = 0
    failed: int = 0
    streams: tuple[StreamAge, ...] = ()
    waiting: int = 0
    leased: int = 0
    dead: int = 0
    oldest_waiting: datetime | None = None
    hints: int = 0
    quarantined: int = 0
    history_due: int = 0
    tickets: int = 0

    @property
    def error_rate(self) -> float | None:
        """Failed exchanges divided by all of the last 24 hours; None when there were none."""
        total = self.worked + self.failed
        return self.failed / total if total else None


class Counts(Struct, frozen=True, kw_only=True):
    """Figures for the dashboard and for Prometheus."""

    tickets: dict[tuple[str, str], int]
    """(tool, state) -> living tickets."""
    deliveries: dict[tuple[str, str], int]
    """(target, state) -> deliveries waiting, leased or dead."""
    oldest_waiting: dict[str, datetime]
    """target -> when its oldest waiting delivery was made."""
    hints: dict[str, int]
    quarantined: dict[str, int]
    history_due: dict[str, int]
    moved_at: dict[tuple[str, str], datetime]
    """(tool, stream) -> when its cursor last moved."""
    clamped: int = 0
    """Events that tools told for a time before their ticket was opened."""


Role = Literal["admin", "planner", "agent", "viewer", "supplier"]


class User(Struct, frozen=True, kw_only=True):
    """A person who may log in. `supplier` names whose tickets a user with that role may see.

    `epoch` changes when the password or the rights change: sessions that carry an older one are over.
    """

    id: int
    login: str
    name: str
    email: str
    role: Role
    supplier: str
    language: str
    password_hash: str
    active: bool
    epoch: int
    failures: int
    locked_until: datetime | None
    created_at: datetime
    seen_at: datetime | None


class Token(Struct, frozen=True, kw_only=True):
    """An API token without its secret. `hint` is the beginning of the secret, to recognise it."""

    id: int
    name: str
    hint: str
    scopes: tuple[str, ...]
    user: int | None
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None
    revoked_at: datetime | None
