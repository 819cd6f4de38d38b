"""How the ticket shows where its work is, so that the customer's clock is the mirror image of the supplier's.

It is pending on the supplier exactly while the supplier's contract clock runs, on the customer while the supplier
rightly waits for them, in progress otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from connector.domain.handoffs.handoff import DisputeEffect, Handoff
from connector.domain.handoffs.moves import WITH_THEM, HandoffState
from connector.domain.handoffs.receiver import Receiver
from connector.domain.ticket import ENDED, PendingOn, State, Ticket, Value


def holder(handoff: Handoff, receiver: Receiver | None) -> PendingOn | None:
    """Who the ticket waits for because of this handoff; None when it does not wait.

    A dispute that freezes the contract's clock leaves the ticket with us; one that is credited afterwards does not.
    """
    disputed = handoff.state is HandoffState.DISPUTED
    if disputed and handoff.dispute_effect is DisputeEffect.FROZEN:
        return None
    state = handoff.before if disputed else handoff.state
    if state in WITH_THEM:
        return PendingOn.SUPPLIER
    if state is HandoffState.WAITING_CUSTOMER:
        rightly = receiver is not None and receiver.pauses_for(handoff.waiting_for)
        return PendingOn.CUSTOMER if rightly else PendingOn.SUPPLIER
    return None


def holding(handoffs: Iterable[Handoff], receivers: Mapping[str, Receiver]) -> PendingOn | None:
    """Of several handoffs at once: a supplier that works counts before one that waits for the customer."""
    found = {holder(one, receivers.get(one.receiver)) for one in handoffs}
    return next((one for one in (PendingOn.SUPPLIER, PendingOn.CUSTOMER) if one in found), None)


def wanted(ticket: Ticket, before: PendingOn | None, after: PendingOn | None,
           receiver: Receiver | None) -> dict[str, Value]:
    """What to write to the ticket when who it waits for changes; nothing when somebody moved it elsewhere meanwhile."""
    if before is after or ticket.deleted or ticket.state in ENDED:
        return {}
    now = (ticket.state, ticket.pending_on)
    if after is None:
        return {"state": State.IN_PROGRESS, "pending_on": None} if now == (State.PENDING, before) else {}
    named: dict[str, Value] = {"supplier": receiver.supplier} if (
        after is PendingOn.SUPPLIER and receiver is not None and receiver.supplier
        and receiver.supplier != ticket.supplier) else {}
    return {"state": State.PENDING, "pending_on": after, **named} if now != (State.PENDING, after) else named
