"""Attachments, streamed in both directions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any, Final

import orjson

from connector.answers import chunks_of
from connector.domain.errors import NotFound, Refused, TryLater
from connector.domain.ticket import Attachment, AttachmentInfo
from connector.vendors.servicenow.answers import CREATED, READ, refusal
from connector.vendors.servicenow.desk import Desk
from connector.vendors.servicenow.query import ascending, both, instant, is_id, where
from connector.vendors.servicenow.records import bare

META: Final = "api/now/attachment"
PAGE: Final = 1000


class Files:
    def __init__(self, desk: Desk, mine: Callable[[], frozenset[str]]) -> None:
        self.desk = desk
        self._mine = mine

    def attachments(self, id: str) -> list[AttachmentInfo]:
        return [_info(row) for row in self._list(id)]

    def _list(self, id: str) -> list[dict[str, Any]]:
        """All attachments of a ticket, whatever table name they carry (embedded pictures have one of their own)."""
        if not is_id(id):
            raise NotFound(f"ServiceNow: {id[:40]!r} is no id", 404)
        found: dict[str, dict[str, Any]] = {}
        after = ""
        while True:
            query = both(where("table_sys_id", "=", id), where("sys_id", ">", after) if after else "",
                         ascending("sys_id"))
            body = self.desk.client.send("GET", META, params={"sysparm_query": query, "sysparm_limit": str(PAGE)})
            rows = [row for row in body["result"] if isinstance(row, dict) and row.get("table_sys_id") == id
                    and is_id(row.get("sys_id")) and row["sys_id"] not in found]
            found.update({row["sys_id"]: row for row in rows})
            if len(body["result"]) < PAGE or not rows:
                return list(found.values())
            after = rows[-1]["sys_id"]

    def download(self, id: str, attachment: str) -> Iterator[bytes]:
        """The bytes, as they come. Raises NotFound for a file of another ticket."""
        if not is_id(attachment):
            raise NotFound(f"ServiceNow: {attachment[:40]!r} is no id", 404)
        response = self.desk.client.door.open("GET", f"{META}/{attachment}/file", headers={"Accept": "*/*"})
        if response.status_code not in READ:
            raise refusal(response)
        raw = response.headers.get("X-Attachment-Metadata")
        try:
            meta = orjson.loads(raw) if raw else self.desk.client.send("GET", f"{META}/{attachment}")["result"]
        except ValueError:
            meta = None
        if not isinstance(meta, dict):
            response.close()
            raise TryLater("ServiceNow: a file was answered without saying what it is")
        if meta.get("table_sys_id") != id:
            response.close()
            raise NotFound(f"ServiceNow: {attachment} is not attached to {id}", 404)
        chunks = chunks_of(response)
        # The first piece is fetched here, so that what goes wrong at once goes wrong in the call.
        first = next(chunks, b"")
        return chain([first], chunks)

    def attach(self, id: str, file: Attachment, again: bool) -> str:
        table, cls = self.desk.place(id)
        if again:
            for row in self._list(id):
                if (row.get("file_name") == file.name and bare(row.get("size_bytes")) == str(file.size)
                        and row.get("sys_created_by") in self._mine()):
                    return str(row["sys_id"])
        body = self.desk.client.send(
            "POST", f"{META}/file", params={"table_name": cls or table, "table_sys_id": id, "file_name": file.name},
            body=lambda: Upload(file) if file.size else b"", headers={"Content-Type": file.media_type}, expect=CREATED)
        made = body["result"]
        if not isinstance(made, dict) or not is_id(made.get("sys_id")):
            raise TryLater("ServiceNow: the answer to an upload gives no id")
        return str(made["sys_id"])


class Upload:
    """A file as requests sends it without holding it: with its length, read in pieces."""

    def __init__(self, file: Attachment) -> None:
        self._size = file.size
        self._chunks = file.open()
        self._left = b""
        self._sent = 0

    def __len__(self) -> int:
        return self._size

    def read(self, size: int = -1) -> bytes:
        while size < 0 or len(self._left) < size:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            self._left += chunk
        piece, self._left = (self._left, b"") if size < 0 else (self._left[:size], self._left[size:])
        self._sent += len(piece)
        if self._sent > self._size or (not piece and self._sent < self._size):
            raise Refused(f"the file has {'more' if self._sent > self._size else 'fewer'} bytes than the "
                          f"{self._size} it was said to have")
        return piece


def _info(row: dict[str, Any]) -> AttachmentInfo:
    size = bare(row.get("size_bytes"))
    try:
        at = instant(bare(row.get("sys_created_on")))
    except ValueError:
        at = None
    return AttachmentInfo(id=row["sys_id"], name=bare(row.get("file_name")) or row["sys_id"],
                          media_type=bare(row.get("content_type")) or "application/octet-stream",
                          size=int(size) if size.isascii() and size.isdigit() and len(size) < 19 else None,
                          created_at=at)
