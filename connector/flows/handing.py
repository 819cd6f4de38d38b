"""How a ladder starts a handoff."""

from __future__ import annotations

from datetime import datetime

from connector.domain.actions import HandOff
from connector.domain.history import Role
from connector.flows.handoff_offer import Offer, offer_in
from connector.ports import Deps, Stored, Tx

ACTOR = "escalation"


def offer(tx: Tx, deps: Deps, stored: Stored, what: HandOff, key: str, now: datetime) -> None:
    """Offer a ticket to a receiver, in the caller's transaction. Raises Refused."""
    offer_in(tx, deps, stored.key, Offer(receiver=what.receiver, reason=what.reason or "escalated"), ACTOR, key,
             Role.CONNECTOR)
