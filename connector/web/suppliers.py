"""Suppliers' webhooks: commands, so everything is proven before anything is read, and durable before it is answered.

What can be told without the body is told to everybody alike (411, 413, 415); then the signature decides (401).
Everything accepted answers 202 with what the message itself says, so that a repeat gets the same answer.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any, Final

import orjson
import structlog
from flask import Blueprint, Response, current_app, g, request

from connector.domain.address import parse
from connector.domain.errors import BadSignature, NotFound, Refused
from connector.domain.handoffs.file_link import PATH
from connector.domain.handoffs.handoff import IllegalMove
from connector.domain.handoffs.receiver import Receiver
from connector.domain.handoffs.supplier_message import Command, Unclear, command
from connector.domain.signing import off_by, verify
from connector.domain.strict_json import BadJson, loads
from connector.flows import handoffs
from connector.schemas.suppliers import PATHS
from connector.web.auth.throttle import Bucket
from connector.web.errors import Problem
from connector.web.handoffs.calls import noted
from connector.web.rights import Door, door
from connector.web.services import KEY, Services, services
from connector.web.supplier_files import fetch

LARGEST_BODY: Final = 1024 * 1024
RATE: Final = "connector_suppliers"
NOBODY: Final = "whsec_bm9ib2R5IGhhcyB0aGlzIHNlY3JldCBhdCBhbGw="
"""Checked for suppliers that do not exist, so that finding out takes as long as for others."""
SECOND: Final = timedelta(seconds=1)
MEMBERS: Final = frozenset({"status", "reason", "attachments", "comment"})
log = structlog.get_logger(__name__)


@door(Door.SIGNATURE)
@noted
def receive(supplier: str) -> Response:
    """One message of a supplier about one of its handoffs."""
    parts = services()
    body = _body()
    receiver, message = _proven(parts, supplier, body)
    g.proven = True
    wait = _rate().take(receiver.name)
    if wait:
        raise Problem(429, "Too many messages.", headers={"Retry-After": str(int(wait) + 1)})
    told = _read(parts, body)
    digest = hashlib.sha256(body).hexdigest()
    _apply(parts, receiver, message, digest, told)
    answer = {"message": message, "type": told.type, "handoff_id": told.handoff, "known": told.known}
    return Response(orjson.dumps(answer), 202, content_type="application/json")


def _body() -> bytes:
    if request.content_length is None:
        raise Problem(411, "Send a Content-Length.")
    if request.content_length > LARGEST_BODY:
        raise Problem(413, f"At most {LARGEST_BODY} bytes.")
    if request.mimetype != "application/json" or _charset() not in ("", "utf-8"):
        raise Problem(415, "Send application/json in UTF-8.")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Problem(415, "Send the body as it is, not compressed.")
    request.max_content_length = LARGEST_BODY
    return request.get_data(cache=False)


def _charset() -> str:
    return request.mimetype_params.get("charset", "").lower()


def _proven(parts: Services, supplier: str, body: bytes) -> tuple[Receiver, str]:
    """The receiver and the message's id. An unknown supplier answers exactly as a wrong signature does."""
    known = parts.deps.registry().receivers.get(supplier) if parts.deps.registry is not None else None
    headers = dict(request.headers.items())
    secrets = parts.keys.of(known) if known is not None else ()
    try:
        message = verify(headers, body, secrets or (NOBODY,), parts.now())
        if known is None or not secrets:
            raise BadSignature("nobody we know")
    except BadSignature as error:
        log.warning("supplier message refused", supplier=supplier[:40], reason=str(error), size=len(body))
        g.refusal = str(error)
        off = off_by(headers, body, secrets or (NOBODY,), parts.now())
        if off is None or not secrets:
            raise Problem(401, "The signature is missing or wrong.") from None
        raise Problem(401, f"The signature is right, but its timestamp is {off // SECOND} seconds from our clock: "
                           "check yours, and sign anew.", kind="clock") from None
    return known, message


def _read(parts: Services, body: bytes) -> Command:
    try:
        told = command(loads(body, largest=LARGEST_BODY))
        _check_links(parts, told)
        return told
    except BadJson as error:
        raise Problem(400, str(error), kind="not-json") from None
    except Unclear as error:
        raise Problem(422, "The message cannot be understood.", kind="invalid", errors=[
            {"in": "json", "pointer": pointer, "detail": text} for pointer, text in error.mistakes]) from None


def _check_links(parts: Services, told: Command) -> None:
    """What can be said of their links now, before anybody resolves a name. Raises Unclear."""
    mistakes = []
    for number, file in enumerate(told.files):
        try:
            if file.url:
                parse(file.url, parts.settings.suppliers.policy)
        except Refused as error:
            mistakes.append((f"/data/attachments/{number}/url", error.reason))
    if mistakes:
        raise Unclear(mistakes)


def _apply(parts: Services, receiver: Receiver, message: str, digest: str, told: Command) -> None:
    """Raises 409 for what may not be now, 404 for what is not theirs or not at all: one answer for both."""
    try:
        handoffs.answer(parts.deps, receiver, message, digest, told)
    except NotFound:
        raise Problem(404, "There is no such handoff.") from None
    except IllegalMove as error:
        raise Problem(409, error.reason, kind="illegal-move", errors=[
            {"in": "json", "pointer": "/data/status", "detail": f"allowed now: {', '.join(error.allowed) or 'nothing'}"}
        ]) from None
    except Refused as error:
        if error.status == 409:
            raise Problem(409, error.reason, kind="clash") from None
        name, _, detail = error.reason.partition(": ")
        place = [{"in": "json", "pointer": f"/data/{name}", "detail": detail}] if name in MEMBERS else []
        raise Problem(422, error.reason, kind="invalid", errors=place) from None


def _rate() -> Bucket:
    bucket: Bucket = current_app.extensions[RATE]
    return bucket


def _schema(path: str) -> Any:
    made = PATHS[path]()

    @door(Door.PUBLIC)
    def shown() -> dict[str, Any]:
        return made

    return shown


def blueprint() -> Blueprint:
    hooks = Blueprint("suppliers", __name__)
    hooks.post("/api/v1/webhooks/suppliers/<supplier>")(receive)
    hooks.get(PATH.format(receiver="<supplier>", handoff="<handoff>", digest="<digest>"))(fetch)
    for number, path in enumerate(PATHS):
        hooks.get(path, endpoint=f"schema{number}")(_schema(path))

    def install(state: Any) -> None:
        parts: Services = state.app.extensions[KEY]
        per_minute = parts.settings.suppliers.per_minute
        state.app.extensions["connector_csrf"].exempt(hooks)
        state.app.extensions[RATE] = Bucket(per_minute, max(20, per_minute // 2), parts.now)

    hooks.record(install)
    return hooks
