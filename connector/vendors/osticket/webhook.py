"""Webhooks of the plugin: proof of origin first, then what they point at (docs/osticket-plugin-api.md)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import orjson

from connector.domain.errors import BadSignature, Refused
from connector.ports import Hint
from connector.settings import Secret

WINDOW: Final = timedelta(minutes=5)
LARGEST: Final = 64 * 1024
_PREFIX: Final = "sha256="


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The value of X-Connector-Signature."""
    return _PREFIX + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def verify(secrets: Sequence[Secret], headers: Mapping[str, str], body: bytes, now: datetime) -> Hint:
    """The tickets to read again. Raises BadSignature; Refused for a signed body that makes no sense."""
    given = {name.lower(): value.strip() for name, value in headers.items()}
    timestamp, signature = given.get("x-connector-timestamp", ""), given.get("x-connector-signature", "")
    if not secrets:
        raise BadSignature("no webhook secret is set for this tool")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise BadSignature("X-Connector-Timestamp is missing or not a Unix time")
    if not signature.startswith(_PREFIX) or not signature.isascii():
        raise BadSignature("X-Connector-Signature is missing or not sha256=...")
    if len(body) > LARGEST:
        raise BadSignature("the body is larger than any webhook of the plugin")
    # All secrets are tried, so that the time taken does not tell which one fits.
    fits = [hmac.compare_digest(sign(secret.reveal(), timestamp, body), signature.lower()) for secret in secrets]
    if not any(fits):
        raise BadSignature("the signature does not fit the body")
    if abs(now - datetime.fromtimestamp(int(timestamp), UTC)) > WINDOW:
        raise BadSignature("the webhook is older or newer than five minutes: check the clocks")
    return _hint(body, signature)


def _hint(body: bytes, signature: str) -> Hint:
    try:
        told = orjson.loads(body)
    except ValueError:
        raise Refused("the webhook's body is not JSON") from None
    if not isinstance(told, dict) or not isinstance(told.get("event"), str):
        raise Refused("the webhook's body names no event")
    delivery = told.get("delivery")
    message = delivery if isinstance(delivery, str) and 0 < len(delivery) <= 100 else signature
    id = told.get("id")
    if isinstance(id, str) and id.isascii() and id.isdigit():
        id = int(id)
    if isinstance(id, int) and not isinstance(id, bool) and id > 0:
        return Hint(message=message, ids=(str(id),))
    if told["event"] == "ping":
        return Hint(message=message, ids=())
    raise Refused("the webhook names no ticket")
