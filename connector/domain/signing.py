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
from typing import Final

from connector.domain.errors import BadSignature

ID: Final = "webhook-id"
TIMESTAMP: Final = "webhook-timestamp"
SIGNATURE: Final = "webhook-signature"
PREFIX: Final = "whsec_"
TOLERANCE: Final = timedelta(minutes=5)
SHORTEST_KEY: Final = 24
LONGEST_KEY: Final = 64
"""Bytes of a key, by the specification."""
MOST_SIGNATURES: Final = 16
# No full stop in an id: `id.timestamp.body` could then be cut in two ways, and one signature would serve two messages.
_ID: Final = re.compile(r"[!-\-/-~]{1,256}")
_SECONDS: Final = re.compile(r"[0-9]{1,12}")


def verify(headers: Mapping[str, str], body: bytes, secrets: Iterable[str], now: datetime) -> str:
    """The message id of a webhook signed with any of `secrets` at most five minutes from `now`, which must be aware.

    Raises BadSignature, and nothing else whatever the headers hold. A repeat is for the caller to notice, by the id.
    """
    given = {name.lower(): value for name, value in headers.items() if name.lower() in (ID, TIMESTAMP, SIGNATURE)}
    missing = [name for name in (ID, TIMESTAMP, SIGNATURE) if not given.get(name)]
    if missing:
        raise BadSignature(f"header missing: {', '.join(missing)}")
    message, stamp = given[ID], given[TIMESTAMP]
    if not _ID.fullmatch(message):
        raise BadSignature(f"{ID}: expected 1 to 256 visible ASCII characters without a full stop")
    if not _SECONDS.fullmatch(stamp):
        raise BadSignature(f"{TIMESTAMP}: expected seconds since 1970")
    if abs(now.timestamp() - int(stamp)) > TOLERANCE.total_seconds():
        raise BadSignature(f"{TIMESTAMP}: more than {TOLERANCE.seconds // 60} minutes from now; is a clock wrong?")
    _compare(_signed(message, stamp, body), _offered(given[SIGNATURE]), _keys(secrets))
    return message


def off_by(headers: Mapping[str, str], body: bytes, secrets: Iterable[str], now: datetime) -> timedelta | None:
    """How far from `now` a message was signed that is genuine but for its age; None for any other. To tell its sender
    what is wrong: it proves nothing, as it may be an old message sent again.
    """
    stamp = next((value for name, value in headers.items() if name.lower() == TIMESTAMP), "")
    try:
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


def _keys(secrets: Iterable[str]) -> list[bytes]:
    keys = []
    for secret in secrets:
        try:
            keys.append(key(secret))
        except ValueError:
            continue
    if not keys:
        raise BadSignature("no usable secret to check it with")
    return keys


def _offered(header: str) -> list[bytes]:
    parts = header.split(" ", MOST_SIGNATURES)[:MOST_SIGNATURES]
    return [part[3:].encode("utf-8", "surrogatepass") for part in parts if part.startswith("v1,")]


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
