"""The stand-in supplier: checks signatures, acts once, answers in order, repeats what was not taken."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from connector.channels.webhook import WebhookChannel
from connector.domain.delivery import Delivery
from connector.domain.errors import TryLater
from connector.domain.handoffs.receiver import Reach, Receiver, ReceiverKind, Webhook
from connector.domain.signing import verify
from connector.sandbox.supplier import Supplier
from connector.settings.supplier_keys import SupplierKeys, new_secret

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Desk:
    """Our side: takes every message of the supplier, but for the first, which it cannot take now."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(503 if len(outer.got) == 1 else 202)
                self.end_headers()

            def log_message(self, *args: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def desk() -> Iterator[Desk]:
    found = Desk()
    yield found
    found.server.shutdown()
    found.server.server_close()


def deliver(supplier: Supplier, secret: str, status: str = "offered", key: str = "handoff/H1/2") -> Any:
    receiver = Receiver(name="nordwind", kind=ReceiverKind.SUPPLIER, reach=Reach(Webhook(supplier.url, ("S",))))
    channel = WebhookChannel(receiver, SupplierKeys({"S": secret}), supplier.way())
    payload = {"type": "handoff.offered", "time": NOW.isoformat(), "handoff": "H1", "data": {"status": status}}
    one = Delivery(id=1, key=key, target=receiver.target, verb="handoff", lane="l", ticket=1, payload=payload,
                   attempts=0, created_at=NOW, owner="tests")
    return channel.deliver(one, datetime.now(UTC))


def test_it_works_on_what_it_is_offered_and_answers_step_by_step(desk: Desk) -> None:
    with Supplier("nordwind", f"http://127.0.0.1:{desk.server.server_port}/", pause=0.01) as supplier:
        for _ in range(2):
            assert deliver(supplier, supplier.secret)["status"] == 204
        assert supplier.idle(20)
    ids = [verify(headers, body, [supplier.secret], datetime.now(UTC)) for headers, body in desk.got]
    assert ids[0] == ids[1], "what was not taken comes again as the same message"
    assert desk.got[0][1] == desk.got[1][1]
    said = [json.loads(body)["data"]["status"] for _, body in desk.got[1:]]
    assert said == ["acknowledged", "in_progress", "resolved"], "a repeat of ours is acted on once"


def test_what_is_not_signed_with_its_secret_is_refused(desk: Desk) -> None:
    with Supplier("nordwind", f"http://127.0.0.1:{desk.server.server_port}/", pause=0.01) as supplier:
        with pytest.raises(TryLater, match="401"):
            deliver(supplier, new_secret())
        assert supplier.idle(5)
    assert desk.got == []
