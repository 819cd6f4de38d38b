"""How a ladder starts a handoff."""

from __future__ import annotations

from datetime import datetime

from connector.domain.actions import HandOff
from connector.domain.errors import Refused
from connector.ports import Deps, Stored, Tx


def offer(tx: Tx, deps: Deps, stored: Stored, what: HandOff, key: str, now: datetime) -> None:
    """Offer a ticket to a receiver, in the caller's transaction. Raises Refused."""
    raise Refused(f"no handoff to {what.receiver}: handoffs are not set up")
