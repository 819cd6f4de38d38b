"""The one path on which readings of tickets come in, whoever asked for them: poll, hint, retry or delivery."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

import structlog

from connector.domain.delivery import Delivery, Order, Verb
from connector.domain.errors import Conflict, Refused, TryLater, Unsupported
from connector.domain.history import Event
from connector.domain.syncing.absorb import Absorbed, absorb
from connector.domain.syncing.changes import diff, older
from connector.domain.syncing.memory import reconcile
from connector.domain.syncing.wishes import Wish, payload, wishes_of
from connector.domain.ticket import Ticket
from connector.ports import Capability, Change, Deps, Stored, Tool, Tx

INLINE: Final = 50
"""Up to so many changed tickets of a page have their history read at once; more are left to the backlog."""
PLACEHOLDER: Final = "~"
"""First letter of the id of a ticket of ours that its tool does not have yet."""
UNREAD: Final = "~"
"""`version` of a ticket we created and have not read since: any reading is newer."""
TRIES: Final = 3
SETTLING: Final = timedelta(seconds=2)
_SKEW_ALLOWED: Final = timedelta(minutes=10)
_FAR: Final = datetime(9999, 1, 1, tzinfo=UTC)
_EVERY: Final = 1_000_000

T = TypeVar("T")
Stop = Callable[[], bool]
log = structlog.get_logger("connector.flows")


def never() -> bool:
    return False


@dataclass(slots=True)
class Report:
    """What a reading found, in tickets (`events` and `pages` apart)."""

    tool: str
    pages: int = 0
    seen: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    stale: int = 0
    """Older than what is stored: readings may arrive out of order."""
    postponed: int = 0
    """To be read again: new ones that may be a create of ours whose answer is still out, and readings overtaken."""
    rejected: int = 0
    gone: int = 0
    conflicts: int = 0
    events: int = 0
    total: int | None = None

    def add(self, other: Report) -> None:
        for name in ("pages", "seen", "new", "changed", "unchanged", "stale", "postponed", "rejected", "gone",
                     "conflicts", "events"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(slots=True)
class Prepared:
    """What was asked of the tool before the transaction opens."""

    tickets: list[Ticket] = field(default_factory=list)
    differing: set[str] = field(default_factory=set)
    memory: dict[str, list[Event]] = field(default_factory=dict)
    late: set[str] = field(default_factory=set)
    """Tickets whose history is to be read later."""
    me: frozenset[str] = frozenset()
    revisions: dict[str, int] = field(default_factory=dict)
    """Of the stored tickets that the readings were held against."""


def tool_now(deps: Deps, tool: Tool) -> datetime:
    """Now, by the tool's clock as far as we know it."""
    return deps.now() + (tool.vendor.skew() or timedelta(0))


def shown(stored: Stored) -> Ticket:
    """What the tool showed last."""
    return stored.ticket if stored.base is None else stored.base


def is_older(reading: Ticket, stored: Stored) -> bool:
    known = shown(stored)
    return known.version != UNREAD and older(reading, known)


def aside(tx: Tx, tool: str) -> set[str]:
    """Ids of all tickets in quarantine."""
    return set(tx.aside(tool, _FAR, _EVERY))


def prepare(deps: Deps, tool: Tool, tickets: Sequence[Ticket], *, alone: bool = False) -> Prepared:
    """See which tickets differ from the store, and ask the tool what it remembers of them.

    `alone`: nobody else writes them now, so that no reading can have been overtaken.
    """
    if not tickets:
        return Prepared()
    with deps.store.read() as tx:
        known = tx.tickets(tool.name, [ticket.id for ticket in tickets])
    found = Prepared(list(tickets) if alone else _certain(tool, tickets, known))
    found.revisions = {id: stored.revision for id, stored in known.items()}
    for ticket in found.tickets:
        stored = known.get(ticket.id)
        if stored is None or stored.missing_since is not None or not (ticket == shown(stored) or
                                                                       is_older(ticket, stored)):
            found.differing.add(ticket.id)
    if found.differing and Capability.HISTORY in tool.vendor.capabilities():
        found.me = tool.vendor.me()
        now = tool_now(deps, tool)
        fresh = {ticket.id for ticket in found.tickets if not settled(ticket, now)}
        remember(tool, found)
        found.late |= found.differing & fresh
    return found


def _certain(tool: Tool, tickets: Sequence[Ticket], known: Mapping[str, Stored]) -> list[Ticket]:
    """The readings, doubtful ones read again: they may have waited while the ticket was read or written elsewhere."""
    doubtful = [ticket.id for ticket in tickets
                if (stored := known.get(ticket.id)) is not None and _doubtful(ticket, stored)]
    if not doubtful or Capability.READ not in tool.vendor.capabilities():
        return list(tickets)
    again = {ticket.id: ticket for ticket in tool.vendor.get(doubtful).tickets}
    return [again.get(ticket.id, ticket) for ticket in tickets]


def _doubtful(reading: Ticket, stored: Stored) -> bool:
    """Whether nobody can say if a reading is older than what is stored: equal stamps, no version, yet a difference."""
    known = shown(stored)
    return (reading.updated_at == known.updated_at and known.version != UNREAD and not reading.version.isdecimal()
            and reading != known)


def settled(ticket: Ticket, now: datetime) -> bool:
    """Whether the second of its last change is over. Until then more may happen that no stamp will show, and the tool's
    memory may not hold all of it yet: it is read once more, later."""
    return ticket.updated_at <= now - SETTLING


