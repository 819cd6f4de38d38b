"""Webhooks from GLPI: those of GLPI 11 itself and those of our plugin for GLPI 10.

GLPI 11 signs `body + timestamp` and takes the time when the message is queued: a late delivery looks old, so the window
is wide and a repeat is recognised by the message. Read in GLPI 11's source (Webhook, QueuedWebhook), not run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import orjson

from connector.domain.errors import BadSignature, Refused
from connector.domain.signing_hex import body_stamp, stamp_dot_body, verify_hex
from connector.ports import Hint

PLUGIN_WINDOW: Final = timedelta(minutes=10)
OWN_WINDOW: Final = timedelta(hours=24)
_CHILDREN: Final = frozenset({"ITILFollowup", "ITILSolution", "TicketTask", "TicketValidation", "Document_Item",
                              "Ticket_User", "Group_Ticket", "Supplier_Ticket"})


def verify(headers: Mapping[str, str], body: bytes, secrets: Iterable[str], now: datetime,
           own_window: timedelta = OWN_WINDOW) -> Hint:
    """The tickets to read again. Raises BadSignature, or Refused for a verified body that names no ticket."""
    low = {name.lower(): value for name, value in headers.items()}
    if "x-connector-signature" in low:
        signature, stamp = low["x-connector-signature"], low.get("x-connector-timestamp", "")
        verify_hex(body, stamp, signature, secrets, now, PLUGIN_WINDOW, signed=stamp_dot_body)
    elif "x-glpi-signature" in low:
        signature, stamp = low["x-glpi-signature"], low.get("x-glpi-timestamp", "")
        verify_hex(body, stamp, signature, secrets, now, own_window, prefix="", signed=body_stamp)
    else:
        raise BadSignature("neither X-GLPI-signature nor X-Connector-Signature was sent")
    message = low.get("x-connector-id") or hashlib.sha256(f"{stamp}.{signature}".encode()).hexdigest()
    return Hint(message=message, ids=_ids(body))


def _ids(body: bytes) -> tuple[str, ...]:
    try:
        told = orjson.loads(body)
    except ValueError:
        raise Refused("the webhook is not JSON") from None
    entries = told.get("events", [told]) if isinstance(told, dict) else []
    found = [id for entry in entries if isinstance(entry, dict) and (id := _id(entry))]
    if not found and not (isinstance(told, dict) and told.get("event") in ("heartbeat", "ping")):
        raise Refused("the webhook names no ticket")
    return tuple(dict.fromkeys(found))


def _id(told: Mapping[str, Any]) -> str:
    """The ticket a message is about: itself, or the one above a followup, task or solution."""
    inner = told.get("item")
    item: Mapping[str, Any] = inner if isinstance(inner, dict) else told
    parent = told.get("parent_item")
    if isinstance(parent, dict):
        return _number(parent.get("id"))
    if item.get("items_id") and item.get("itemtype") in (None, "Ticket", *_CHILDREN):
        return _number(item.get("items_id"))
    return _number(item.get("tickets_id") or item.get("ticket_id") or item.get("id"))


def _number(value: Any) -> str:
    return str(value) if not isinstance(value, bool) and str(value or "").isdigit() else ""
