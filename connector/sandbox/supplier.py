"""A stand-in supplier with a system of its own: checks what it is sent, works on it, answers by signed webhooks.

It lives on this machine, which suppliers never do: `way()` is the guarded way out on which its public-looking name
leads here.
"""

from __future__ import annotations

import json
import queue
import secrets
import socket
import threading
import time
from base64 import b64encode
from collections import Counter
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from uuid import uuid4

import requests

from connector.domain.address import AddressPolicy
from connector.domain.errors import BadSignature
from connector.domain.signing import PREFIX, sign, verify
from connector.guarded import Guarded

PUBLIC: Final = "93.184.216.34"
"""What its name resolves to on the way out; nobody is called there."""
LARGEST: Final = 1024 * 1024
PAUSE: Final = 1.0
"""Seconds between two of its answers, and before it sends one again."""
WORK: Final = {
    "offered": ({"status": "acknowledged"}, {"status": "in_progress"},
                {"status": "resolved", "reason": "The part was replaced and tested."}),
    "rejected": ({"status": "in_progress"}, {"status": "resolved", "reason": "Done again, more thoroughly this time."}),
}
"""What it does when a handoff is in this state, in order."""


class Supplier:
    """`hook` is the address of our service at which it answers."""

    def __init__(self, name: str, hook: str, pause: float = PAUSE) -> None:
        self.name, self._hook, self._pause = name, hook, pause
        self.secret = PREFIX + b64encode(secrets.token_bytes(32)).decode()
        self.counts: Counter[str] = Counter()
        self._seen: set[str] = set()
        self._todo: queue.Queue[dict[str, Any]] = queue.Queue()
        self._ended = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._threads = [threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True),
                         threading.Thread(target=self._work, daemon=True)]

    def __enter__(self) -> Supplier:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://{self.name}.example/hooks"

    def way(self) -> Guarded:
        def dial(where: tuple[str, int], timeout: float | None = None) -> socket.socket:
            return socket.create_connection(("127.0.0.1", self._server.server_port), timeout)

        return Guarded(AddressPolicy(allow_http=True), resolve=lambda host, port: [PUBLIC], dial=dial)

    def heard(self, headers: dict[str, str], body: bytes) -> int:
        """The status it answers a message of ours with."""
        try:
            id = verify(headers, body, [self.secret], datetime.now(UTC))
            message = json.loads(body)
            status, handoff = message["data"].get("status", ""), message["subject"]
        except (BadSignature, ValueError, KeyError, TypeError, AttributeError):
            return 401
        if id not in self._seen:
            self._seen.add(id)
            self.counts[message["type"]] += 1
            for step in WORK.get(status, ()):
                self._todo.put({"handoff_id": handoff, "supplier_ticket": f"NW-{handoff[-6:]}", **step})
        return 204

    def idle(self, patience: float) -> bool:
        """Waits until it has said all it had to say."""
        until = time.monotonic() + patience
        while self._todo.unfinished_tasks and time.monotonic() < until:
            time.sleep(0.05)
        return not self._todo.unfinished_tasks

    def _work(self) -> None:
        while not self._ended.wait(self._pause):
            try:
                data = self._todo.get(timeout=0.2)
            except queue.Empty:
                continue
            self._say(f"msg-{uuid4().hex}", data)
            self._todo.task_done()

    def _say(self, id: str, data: dict[str, Any]) -> None:
        """Until it is taken or refused for good; always the same id and bytes."""
        body = json.dumps({"type": "handoff.status_changed", "timestamp": datetime.now(UTC).isoformat(), "data": data})
        while not self._ended.is_set():
            headers = {**sign(id, datetime.now(UTC), body.encode(), [self.secret]), "Content-Type": "application/json"}
            try:
                status = requests.post(self._hook, body.encode(), headers=headers, timeout=20).status_code
            except requests.RequestException:
                status = 503
            if status < 500 and status != 429:
                self.counts[f"answered {status}"] += 1
                return
            self._ended.wait(self._pause)


def _handler(supplier: Supplier) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 30

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not length.isdigit() or int(length) > LARGEST:
                self.send_response(413)
            else:
                headers = {name.lower(): value for name, value in self.headers.items()}
                self.send_response(supplier.heard(headers, self.rfile.read(int(length))))
            self.end_headers()

        def log_message(self, *args: object) -> None: ...

    return Handler
