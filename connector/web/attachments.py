"""Attachments pass through: listed and read from the tool when asked for; new ones are kept until the tool has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import IO, Final
from urllib.parse import quote

from flask import Response, stream_with_context

from connector.domain.errors import NotFound, TryLater, Unsupported
from connector.domain.ticket import AttachmentInfo
from connector.flows import editing, files
from connector.ports import Capability, Vendor
from connector.store.views import TicketDetail
from connector.web import actions
from connector.web.auth.identity import Who
from connector.web.services import Services

_SHOWN: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "text/plain"})

_CHUNK: Final = 64 * 1024
_FORM: Final = 64 * 1024
"""Bytes of a form besides its files."""
UNKNOWN: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class New:
    """A file to add; its bytes are read once."""

    name: str
    media_type: str
    chunks: Iterable[bytes]


def largest(parts: Services) -> int:
    """Bytes a file may have."""
    return int(parts.deps.options.get("largest_file", files.LARGEST))


def room(largest: int) -> int:
    """Bytes the body of a form with such a file may have."""
    return largest + _FORM


def chunks(stream: IO[bytes]) -> Iterator[bytes]:
    while chunk := stream.read(_CHUNK):
        yield chunk


def add(parts: Services, detail: TicketDetail, new: New, asking: Who, once: str = "") -> str:
    """Keep the file and send it on its way; gives its key. The same `once` from the same person twice is one file.

    Raises Refused, NotFound, and Unsupported when the tool takes no files.
    """
    vendor = vendor_of(parts, detail.ticket.tool)
    try:
        able = Capability.ATTACH in vendor.capabilities()
    except TryLater:
        able = True  # it cannot be asked now: the delivery will
    if not able:
        raise Unsupported(f"{detail.ticket.tool} takes no files from here")
    return editing.attach(parts.deps, detail.key, new.name, new.media_type or UNKNOWN, new.chunks, asking.label,
                          actions.own_key(asking, once))


def vendor_of(parts: Services, tool: str) -> Vendor:
    """Raises NotFound when the tool is no longer connected."""
    found = parts.deps.tools.get(tool)
    if found is None:
        raise NotFound(f"{tool} is no longer connected")
    return found.vendor


def listed(parts: Services, detail: TicketDetail) -> list[AttachmentInfo]:
    return vendor_of(parts, detail.ticket.tool).attachments(detail.ticket.id)


def streamed(parts: Services, detail: TicketDetail, id: str) -> Response:
    """The file, as a download: what a stranger attached is never run as a page of ours."""
    vendor = vendor_of(parts, detail.ticket.tool)
    info = next((item for item in vendor.attachments(detail.ticket.id) if item.id == id), None)
    if info is None:
        raise NotFound("no such attachment")
    return as_download(info.name, info.media_type, vendor.download(detail.ticket.id, id))


def as_download(name: str, media_type: str, chunks: Iterable[bytes]) -> Response:
    """Raises what the first chunk raises: a refusal becomes an error, and not half a file."""
    pieces = iter(chunks)
    first = next(pieces, b"")
    body: Iterator[bytes] = chain((first,), pieces)
    kind = media_type if media_type in _SHOWN else UNKNOWN
    answer = Response(stream_with_context(body), content_type=kind)
    name = name.replace("\r", " ").replace("\n", " ")
    plain = name.encode("ascii", "replace").decode().replace('"', "'").replace("\\", "_")
    answer.headers["Content-Disposition"] = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer
