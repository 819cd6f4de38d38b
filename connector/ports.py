"""What the flows need from outside, on one page. Adapters implement it; flows know nothing else of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from msgspec import Struct

from connector.domain.agreements.registry import Registry
from connector.domain.attempt import Attempt
from connector.domain.delivery import Delivery, Order
from connector.domain.errors import BadRecord
from connector.domain.handoffs.chain import Entry
from connector.domain.handoffs.handoff import Handoff, Moved
from connector.domain.history import Event, EventKind
from connector.domain.mapping import Mapping as FieldMapping
from connector.domain.ticket import Attachment, AttachmentInfo, Comment, Draft, Patch, Ref, Ticket

Cursor = dict[str, Any]
"""Where a reading stopped: JSON, understood only by the adapter that made it. {} is the very beginning."""


class Capability(StrEnum):
    """One verb or quality of a tool, as found at run time."""

    READ = "read"
    HISTORY = "history"
    CREATE = "create"
    UPDATE = "update"
    COMMENT = "comment"
    NOTE = "note"
    ATTACH = "attach"
    ATTACHMENTS = "attachments"
    DELETIONS = "deletions"
    """Lists what was deleted; without it deletions are found by sweeping all ids."""
    IDS = "ids"
    WEBHOOKS = "webhooks"
    FIND = "find"
    """A ticket can be found by our key, so a create whose answer was lost can be repeated safely."""


class Page(Struct, frozen=True, kw_only=True):
    """Some changed tickets, oldest change first, and the cursor that continues after them."""

    tickets: list[Ticket]
    cursor: Cursor
    rejected: list[BadRecord] = []
    total: int | None = None
    """How many tickets the whole reading will give, if the tool says so (for progress only)."""


class Diagnosis(Struct, frozen=True, kw_only=True):
    """What `connector check --live` found out about a tool."""

    version: str
    account: str
    capabilities: frozenset[Capability]
    plugin: str = ""
    skew: timedelta | None = None
    """Tool clock minus ours."""
    remarks: tuple[str, ...] = ()
    """Problems and advice, one sentence each."""


class FieldInfo(Struct, frozen=True, kw_only=True):
    """A field as the tool describes it; `choices` maps its raw values to labels, None if free."""

    name: str
    label: str = ""
    kinds: tuple[str, ...] = ()
    writable: bool = True
    choices: Mapping[str, str] | None = None


class Vendor(Protocol):
    """One tool. Raises TryLater, Refused (NotFound), Unsupported, BadSignature, and nothing else.

    A verb outside `capabilities()` raises Unsupported. Instances are safe to share between threads.
    `key` is ours and unique for ever: a write repeated with the same key has one effect. `again` says that an
    earlier try may have worked although its answer was lost: look before writing.
    """

    name: str

    def capabilities(self) -> frozenset[Capability]: ...
    def diagnose(self) -> Diagnosis: ...
    def fields(self) -> list[FieldInfo]: ...
    def skew(self) -> timedelta | None: ...
    def me(self) -> frozenset[str]:
        """Names under which the tool shows our own account as the author of events."""
        ...

    def changed(self, since: Cursor) -> Iterator[Page]: ...
    def get(self, ids: Sequence[str]) -> Page:
        """The tickets as they are now; ids that are gone or hidden are absent. `cursor` is empty."""
        ...

    def ids(self) -> Iterator[list[str]]:
        """All ids the account can see, for reconciliation."""
        ...

    def deletions(self, since: Cursor) -> tuple[list[str], Cursor]: ...
    def history(self, ids: Sequence[str]) -> dict[str, list[Event]]:
        """All the tool remembers of these tickets, comments and notes included, in canonical fields and values."""
        ...

    def attachments(self, id: str) -> list[AttachmentInfo]: ...
    def download(self, id: str, attachment: str) -> Iterator[bytes]: ...
    def find(self, key: str) -> Ref | None: ...
    def create(self, draft: Draft, key: str, again: bool = False) -> Ref: ...
    def update(self, id: str, patch: Patch, again: bool = False) -> Ticket | None:
        """The ticket after the change when the tool says it in the same answer, else None."""
        ...

    def comment(self, id: str, comment: Comment, key: str, again: bool = False) -> str:
        """The tool's id of the comment ("" when it does not say)."""
        ...

    def attach(self, id: str, file: Attachment, key: str, again: bool = False) -> str: ...
    def verify_webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Hint: ...
    def close(self) -> None: ...


