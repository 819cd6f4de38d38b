"""What the resources of the API share: pages, preconditions, answers given twice."""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

from flask import Response, request, url_for
from marshmallow import Schema, fields, validate

from connector.store.answers import Busy, Clash
from connector.store.views import BadCursor, Paged, TicketDetail
from connector.web.auth.identity import who
from connector.web.errors import Problem
from connector.web.services import services

Item = TypeVar("Item")
View = TypeVar("View", bound=Callable[..., Any])
LONGEST_KEY: Final = 255


def any_body(view: View) -> View:
    """The view takes a body of any media type, and reads it itself."""
    view.__any_body__ = True  # type: ignore[attr-defined]
    return view


def takes_any_body(view: Any, method: str) -> bool:
    return getattr(getattr(getattr(view, "view_class", None), method.lower(), None), "__any_body__", False)


def paged(read: Callable[[], Paged[Item]]) -> Paged[Item]:
    try:
        return read()
    except BadCursor:
        error = {"in": "query", "pointer": "/cursor", "detail": "Not a cursor of this list and order."}
        raise Problem(422, "The cursor cannot be used.", kind="invalid", errors=[error]) from None


def page_out(page: Paged[Any]) -> tuple[dict[str, Any], int, dict[str, str]]:
    """The page as a body, and its next page as a Link header (RFC 8288)."""
    headers: dict[str, str] = {}
    if page.next:
        args: dict[str, Any] = {**request.args.to_dict(flat=False), "cursor": page.next}
        headers["Link"] = f'<{url_for(request.endpoint or "", **args)}>; rel="next"'
    return {"items": page.items, "next": page.next}, 200, headers


def etag_of(detail: TicketDetail) -> str:
    return f"{detail.key}-{detail.revision}"


class IfMatch(Schema):
    """Header of a conditional change (RFC 9110, 13.1.1)."""

    if_match = fields.String(
        data_key="If-Match", load_default=None, metadata={"description": "ETag of the ticket that was read"}
    )


class IdempotencyKey(Schema):
    """As in the IETF draft "The Idempotency-Key HTTP Header Field"."""

    key = fields.String(
        data_key="Idempotency-Key",
        load_default=None,
        validate=validate.Length(1, LONGEST_KEY),
        metadata={"description": "Your own unique id of this request: sent twice within 24 hours, done once"},
    )


def check_precondition(detail: TicketDetail) -> None:
    """Raises 428 without If-Match, 412 when the ticket moved since it was read."""
    if not request.if_match and "If-Match" not in request.headers:
        raise Problem(428, "Send If-Match with the ETag of the ticket you read.", kind="precondition-required")
    if not request.if_match.contains(etag_of(detail)):
        raise Problem(412, "The ticket has changed since you read it.", kind="changed")


def idempotent(view: Callable[..., Response]) -> Callable[..., Response]:
    """Answers a repeated POST with the answer given before, and does nothing again."""

    @functools.wraps(view)
    def once(*args: Any, **kwargs: Any) -> Response:
        key = request.headers.get("Idempotency-Key", "")
        if not key:
            return view(*args, **kwargs)
        if not re.fullmatch(r"[\x21-\x7e]{1,255}", key):
            raise Problem(422, "Idempotency-Key: 1 to 255 visible ASCII characters.", kind="invalid")
        answers, owner = services().answers, who().label
        try:
            given = answers.begin(owner, key, _digest(), services().now())
        except Clash:
            raise Problem(422, "This Idempotency-Key was used for another request.", kind="key-reused") from None
        except Busy:
            raise Problem(409, "The first request with this key is still at work.", kind="key-in-use") from None
        if given is not None:
            return Response(given.body, given.status, {**given.headers, "Idempotency-Replayed": "true"})
        return _keep(view, owner, key, args, kwargs)

    return once


def _keep(view: Callable[..., Response], owner: str, key: str, args: Any, kwargs: Any) -> Response:
    """Keeps the answer, unless it is an error: that may be tried again with the same key."""
    answers = services().answers
    try:
        response = view(*args, **kwargs)
    except BaseException:
        answers.forget(owner, key)
        raise
    if response.status_code >= 400:
        answers.forget(owner, key)
    else:
        headers = {
            name: value for name, value in response.headers.items() if name in ("Content-Type", "Location", "ETag")
        }
        answers.finish(owner, key, response.status_code, headers, response.get_data())
    return response


def _digest() -> str:
    body = request.get_data(cache=True)
    return hashlib.sha256(f"{request.method} {request.path}\n".encode() + body).hexdigest()
