"""Which receivers a supplier's user speaks for, and what that leaves of the rights of its role."""

from __future__ import annotations

from connector.domain.handoffs.receiver import Receiver
from connector.web.rights import Right
from connector.web.services import Services


def receivers_of(parts: Services, supplier: str | None) -> tuple[Receiver, ...]:
    """By the receiver's own name, or by the name tickets call the supplier. None is nobody's name."""
    if not supplier or parts.agreements is None:
        return ()
    known = parts.agreements.current().receivers.values()
    return tuple(one for one in known if supplier in (one.name, one.supplier))


def own_rights(parts: Services, supplier: str | None, rights: frozenset[Right]) -> frozenset[Right]:
    """Whoever is a receiver of handoffs learns of tickets what its contract lists, so it reads none itself."""
    return rights & {Right.HANDOFFS_ANSWER} if receivers_of(parts, supplier) else rights
