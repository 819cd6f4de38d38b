"""Webhooks out of the stand-ins, checked by the adapters that will receive them."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connector import vendors
from connector.domain.errors import BadSignature
from connector.sandbox import Handle
from connector.settings import Secret, load_mapping

MAPPINGS = Path(__file__).parents[2] / "mappings"
Start = Callable[..., Handle]


class Receiver:
    """Takes what comes; answers with the statuses it was given, then 204."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        self.arrived = threading.Semaphore(0)
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.got.append((dict(self.headers), body))
                self.send_response(outer.statuses.pop(0) if outer.statuses else 204)
                self.send_header("Content-Length", "0")
                self.end_headers()
                outer.arrived.release()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def next(self) -> tuple[dict[str, str], bytes]:
        assert self.arrived.acquire(timeout=10)
        return self.got[-1]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


def adapter(handle: Handle, **more: Any) -> Any:
    mapping = MAPPINGS / f"{handle.make}.yaml"
    settings = handle.settings(handle.make, mapping, **more)
    return vendors.build(settings, load_mapping(mapping), lambda: datetime.now(UTC))


@pytest.mark.parametrize(("make", "version"), [("servicenow", ""), ("glpi", ""), ("glpi", "11.0.1"), ("osticket", "")])
def test_a_change_in_the_tool_is_a_hint_the_adapter_believes(start: Start, receiver: Receiver, make: str,
                                                             version: str) -> None:
    handle = start(make, webhook=receiver.url, version=version)
    vendor = adapter(handle)
    id = handle.create(title="café \U0001f525")
    headers, body = receiver.next()
    assert vendor.verify_webhook(headers, body, datetime.now(UTC)).ids == (id,)
    first = vendor.verify_webhook(headers, body, datetime.now(UTC)).message
    handle.comment(id, "x")
    headers, body = receiver.next()
    hint = vendor.verify_webhook(headers, body, datetime.now(UTC))
    assert hint.ids == (id,)
    assert hint.message != first
    handle.delete(id)
    headers, body = receiver.next()
    assert vendor.verify_webhook(headers, body, datetime.now(UTC)).ids == (id,)


@pytest.mark.parametrize("make", ["servicenow", "glpi", "osticket"])
def test_another_secret_or_another_body_is_not_believed(start: Start, receiver: Receiver, make: str) -> None:
    handle = start(make, webhook=receiver.url)
    handle.create(title="x")
    headers, body = receiver.next()
    now = datetime.now(UTC)
    with pytest.raises(BadSignature):
        adapter(handle).verify_webhook(headers, body + b" ", now)
    with pytest.raises(BadSignature):
        adapter(handle).verify_webhook(headers, body, now + timedelta(days=2))
    other = start(make, seed=2).side.webhook_secret()
    with pytest.raises(BadSignature):
        adapter(handle, webhook_secrets=(Secret(other),)).verify_webhook(headers, body, now)


def test_a_webhook_is_tried_again_until_it_is_taken(start: Start, receiver: Receiver) -> None:
    receiver.statuses = [500, 503]
    handle = start("osticket", webhook=(receiver.url, "secret"))
    handle.create(title="x")
    tries = [receiver.next() for _ in range(3)]
    assert len({body for _, body in tries}) == 1
    handle.stop()
    assert handle.sender is not None
    assert [(sent.status, sent.tries) for sent in handle.sender.sent] == [(204, 3)]


def test_signatures_carry_real_time_whatever_the_tools_clock_says(start: Start, receiver: Receiver) -> None:
    handle = start("glpi", webhook=receiver.url)
    handle.desk.clock.shift = timedelta(days=40)
    handle.create(title="x")
    headers, body = receiver.next()
    adapter(handle).verify_webhook(headers, body, datetime.now(UTC))