class Hint(Struct, frozen=True, kw_only=True):
    """What a verified tool webhook tells: which tickets to read again. `message` makes a repeat recognisable."""

    message: str
    ids: tuple[str, ...]


class Stored(Struct, frozen=True, kw_only=True, gc=False):
    """A ticket in our store. `key` is our own id of it; `base` is what the tool last showed, where it differs."""

    key: int
    ticket: Ticket
    revision: int
    base: Ticket | None = None
    history_due: bool = False
    missing_since: datetime | None = None


class Change(Struct, frozen=True, kw_only=True, gc=False):
    """A ticket to write. `before` None inserts; otherwise the row must still be at that revision (else Conflict).

    A `ticket` with another id than `before` renames the row (a ticket of ours that now exists in the tool).
    `events` whose key the ticket already has are ignored. `next_check_at` None means at once: what changed is to be
    looked at; `schedule` sets and clears the moment.
    """

    ticket: Ticket
    before: Stored | None = None
    base: Ticket | None = None
    events: Sequence[Event] = ()
    history_due: bool = False
    missing_since: datetime | None = None
    next_check_at: datetime | None = None


class Handed(Struct, frozen=True, kw_only=True):
    """A handoff with its ticket and the other handoffs of that ticket, oldest first."""

    ticket: Stored
    handoff: Handoff
    others: tuple[Handoff, ...] = ()
    marks: frozenset[str] = frozenset()
    """Those asked for that an entry of the handoff has."""


