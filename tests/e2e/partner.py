"""A supplier's system, as a process of its own, on an independent implementation of the signature (`standardwebhooks`).

Run as: partner.py FOLDER SECRET URL, with certificate and key in FOLDER/partner.pem. It is called over TLS. On a second
port, for the test: POST makes it send a message to URL, with its clock some seconds ahead; GET tells what it took.
"""

from __future__ import annotations

import json
import os
import ssl
import sys
import threading
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from standardwebhooks import Webhook


class Partner:
    def __init__(self, secret: str, url: str) -> None:
        self.webhook, self.url = Webhook(secret), url
        self.seen: dict[str, dict[str, Any]] = {}
        self.said = 0

    def heard(self, headers: dict[str, str], body: bytes) -> int:
        # Its clock is moved by the test, so the age is not judged here; signature and form are.
        self.webhook._Webhook__verify_timestamp = lambda value: datetime.fromtimestamp(int(value),
            UTC)  # type: ignore[attr-defined]
        message = self.webhook.verify(body, headers)
        self.seen.setdefault(message["id"], message)
        return 204

    def say(self, offset: float, message: dict[str, Any]) -> tuple[int, str]:
        self.said += 1
        id, at, body = f"msg-{self.said}", datetime.now(UTC) + timedelta(seconds=offset), json.dumps(message)
        headers = {"webhook-id": id, "webhook-timestamp": str(int(at.timestamp())),
                   "webhook-signature": self.webhook.sign(id, at, body), "Content-Type": "application/json"}
        try:
            with urllib.request.urlopen(urllib.request.Request(self.url, body.encode(), headers), timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()


def main() -> None:
    folder, partner = Path(sys.argv[1]), Partner(sys.argv[2], sys.argv[3])

    class Quiet(BaseHTTPRequestHandler):
        def body(self) -> bytes:
            return self.rfile.read(int(self.headers["Content-Length"]))

        def answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            if status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None: ...

    class Hooks(Quiet):
        def do_POST(self) -> None:
            self.answer(partner.heard({name.lower(): value for name, value in self.headers.items()}, self.body()), b"")

    class Control(Quiet):
        def do_POST(self) -> None:
            given = json.loads(self.body())
            self.answer(200, json.dumps(partner.say(given["offset"], given["message"])).encode())

        def do_GET(self) -> None:
            self.answer(200, json.dumps(list(partner.seen.values())).encode())

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "partner.pem")
    hooks, control = (ThreadingHTTPServer(("127.0.0.1", 0), handler) for handler in (Hooks, Control))
    hooks.socket = context.wrap_socket(hooks.socket, server_side=True)
    threading.Thread(target=hooks.serve_forever, daemon=True).start()
    (folder / "ports.part").write_text(f"{hooks.server_port} {control.server_port}")
    os.replace(folder / "ports.part", folder / "ports")
    control.serve_forever()


if __name__ == "__main__":
    main()
