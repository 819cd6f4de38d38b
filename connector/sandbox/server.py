"""The HTTP server of a stand-in: threads, keep-alive, a log of what was asked, connections that break on purpose."""

from __future__ import annotations

import contextlib
import io
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Any, Final

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from connector.sandbox.clock import Clock
from connector.sandbox.faults import Fault, Faults

PAGE: Final = b"<!DOCTYPE html>\n<html><head><title>Maintenance</title></head><body><h1>Back soon</h1></body></html>\n"
KEPT_BODY: Final = 16_384
Start = Callable[..., Any]
Environ = dict[str, Any]
App = Callable[[Environ, Start], Iterable[bytes]]


@dataclass(slots=True)
class Request:
    """A request as it came in. `body` is its beginning only; `status` is 0 when no answer went out."""

    method: str
    path: str
    query: str
    body: bytes
    status: int
    seconds: float
    fault: str = ""


class Cut(ConnectionError):
    """The connection was cut on purpose."""


class Front:
    """Stands before a make's app: keeps the log, plays the faults, sets the Date header from the tool's clock."""

    def __init__(self, app: App, faults: Faults, clock: Clock, expire: Callable[[], None],
                 too_many: Callable[[], bytes], control: App) -> None:
        self.app = app
        self.faults = faults
        self.clock = clock
        self.expire = expire
        self.too_many = too_many
        self.control = control
        self.requests: deque[Request] = deque(maxlen=100_000)

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        begun = time.monotonic()
        path, query = environ["PATH_INFO"], environ.get("QUERY_STRING", "")
        body = _body(environ)
        if path.startswith("/_sandbox"):
            return self.control(environ, start)
        fault = self.faults.match(environ["REQUEST_METHOD"], f"{path}?{query}")
        entry = Request(environ["REQUEST_METHOD"], path, query, body[:KEPT_BODY], 0, 0.0, fault.kind if fault else "")
        self.requests.append(entry)
        try:
            status, headers, data = self._answer(environ, fault)
            if fault is not None and fault.kind == "half":
                _send(environ, start, status, headers, data, len(data) // 2)
            entry.status = int(status.split(" ", 1)[0])
            start(status, headers)
            return [data]
        finally:
            entry.seconds = time.monotonic() - begun

    def _answer(self, environ: Environ, fault: Fault | None) -> tuple[str, list[tuple[str, str]], bytes]:
        if fault is None:
            return self._work(environ)
        options = fault.options
        if fault.kind == "slow":
            time.sleep(float(options.get("seconds", 1.0)))
        elif fault.kind == "closed":
            _cut(environ)
        elif fault.kind == "429":
            wait = options.get("retry_after", 1)
            extra = [] if wait is None else [("Retry-After", str(wait))]
            return self._made("429 TOO MANY REQUESTS", self.too_many(), "application/json", extra)
        elif fault.kind == "500":
            return self._made(f"{options.get('status', 500)} FAULT", PAGE, "text/html")
        elif fault.kind == "empty_202":
            return self._made("202 ACCEPTED", b"", "application/json")
        elif fault.kind == "expired":
            self.expire()
        elif fault.kind == "html_200" and not options.get("after"):
            return self._made("200 OK", PAGE, "text/html; charset=UTF-8")
        answer = self._work(environ)
        if fault.kind == "lost_answer":
            time.sleep(float(options.get("hang", 0.0)))
            _cut(environ)
        if fault.kind == "error_after":
            return self._made(f"{options.get('status', 502)} FAULT", PAGE, "text/html")
        if fault.kind == "html_200" and options.get("after"):
            return self._made("200 OK", PAGE, "text/html; charset=UTF-8")
        return answer

    def _work(self, environ: Environ) -> tuple[str, list[tuple[str, str]], bytes]:
        caught: list[Any] = []

        def start(status: str, headers: list[tuple[str, str]], _: Any = None) -> None:
            caught[:] = [status, headers]

        parts = self.app(environ, start)
        try:
            data = b"".join(parts)
        finally:
            close = getattr(parts, "close", None)
            if close is not None:
                close()
        status, headers = caught
        kept = [(name, value) for name, value in headers if name.lower() not in ("date", "content-length")]
        size = {name.lower(): value for name, value in headers}.get("content-length", str(len(data)))
        return status, [*kept, ("Content-Length", size), self._date()], data

    def _made(self, status: str, data: bytes, media_type: str, extra: Iterable[tuple[str, str]] = ()
              ) -> tuple[str, list[tuple[str, str]], bytes]:
        headers = [("Content-Type", media_type), ("Content-Length", str(len(data))), self._date(), *extra]
        return status, headers, data

    def _date(self) -> tuple[str, str]:
        return "Date", http_date(self.clock.now())


def http_date(at: datetime) -> str:
    return format_datetime(at, usegmt=True)


def _body(environ: Environ) -> bytes:
    """A request body of moderate size, for the log; the app reads it once more. Larger ones are left to the app."""
    length = environ.get("CONTENT_LENGTH") or "0"
    if environ.get("wsgi.input_terminated") or not length.isdigit() or int(length) > 64 * KEPT_BODY:
        return b""
    data: bytes = environ["wsgi.input"].read(int(length)) if int(length) else b""
    environ["wsgi.input"] = _Again(data)
    return data


class _Again(io.BytesIO):
    """A request body that was already read, once more."""


def _cut(environ: Environ) -> None:
    connection: socket.socket | None = environ.get("werkzeug.socket")
    if connection is not None:
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
    raise Cut


def _send(environ: Environ, start: Start, status: str, headers: list[tuple[str, str]], data: bytes, much: int) -> None:
    """Send the head and the first bytes by hand, then break off."""
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers), "", ""]
    connection: socket.socket | None = environ.get("werkzeug.socket")
    if connection is not None:
        with contextlib.suppress(OSError):
            connection.sendall("\r\n".join(lines).encode("latin-1") + data[:much])
    _cut(environ)


class _Handler(WSGIRequestHandler):
    """One connection. Werkzeug's own way closes each connection after a request; real tools keep them open."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # header and body are two writes: with Nagle each answer could wait 40 ms
    server: Server

    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        with contextlib.suppress(OSError):
            super().finish()

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            super().handle()

    def run_wsgi(self) -> None:
        if self.headers.get("Expect", "").lower().strip() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        environ = self.make_environ()
        caught: list[Any] = []

        def start(status: str, headers: list[tuple[str, str]], _: Any = None, /) -> Callable[[bytes], object]:
            caught[:] = [status, headers]
            return caught.append

        try:
            data = b"".join(self.server.app(environ, start))
        except Cut:
            self.close_connection = True
            return
        if not isinstance(environ["wsgi.input"], _Again):  # a body of which something may be left
            self.close_connection = True
        code, _, reason = caught[0].partition(" ")
        self.send_response_only(int(code), reason)
        for name, value in caught[1]:
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


class Server(ThreadedWSGIServer):
    """On 127.0.0.1 only. `stop` also breaks connections that were kept alive."""

    daemon_threads = True

    def __init__(self, app: App, port: int = 0) -> None:
        self.connections: set[socket.socket] = set()
        super().__init__("127.0.0.1", port, app, _Handler)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), name="sandbox", daemon=True)
        self._thread.start()

    def log(self, type: str, message: str, *args: Any) -> None:
        pass  # the stand-in keeps its own list of requests

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
