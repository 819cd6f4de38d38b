"""Attachments pass through: listed and read from the tool when asked for, never kept here."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Final
from urllib.parse import quote

from flask import Response, stream_with_context

from connector.domain.errors import NotFound
from connector.domain.ticket import AttachmentInfo
from connector.ports import Vendor
from connector.store.views import TicketDetail
from connector.web.services import Services

_SHOWN: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "text/plain"})


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
    # The first chunk is read here, so that a refusal still becomes an error and not half a file.
    chunks = iter(vendor.download(detail.ticket.id, id))
    first = next(chunks, b"")
    body: Iterator[bytes] = chain((first,), chunks)
    kind = info.media_type if info.media_type in _SHOWN else "application/octet-stream"
    answer = Response(stream_with_context(body), content_type=kind)
    name = info.name.replace("\r", " ").replace("\n", " ")
    plain = name.encode("ascii", "replace").decode().replace('"', "'").replace("\\", "_")
    answer.headers["Content-Disposition"] = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer
