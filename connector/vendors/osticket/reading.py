"""Reading tickets, their history and their files through the plugin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from connector.domain.errors import BadRecord, TryLater
from connector.domain.history import Event
from connector.domain.ticket import AttachmentInfo, Ticket
from connector.ports import Capability, Cursor, Page
from connector.vendors.osticket.client import CursorGone
from connector.vendors.osticket.history import Historian
from connector.vendors.osticket.records import numbers, sent
from connector.vendors.osticket.shared import Shared, segment

OVERLAP: Final = timedelta(hours=1)
"""How far back a reading starts again when the plugin has lost our cursor."""


class Reading(Shared):
    """The verbs that only look."""

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
            try:
                body = self._client.call("GET", "deletions", params={"cursor": cursor} if cursor else None)
            except CursorGone:
                if not cursor:
                    raise
                cursor = None  # listed anew from the start: deletions known already change nothing
                continue
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
            out.update({id: historian.events(id, told[id], table) for id in some if isinstance(told.get(id), Mapping)})
        return out

    def attachments(self, id: str) -> list[AttachmentInfo]:
        self._need(Capability.ATTACHMENTS)
        rows = self._client.call("GET", f"tickets/{segment(id)}/attachments").get("attachments")
        return [self._file(row) for row in (rows if isinstance(rows, list) else ()) if isinstance(row, Mapping)]

    def _file(self, row: Mapping[str, Any]) -> AttachmentInfo:
        size, at = row.get("size"), row.get("at")
        return AttachmentInfo(id=str(row.get("id")), name=str(row.get("name") or ""),
                              media_type=str(row.get("type") or "application/octet-stream"),
                              size=size if isinstance(size, int) else None,
                              created_at=self._when(at) if isinstance(at, str) else None)

    def download(self, id: str, attachment: str) -> Iterator[bytes]:
        self._need(Capability.ATTACHMENTS)
        return self._client.stream(f"tickets/{segment(id)}/attachments/{segment(attachment)}")


def _slices(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (ids[start:start + size] for start in range(0, len(ids), size))
