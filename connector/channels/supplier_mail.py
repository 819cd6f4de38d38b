"""Suppliers without a system: the same messages by e-mail, with a link to where they answer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Any, Final

from msgspec.structs import replace

from connector.domain.delivery import Delivery
from connector.domain.handoffs.file_link import reply_url
from connector.domain.handoffs.receiver import Receiver
from connector.domain.handoffs.supplier_envelope import envelope, with_links
from connector.domain.handoffs.supplier_letter import words
from connector.ports import Channel

GIVE_UP: Final = timedelta(days=3, hours=12)
"""So that an outage of three whole days loses nothing."""


class SupplierMail:
    """One supplier's mailbox, reached over the channel for mail.

    `link_key` signs the links to files, `reply_key` those to the page where a handoff is answered without an account.
    """

    concurrency = 1
    per_minute: int | None = None
    give_up = GIVE_UP

    def __init__(self, receiver: Receiver, mail: Channel, *, base: str = "", link_key: bytes = b"",
                 reply_key: bytes = b"", language: str = "en", zone: tzinfo) -> None:
        self.name = receiver.target
        self._receiver, self._mail = receiver, mail
        self._base, self._link_key, self._reply_key = base, link_key, reply_key
        self._language, self._zone = language, zone

    def deliver(self, delivery: Delivery, now: datetime) -> Mapping[str, Any]:
        """Raises as the channel for mail. A repeat bears the same Message-ID; messages of a handoff form a thread."""
        message = envelope(delivery.key, delivery.payload, self._base)
        linked = with_links(message, self._receiver.name, self._base, self._link_key)
        url = self._answer_at(message)
        subject, text = words(linked, url, self._language, self._zone)
        payload = {"to": self._receiver.reach.email, "name": self._receiver.title, "subject": subject, "text": text,
                   "links": [url] if url else [], "thread": message["subject"], "audience": "supplier",
                   "language": self._language}
        return self._mail.deliver(replace(delivery, key=message["id"], payload=payload), now)

    def _answer_at(self, message: Mapping[str, Any]) -> str:
        if not self._base:
            return ""
        at = datetime.fromisoformat(message["time"])
        return reply_url(self._base, self._receiver.name, message["subject"], at, self._reply_key)

    def close(self) -> None: ...
