"""A supplier's endpoint on this machine: keeps what it is sent, answers as it is told."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from connector.domain.address import AddressPolicy
from connector.domain.handoffs.receiver import Reach, Receiver, ReceiverKind, Webhook
from connector.guarded import Guarded

ADDRESS = "93.184.216.34"
URL = "http://partner.example/hooks"
OLD = "whsec_" + "b2xkIHNlY3JldCBvbmx5IGZvciB0ZXN0cyE="
NEW = "whsec_" + "bmV3IHNlY3JldCBvbmx5IGZvciB0ZXN0cyE="
RECEIVER = Receiver(name="hosting", kind=ReceiverKind.SUPPLIER,
                    reach=Reach(Webhook(URL, ("HOSTING_SECRET", "HOSTING_SECRET_OLD"))))
Said = tuple[int, dict[str, str], bytes]


class Endpoint:
    def __init__(self, answer: Callable[[dict[str, str], bytes], Said]) -> None:
        self.answer = answer
        self.got: list[tuple[dict[str, str], bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer.got.append((headers, body))
                status, more, said = outer.answer(headers, body)
                self.send_response(status)
                for name, value in more.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *args: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def guarded(self) -> Guarded:
        """A way out on which the partner's public address leads here."""
        def dial(where: tuple[str, int], timeout: float | None = None) -> socket.socket:
            assert where[0] == ADDRESS
            return socket.create_connection(("127.0.0.1", self.port), timeout)

        return Guarded(AddressPolicy(allow_http=True), resolve=lambda host, port: [ADDRESS], dial=dial)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def endpoint(status: int = 202, headers: dict[str, str] | None = None, body: bytes = b"") -> Iterator[Endpoint]:
    one = Endpoint(lambda _headers, _body: (status, headers or {}, body))
    try:
        yield one
    finally:
        one.close()
