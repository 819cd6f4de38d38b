"""Links that carry their own right: signed, for one thing, until a time. Pure.

A link is `ticket, person, what, until` and their HMAC-SHA256, all in base64url; it says nothing that its reader was not
told, and nobody can make one without the key.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from connector.domain.errors import BadSignature


class Purpose(StrEnum):
    """What a link lets its reader do; one made for one thing is none for another."""

    ACKNOWLEDGE = "acknowledge"
    APPROVE = "approve"


LASTS: Final = timedelta(days=7)
ANSWERS_LAST: Final = timedelta(days=14)
"""For links to an approval; afterwards it is answered signed in."""
LONGEST: Final = 2_000
_MAC: Final = 32


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What a click answers: our key of the ticket, who clicks, and the event that told them ("" for none)."""

    ticket: int
    person: str
    what: str
    until: datetime


class _Body(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    ticket: int
    person: str
    what: str
    until: int


@dataclass(frozen=True, slots=True)
class Links:
    """`base` is our public address; without one nothing can be linked to, and every link is ""."""

    base: str
    key: bytes

    def ticket(self, key: int) -> str:
        return f"{self.base}/tickets/{key}" if self.base else ""

    def acknowledge(self, ticket: int, person: str, what: str, now: datetime) -> str:
        return self._link("ack", Purpose.ACKNOWLEDGE, ticket, person, what, now + LASTS)

    def approve(self, ticket: int, person: str, what: str, now: datetime) -> str:
        """Leads to where `person` answers the approval that the event `what` asked for."""
        return self._link("approve", Purpose.APPROVE, ticket, person, what, now + ANSWERS_LAST)

    def _link(self, path: str, purpose: Purpose, ticket: int, person: str, what: str, until: datetime) -> str:
        if not self.base:
            return ""
        body = _Body(ticket, person, what, int(until.timestamp()))
        return f"{self.base}/{path}/{self._token(purpose, body)}"

    def _token(self, purpose: Purpose, body: _Body) -> str:
        raw = msgspec.json.encode(body)
        return base64.urlsafe_b64encode(self._mac(purpose, raw) + raw).rstrip(b"=").decode()

    def _mac(self, purpose: Purpose, raw: bytes) -> bytes:
        return hmac.digest(self.key, purpose.encode() + b"\0" + raw, "sha256")

    def read(self, token: str, now: datetime, purpose: Purpose = Purpose.ACKNOWLEDGE) -> Acknowledgement:
        """What a token says. Raises BadSignature for one that was not made here or is over."""
        try:
            if len(token) > LONGEST:
                raise ValueError
            whole = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (ValueError, UnicodeEncodeError, binascii.Error):
            raise BadSignature("not a link of ours") from None
        mac, raw = whole[:_MAC], whole[_MAC:]
        if not hmac.compare_digest(mac, self._mac(purpose, raw)):
            raise BadSignature("not a link of ours")
        body = msgspec.json.decode(raw, type=_Body)
        until = datetime.fromtimestamp(body.until, UTC)
        if now >= until:
            raise BadSignature("this link is over")
        return Acknowledgement(body.ticket, body.person, body.what, until)
