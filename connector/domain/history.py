"""A ticket's history: append-only events, each with a key that makes it unique within the ticket.

Two sources tell of the same change: what the tool remembers (audit, log, thread) and what we infer by comparing
two readings. The first is exact and preferred; the second fills its gaps. `effective` gives the one true sequence.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

if TYPE_CHECKING:
    from connector.domain.ticket import Value
else:
    Value = Any  # msgspec reads annotations, and of a union cannot tell text from a time: the store can


class EventKind(StrEnum):
    CREATED = "created"
    CHANGED = "changed"
    COMMENTED = "commented"
    """A message the requester can see."""
    NOTED = "noted"
    """An internal note."""
    ATTACHED = "attached"
    DELETED = "deleted"
    RESTORED = "restored"
    MERGED = "merged"
    SUPERSEDED = "superseded"
    """`data["keys"]` lists inferred events that the tool's own history has since replaced."""
    AGREED = "agreed"
    """A profile began to apply: `data` holds its name and version, which then stay for the running clocks."""
    CLOCK = "clock"
    """A clock breached, or a recorded breach turned out otherwise: `data` holds profile, target, cycle and what."""
    CLAMPED = "clamped"
    """Something told for a time before the ticket was opened, which cannot be: it counts from the opening. `data` holds
    the event's key and the time it told."""
    ESCALATED = "escalated"
    """A step of a ladder fired, was skipped, or its write was refused: `data` holds rule, version, step, clock, n, what
    and why."""
    ACKNOWLEDGED = "acknowledged"
    """A person took note of an escalation: the chains begun so far end. The ticket itself is not touched by it."""
    INFORMED = "informed"
    """The requester was told of something, or for a reason was not: `data` holds what, since when it is so, outcome."""
    HANDOFF = "handoff"
    """Something happened to a handoff of the ticket: `data` holds handoff (its id), receiver, state and the side that
    acted (ours, theirs, system)."""
    MAJOR = "major"
    """Something happened to the ticket as a major incident: `data` holds what, n (the how manieth time it is one) and
    more (connector/domain/major)."""
    REQUEST = "request"
    """Something happened to the fulfilment of a service request: `data` holds what and more
    (connector/domain/requests)."""
    CONFLICT = "conflict"
    """Both sides changed `field`: `new` was kept, `old` lost; `data["rule"]` says why."""


class Role(StrEnum):
    """Who acted, seen from the ticket."""

    REQUESTER = "requester"
    AGENT = "agent"
    SUPPLIER = "supplier"
    SYSTEM = "system"
    CONNECTOR = "connector"
    UNKNOWN = "unknown"


class Origin(StrEnum):
    TOOL = "tool"
    CONNECTOR = "connector"
    IMPORT = "import"


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One thing that happened. `at` is UTC by the tool's clock; `seq` breaks its ties.

    `inferred`: seen by comparing two readings, so `at` is the latest moment it can have happened.
    `echo`: key of our own event that this one repeats (the tool showing us what we wrote).
    """

    key: str
    at: datetime
    kind: EventKind
    seq: int = 0
    field: str = ""
    old: Value = None
    new: Value = None
    actor: str = ""
    role: Role = Role.UNKNOWN
    origin: Origin = Origin.TOOL
    inferred: bool = False
    echo: str = ""
    text: str = ""
    data: dict[str, Value] = {}


def effective(events: Iterable[Event]) -> list[Event]:
    """Events in the order they happened, without echoes and without inferred events since superseded.

    The result does not depend on the order in which events arrived.
    """
    return sorted(standing(events), key=order)


def standing(events: Iterable[Event]) -> list[Event]:
    """The events without echoes and without those since superseded, in the order given."""
    every = list(events)
    gone: set[str] = set()
    for event in every:
        if event.kind is _SUPERSEDED:
            keys = event.data.get("keys")
            gone.update(keys if isinstance(keys, (tuple, list)) else ())
    return [e for e in every if not e.echo and e.key not in gone and e.kind is not _SUPERSEDED]


_SUPERSEDED: Final = EventKind.SUPERSEDED
_CREATED: Final = EventKind.CREATED


def order(event: Event) -> tuple[datetime, bool, int, str]:
    """Sort key: by time; of one instant the creation first; then the source's own order; then the key."""
    return (event.at, event.kind is not _CREATED, event.seq, event.key)


def value_at(events: Sequence[Event], field: str, at: datetime, last: Value) -> Value:
    """The value of `field` at `at`, from effective events in order; `last` is its value now.

    Before its first change a field had that change's `old`; a field that never changed always had `last`.
    """
    changes = [e for e in events if e.kind is EventKind.CHANGED and e.field == field]
    if not changes:
        return last
    before = [e for e in changes if e.at <= at]
    return before[-1].new if before else changes[0].old
