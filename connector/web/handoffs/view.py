"""A handoff as pages show it: record, history in sentences, clocks, and what each side may do now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from connector.domain.agreements.profile import Profile
from connector.domain.agreements.registry import Registry
from connector.domain.handoffs.chain import Entry, broken
from connector.domain.handoffs.clocks import Reading, reading
from connector.domain.handoffs.handoff import DisputeEffect, Handoff, may
from connector.domain.handoffs.look import contract_of
from connector.domain.handoffs.message import offered
from connector.domain.handoffs.moves import RULES, Move, Side
from connector.domain.handoffs.receiver import Receiver
from connector.domain.ticket import Ticket
from connector.store.handoff_queries import FileRow, HandoffRow
from connector.web.services import Services


@dataclass(frozen=True, slots=True)
class Offered:
    """One move as a button. `reason`: words are required; `effects`: what a dispute may do to the clock."""

    move: Move
    reason: bool
    effects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything about one handoff at one moment."""

    row: HandoffRow
    entries: Sequence[Entry]
    files: Sequence[FileRow]
    ticket: Ticket
    receiver: Receiver | None
    contract: Profile | None
    reading: Reading
    problem: str
    """What is wrong with its chain of entries; "" when it is whole."""

    @property
    def handoff(self) -> Handoff:
        return self.row.handoff

    @property
    def title(self) -> str:
        return self.receiver.title if self.receiver is not None else self.handoff.receiver


def registry_of(parts: Services) -> Registry | None:
    return None if parts.agreements is None else parts.agreements.current()


def see(parts: Services, id: str, receivers: Sequence[str] | None = None) -> Seen | None:
    """None when there is none, or it is another receiver's: nobody can tell which."""
    row = parts.handoffs.one(id, receivers)
    if row is None:
        return None
    with parts.deps.store.read() as tx:
        entries = tx.entries([id])[id]
        stored = tx.by_key([row.handoff.ticket])[row.handoff.ticket]
    registry = registry_of(parts)
    receiver = registry.receivers.get(row.handoff.receiver) if registry is not None else None
    contract = contract_of(row.handoff, registry) if registry is not None else None
    told = (Reading() if registry is None else
            reading(row.handoff, entries, contract, registry, stored.ticket, parts.now()))
    return Seen(row, entries, parts.handoffs.files(id), stored.ticket, receiver, contract, told,
                broken(id, entries, row.handoff.head))


def moves(handoff: Handoff, side: Side) -> list[Offered]:
    """What a side may do now, in the order of the table."""
    effects = tuple(str(effect) for effect in DisputeEffect)
    return [Offered(one, RULES[one].reason, effects if one in (Move.DISPUTE, Move.SETTLE) and side is Side.OURS else ())
            for one in may(handoff, side)]


def left(seen: Seen) -> dict[str, Any]:
    """What the receiver was told of the work: the very same that went out."""
    return {} if seen.receiver is None else offered(seen.handoff, seen.ticket, seen.receiver)
