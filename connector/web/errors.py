"""Every error has one shape: RFC 9457 problem details for programs, a calm page for people."""

from __future__ import annotations

import http.client
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
import structlog
from flask import Flask, Response, g, render_template, request
from werkzeug.exceptions import HTTPException, InternalServerError

from connector.domain.errors import Conflict, ConnectorError, NotFound, Refused, TryLater, Unsupported

JSON: Final = "application/problem+json"
URN: Final = "urn:servicedesk-connector:problem:"
MACHINE: Final = ("/api/", "/healthz", "/readyz", "/metrics")

log = structlog.get_logger(__name__)


class Problem(Exception):
    """An error that says what a program should know. `kind` becomes its type; "" means the status tells all."""

    def __init__(
        self,
        status: int,
        detail: str = "",
        *,
        kind: str = "",
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.kind = kind
        self.errors = errors
        self.headers = dict(headers or {})


def from_connector(error: ConnectorError) -> Problem:
    """Our own errors, sorted by what the caller does next, as the statuses that say the same."""
    match error:
        case NotFound():
            return Problem(404, error.reason)
        case Refused(status=412):
            return Problem(412, error.reason, kind="changed")
        case Refused():
            return Problem(422, error.reason, kind="refused")
        case TryLater():
            seconds = max(1, round(error.wait.total_seconds())) if error.wait else 30
            return Problem(503, error.reason, kind="try-later", headers={"Retry-After": str(seconds)})
        case Unsupported():
            return Problem(422, str(error), kind="unsupported")
        case Conflict():
            return Problem(409, "Somebody else changed it meanwhile: read it again.", kind="conflict")
        case _:
            return Problem(500)


def from_http(error: HTTPException) -> Problem:
    """A Werkzeug or webargs error; `data` is where webargs puts its field messages and headers."""
    data: Mapping[str, Any] = getattr(error, "data", None) or {}
    headers = {name: value for name, value in dict(error.get_headers()).items() if name in ("Allow", "Retry-After")}
    headers.update(data.get("headers") or {})
    detail = str(data.get("message") or error.description or "")
    return Problem(
        error.code or 500,
        "" if error.code == 500 else detail,
        kind="invalid" if error.code == 422 else "",
        errors=list(flatten(data.get("errors") or data.get("messages") or {})),
        headers=headers,
    )


def flatten(messages: Any, where: tuple[str, ...] = ()) -> list[dict[str, str]]:
    """Marshmallow's nested messages as a flat list: `{"in": "json", "pointer": "/title", "detail": "..."}`."""
    if isinstance(messages, Mapping):
        return [item for key, inner in messages.items() for item in flatten(inner, (*where, str(key)))]
    if isinstance(messages, (list, tuple)):
        return [item for inner in messages for item in flatten(inner, where)]
    place, path = (where[0], where[1:]) if where else ("", ())
    return [{"in": place, "pointer": "".join(f"/{_escape(part)}" for part in path), "detail": str(messages)}]


def _escape(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")


def wants_problem() -> bool:
    return request.path.startswith(MACHINE)


def respond(problem: Problem) -> Response:
    title = http.client.responses.get(problem.status, "Error")
    if not wants_problem():
        page = render_template("error.html", status=problem.status, detail=problem.detail)
        return Response(page, problem.status, problem.headers, mimetype="text/html")
    body: dict[str, Any] = {
        "type": URN + problem.kind if problem.kind else "about:blank",
        "title": title,
        "status": problem.status,
        "instance": request.path,
        "request_id": getattr(g, "request_id", ""),
    }
    if problem.detail:
        body["detail"] = problem.detail
    if problem.errors:
        body["errors"] = list(problem.errors)
    return Response(orjson.dumps(body), problem.status, problem.headers, content_type=JSON)


def on_http(error: HTTPException) -> Response:
    if error.code is None or error.code < 400:
        return Response(response=error.get_response().response, status=error.code, headers=error.get_headers())
    problem = from_http(error)
    if not wants_problem() and error.description == type(error).description:
        problem.detail = ""  # Werkzeug's own words are English only: the page has its own
    return respond(problem)


def on_unforeseen(error: Exception) -> Response:
    log.error("unforeseen error", exc_info=error, route=str(request.url_rule or ""))
    return respond(from_http(InternalServerError()))


def install(app: Flask) -> None:
    app.register_error_handler(Problem, respond)
    app.register_error_handler(ConnectorError, lambda error: respond(from_connector(error)))
    app.register_error_handler(HTTPException, on_http)
    app.register_error_handler(Exception, on_unforeseen)
