"""Links that go to a supplier: to fetch a file of a handoff, or to answer it. Whoever has the link may, until it ends.

A link depends on nothing but what it is for and the moment that was told of, so that a repeated message is the same.
Files and answers are signed with different keys.
"""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

VALID: Final = timedelta(days=30)
PATH: Final = "/api/v1/webhooks/suppliers/{receiver}/files/{handoff}/{digest}"


class FileLink(Struct, frozen=True):
    """`until` is in seconds since 1970."""

    receiver: str
    handoff: str
    digest: str
    until: int

    def proof(self, key: bytes) -> str:
        said = "\n".join((self.receiver, self.handoff, self.digest, str(self.until)))
        return hmac.digest(key, said.encode(), "sha256").hex()

    def url(self, base: str, key: bytes) -> str:
        path = PATH.format(receiver=self.receiver, handoff=self.handoff, digest=self.digest)
        return f"{base}{path}?until={self.until}&proof={self.proof(key)}"


def link(receiver: str, handoff: str, digest: str, told_at: datetime) -> FileLink:
    return FileLink(receiver, handoff, digest, int((told_at + VALID).timestamp()))


def holds(one: FileLink, proof: str, key: bytes, now: datetime) -> bool:
    fits = hmac.compare_digest(one.proof(key).encode(), proof.encode("utf-8", "surrogatepass"))
    return fits and now.timestamp() <= one.until


REPLY: Final = "/reply/{receiver}/{handoff}"


def reply_url(base: str, receiver: str, handoff: str, told_at: datetime, key: bytes) -> str:
    """Where a supplier without a system and without an account answers one handoff."""
    one = link(receiver, handoff, "", told_at)
    path = REPLY.format(receiver=receiver, handoff=handoff)
    return f"{base}{path}?until={one.until}&proof={one.proof(key)}"
