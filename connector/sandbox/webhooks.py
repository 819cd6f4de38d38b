"""Signed webhooks out of a stand-in: one thread, in order, tried again until the receiver answers 2xx."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import requests

from connector.sandbox.model import Happening


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where hints go, and the secret they are signed with."""

    url: str
    secret: str


@dataclass(slots=True)
class Sent:
    """A delivery as it went out. `status` 0: nobody answered."""

    happening: Happening
    headers: Mapping[str, str]
    body: bytes
    status: int
    tries: int


Sign = Callable[[Happening, str, int, float], tuple[dict[str, str], bytes]]
WAITS = (0.1, 0.5, 2.0, 5.0)


class Sender:
    """Delivers what it is told. Signature times are real, whatever the tool's own clock says."""

    def __init__(self, target: Webhook, sign: Sign) -> None:
        self.target = target
        self.sent: list[Sent] = []
        self._sign = sign
        self._queue: queue.SimpleQueue[Happening | None] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self._number = 0
        self._thread = threading.Thread(target=self._run, name="sandbox-webhooks", daemon=True)
        self._thread.start()

    def __call__(self, happening: Happening) -> None:
        self._queue.put(happening)

    def stop(self) -> None:
        self._stopped.set()
        self._queue.put(None)
        self._thread.join(5)

    def _run(self) -> None:
        with requests.Session() as session:
            session.trust_env = False
            while (happening := self._queue.get()) is not None:
                self._number += 1
                self._deliver(session, happening, self._number)

    def _deliver(self, session: requests.Session, happening: Happening, number: int) -> None:
        status = 0
        headers: dict[str, str] = {}
        body = b""
        for tries in range(1, len(WAITS) + 2):
            if self._stopped.is_set():
                return
            headers, body = self._sign(happening, self.target.secret, number, time.time())
            with contextlib.suppress(requests.RequestException):
                status = session.post(self.target.url, data=body, headers=headers, timeout=2,
                                      allow_redirects=False).status_code
            if 200 <= status < 300 or tries > len(WAITS):
                break
            self._stopped.wait(WAITS[tries - 1])
        self.sent.append(Sent(happening, headers, body, status, tries))


def webhook_of(value: Any, secret: str) -> Webhook | None:
    """A Webhook, an address, or (address, secret); without a secret the given one."""
    if value is None or isinstance(value, Webhook):
        return value
    if isinstance(value, str):
        return Webhook(value, secret)
    url, own = value
    return Webhook(url, own or secret)
