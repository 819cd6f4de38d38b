"""A supplier with a system of its own, as a process of its own: checks signatures with the `standardwebhooks` package,
acts on each message once, and answers as badly as the real ones do.

Run as: supplier.py FOLDER SEED SECRET. Writes its port to FOLDER/port and every act as a line to FOLDER/acts.jsonl.
"""

from __future__ import annotations

import json
import os
import random
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError


class Supplier:
    def __init__(self, folder: Path, seed: int, secret: str) -> None:
        self.acts = (folder / "acts.jsonl").open("a")
        self.rng = random.Random(seed)
        self.webhook = Webhook(secret)
        self.seen: set[str] = set()
        self.lock = threading.Lock()

    def answer(self, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str]] | None:
        """Status and headers; None hangs up without a word."""
        try:
            message: dict[str, Any] = self.webhook.verify(body, headers)
        except WebhookVerificationError:
            return 401, {}
        with self.lock:
            chance = self.rng.random()
            if chance < 0.1:
                return 500, {}
            if chance < 0.15:
                return 429, {"Retry-After": "1"}
            if chance < 0.2:
                return 503, {}
            if chance < 0.23:
                return 302, {"Location": "http://127.0.0.1:9/"}
            if chance < 0.26:
                return None
            self.act(message)
            if chance < 0.36:
                return None
            return (202 if chance < 0.8 else 200), {}

    def act(self, message: dict[str, Any]) -> None:
        if message["id"] in self.seen:
            return
        self.seen.add(message["id"])
        self.acts.write(json.dumps([message["id"], message["subject"], message["data"]["sequence"]]) + "\n")
        self.acts.flush()


def main() -> None:
    folder = Path(sys.argv[1])
    supplier = Supplier(folder, int(sys.argv[2]), sys.argv[3])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told = supplier.answer({name.lower(): value for name, value in self.headers.items()}, body)
            if told is None:
                self.close_connection = True
                return
            self.send_response(told[0])
            for name, value in told[1].items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    (folder / "port.part").write_text(str(server.server_port))
    os.replace(folder / "port.part", folder / "port")
    server.serve_forever()


if __name__ == "__main__":
    main()
