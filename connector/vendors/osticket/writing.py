"""Creating and changing tickets: through the plugin, or by the stock API for what it can do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote

from connector.domain.errors import BadRecord, NotFound, Refused, TryLater
from connector.domain.text import bmp_only
from connector.domain.ticket import Attachment, Comment, Draft, Patch, Ref, Ticket
from connector.http import FileBody
from connector.ports import Capability
from connector.vendors.osticket import stock
from connector.vendors.osticket.records import changes, sent, wire_key
from connector.vendors.osticket.shared import Shared, segment

SETTLED: Final = timedelta(minutes=2)
"""By then a web server has ended a request whose answer was lost."""


class Writing(Shared):
    """The verbs that change something."""

    def find(self, key: str) -> Ref | None:
        """Without the plugin the ticket's number stands for its id, as `#number`."""
        self._need(Capability.FIND)
        key = wire_key(key)
        if self._client.plugin() is None:
            number = self._client.ask(key)
            return Ref(self.name, f"#{number}") if number else None
        try:
            return self._ref(self._client.call("GET", "find", params={"key": key}))
        except NotFound:
            return None

    def create(self, draft: Draft, key: str, again: bool = False) -> Ref:
        self._need(Capability.CREATE)
        raw, key = self._raw(draft), wire_key(key)
        if self._client.plugin() is not None:
            return self._create(raw, key)
        body = stock.draft(raw, key, self._options)
        if again and (number := self._client.ask(key)):
            return Ref(self.name, f"#{number}")
        try:
            return Ref(self.name, f"#{self._client.create(body)}")
        except TryLater as error:
            # The first request may still be at work, and its ticket not yet there to be found.
            raise TryLater(error.reason, max(error.wait or SETTLED, SETTLED)) from None

    def _raw(self, draft: Draft) -> dict[str, Any]:
        raw = self._mapping.write(draft.fields, draft.kind)
        if "kind" not in draft.fields and self._mapping.writable("kind"):
            raw |= self._mapping.write({"kind": draft.kind}, draft.kind)
        return raw

    def _create(self, raw: Mapping[str, Any], key: str) -> Ref:
        bmp = self._bmp()
        email = str(raw.get("user_email") or self._options.default_email)
        if not email:
            raise Refused("osTicket: the requester's address is needed (or `default_email` in the options)")
        body = {
            "key": key, "subject": "", **changes(raw, self._catalog_for(raw), bmp, creating=True),
            "message": {"format": "text", "body": sent(str(raw.get("message") or raw.get("subject") or ""), bmp)},
            "user": {"name": sent(str(raw.get("user_name") or self._options.default_name or email.partition("@")[0]),
                                  bmp), "email": email},
            "alert": self._options.alert, "autorespond": self._options.autorespond,
        }
        if not body["subject"]:
            raise Refused("osTicket: a subject is needed")
        return self._ref(self._client.call("POST", "tickets", json=body, expect=(200, 201)))

    def _ref(self, body: Mapping[str, Any]) -> Ref:
        id = body.get("id")
        if not isinstance(id, int) or isinstance(id, bool):
            raise TryLater("osTicket: the answer gives no id, so the outcome is unknown")
        return Ref(self.name, str(id))

    def update(self, id: str, patch: Patch, again: bool = False) -> Ticket | None:
        self._need(Capability.UPDATE)
        raw = self._mapping.write(patch)
        body = changes(raw, self._catalog_for(raw), self._bmp())
        answer = self._client.call("POST", f"tickets/{segment(id)}/update", json=body)
        try:
            return self._ticket(answer["ticket"]) if "ticket" in answer else None
        except BadRecord:
            return None

    def comment(self, id: str, comment: Comment, key: str, again: bool = False) -> str:
        self._need(Capability.COMMENT if comment.public else Capability.NOTE)
        text = sent(comment.text, self._bmp())
        if not text.strip():
            raise Refused("osTicket: an empty comment")
        body: dict[str, Any] = {"key": wire_key(key, f"comment/{id}"), "format": "text", "body": text}
        if comment.public:
            body["alert"] = self._options.alert
        answer = self._client.call("POST", f"tickets/{segment(id)}/{'reply' if comment.public else 'note'}",
                                   json=body, expect=(200, 201))
        return str(answer.get("entry_id") or "")

    def attach(self, id: str, file: Attachment, key: str, again: bool = False) -> str:
        self._need(Capability.ATTACH)
        if file.size > self._limit("file_bytes"):
            raise Refused(f"osTicket: {file.name!r} has {file.size} bytes, and it takes {self._limit('file_bytes')}")
        headers = {"X-Connector-Key": wire_key(key, f"attach/{id}"), "Content-Type": file.media_type,
                   "X-Connector-Name": quote(bmp_only(file.name), safe="")}
        answer = self._client.call("POST", f"tickets/{segment(id)}/attachments", data=FileBody(file), headers=headers,
                                   expect=(200, 201))
        return str(answer.get("attachment_id") or "")
