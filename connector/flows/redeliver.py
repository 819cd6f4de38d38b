"""Sending a message again that was already sent: a new delivery, with the same message id, so that it counts once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from connector.domain.delivery import DeliveryState, Order
from connector.ports import Deps

MESSAGE: Final = "message"
"""Member of the payload: the key of the delivery that is repeated (domain/handoffs/supplier_envelope.py)."""
AGAIN: Final = (DeliveryState.DONE, DeliveryState.DROPPED)
"""Waiting ones go out by themselves, dead ones are revived."""


def again(deps: Deps, id: int, key: str, state: DeliveryState, order: Mapping[str, Any], actor: str) -> bool:
    """Send the finished delivery `id` to a supplier again; asked twice, it is sent once more only.

    `order` holds its target, verb, lane, payload and ticket. Says False for what cannot be repeated: something still on
    its way, or a write into a tool, which would be done twice.
    """
    target = str(order["target"])
    if not possible(deps, state, target):
        return False
    payload = {**order["payload"], MESSAGE: order["payload"].get(MESSAGE) or key}
    repeat = Order(key=repeat_key(id, key, order["payload"]), target=target, verb=order["verb"], lane=order["lane"],
                   payload=payload, ticket=order["ticket"])
    now = deps.now()
    with deps.store.begin() as tx:
        if tx.enqueue([repeat], now):
            tx.audit(now, actor, "delivery repeated", f"delivery/{id}", {"target": target})
    return True


def possible(deps: Deps, state: DeliveryState, target: str) -> bool:
    return state in AGAIN and target in deps.channels and target.startswith("supplier:")


def repeat_key(id: int, key: str, payload: Mapping[str, Any]) -> str:
    """Key of the delivery that repeats the delivery `id`."""
    return f"{payload.get(MESSAGE) or key}~{id}"


def repeated(key: str) -> int | None:
    """Id of the delivery that the one of this key repeats."""
    _message, mark, id = key.rpartition("~")
    return int(id) if mark and id.isascii() and id.isdecimal() and len(id) < 16 else None
