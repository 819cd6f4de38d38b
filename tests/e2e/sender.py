"""One of our workers that sends to a supplier, as a process of its own: sender.py STORE PORT SECRET START READY.

Its clock runs ten minutes a second from START (seconds since 1970), so that leases run out and pauses end in time;
signatures carry the real time, as the supplier's clock is right.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from connector import store as stores
from connector.channels.webhook import WebhookChannel
from connector.domain.address import AddressPolicy
from connector.domain.delivery import Delivery
from connector.flows import deliver
from connector.guarded import Guarded
from connector.ports import Deps
from connector.settings.supplier_keys import SupplierKeys
from tests.channels.endpoint import ADDRESS, RECEIVER

SPEED = 600


class Punctual(WebhookChannel):
    def deliver(self, delivery: Delivery, now: datetime) -> Mapping[str, Any]:
        return super().deliver(delivery, datetime.now(UTC))


def clock(start: float) -> datetime:
    return datetime.fromtimestamp(start, UTC) + timedelta(seconds=(time.time() - start) * SPEED)


def deps(url: str, port: int, secret: str, start: float) -> Deps:
    def dial(where: tuple[str, int], timeout: float | None = None) -> socket.socket:
        return socket.create_connection(("127.0.0.1", port), timeout)

    out = Guarded(AddressPolicy(allow_http=True), resolve=lambda host, port: [ADDRESS], dial=dial, seconds=3)
    channel = Punctual(RECEIVER, SupplierKeys({"HOSTING_SECRET": secret}), out)
    return Deps(store=stores.open(url), tools={}, now=lambda: clock(start), owner=f"sender:{os.getpid()}",
                channels={channel.name: channel})


def main() -> None:
    url, port, secret, start, ready = sys.argv[1:]
    worker = deps(url, int(port), secret, float(start))
    Path(ready).touch()
    while True:
        if not deliver.tick(worker):
            time.sleep(0.01)


if __name__ == "__main__":
    main()
