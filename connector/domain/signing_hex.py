"""Hex HMAC-SHA256 signatures of webhooks that do not follow Standard Webhooks: GLPI's own and those of our plugins.

The signed text differs (`body + timestamp`, or `timestamp + "." + body`), so the caller says how it is put together.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from connector.domain.errors import BadSignature

_DIGITS: Final = re.compile(r"[0-9]{1,12}")
_HEX: Final = re.compile(r"[0-9a-fA-F]{64}")


def stamp_dot_body(stamp: bytes, body: bytes) -> bytes:
    """How our plugins sign: timestamp, a dot, the raw body."""
    return stamp + b"." + body


def body_stamp(stamp: bytes, body: bytes) -> bytes:
    """How GLPI 11 signs: the raw body, then the timestamp, nothing between."""
    return body + stamp


def verify_hex(
    body: bytes,
    stamp: str,
    signature: str,
    secrets: Iterable[str],
    now: datetime,
    window: timedelta,
    *,
    prefix: str = "sha256=",
    signed: Callable[[bytes, bytes], bytes] = stamp_dot_body,
) -> datetime:
    """Check a signature against every current secret and give the time it was signed (UTC).

    `stamp` is the header as it came: seconds since 1970. Raises BadSignature, also without any secret, for a stamp
    further from `now` than `window`, and for malformed headers.
    """
    if not _DIGITS.fullmatch(stamp):
        raise BadSignature("the timestamp of the webhook is missing or is not a number of seconds")
    given = signature[len(prefix):] if signature.startswith(prefix) else ""
    if not _HEX.fullmatch(given):
        raise BadSignature("the signature of the webhook is missing or malformed")
    try:
        at = datetime.fromtimestamp(int(stamp), UTC)
    except (OverflowError, ValueError, OSError):
        raise BadSignature("the timestamp of the webhook is out of range") from None
    text = signed(stamp.encode(), body)
    # Every secret is tried, found or not, so that time tells nothing about which one was right.
    right = [hmac.compare_digest(hmac.new(secret.encode(), text, hashlib.sha256).hexdigest(), given.lower())
             for secret in secrets if secret]
    if not any(right):
        raise BadSignature("the signature of the webhook does not match any current secret")
    if abs(now - at) > window:
        raise BadSignature("the webhook was signed too long ago, or in the future")
    return at
