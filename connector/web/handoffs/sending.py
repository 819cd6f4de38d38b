"""Files of handoffs, in and out: streamed, limited in size, served as downloads only."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Final
from urllib.parse import quote

from flask import Response, abort, current_app, request, stream_with_context
from werkzeug.exceptions import RequestEntityTooLarge

from connector.domain.errors import ConnectorError, Refused
from connector.domain.handoffs.moves import Side
from connector.flows import files
from connector.flows import handoffs as flow
from connector.web import attachments, i18n
from connector.web.errors import from_connector
from connector.web.handoffs.view import Seen
from connector.web.i18n import _
from connector.web.reasons import told
from connector.web.services import Services

MOST_FILES: Final = 10
SANDBOX: Final = "default-src 'none'; sandbox"


def largest(parts: Services) -> int:
    """Bytes of all files of one form."""
    return attachments.largest(parts)


def protect() -> None:
    """Verify the form's secret. Views that take files do it themselves, after the rights."""
    if current_app.config.get("WTF_CSRF_ENABLED", True):
        current_app.extensions["connector_csrf"].protect()


def take(parts: Services, id: str, actor: str, side: Side, receiver: str | None = None) -> tuple[str, int] | None:
    """Adds the form's files to a handoff the caller has found. Trouble in words with its status, None when all went in.
    """
    request.max_content_length = attachments.room(largest(parts))
    try:
        protect()
        given = [file for file in request.files.getlist("file") if file.filename]
        if not given:
            return _("Choose a file first."), 422
        if len(given) > MOST_FILES:
            return _("At most %(n)s files at once.") % {"n": i18n.number(MOST_FILES)}, 422
        for file in given:
            flow.attach(parts.deps, id, file.filename or "", media_type(file.mimetype),
                        attachments.chunks(file.stream), actor, side=side, receiver=receiver)
    except RequestEntityTooLarge:
        return _("The files of one form have at most %(size)s.") % {"size": i18n.size(largest(parts))}, 413
    except Refused as error:
        return told(error.reason), error.status if error.status in (404, 409, 422) else 422
    except ConnectorError as error:
        return told(str(error)), from_connector(error).status
    return None


def media_type(given: str) -> str:
    """What a browser said of a file, if it has the form of a media type at all."""
    plain = given.lower().strip()
    kind, slash, rest = plain.partition("/")
    fits = slash and len(plain) <= 100 and all(part and part.replace("-", "").replace("+", "").replace(".", "").replace(
        "_", "").isalnum() and part.isascii() for part in (kind, rest))
    return plain if fits else attachments.UNKNOWN


def give(parts: Services, seen: Seen, digest: str) -> Response:
    """A file of this handoff, as a download: what a stranger attached is never run as a page of ours."""
    known = next((one for one in seen.files if one.digest == digest), None)
    if known is None:
        abort(404)
    body = files.read(parts.deps, digest)
    try:
        first = next(body, b"")
    except Refused:
        abort(410)
    return download(chain((first,), body), known.name, known.size)


def download(body: Iterator[bytes], name: str, size: int | None = None) -> Response:
    answer = Response(stream_with_context(body), content_type=attachments.UNKNOWN)
    name = "".join(letter if letter.isprintable() else "_" for letter in name)
    plain = name.encode("ascii", "replace").decode().replace('"', "'").replace("\\", "_")
    answer.headers["Content-Disposition"] = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    answer.headers["Content-Security-Policy"] = SANDBOX
    if size is not None:
        answer.headers["Content-Length"] = str(size)
    return answer
