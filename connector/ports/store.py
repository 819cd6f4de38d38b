"""The store as flows see it: transactions that speak in lists."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, Protocol

from msgspec import Struct

from connector.domain.attempt import Attempt
from connector.domain.delivery import Delivery, Order
from connector.domain.errors import BadRecord
from connector.domain.handoffs.chain import Entry
from connector.domain.handoffs.handoff import Handoff, Moved
from connector.domain.history import Event, EventKind
from connector.domain.ticket import Ticket
from connector.ports.vendor import Cursor, Diagnosis


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
