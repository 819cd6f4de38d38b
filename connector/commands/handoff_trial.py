"""Handoffs of the past under other contracts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from connector.domain.agreements.profile import Profile
from connector.domain.agreements.registry import Registry
from connector.domain.handoffs.chain import Entry
from connector.domain.handoffs.clocks import reading
from connector.domain.handoffs.handoff import Handoff
from connector.domain.handoffs.look import contract_of
from connector.domain.handoffs.penalties import owed
from connector.domain.ticket import Ticket
from connector.store.handoff_queries import HandoffQueries

if TYPE_CHECKING:
    from datetime import datetime

    from connector.wiring import Deployment

BATCH = 200


@dataclass(slots=True)
class Sum:
    kept: int = 0
    broken: int = 0
    penalties: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    @property
    def text(self) -> tuple[str, str, str]:
        money = ", ".join(f"{amount} {currency}".strip() for currency, amount in sorted(self.penalties.items()))
        return str(self.kept), str(self.broken), money or "-"


def compared(deployment: Deployment, edited: Registry, receivers: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Lines of receiver, target, and the sums before and after. Clocks that still run count only once broken."""
    if deployment.agreements is None:
        return
    now, present = deployment.deps.now(), deployment.agreements.current()
    sums: dict[tuple[str, str], tuple[Sum, Sum]] = defaultdict(lambda: (Sum(), Sum()))
    for handoff, entries, ticket in _every(deployment, receivers):
        tried = next((one for one in edited.profiles
                      if one.receiver is not None and one.receiver.name == handoff.receiver), None)
        for which, (contract, registry) in enumerate(((contract_of(handoff, present), present), (tried, edited))):
            _count(sums, which, handoff, entries, contract, registry, ticket, now)
    for (receiver, target), (before, after) in sorted(sums.items()):
        yield receiver, target, *before.text, *after.text


def _count(sums: dict[tuple[str, str], tuple[Sum, Sum]], which: int, handoff: Handoff, entries: Sequence[Entry],
           contract: Profile | None, registry: Registry, ticket: Ticket, now: datetime) -> None:
    told = reading(handoff, entries, contract, registry, ticket, now)
    for named in told.clocks:
        found = sums[handoff.receiver, str(named.target)][which]
        found.broken += named.clock.breached_at is not None
        found.kept += named.clock.breached_at is None and named.clock.stopped_at is not None
    penalties = contract.receiver.penalties if contract is not None and contract.receiver is not None else ()
    for owes in owed(told.clocks, penalties):
        if owes.amount is not None:
            sums[handoff.receiver, owes.target][which].penalties[owes.currency] += owes.amount


def _every(deployment: Deployment, receivers: Sequence[str]) -> Iterator[tuple[Handoff, list[Entry], Ticket]]:
    queries = HandoffQueries(deployment.store)
    for view in ("open", "closed"):
        cursor: str | None = None
        while True:
            page = queries.board(view, only=list(receivers) or None, sort="created", limit=BATCH, cursor=cursor)
            found = [row.handoff for row in page.items]
            with deployment.store.read() as tx:
                entries = tx.entries([one.id for one in found])
                tickets = tx.by_key(sorted({one.ticket for one in found}))
            for one in found:
                yield one, entries[one.id], tickets[one.ticket].ticket
            cursor = page.next
            if cursor is None:
                break
