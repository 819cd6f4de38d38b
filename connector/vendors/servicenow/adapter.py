"""One ServiceNow as the flows see it: every verb of `connector.ports.Vendor`, each handed to the part that knows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from connector.domain.errors import Unsupported
from connector.domain.history import Event
from connector.domain.ticket import Attachment, AttachmentInfo, Comment, Draft, Patch, Ref, Ticket
from connector.ports import Capability, Cursor, Diagnosis, FieldInfo, Hint, Page
from connector.settings.secret import Secret
from connector.vendors.servicenow import diagnose
from connector.vendors.servicenow.desk import Desk
from connector.vendors.servicenow.files import Files
from connector.vendors.servicenow.history import History
from connector.vendors.servicenow.reading import Reading
from connector.vendors.servicenow.rights import Asker
from connector.vendors.servicenow.webhook import read_hint
from connector.vendors.servicenow.writing import Writing

ALWAYS: Final = frozenset({
    Capability.READ, Capability.CREATE, Capability.UPDATE, Capability.COMMENT, Capability.NOTE, Capability.ATTACH,
    Capability.ATTACHMENTS, Capability.IDS,
})
"""What every account may try; the instance says no to a single write, and that is shown."""


class ServiceNow:
    """Thread-safe. Raises TryLater, Refused (NotFound), Unsupported, BadSignature."""

    def __init__(self, desk: Desk, secrets: Sequence[Secret] = ()) -> None:
        self.name = desk.name
        self.desk = desk
        self._secrets = tuple(secrets)
        self._asker = Asker(desk)
        self._reading = Reading(desk)
        self._writing = Writing(desk)
        self._files = Files(desk, self._asker.mine)
        self._history = History(desk, self._asker.mine, self._source, self._journals)

    def _source(self) -> str:
        return self._asker.rights().source(self.desk.options.history)

    def _journals(self) -> bool:
        return self._asker.rights().journals != "no"

    def capabilities(self) -> frozenset[Capability]:
        rights = self._asker.rights()
        found = set(ALWAYS)
        if self._source() or self._journals():
            found.add(Capability.HISTORY)
        if rights.deletions == "yes":
            found.add(Capability.DELETIONS)
        if self._secrets:
            found.add(Capability.WEBHOOKS)
        if self._writing.finds:
            found.add(Capability.FIND)
        return frozenset(found)

    def diagnose(self) -> Diagnosis:
        self._asker.forget()
        return diagnose.diagnose(self.desk, self._asker, self.capabilities())

    def fields(self) -> list[FieldInfo]:
        return diagnose.fields(self.desk)

    def skew(self) -> timedelta | None:
        return self.desk.client.http.skew

    def me(self) -> frozenset[str]:
        return self._asker.mine()

    def changed(self, since: Cursor) -> Iterator[Page]:
        return self._reading.changed(since)

    def get(self, ids: Sequence[str]) -> Page:
        return self._reading.get(ids)

    def ids(self) -> Iterator[list[str]]:
        return self._reading.ids()

    def deletions(self, since: Cursor) -> tuple[list[str], Cursor]:
        if self._asker.rights().deletions != "yes":
            raise Unsupported("ServiceNow: sys_audit_delete cannot be read by our account")
        return self._reading.deletions(since)

    def history(self, ids: Sequence[str]) -> dict[str, list[Event]]:
        if not self._source() and not self._journals():
            raise Unsupported("ServiceNow: neither the audit nor metrics nor journals can be read by our account")
        return self._history.of(ids)

    def attachments(self, id: str) -> list[AttachmentInfo]:
        return self._files.attachments(id)

    def download(self, id: str, attachment: str) -> Iterator[bytes]:
        return self._files.download(id, attachment)

    def find(self, key: str) -> Ref | None:
        if not self._writing.finds:
            raise Unsupported("ServiceNow: our account may not write correlation_id, so our key finds nothing")
        return self._writing.find(key)

    def create(self, draft: Draft, key: str, again: bool = False) -> Ref:
        return self._writing.create(draft, key, again)

    def update(self, id: str, patch: Patch, again: bool = False) -> Ticket | None:
        return self._writing.update(id, patch)

    def comment(self, id: str, comment: Comment, key: str, again: bool = False) -> str:
        return self._writing.comment(id, comment, key, again)

    def attach(self, id: str, file: Attachment, key: str, again: bool = False) -> str:
        return self._files.attach(id, file, again)

    def verify_webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Hint:
        if not self._secrets:
            raise Unsupported("ServiceNow: no webhook secret is set")
        return read_hint(headers, body, self._secrets, now)

    def close(self) -> None:
        self.desk.client.close()