class Tx(Protocol):
    """One open transaction. Every method takes and gives lists: a page of tickets costs a handful of statements."""

    # tickets and their history
    def tickets(self, tool: str, ids: Sequence[str], *, lock: bool = False) -> dict[str, Stored]: ...
    def by_key(self, keys: Sequence[int], *, lock: bool = False) -> dict[int, Stored]: ...
    def save(self, changes: Sequence[Change]) -> list[int]:
        """Our keys, in order. Raises Conflict when a row moved since it was read."""
        ...

    def keys(self) -> tuple[int, int] | None:
        """The least and the greatest of our keys; None when there is no ticket."""
        ...

    def walk(self, first: int, last: int) -> list[Stored]:
        """The tickets whose key is from `first` to `last`, in order."""
        ...

    def history(self, keys: Sequence[int], kinds: Collection[EventKind] | None = None) -> dict[int, list[Event]]:
        """In the order in which events happened; of some `kinds` only when given."""
        ...

    def append(self, events: Iterable[tuple[int, Event]]) -> list[tuple[int, str]]:
        """Insert the events not yet there; gives back (ticket key, event key) of those."""
        ...

    def history_backlog(self, tool: str, limit: int) -> list[Stored]: ...
    def missing(self, tool: str, seen: Iterable[str], now: datetime) -> list[Stored]:
        """Living tickets of a tool that a full sweep did not see; their `missing_since` is set where it was not.

        It is cleared on those that were seen.
        """
        ...

    # when to look again
    def schedule(self, at: Mapping[int, datetime | None]) -> None: ...
    def due(self, now: datetime, limit: int) -> list[Stored]: ...

    def opened_alike(self, kind: str, like: Mapping[str, str], since: datetime, until: datetime) -> list[datetime]:
        """When living tickets of a kind with these values (of filter columns) were opened, oldest first, both ends
        included; at most 10,000."""
        ...

    # outbox
    def enqueue(self, orders: Sequence[Order], now: datetime) -> list[str]:
        """Keys that were new."""
        ...

    def claim(self, owner: str, now: datetime, lease: timedelta, room: Mapping[str, int]) -> list[Delivery]:
        """Heads of lanes that are ready, at most `room[target]` of each target; expired leases are taken over."""
        ...

    def done(self, delivery: Delivery, now: datetime, result: Mapping[str, Any],
             tried: Attempt | None = None) -> bool: ...
    def done_together(self, deliveries: Sequence[Delivery], now: datetime, result: Mapping[str, Any]) -> int:
        """`done` for many that this transaction has claimed; how many there were."""
        ...

    def retry(self, delivery: Delivery, at: datetime, reason: str, tried: Attempt | None = None) -> bool: ...
    def bury(self, delivery: Delivery, now: datetime, reason: str, tried: Attempt | None = None) -> bool:
        """done, retry and bury say False when the lease was lost to somebody else meanwhile, and keep `tried` if not.
        A claim that takes an expired lease over keeps the try of its former owner as lost."""
        ...

    def release(self, owner: str, lease: timedelta | None = None) -> int:
        """Give back what this owner still holds (clean shutdown, or it is gone); tries it claimed for `lease` are kept
        as lost."""
        ...

    def attempts(self, delivery: int) -> list[Attempt]:
        """Tries of a delivery that are kept, oldest first."""
        ...

    def hurry(self, now: datetime, until: datetime) -> None:
        """Deliveries and looks at tickets planned up to `until` come now: the clock they were planned by was ahead."""
        ...

    def holders(self) -> list[str]:
        """Owners of the deliveries in work."""
        ...

    def revive(self, ids: Sequence[int] | None, target: str | None, now: datetime) -> int: ...
    def drop(self, ids: Sequence[int], now: datetime, reason: str) -> int:
        """Waiting or dead deliveries that a person decided need not happen; how many there were."""
        ...

    def pending(self, ticket: int) -> list[Delivery]:
        """Deliveries of a ticket still to be done, oldest first."""
        ...

    def outstanding(self, target: str, verb: str) -> list[Delivery]:
        """Deliveries of one verb to one target still to be done, oldest first."""
        ...

    # cursors, hints, inbox, links, quarantine
    def cursor(self, tool: str, stream: str) -> Cursor: ...
    def cursors(self, stream: str) -> dict[str, Cursor]:
        """One stream of every tool or channel that has it."""
        ...

    def move_cursor(self, tool: str, stream: str, cursor: Cursor, now: datetime) -> None: ...
    def hint(self, tool: str, ids: Sequence[str], now: datetime) -> None: ...
    def hints(self, tool: str, limit: int) -> list[tuple[str, datetime]]: ...
    def clear_hints(self, tool: str, taken: Sequence[tuple[str, datetime]]) -> None:
        """Remove hints unless they were given again after `taken`."""
        ...

    def first_time(self, source: str, message: str, digest: str, now: datetime) -> str:
        """Record a message: "new", "repeat" (same digest) or "clash" (same id, other content)."""
        ...

    def link(self, tool: str, links: Mapping[str, str]) -> None: ...
    def links(self, tool: str, keys: Sequence[str]) -> dict[str, str]: ...
    def set_aside(self, records: Sequence[BadRecord], now: datetime) -> None: ...
    def aside(self, tool: str, now: datetime, limit: int) -> list[str]:
        """Ids in quarantine whose next try has come."""
        ...

    def readmit(self, tool: str, ids: Sequence[str]) -> None: ...
    def health(
        self,
        tool: str,
        now: datetime,
        *,
        worked: int = 0,
        failed: int = 0,
        reason: str = "",
        skew: timedelta | None = None,
        diagnosis: Diagnosis | None = None,
    ) -> None:
        """Add to what is known of a connection: exchanges that worked and failed since the last call, the reason of
        the latest failure ("" if the latest exchange worked), the clock skew. For the connections page; call it
        seldom (say once a minute, and at every change between working and failing), it is a write."""
        ...

    # agreements
    def keep_agreements(self, documents: Mapping[tuple[str, str], Mapping[str, Any]], now: datetime) -> None:
        """Keep versions of profiles, by (name, version); those already kept stay as they are."""
        ...

    def kept_agreements(self) -> dict[tuple[str, str], dict[str, Any]]: ...

    # what may go, at most `limit` rows at a time; each gives how many went
    def prune_deliveries(self, before: datetime, limit: int) -> int:
        """Done or dropped before then, of tickets that have ended or of none. Dead letters wait for a person."""
        ...

    def prune_inbox(self, before: datetime, limit: int) -> int: ...
    def prune_audit(self, before: datetime, limit: int) -> int: ...

    # handoffs
    def handoffs(self, ids: Sequence[str], *, lock: bool = False) -> dict[str, Handoff]: ...
    def handoffs_of(self, tickets: Sequence[int]) -> dict[int, list[Handoff]]:
        """All handoffs of these tickets (by our key), oldest first."""
        ...

    def handed(self, id: str, marks: Sequence[str] = ()) -> Handed | None:
        """A handoff for writing: its ticket is locked first, and all is read after that."""
        ...

    def entries(self, ids: Sequence[str]) -> dict[str, list[Entry]]:
        """The history of each handoff, in order."""
        ...

    def marked(self, id: str, marks: Sequence[str]) -> set[str]:
        """Those of the marks that an entry of the handoff has."""
        ...

    def save_handoffs(self, moved: Sequence[Moved], events: Sequence[tuple[int, Event]] = (),
                      look_at: datetime | None = None) -> None:
        """Insert (revision 0) or update with the new entries. Raises Conflict when a row moved since it was read.

        Written with them: `events` as by `append`, and `look_at` as by `schedule` for the tickets of these handoffs.
        """
        ...

    def needed_files(self, digests: Sequence[str]) -> set[str]:
        """Those that a handoff holds."""
        ...

    # who may do what, who did what
    def alone(self, name: str) -> None:
        """Until this transaction ends no other one is past this line for the same name: to read, decide and write."""
        ...
    def lease(self, name: str, owner: str, now: datetime, until: datetime) -> bool: ...
    def end_lease(self, name: str, owner: str) -> None: ...
    def audit(self, now: datetime, actor: str, action: str, subject: str, detail: Mapping[str, Any]) -> None: ...


