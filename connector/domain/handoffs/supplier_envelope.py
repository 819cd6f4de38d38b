"""What a supplier receives: one JSON object with the attribute names of CloudEvents 1.0, whatever carries it.

Source of the names: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md. `docs/suppliers.md` and the
API description tell suppliers what it holds; `VERSION` grows when something they may rely on changes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import orjson

from connector.domain.handoffs.file_link import link

VERSION: Final = 1
SCHEMA_PATH: Final = f"/api/v1/schemas/supplier-message-{VERSION}.json"
TYPES: Final = (
    "handoff.offered", "handoff.status_changed", "handoff.comment_added", "handoff.attachment_added",
    "handoff.dispute_opened", "handoff.test",
)
"""What we send. The last is the sample of the self-test."""
_PLAIN_ID: Final = re.compile(r"[!-\-/-~]{1,120}")


def message_id(key: str) -> str:
    """The id a message keeps through every repeat: the delivery's key, made fit for the header `webhook-id`."""
    return key if _PLAIN_ID.fullmatch(key) else f"msg_{hashlib.sha256(key.encode()).hexdigest()[:32]}"


def envelope(key: str, payload: Mapping[str, Any], base: str) -> dict[str, Any]:
    """The message of a delivery. `payload` holds type, time (ISO 8601), handoff (our id) and data.

    `payload["message"]`, if there, is the id of the message this one repeats. `base` is our public address, or "".
    """
    return {
        "specversion": "1.0",
        "id": message_id(payload.get("message") or key),
        "source": base or "urn:servicedesk-connector",
        "type": payload["type"],
        "subject": payload.get("handoff", ""),
        "time": payload["time"],
        "datacontenttype": "application/json",
        "dataschema": f"{base}{SCHEMA_PATH}" if base else f"urn:servicedesk-connector:supplier-message-{VERSION}",
        "data": payload["data"],
    }


def with_links(message: Mapping[str, Any], receiver: str, base: str, key: bytes) -> dict[str, Any]:
    """The message with a link to fetch each of its files. Without a public address of ours there is nowhere to link to.
    """
    data = message["data"]
    if not base or not data.get("attachments"):
        return dict(message)
    at = datetime.fromisoformat(message["time"])
    files = [{**file, "url": link(receiver, message["subject"], file["sha256"], at).url(base, key)}
             for file in data["attachments"]]
    return {**message, "data": {**data, "attachments": files}}


def encoded(message: Mapping[str, Any]) -> bytes:
    """The bytes that are signed and sent; the same message always gives the same."""
    return orjson.dumps(message, option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z)
