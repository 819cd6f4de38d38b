"""The tools' webhooks: verified over the raw body before anything is read, then only a hint to look again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Final

import structlog
from flask import Blueprint, Response, request
from werkzeug.datastructures import Headers

from connector.domain.errors import BadSignature, Refused, Unsupported
from connector.web.errors import Problem
from connector.web.rights import Door, door
from connector.web.services import services

LARGEST_BODY: Final = 1024 * 1024
log = structlog.get_logger(__name__)


@door(Door.SIGNATURE)
def receive(tool: str) -> Response:
    """202 when the hint was taken, and for a repeat. An unknown tool answers exactly as a wrong signature does."""
    parts = services()
    request.max_content_length = LARGEST_BODY
    body = request.get_data(cache=False)
    known = parts.deps.tools.get(tool)
    if known is None:
        raise _refused()
    try:
        hint = known.vendor.verify_webhook(Seen(request.headers), body, parts.now())
    except (BadSignature, Unsupported) as error:
        log.warning("webhook refused", tool=tool, reason=str(error), size=len(body))
        raise _refused() from None
    except Refused as error:
        raise Problem(422, error.reason, kind="refused") from None
    digest = hashlib.sha256(body).hexdigest()
    with parts.deps.store.begin() as tx:
        first = tx.first_time(f"webhook/{tool}", hint.message, digest, parts.now())
        if first == "clash":
            raise Problem(409, "This message id was used for other content.", kind="clash")
        if first == "new" and hint.ids:
            tx.hint(tool, hint.ids, parts.now())
    log.info("webhook taken", tool=tool, first=first, tickets=len(hint.ids))
    return Response(status=202)


class Seen(Mapping[str, str]):
    """The headers as a plain mapping, found without regard to case."""

    def __init__(self, headers: Headers) -> None:
        self._headers = headers

    def __getitem__(self, name: str) -> str:
        return self._headers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._headers.keys())

    def __len__(self) -> int:
        return len(self._headers)


def _refused() -> Problem:
    return Problem(401, "The signature is missing or wrong.")


def blueprint() -> Blueprint:
    hooks = Blueprint("webhooks", __name__, url_prefix="/api/v1/webhooks")
    hooks.post("/tools/<tool>")(receive)
    hooks.record(lambda state: state.app.extensions["connector_csrf"].exempt(hooks))
    return hooks
