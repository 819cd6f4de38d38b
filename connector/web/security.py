"""What every answer carries: the request's id, and headers that leave the browser little to do wrong."""

from __future__ import annotations

import re
import time
import uuid
from typing import Final

import structlog
from flask import Flask, Response, g, request

CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}
STATIC: Final = frozenset({"static", "assets.bootstrap", "assets.swagger"})
_ID: Final = re.compile(r"[A-Za-z0-9._-]{8,64}")

log = structlog.get_logger("connector.web.access")


def begin() -> None:
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if _ID.fullmatch(given) else uuid.uuid4().hex
    g.began = time.perf_counter()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def finish(response: Response) -> Response:
    headers = response.headers
    headers["X-Request-ID"] = getattr(g, "request_id", "")
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    headers.setdefault("Content-Security-Policy", CSP)
    if request.is_secure:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if request.endpoint not in STATIC:
        headers.setdefault("Cache-Control", "no-store")
    _note(response)
    return response


def _note(response: Response) -> None:
    """One line a request. The route instead of the path: a path or query string may carry what logs must not."""
    if request.endpoint in STATIC or request.endpoint in ("health.alive", "health.metrics"):
        return
    who = getattr(g, "who", None)
    log.info(
        "request",
        method=request.method,
        route=str(request.url_rule or "(none)"),
        status=response.status_code,
        ms=round((time.perf_counter() - getattr(g, "began", time.perf_counter())) * 1000, 1),
        actor=who.label if who else "",
    )


def install(app: Flask) -> None:
    app.before_request(begin)
    app.after_request(finish)
