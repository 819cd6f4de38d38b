"""A notification that one way cannot deliver goes another way: the order carries its alternatives.

Payload keys `patience` (seconds until it counts as failed) and `otherwise` (the next order, with its own alternatives).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from msgspec.structs import replace

from connector.domain.delivery import Delivery, Order

PATIENCE: Final = "patience"
OTHERWISE: Final = "otherwise"


def chained(orders: Sequence[Order], patience: timedelta) -> Order:
    """The first of `orders`, the others each standing in for the one before it.

    The last has nobody behind it and so all the time its channel gives it.
    """
    *before, last = orders
    for order in reversed(before):
        spare = {"key": last.key, "target": last.target, "verb": last.verb, "lane": last.lane,
                 "payload": last.payload}
        last = replace(order, payload={**order.payload, PATIENCE: int(patience.total_seconds()), OTHERWISE: spare})
    return last


def patience(payload: Mapping[str, Any]) -> timedelta | None:
    seconds = payload.get(PATIENCE)
    return timedelta(seconds=seconds) if isinstance(seconds, int) else None


def overdue(delivery: Delivery, now: datetime) -> bool:
    allowed = patience(delivery.payload)
    return allowed is not None and now - delivery.created_at > allowed


def spare(delivery: Delivery) -> list[Order]:
    """What stands in for a delivery that failed."""
    other = delivery.payload.get(OTHERWISE)
    return [Order(**other, ticket=delivery.ticket)] if isinstance(other, dict) else []
