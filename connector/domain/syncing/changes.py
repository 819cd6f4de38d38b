"""What changed between two readings of a ticket, as inferred events.

What the tool itself remembers is better (`domain.memory`); this is what remains where it remembers nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from hashlib import blake2b
from typing import Final

from connector.domain.history import Event, EventKind, Origin
from connector.domain.ticket import ENDED, FIELDS, State, Ticket, Value, value_of

LATE: Final = 1 << 30
"""`seq` of what we infer or do ourselves: of one instant it comes after what the tool remembers."""
PER_REVISION: Final = 256
CREATED: Final = "~created"

_PLAIN: Final = tuple(name for name in FIELDS if name not in ("state", "deleted", "custom"))


def diff(before: Ticket | None, after: Ticket, *, revision: int = 0) -> list[Event]:
    """Inferred events that lead from one reading to the next; all of them when there is none before.

    `at` is the latest moment a change can have happened: `updated_at`, or a more exact stamp the ticket carries. A
    first reading of a ticket that is already further on gives its creation and the steps its stamps prove.
    `revision` (of the stored ticket) keeps the keys of equal changes apart and orders changes of the same second.
    """
    if before is None:
        return _first(after)
    if before == after:
        return []
    found: list[Event] = []
    place = LATE + revision * PER_REVISION
    for field in changed_fields(before, after):
        if field == "deleted":
            kind = EventKind.DELETED if after.deleted else EventKind.RESTORED
            found.append(_event(after, kind, after.updated_at, place + len(found), "", None, None, revision))
        elif field == "state":
            for old, new, at in _steps(before.state, before, after):
                found.append(_event(after, EventKind.CHANGED, at, place + len(found), field, old, new, revision))
        else:
            old_value, new_value = value_of(before, field), value_of(after, field)
            found.append(_event(after, EventKind.CHANGED, after.updated_at, place + len(found), field, old_value,
                                new_value, revision))
    return _together(found)


def changed_fields(before: Ticket, after: Ticket) -> Iterator[str]:
    """Names of the fields that differ; custom fields one by one."""
    for name in _PLAIN:
        if getattr(before, name) != getattr(after, name):
            yield name
    if before.custom != after.custom:
        for key in sorted(before.custom.keys() | after.custom.keys()):
            if before.custom.get(key) != after.custom.get(key):
                yield f"custom.{key}"
    if before.state is not after.state:
        yield "state"
    if before.deleted != after.deleted:
        yield "deleted"


def older(reading: Ticket, shown: Ticket) -> bool:
    """Whether a reading is older than the one already taken in: readings may arrive out of order."""
    if reading.updated_at != shown.updated_at:
        return reading.updated_at < shown.updated_at
    if reading.version.isdecimal() and shown.version.isdecimal():
        return int(reading.version) < int(shown.version)
    return False


def _first(ticket: Ticket) -> list[Event]:
    found = [Event(key=CREATED, at=ticket.opened_at, kind=EventKind.CREATED, origin=Origin.TOOL)]
    if ticket.state is not State.NEW:
        for old, new, at in _steps(State.NEW, None, ticket):
            found.append(Event(key=f"~state.{new}", at=max(at, ticket.opened_at), kind=EventKind.CHANGED,
                               seq=LATE + len(found), field="state", old=old, new=new, inferred=True))
        if ticket.pending_on is not None:
            found.append(Event(key="~pending_on", at=found[-1].at, kind=EventKind.CHANGED, seq=LATE + len(found),
                               field="pending_on", new=ticket.pending_on, inferred=True))
    if ticket.deleted:
        found.append(Event(key="~deleted", at=ticket.updated_at, kind=EventKind.DELETED, seq=LATE + len(found),
                           inferred=True))
    return found


def _steps(state: State, before: Ticket | None, after: Ticket) -> Iterator[tuple[State, State, datetime]]:
    """The moves from `state` to `after.state`: past "resolved" on the way to "closed" if a new stamp proves it."""
    resolved = _new_stamp(before, after, "resolved_at")
    closed = _new_stamp(before, after, "closed_at")
    ended = after.state is State.CLOSED and state not in ENDED
    if ended and resolved is not None and (closed is None or resolved <= closed):
        yield state, State.RESOLVED, resolved
        state = State.RESOLVED
    exact = resolved if after.state is State.RESOLVED else closed if after.state in ENDED else None
    yield state, after.state, exact or after.updated_at


def _new_stamp(before: Ticket | None, after: Ticket, name: str) -> datetime | None:
    """A stamp that this reading brought, unless it lies before the reading it would have to follow."""
    at: datetime | None = getattr(after, name)
    if before is None or at is None:
        return at
    return at if at != getattr(before, name) and at >= before.updated_at else None


def _together(events: list[Event]) -> list[Event]:
    """`pending_on` changed when the state did."""
    moves = [event for event in events if event.field == "state"]
    if not moves:
        return events
    at = moves[-1].at
    return [Event(key=e.key, at=at, kind=e.kind, seq=e.seq, field=e.field, old=e.old, new=e.new, inferred=True)
            if e.field == "pending_on" else e for e in events]


def _event(after: Ticket, kind: EventKind, at: datetime, seq: int, field: str, old: Value, new: Value,
           revision: int) -> Event:
    mark = digest(after.updated_at, after.version, revision, old, new)
    return Event(key=f"~{field or kind}/{mark}", at=at, kind=kind, seq=seq, field=field, old=old, new=new,
                 inferred=True)


def digest(*parts: object) -> str:
    """A short, stable name for a combination of values."""
    text = "\x1f".join(part.isoformat() if isinstance(part, datetime) else str(part) for part in parts)
    return blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()
