"""A mail server that delivers nothing: every message becomes a file, to be looked at. For the demo; no TLS, no sign-in.

It speaks what RFC 5321 asks of every server (4.5.1) and no more, on 127.0.0.1 only.
"""

from __future__ import annotations

import itertools
import socketserver
import threading
from pathlib import Path
from typing import Final

LARGEST: Final = 5_000_000
LONGEST_LINE: Final = 2_000
SILENCE: Final = 60.0
"""Seconds without a command after which a connection ends."""


class Mailbox:
    """Messages come to `folder` as 0001.eml, 0002.eml, ... `port` says where to send them."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._numbers = itertools.count(1)
        self._server = _Server(self)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="mailbox", daemon=True)

    def __enter__(self) -> Mailbox:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def keep(self, message: bytes) -> None:
        (self.folder / f"{next(self._numbers):04}.eml").write_bytes(message)

    @property
    def count(self) -> int:
        return sum(1 for _ in self.folder.glob("*.eml"))


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox
        super().__init__(("127.0.0.1", 0), _Session)


class _Session(socketserver.StreamRequestHandler):
    timeout = SILENCE
    server: _Server

    def handle(self) -> None:
        self.sender, self.recipients = "", list[str]()
        try:
            self.say("220 mailbox of the demo")
            while (line := self.rfile.readline(LONGEST_LINE)) and self.obey(line.decode("ascii", "replace").strip()):
                pass
        except OSError:
            return

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())

    def obey(self, line: str) -> bool:
        """One command; False ends the connection."""
        verb, _, rest = line.partition(" ")
        verb = verb.upper()
        if verb == "QUIT":
            self.say("221 bye")
            return False
        if verb in ("HELO", "EHLO"):
            self.sender, self.recipients = "", []
            self.say(f"250 hello {rest[:100]}")
        elif verb == "MAIL" and rest.upper().startswith("FROM:"):
            self.sender, self.recipients = rest[5:] or "<>", []
            self.say("250 ok")
        elif verb == "RCPT" and rest.upper().startswith("TO:") and self.sender:
            self.recipients.append(rest[3:])
            self.say("250 ok")
        elif verb == "DATA":
            return self.take()
        elif verb == "RSET":
            self.sender, self.recipients = "", []
            self.say("250 ok")
        elif verb in ("NOOP", "VRFY"):
            self.say("250 ok" if verb == "NOOP" else "252 send it and see")
        else:
            self.say("503 not now" if verb in ("MAIL", "RCPT") else "500 what?")
        return True

    def take(self) -> bool:
        if not self.recipients:
            self.say("503 to whom?")
            return True
        self.say("354 go on")
        lines: list[bytes] = []
        size = 0
        while True:
            line = self.rfile.readline(LARGEST)
            size += len(line)
            if not line or size > LARGEST:
                return False
            if line in (b".\r\n", b".\n"):
                break
            lines.append(line[1:] if line.startswith(b".") else line)
        self.server.mailbox.keep(b"".join(lines))
        self.sender, self.recipients = "", []
        self.say("250 kept")
        return True
