"""GLPI 11 as a `Vendor` over its high-level API (api.php/v2).

Read in GLPI's source, not run. It shows no log and no files, so changes come from comparing readings and files are
not offered: where the old API is switched on, that one gives more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from msgspec.structs import replace

from connector.domain.errors import BadRecord, NotFound, Refused, Unsupported
from connector.domain.history import Event, EventKind, Role
from connector.domain.mapping import Mapping as FieldMapping
from connector.domain.text import plain
from connector.domain.ticket import Attachment, AttachmentInfo, Comment, Draft, Patch, Ref
from connector.ports import Capability, Cursor, Diagnosis, FieldInfo, Hint, Page
from connector.settings import Secret
from connector.vendors.glpi import about, webhook
from connector.vendors.glpi.history import comment_key
from connector.vendors.glpi.hl_client import HighClient, either, quoted
from connector.vendors.glpi.hl_names import HighNames
from connector.vendors.glpi.hl_records import KNOWN, record, stamp, user_ids
from connector.vendors.glpi.hl_writing import HighWriter
from connector.vendors.glpi.inputs import wanted
from connector.vendors.glpi.marks import mark
from connector.vendors.glpi.walk import After, Found, end, walk
from connector.vendors.glpi.zone import Zone

TICKETS: Final = "Assistance/Ticket"
PAGE: Final = 200
_CAPABLE: Final = frozenset({Capability.READ, Capability.IDS, Capability.DELETIONS, Capability.FIND,
                             Capability.HISTORY, Capability.CREATE, Capability.UPDATE, Capability.COMMENT,
                             Capability.NOTE})
_SAID: Final = {"Followup": "ITILFollowup", "Task": "TicketTask", "Solution": "ITILSolution"}
_TREES: Final = ("itilcategories_id", "locations_id", "groups_id")


class HighGlpi:
    """Thread-safe."""

    def __init__(self, name: str, client: HighClient, mapping: FieldMapping, zone: Zone, now: Callable[[], datetime], *,
                 size: int, overlap: timedelta, solution: str, secrets: Sequence[Secret]) -> None:
        unknown = sorted(mapping.reads - KNOWN)
        self._unread = unknown
        self.name = name
        self._client = client
        self._mapping = mapping
        self._zone = zone
        self._now = now
        self._size = size
        self._overlap = overlap
        self._secrets = tuple(secrets)
        self._names = HighNames(client)
        self._writer = HighWriter(client, solution)
        self._session: Mapping[str, Any] = {}

    # about the tool

    def capabilities(self) -> frozenset[Capability]:
        return _CAPABLE | ({Capability.WEBHOOKS} if self._secrets else set())

    def diagnose(self) -> Diagnosis:
        self._client.login()
        self._session = {}
        me = self._me()
        remarks = ["The high-level API shows no log and no files of tickets; the old API (apirest.php) does."]
        if self._unread:
            remarks.append(f"The mapping reads what this API does not give: {', '.join(self._unread)}.")
        remarks += about.offset(str(me.get("current_time") or ""), self._zone)
        remarks += about.steadiness(self._zone, self._now())
        return Diagnosis(version="GLPI 11 (high-level API)", account=str(me.get("name", "")),
                         capabilities=self.capabilities(), skew=self.skew(), remarks=tuple(remarks))

    def fields(self) -> list[FieldInfo]:
        return [FieldInfo(name=name, choices=about.CHOICES.get(name)) for name in sorted(KNOWN)]

    def skew(self) -> timedelta | None:
        return self._client.http.skew

    def me(self) -> frozenset[str]:
        return frozenset({str(self._me().get("name") or ""), str(self._me().get("friendly_name") or "")} - {""})

    def _me(self) -> Mapping[str, Any]:
        if not self._session:
            body = self._client.get("session")
            self._session = body if isinstance(body, dict) else {}
        return self._session

    # reading

    def changed(self, since: Cursor) -> Iterator[Page]:
        self._me()  # its answer tells how far the tool's clock is from ours
        start = self._zone.local(self._now() + (self.skew() or timedelta(0)))
        for step in walk(since, self._fetch, stamp, self._zone, start, self._size, self._overlap):
            yield self._page(step.rows, step.cursor, step.total)

    def _fetch(self, after: After, size: int) -> Found:
        rows, count = self._search(_condition(after), size, "date_mod:asc,id:asc")
        return Found(rows, count, rows[-1] if len(rows) == size else None)

    def _search(self, condition: str, size: int, sort: str = "id:asc") -> tuple[list[dict[str, Any]], int | None]:
        params = [("limit", str(size)), ("start", "0"), ("sort", sort), *([("filter", condition)] if condition else [])]
        return self._client.page(TICKETS, params)

    def get(self, ids: Sequence[str]) -> Page:
        wanted_ids = [id for id in dict.fromkeys(ids) if id.isdigit()]
        found: list[dict[str, Any]] = []
        for start in range(0, len(wanted_ids), 100):
            some = wanted_ids[start:start + 100]
            found += self._search(f"id=in={either(some)}", len(some))[0]
        return self._page(found, {}, None)

    def _page(self, items: Sequence[Mapping[str, Any]], cursor: Cursor, total: int | None) -> Page:
        people = self._names.people(user_ids(items)) if items else {}
        names = self._names.full(_TREES) if items else {}
        tickets, rejected = [], []
        for item in items:
            flat = record(item, people, names)
            try:
                ticket = self._mapping.read(self.name, flat, self._zone.utc)
                tickets.append(replace(ticket, deleted=True) if flat["is_deleted"] == "1" else ticket)
            except BadRecord as error:
                rejected.append(error)
        return Page(tickets=tickets, cursor=cursor, rejected=rejected, total=total)

    def ids(self) -> Iterator[list[str]]:
        last = 0
        while True:
            items, _ = self._search(f"is_deleted==0;id=gt={last}", 1000)
            if items:
                yield [str(item["id"]) for item in items]
            if len(items) < 1000:
                return
            last = int(items[-1]["id"])

    def deletions(self, since: Cursor) -> tuple[list[str], Cursor]:
        mark_, size = str(since.get("at", "")), self._size
        start = self._zone.local(self._now() + (self.skew() or timedelta(0)))
        later = f";date_mod=gt={quoted(self._zone.before(mark_, self._overlap))}" if mark_ else ""
        while True:
            items, _ = self._search(f"is_deleted==1{later}", size, "date_mod:asc,id:asc")
            if len(items) < size:
                break
            size *= 4
        cursor = {"at": end(mark_, items, stamp, start)} if items else dict(since)
        return [str(item["id"]) for item in items], cursor

    def history(self, ids: Sequence[str]) -> dict[str, list[Event]]:
        """Followups, tasks and solutions; this API does not show the log."""
        found: dict[str, list[Event]] = {}
        for id in dict.fromkeys(ids):
            try:
                body = self._client.get(f"{TICKETS}/{id}/Timeline")
            except NotFound:
                continue
            entries = body if isinstance(body, list) else []
            found[id] = [event for entry in entries if isinstance(entry, dict)
                         and (event := self._said(entry)) is not None]
        return found

    def _said(self, entry: Mapping[str, Any]) -> Event | None:
        itemtype, item = _SAID.get(str(entry.get("type"))), entry.get("item")
        if itemtype is None or not isinstance(item, dict):
            return None
        try:
            at = self._zone.utc(str(item.get("date") or item.get("date_creation") or ""))
        except ValueError:
            at = None
        if at is None:
            return None
        user = item.get("user")
        id = str(user.get("id") or "") if isinstance(user, dict) else ""
        actor = self._names.people([id])[id].login if id.isdigit() and id != "0" else ""
        role = Role.CONNECTOR if actor and actor in self.me() else Role.UNKNOWN
        return Event(key=comment_key(itemtype, str(item.get("id"))), at=at, seq=int(item.get("id") or 0), actor=actor,
                     role=role, kind=EventKind.NOTED if item.get("is_private") else EventKind.COMMENTED,
                     text=plain(str(item.get("content") or ""))[:20_000],
                     data={"id": str(item.get("id")), "type": itemtype})

    def attachments(self, id: str) -> list[AttachmentInfo]:
        raise Unsupported("GLPI's high-level API shows no files of tickets")

    def download(self, id: str, attachment: str) -> Iterator[bytes]:
        raise Unsupported("GLPI's high-level API shows no files of tickets")

    # writing

    def find(self, key: str) -> Ref | None:
        items, _ = self._search(f"external_id=={quoted(mark(key))}", 2)
        return Ref(self.name, str(items[0]["id"])) if items else None

    def create(self, draft: Draft, key: str, again: bool = False) -> Ref:
        """The ticket carries our key as its outside id; its actors follow, so a repeat goes on where it stopped."""
        raw = self._mapping.write({**draft.fields, "kind": draft.kind}, draft.kind)
        want = wanted(raw, self._resolve, self._moment)
        found = self.find(key) if again else None
        id = found.id if found else self._writer.create(want, mark(key))
        self._writer.finish(id, want)
        return Ref(self.name, id)

    def update(self, id: str, patch: Patch, again: bool = False) -> None:
        self._writer.update(id, wanted(self._mapping.write(patch), self._resolve, self._moment))

    def comment(self, id: str, comment: Comment, key: str, again: bool = False) -> str:
        text = f"{comment.author}:\n{comment.text}" if comment.author else comment.text
        return comment_key("ITILFollowup", self._writer.comment(id, text, comment.public, key, again))

    def attach(self, id: str, file: Attachment, key: str, again: bool = False) -> str:
        raise Unsupported("GLPI's high-level API takes no files for tickets")

    def _resolve(self, column: str, name: str) -> int:
        if column in ("slas_id", "olas_id"):
            raise Refused("GLPI's high-level API does not set agreements")
        return self._names.user(name) if column == "users_id" else self._names.id(column, name)

    def _moment(self, at: datetime) -> str:
        """A time to write. GLPI drops the offset and keeps the local part, so it must be local already."""
        return self._zone.local(at)

    def verify_webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Hint:
        return webhook.verify(headers, body, [secret.reveal() for secret in self._secrets], now)

    def close(self) -> None:
        self._client.close()


def _condition(after: After) -> str:
    if after.low:
        return f"date_mod=gt={quoted(after.low)}"
    if not after.mark:
        return ""
    at = quoted(after.mark)
    return f"(date_mod=gt={at},(date_mod=={at};id=gt={after.id}))"
