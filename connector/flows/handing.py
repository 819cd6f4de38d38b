"""How a ladder starts a handoff."""

from __future__ import annotations

from datetime import datetime

from connector.domain.escalations.actions import HandOff
from connector.domain.handoffs.moves import HandoffState
from connector.domain.history import Role
from connector.flows.handoff_offer import Offer, offer_in
from connector.ports import Deps, Stored, Tx

ACTOR = "escalation"
DONE = (HandoffState.ACCEPTED, HandoffState.CLOSED)


def offer(tx: Tx, deps: Deps, stored: Stored, what: HandOff, key: str, now: datetime) -> None:
    """Offer a ticket to a receiver that does not have it, in the caller's transaction. Raises Refused."""
    every = tx.handoffs_of([stored.key]).get(stored.key, [])
    if any(one.receiver == what.receiver and not one.returned and one.state not in DONE for one in every):
        return
    offer_in(tx, deps, stored.key, Offer(receiver=what.receiver, reason=what.reason or "escalated"), ACTOR, key,
             Role.CONNECTOR)