def remember(tool: Tool, found: Prepared) -> None:
    """Fill in the tool's memory of what differs, or leave it to the backlog."""
    if len(found.differing) > INLINE:
        found.late = set(found.differing)
        return
    try:
        found.memory = tool.vendor.history(sorted(found.differing))
    except TryLater:
        found.late = set(found.differing)
    except (Refused, Unsupported) as error:
        log.warning("history_unreadable", tool=tool.name, tickets=len(found.differing), reason=str(error))


def take_in(tx: Tx, deps: Deps, tool: Tool, tickets: Iterable[Ticket], prepared: Prepared, report: Report) -> None:
    """Take readings into the store, in the caller's transaction."""
    latest = {ticket.id: ticket for ticket in sorted(tickets, key=lambda ticket: ticket.updated_at)}
    report.seen += len(latest)
    # In this order: a create that is answered in between shows in the tickets.
    creating = [order for order in tx.outstanding(tool.name, Verb.CREATE) if order.attempts or order.owner]
    known = tx.tickets(tool.name, list(latest), lock=True)
    changes: list[Change] = []
    moved: list[tuple[Stored, Ticket]] = []
    postponed: list[str] = []
    for id, ticket in latest.items():
        stored = known.get(id)
        if stored is None:
            if creating and any(_may_be(ticket, order) for order in creating):
                postponed.append(id)
            else:
                changes.append(_new(ticket, prepared))
        elif is_older(ticket, stored):
            report.stale += 1
        elif ticket == shown(stored) and stored.missing_since is None:
            report.unchanged += 1
        elif prepared.revisions.get(id) != stored.revision and _doubtful(ticket, stored):
            postponed.append(id)
        else:
            moved.append((stored, ticket))
    report.new += len(changes)
    report.changed += len(moved)
    report.postponed += len(postponed)
    orders = _move(tx, deps, tool, moved, prepared, changes, report)
    if changes:
        report.events += sum(len(change.events) for change in changes)
        tx.save(changes)
    if orders:
        tx.enqueue(orders, deps.now())
    if postponed:
        tx.hint(tool.name, postponed, deps.now())


def _new(ticket: Ticket, prepared: Prepared) -> Change:
    events = diff(None, ticket)
    remembered = prepared.memory.get(ticket.id)
    if remembered:
        gone, new = set[str](), reconcile(events, remembered, ticket, prepared.me)
        for event in new:
            keys = event.data.get("keys")
            gone.update(keys if isinstance(keys, (tuple, list)) else ())
        events = [e for e in events if e.key not in gone] + [e for e in new if not e.data.get("keys")]
    return Change(ticket=ticket, events=events, history_due=ticket.id in prepared.late)


def _move(tx: Tx, deps: Deps, tool: Tool, moved: Sequence[tuple[Stored, Ticket]], prepared: Prepared,
          changes: list[Change], report: Report) -> list[Order]:
    if not moved:
        return []
    histories = tx.history([stored.key for stored, _ in moved])
    now = tool_now(deps, tool)
    orders: list[Order] = []
    for stored, ticket in moved:
        known = histories[stored.key]
        wishes = wishes_of(tx.pending(stored.key), known) if stored.base is not None else []
        done = reading_of(tool, stored, ticket, known, wishes, prepared, now)
        report.conflicts += done.conflicts
        changes.append(change_of(stored, done, late=ticket.id in prepared.late))
        orders += again_orders(tool, stored, done)
    return orders


def reading_of(tool: Tool, stored: Stored, ticket: Ticket, known: Sequence[Event], wishes: Sequence[Wish],
               prepared: Prepared, now: datetime) -> Absorbed:
    return absorb(stored.ticket, stored.base, ticket, revision=stored.revision, owner=tool.mapping.owner, now=now,
                  wishes=wishes, known=known, memory=prepared.memory.get(ticket.id, ()), me=prepared.me,
                  filling=shown(stored).version == UNREAD)


def change_of(stored: Stored, done: Absorbed, *, late: bool = False, missing: datetime | None = None) -> Change:
    return Change(ticket=done.ticket, before=stored, base=done.base, events=done.events,
                  history_due=stored.history_due or late, missing_since=missing)


def again_orders(tool: Tool, stored: Stored, done: Absorbed) -> list[Order]:
    """The delivery that a conflict won by us asks for."""
    again = done.again
    if again is None:
        return []
    return [Order(key=f"again/{stored.key}/{stored.revision}", target=tool.name, verb=Verb.UPDATE,
                  lane=lane(tool.name, stored.key), payload=payload(again.fields, again.events, again.at),
                  ticket=stored.key)]


def lane(tool: str, key: int) -> str:
    return f"{tool}/{key}"


def _may_be(ticket: Ticket, create: Delivery) -> bool:
    """Whether a new ticket looks like one we are creating: same title, and not older than our wish."""
    title = _squashed(str(create.payload["fields"].get("title") or ""))[:40]
    return bool(title) and title in _squashed(ticket.title) and ticket.opened_at >= create.created_at - _SKEW_ALLOWED


def _squashed(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def retried(work: Callable[[], T]) -> T:
    """Run a transaction again when another process was faster."""
    for _ in range(TRIES):
        try:
            return work()
        except Conflict:
            continue
    raise TryLater("another process keeps changing the same tickets")


def chunks(ids: Iterable[str], size: int) -> Iterator[list[str]]:
    every = list(dict.fromkeys(ids))
    for start in range(0, len(every), size):
        yield every[start : start + size]
