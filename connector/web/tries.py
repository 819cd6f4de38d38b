"""Tries of deliveries as the reader may see them, on pages and in the API."""

from __future__ import annotations

from typing import Any

from connector.domain.attempt import Attempt
from connector.flows import sent
from connector.store.views import DeliveryRow
from connector.web.auth.identity import Who
from connector.web.rights import Right
from connector.web.services import Services


def may_read(row: DeliveryRow, asking: Who) -> bool:
    """Whether the reader may see what was sent, and what came back: who may read the thing it is about."""
    return asking.may(Right.HANDOFFS_READ if sent.to_supplier(row.target) else Right.TICKETS_READ)


def of(parts: Services, row: DeliveryRow, asking: Who) -> list[Attempt]:
    """Oldest first; without what was answered where the reader may not see it."""
    with parts.deps.store.read() as tx:
        found = tx.attempts(row.id)
    return found if may_read(row, asking) else sent.without_answers(found)


def look(parts: Services, row: DeliveryRow, asking: Who) -> dict[str, Any]:
    """What was sent; the look is recorded where it has to be. The caller has asked `may_read`."""
    payload = row.payload or {}
    sent.looked(parts.deps, row.id, row.target, payload, asking.label)
    return sent.content(row.key, row.target, row.verb, payload, parts.settings.public_url)
