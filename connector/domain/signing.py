"""Webhook signatures after Standard Webhooks 1.0 (symmetric, `v1`), signed and verified strictly.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md. The signature is the
base64 of HMAC-SHA256 over `id.timestamp.body`, its key the base64 behind `whsec_`.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from connector.domain.errors import BadSignature

ID: Final = "webhook-id"
TIMESTAMP: Final = "webhook-timestamp"
SIGNATURE: Final = "webhook-signature"
PREFIX: Final = "whsec_"
TOLERANCE: Final = timedelta(minutes=5)
SHORTEST_KEY: Final = 24
LONGEST_KEY: Final = 64
"""Bytes of a key, by the specification."""
_HEADERS: Final = (ID, TIMESTAMP, SIGNATURE)
# No full stop in an id: `id.timestamp.body` could then be cut in two ways, and one signature would serve two messages.
_ID: Final = re.compile(r"[!-\-/-~]{1,256}")
# One way to write a moment: no zeros in front, which other readers would sign and compare differently.
_SECONDS: Final = re.compile(r"0|[1-9][0-9]{0,11}")


def verify(headers: Mapping[str, str], body: bytes, secrets: Iterable[str], now: datetime) -> str:
    """The message id of a webhook signed with any of `secrets` at most five minutes from `now`, which must be aware.

    Raises BadSignature, and nothing else whatever the headers and secrets hold: a header twice, in any spelling, is
    refused too, as two readers could take different ones. A repeat is for the caller to notice, by the id.
    """
    message, stamp, signatures = _given(headers)
    if not _ID.fullmatch(message):
        raise BadSignature(f"{ID}: expected 1 to 256 visible ASCII characters without a full stop")
    if not _SECONDS.fullmatch(stamp):
        raise BadSignature(f"{TIMESTAMP}: expected seconds since 1970")
    if abs(now.timestamp() - int(stamp)) > TOLERANCE.total_seconds():
        raise BadSignature(f"{TIMESTAMP}: more than {TOLERANCE.seconds // 60} minutes from now; is a clock wrong?")
    _compare(_signed(message, stamp, body), _offered(signatures), _keys(secrets))
    return message


def _given(headers: Mapping[Any, Any]) -> tuple[str, str, str]:
    """Id, timestamp and signatures as sent. Raises BadSignature for one that is missing, no text or there twice."""
    found: dict[str, str] = {}
    for name, value in headers.items():
        plain = name.lower() if isinstance(name, str) and name.isascii() else ""
        if plain not in _HEADERS:
            continue
        if plain in found or not isinstance(value, str):
            raise BadSignature(f"{plain}: expected one text")
        found[plain] = value
    missing = [name for name in _HEADERS if not found.get(name)]
    if missing:
        raise BadSignature(f"header missing: {', '.join(missing)}")
    return found[ID], found[TIMESTAMP], found[SIGNATURE]


def off_by(headers: Mapping[str, str], body: bytes, secrets: Iterable[str], now: datetime) -> timedelta | None:
    """How far from `now` a message was signed that is genuine but for its age; None for any other. To tell its sender
    what is wrong: it proves nothing, as it may be an old message sent again.
    """
    try:
        _, stamp, _ = _given(headers)
        signed_at = datetime.fromtimestamp(int(stamp), UTC) if _SECONDS.fullmatch(stamp) else now
        verify(headers, body, secrets, signed_at)
    except (BadSignature, ValueError, OverflowError, OSError):
        return None
    return signed_at - now


def sign(message: str, at: datetime, body: bytes, secrets: Sequence[str]) -> dict[str, str]:
    """The three headers for a message, with one signature for each secret (two while they are rotated).

    Raises ValueError for an id or secret that no receiver would take.
    """
    if not _ID.fullmatch(message) or not secrets:
        raise ValueError("a message needs an id without a full stop, and a secret")
    stamp = str(int(at.timestamp()))
    content = _signed(message, stamp, body)
    signatures = [f"v1,{_mac(key(secret), content).decode()}" for secret in secrets]
    return {ID: message, TIMESTAMP: stamp, SIGNATURE: " ".join(signatures)}


def key(secret: str) -> bytes:
    """The key in a secret. Raises ValueError, without showing it, when it is not base64 of 24 to 64 bytes."""
    try:
        raw = base64.b64decode(secret.removeprefix(PREFIX).encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise ValueError(f"a webhook secret is {PREFIX} and base64") from None
    if not SHORTEST_KEY <= len(raw) <= LONGEST_KEY:
        raise ValueError(f"a webhook secret holds {SHORTEST_KEY} to {LONGEST_KEY} bytes, this one {len(raw)}")
    return raw


def _keys(secrets: Iterable[Any]) -> list[bytes]:
    keys = []
    for secret in secrets or ():
        if not isinstance(secret, str):
            continue
        try:
            keys.append(key(secret))
        except ValueError:
            continue
    if not keys:
        raise BadSignature("no usable secret to check it with")
    return keys


def _offered(header: str) -> list[bytes]:
    return [part[3:].encode("utf-8", "surrogatepass") for part in header.split(" ") if part.startswith("v1,")]


def _signed(message: str, stamp: str, body: bytes) -> bytes:
    return b".".join((message.encode("ascii"), stamp.encode("ascii"), body))


def _mac(secret: bytes, content: bytes) -> bytes:
    return base64.b64encode(hmac.digest(secret, content, "sha256"))


def _compare(content: bytes, offered: Sequence[bytes], keys: Sequence[bytes]) -> None:
    good = False
    for secret in keys:
        expected = _mac(secret, content)
        for signature in offered:
            # No early end: the time taken tells nothing about which secret or signature fitted.
            good |= hmac.compare_digest(expected, signature)
    if not good:
        raise BadSignature("the signature does not fit the body and any of our secrets")