class Store(Protocol):
    def begin(self) -> AbstractContextManager[Tx]:
        """A transaction for writing: committed at the end of the block, rolled back by an exception."""
        ...

    def read(self) -> AbstractContextManager[Tx]:
        """A consistent view for reading."""
        ...


class Channel(Protocol):
    """One way of reaching people or a supplier. A delivery whose `target` is its name is handed to it.

    Instances are safe to share between threads; one call takes less than `flows.deliver.MARGIN`.
    """

    @property
    def name(self) -> str:
        """`mail`, `chat`, `supplier:<receiver>`; no tool has a colon in its name."""
        ...

    @property
    def concurrency(self) -> int: ...
    @property
    def per_minute(self) -> int | None: ...
    @property
    def give_up(self) -> timedelta:
        """Age at which a delivery that still fails is buried."""
        ...

    def deliver(self, delivery: Delivery, now: datetime) -> Mapping[str, Any]:
        """Do it once; gives what is worth keeping of the answer (no secret, no text of a message).

        Raises TryLater (the other side is down: all wait), Postponed (only this one waits), Refused (never),
        Gone (the other side asks to be left alone: all wait until a person enables the channel again). `attempts`
        above zero: an earlier try may have worked although its answer was lost.
        """
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Tool:
    """A connected tool as the flows see it."""

    name: str
    vendor: Vendor
    mapping: FieldMapping
    poll_every: timedelta = timedelta(seconds=30)
    concurrency: int = 4
    per_minute: int | None = None


@dataclass(frozen=True, slots=True)
class Deps:
    """Everything a flow needs, built in one place and passed by hand."""

    store: Store
    tools: Mapping[str, Tool]
    now: Callable[[], datetime]
    owner: str = "connector"
    """Unique name of this process, holder of leases."""
    options: Mapping[str, Any] = field(default_factory=dict)
    registry: Callable[[], Registry] | None = None
    """The agreements in force; None where there are none, and then no ticket is ever looked at for its clocks."""
    channels: Mapping[str, Channel] = field(default_factory=dict)
    """How people and suppliers are reached, by name."""
