"""Links with which a supplier fetches one file of one handoff: whoever has the link has the file, until it ends.

A link depends on nothing but its file and the moment the file was told of, so that a repeated message is the same.
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
