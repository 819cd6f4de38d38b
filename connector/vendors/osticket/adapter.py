"""osTicket as a `Vendor`: everything with our plugin, creating tickets without it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from connector.domain.errors import BadRecord, NotFound, Problem, Refused, TryLater, Unsupported
from connector.domain.history import Event
from connector.domain.mapping import Mapping as FieldMapping
from connector.domain.text import bmp_only
from connector.domain.ticket import Attachment, AttachmentInfo, Comment, Draft, Patch, Ref, Ticket
from connector.domain.vocabulary import When
from connector.http import Http
from connector.ports import Capability, Cursor, Diagnosis, FieldInfo, Hint, Page
from connector.settings import ToolSettings
from connector.vendors.osticket import stock, webhook
from connector.vendors.osticket.client import MISSING, Client, CursorGone, PluginMissing
from connector.vendors.osticket.describe import described, diagnosed
from connector.vendors.osticket.history import Historian
from connector.vendors.osticket.options import Options
from connector.vendors.osticket.records import CREATION_ONLY, changes, numbers, record, sent, zone_reader

WITHOUT_PLUGIN: Final = frozenset({Capability.CREATE, Capability.FIND})
OVERLAP: Final = timedelta(hours=1)
"""How far back a reading starts again when the plugin has lost our cursor."""
CATALOG_FRESH: Final = timedelta(minutes=10)


class OsTicket:
    """Safe to share between threads; what it keeps (ping, catalog) is replaced as a whole."""

    def __init__(self, tool: ToolSettings, mapping: FieldMapping, now: Callable[[], datetime]) -> None:
        self.name = tool.name
        self._tool = tool
        self._mapping = mapping
        self._now = now
        self._options = Options.of(tool.options)
        self._http = Http(tool.url.rstrip("/").removesuffix("/http.php").removesuffix("/api"),
                          headers={"X-API-Key": tool.auth["api_key"].reveal()}, verify=tool.verify_tls,
                          pool=max(tool.concurrency, 2))
        self._client = Client(self._http, self._options, now)
        self._lock = threading.Lock()
        self._kept: tuple[datetime, dict[str, Any]] | None = None

    # what it is

    def capabilities(self) -> frozenset[Capability]:
        said = self._client.plugin()
        if said is None:
            return WITHOUT_PLUGIN
        listed = said.get("capabilities")
        return frozenset(Capability(name) for name in (listed if isinstance(listed, list) else ())
                         if name in tuple(Capability))

    def diagnose(self) -> Diagnosis:
        said = self._client.plugin(fresh=True)
        if said is None:
            self._client.knock()
        return diagnosed(said, self.capabilities(), self._http, bool(self._tool.webhook_secrets))

    def fields(self) -> list[FieldInfo]:
        self._need(Capability.READ)
        return described(self._catalog(fresh=True))

    def skew(self) -> timedelta | None:
        return self._http.skew

    def me(self) -> frozenset[str]:
        account = (self._client.plugin() or {}).get("account")
        names = (account.get("username"), account.get("name")) if isinstance(account, Mapping) else ()
        return frozenset(str(name) for name in names if name)

    # reading

    def changed(self, since: Cursor) -> Iterator[Page]:
        self._need(Capability.READ)
        at = since.get("at")
        params: dict[str, Any] = {"limit": self._page()}
        if since.get("cursor"):
            params["cursor"] = since["cursor"]
        while True:
            try:
                body = self._client.call("GET", "changed", params=params)
            except CursorGone:
                if "cursor" not in params:
                    raise
                params = {"limit": self._page(), **self._from(at)}
                continue
            tickets, rejected, newest = self._tickets(body)
            cursor = body.get("cursor")
            if not isinstance(cursor, str) or not cursor:
                raise TryLater("osTicket: a page of changes without a cursor")
            at = max(filter(None, (at, newest)), default=None)
            total = body.get("total")
            if tickets or rejected:
                yield Page(tickets=tickets, rejected=rejected, cursor={"cursor": cursor, "at": at},
                           total=total if isinstance(total, int) else None)
            if not body.get("more"):
                return
            if cursor == params.get("cursor"):
                raise TryLater("osTicket: the cursor of the changes does not move")
            params = {"limit": self._page(), "cursor": cursor}

    def _from(self, at: Any) -> dict[str, Any]:
        try:
            start = self._when(str(at)) if at else None
        except ValueError:
            start = None
        return {"since": sent(start - OVERLAP, False)} if start else {}

    def _tickets(self, body: Mapping[str, Any]) -> tuple[list[Ticket], list[BadRecord], str | None]:
        listed = body.get("tickets")
        if not isinstance(listed, list):
            raise TryLater("osTicket: an answer without its list of tickets")
        tickets: list[Ticket] = []
        rejected: list[BadRecord] = []
        for raw in listed:
            try:
                tickets.append(self._ticket(raw))
            except BadRecord as error:
                rejected.append(error)
        stamps = [raw["updated"] for raw in listed if isinstance(raw, dict) and isinstance(raw.get("updated"), str)]
        return tickets, rejected, max(stamps, default=None)

    def _ticket(self, raw: Any) -> Ticket:
        if not isinstance(raw, Mapping):
            raise BadRecord(self.name, "?", [Problem("expected an object for a ticket")])
        return self._mapping.read(self.name, record(raw), self._when)

    def get(self, ids: Sequence[str]) -> Page:
        self._need(Capability.READ)
        tickets: list[Ticket] = []
        rejected: list[BadRecord] = []
        for some in _slices(numbers(ids), self._limit("ids")):
            found, bad, _ = self._tickets(self._client.call("GET", "tickets", params={"ids": ",".join(some)}))
            tickets += found
            rejected += bad
        return Page(tickets=tickets, rejected=rejected, cursor={})

    def ids(self) -> Iterator[list[str]]:
        self._need(Capability.IDS)
        after = 0
        while True:
            body = self._client.call("GET", "ids", params={"after": after, "limit": self._limit("all_ids")})
            found, following = body.get("ids"), body.get("next")
            if not isinstance(found, list) or not all(isinstance(id, int) for id in found):
                raise TryLater("osTicket: an answer without its list of ids")
            if found:
                yield [str(id) for id in found]
            if following is None:
                return
            if not isinstance(following, int) or following <= after:
                raise TryLater("osTicket: the list of ids does not move on")
            after = following

    def deletions(self, since: Cursor) -> tuple[list[str], Cursor]:
        self._need(Capability.DELETIONS)
        gone: list[str] = []
        cursor = since.get("cursor")
        while True:
            body = self._client.call("GET", "deletions", params={"cursor": cursor} if cursor else None)
            rows, following = body.get("deleted"), body.get("cursor")
            if not isinstance(rows, list) or not isinstance(following, str):
                raise TryLater("osTicket: an answer without its list of deletions")
            gone += [str(row["id"]) for row in rows if isinstance(row, Mapping) and "id" in row]
            stuck, cursor = following == cursor, following
            if stuck or not body.get("more"):
                return gone, {"cursor": cursor}

    def history(self, ids: Sequence[str]) -> dict[str, list[Event]]:
        self._need(Capability.HISTORY)
        historian = Historian(self._mapping, self._when, self._reopened_to(), self.me())
        out: dict[str, list[Event]] = {}
        for some in _slices(numbers(ids), self._limit("ids")):
            body = self._client.call("GET", "history", params={"ids": ",".join(some)})
            told, names = body.get("history"), body.get("names")
            if not isinstance(told, Mapping):
                raise TryLater("osTicket: an answer without its histories")
            table = names if isinstance(names, Mapping) else {}
            out.update({id: historian.events(told[id], table) for id in some if isinstance(told.get(id), Mapping)})
        return out

    def attachments(self, id: str) -> list[AttachmentInfo]:
        self._need(Capability.ATTACHMENTS)
        rows = self._client.call("GET", f"tickets/{_segment(id)}/attachments").get("attachments")
        return [self._file(row) for row in (rows if isinstance(rows, list) else ()) if isinstance(row, Mapping)]

    def _file(self, row: Mapping[str, Any]) -> AttachmentInfo:
        size, at = row.get("size"), row.get("at")
        return AttachmentInfo(id=str(row.get("id")), name=str(row.get("name") or ""),
                              media_type=str(row.get("type") or "application/octet-stream"),
                              size=size if isinstance(size, int) else None,
                              created_at=self._when(at) if isinstance(at, str) else None)

    def download(self, id: str, attachment: str) -> Iterator[bytes]:
        self._need(Capability.ATTACHMENTS)
        return self._client.stream(f"tickets/{_segment(id)}/attachments/{_segment(attachment)}")

    # writing

    def find(self, key: str) -> Ref | None:
        """Without the plugin the ticket's number stands for its id, as `#number`."""
        self._need(Capability.FIND)
        if self._client.plugin() is None:
            number = self._client.ask(key)
            return Ref(self.name, f"#{number}") if number else None
        try:
            return self._ref(self._client.call("GET", "find", params={"key": key}))
        except NotFound:
            return None

    def create(self, draft: Draft, key: str, again: bool = False) -> Ref:
        self._need(Capability.CREATE)
        raw = self._raw(draft)
        if self._client.plugin() is not None:
            return self._create(raw, key)
        body = stock.draft(raw, key, self._options)
        if again and (number := self._client.ask(key)):
            return Ref(self.name, f"#{number}")
        return Ref(self.name, f"#{self._client.create(body)}")

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
        answer = self._client.call("POST", f"tickets/{_segment(id)}/update", json=body)
        try:
            return self._ticket(answer["ticket"]) if "ticket" in answer else None
        except BadRecord:
            return None

    def comment(self, id: str, comment: Comment, key: str, again: bool = False) -> str:
        self._need(Capability.COMMENT if comment.public else Capability.NOTE)
        text = sent(comment.text, self._bmp())
        if not text.strip():
            raise Refused("osTicket: an empty comment")
        body: dict[str, Any] = {"key": key, "format": "text", "body": text}
        if comment.public:
            body["alert"] = self._options.alert
        answer = self._client.call("POST", f"tickets/{_segment(id)}/{'reply' if comment.public else 'note'}",
                                   json=body, expect=(200, 201))
        return str(answer.get("entry_id") or "")

    def attach(self, id: str, file: Attachment, key: str, again: bool = False) -> str:
        self._need(Capability.ATTACH)
        if file.size > self._limit("file_bytes"):
            raise Refused(f"osTicket: {file.name!r} has {file.size} bytes, and it takes {self._limit('file_bytes')}")
        headers = {"X-Connector-Key": key, "X-Connector-Name": quote(bmp_only(file.name), safe=""),
                   "Content-Type": file.media_type}
        answer = self._client.call("POST", f"tickets/{_segment(id)}/attachments", data=_Sized(file), headers=headers,
                                   expect=(200, 201))
        return str(answer.get("attachment_id") or "")

    def verify_webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Hint:
        return webhook.verify(self._tool.webhook_secrets, headers, body, now)

    def close(self) -> None:
        self._http.close()

    # what the plugin told

    def _need(self, verb: Capability) -> None:
        if verb not in self.capabilities():
            if self._client.plugin() is None:
                raise PluginMissing(f"{verb} is not possible: {MISSING}")
            raise Unsupported(f"{verb} is switched off in the plugin's settings in osTicket, or its agent may not")

    def _said(self) -> dict[str, Any]:
        return self._client.plugin() or {}

    def _limit(self, name: str) -> int:
        limits = self._said().get("limits")
        value = limits.get(name) if isinstance(limits, Mapping) else None
        fallback = {"page": 100, "ids": 100, "all_ids": 1000, "file_bytes": 32 * 1024 * 1024}[name]
        return value if isinstance(value, int) and value > 0 else fallback

    def _page(self) -> int:
        return min(self._tool.page or self._limit("page"), self._limit("page"))

    def _bmp(self) -> bool:
        limits = self._said().get("limits")
        return not isinstance(limits, Mapping) or limits.get("text") != "full"

    @property
    def _when(self) -> When:
        return zone_reader(str(self._said().get("zone") or "UTC"))

    def _catalog(self, fresh: bool = False) -> dict[str, Any]:
        with self._lock:
            kept = self._kept
        if kept is not None and not fresh and self._now() - kept[0] < CATALOG_FRESH:
            return kept[1]
        catalog = self._client.call("GET", "catalog")
        with self._lock:
            self._kept = (self._now(), catalog)
        return catalog

    def _catalog_for(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """The catalog, read anew when it does not know a name: an administrator may just have added it."""
        try:
            changes({name: value for name, value in raw.items() if name not in CREATION_ONLY}, self._catalog(), False)
        except Refused:
            return self._catalog(fresh=True)
        return self._catalog()

    def _reopened_to(self) -> str:
        rows = self._catalog().get("statuses")
        rows = [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
        return next((str(row.get("name") or "") for row in rows if row.get("default")), "")


class _Sized:
    """A file as a body of known length, read in chunks and anew for each try."""

    def __init__(self, file: Attachment) -> None:
        self._file = file

    def __len__(self) -> int:
        return self._file.size

    def __iter__(self) -> Iterator[bytes]:
        sent_bytes = 0
        for chunk in self._file.open():
            sent_bytes += len(chunk)
            if sent_bytes > self._file.size:
                break
            yield chunk
        if sent_bytes != self._file.size:
            raise Refused(f"{self._file.name!r} does not have the {self._file.size} bytes it was said to have")


def _segment(id: str) -> str:
    return quote(id, safe="")


def _slices(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (ids[start:start + size] for start in range(0, len(ids), size))
