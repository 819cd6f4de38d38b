"""GLPI as a `Vendor`: what every flow can ask of it, over apirest.php (GLPI 9.5 to 11)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from msgspec.structs import replace

from connector.domain.errors import BadRecord, NotFound, TryLater
from connector.domain.history import Event
from connector.domain.mapping import Mapping as FieldMapping
from connector.domain.ticket import Attachment, AttachmentInfo, Comment, Draft, Patch, Ref
from connector.http import chunks_of
from connector.ports import Capability, Cursor, Diagnosis, FieldInfo, Hint, Page
from connector.settings import Secret
from connector.vendors.glpi import about, timeline, webhook
from connector.vendors.glpi.client import Client
from connector.vendors.glpi.history import Historian, comment_key
from connector.vendors.glpi.inputs import wanted
from connector.vendors.glpi.marks import mark
from connector.vendors.glpi.names import Names
from connector.vendors.glpi.reading import Reader
from connector.vendors.glpi.writing import Writer
from connector.vendors.glpi.zone import Zone

_ALWAYS: Final = frozenset({Capability.READ, Capability.IDS, Capability.DELETIONS, Capability.FIND})
_CONTENT: Final = "21"


class Glpi:
    """Thread-safe. `version` and rights are asked once per session life."""

    def __init__(self, name: str, client: Client, mapping: FieldMapping, zone: Zone, now: Callable[[], datetime], *,
                 size: int, overlap: timedelta, solution: str, secrets: Sequence[Secret]) -> None:
        self.name = name
        self._client = client
        self._mapping = mapping
        self._zone = zone
        self._now = now
        self._secrets = tuple(secrets)
        self._names = Names(client)
        self._reader = Reader(client, self._names, zone, mapping.reads, now, size, overlap)
        self._writer = Writer(client, solution)
        self._historian = Historian(mapping, self._names, zone, self.me)
        self._known: about.About | None = None

    # about the tool

    def about(self) -> about.About:
        if self._known is None:
            self._known = about.ask(self._client)
        return self._known

    def capabilities(self) -> frozenset[Capability]:
        webhooks = {Capability.WEBHOOKS} if self._secrets else set()
        return _ALWAYS | self.about().capabilities | webhooks

    def diagnose(self) -> Diagnosis:
        """Asks everything anew. Raises Refused when GLPI does not let us in, TryLater when it does not answer."""
        self._known = None
        known = self.about()
        remarks = [*known.remarks, *about.clock(known, self._zone, self._now(), self.skew())]
        self._reader.asked()
        return Diagnosis(version=f"GLPI {known.version}", account=known.login, capabilities=self.capabilities(),
                         skew=self.skew(), remarks=tuple(remarks))

    def fields(self) -> list[FieldInfo]:
        return about.fields(self._client.get("listSearchOptions/Ticket"))

    def skew(self) -> timedelta | None:
        return self._client.http.skew

    def me(self) -> frozenset[str]:
        known = self.about()
        return frozenset({known.login, known.friendly, f"{known.friendly} ({known.id})"} - {""})

    # reading

    def changed(self, since: Cursor) -> Iterator[Page]:
        for records, cursor, total in self._reader.changed(since):
            yield self._page(records, cursor, total)

    def get(self, ids: Sequence[str]) -> Page:
        return self._page(self._reader.by_id(list(dict.fromkeys(ids))), {}, None)

    def _page(self, records: Sequence[Mapping[str, Any]], cursor: Cursor, total: int | None) -> Page:
        tickets, rejected = [], []
        for record in records:
            try:
                ticket = self._mapping.read(self.name, record, self._zone.utc)
                tickets.append(replace(ticket, deleted=True) if record.get("is_deleted") == "1" else ticket)
            except BadRecord as error:
                rejected.append(error)
        return Page(tickets=tickets, cursor=cursor, rejected=rejected, total=total)

    def ids(self) -> Iterator[list[str]]:
        return self._reader.ids()

    def deletions(self, since: Cursor) -> tuple[list[str], Cursor]:
        """Tickets in the trash. Purged ones leave no trace at all: only `ids` finds them."""
        return self._reader.trashed(since)

    def history(self, ids: Sequence[str]) -> dict[str, list[Event]]:
        found: dict[str, list[Event]] = {}
        for id in dict.fromkeys(ids):
            try:
                found[id] = self._historian.events(timeline.read(self._client, self._names, id))
            except NotFound:
                continue
        return found

    def attachments(self, id: str) -> list[AttachmentInfo]:
        body = self._client.get(f"Ticket/{id}", [("with_documents", "true"), ("get_hateoas", "false")])
        files = [timeline.file(item) for item in timeline.part(body, "_documents")]
        return [AttachmentInfo(id=file.id, name=file.name, media_type=file.media_type, created_at=self._when(file.at))
                for file in files]

    def _when(self, text: str) -> datetime | None:
        try:
            return self._zone.utc(text)
        except ValueError:
            return None

    def download(self, id: str, attachment: str) -> Iterator[bytes]:
        """Raises NotFound when the document is gone or does not belong to the ticket."""
        if attachment not in {info.id for info in self.attachments(id)}:
            raise NotFound(f"GLPI: ticket {id} has no document {attachment}")
        response = self._client.open(f"Document/{attachment}", {"Accept": "application/octet-stream"})
        with response:
            if "attachment" not in response.headers.get("Content-Disposition", "").lower():
                raise TryLater("GLPI: the answer to a download is not a file (maintenance?)")
            yield from chunks_of(response)

    # writing

    def find(self, key: str) -> Ref | None:
        found = self._reader.find(_CONTENT, mark(key))
        return Ref(self.name, found[0]) if found else None

    def create(self, draft: Draft, key: str, again: bool = False) -> Ref:
        if again and (found := self.find(key)) is not None:
            return found
        raw = self._mapping.write({**draft.fields, "kind": draft.kind}, draft.kind)
        return Ref(self.name, self._writer.create(wanted(raw, self._resolve, self._zone.local), key))

    def update(self, id: str, patch: Patch, again: bool = False) -> None:
        """Every part is written so that doing it twice is doing it once; `again` needs no look."""
        self._writer.update(id, wanted(self._mapping.write(patch), self._resolve, self._zone.local))

    def comment(self, id: str, comment: Comment, key: str, again: bool = False) -> str:
        text = f"{comment.author}:\n{comment.text}" if comment.author else comment.text
        return comment_key("ITILFollowup", self._writer.comment(id, text, comment.public, key, again))

    def attach(self, id: str, file: Attachment, key: str, again: bool = False) -> str:
        return self._writer.attach(id, file, key, again)

    def _resolve(self, column: str, name: str) -> int:
        return self._names.user(name) if column == "users_id" else self._names.id(column, name)

    # webhooks

    def verify_webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Hint:
        return webhook.verify(headers, body, [secret.reveal() for secret in self._secrets], now)

    def close(self) -> None:
        self._client.close()

