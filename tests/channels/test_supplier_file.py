"""Files a supplier told us of by their address: fetched through the guard, kept only if they are what was told."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest

from connector.channels.webhook import WebhookChannel
from connector.domain.address import AddressPolicy
from connector.domain.delivery import Delivery
from connector.domain.errors import Postponed, Refused
from connector.guarded import Guarded
from connector.settings.supplier_keys import SupplierKeys
from tests.channels.endpoint import RECEIVER
from tests.test_guarded import Net, serving

PUBLIC = "93.184.216.34"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
RAW = b"trace " * 50_000


class Folder:
    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def keep(self, pieces: Iterable[bytes]) -> tuple[str, int]:
        raw = b"".join(pieces)
        digest = hashlib.sha256(raw).hexdigest()
        self.kept[digest] = raw
        return digest, len(raw)


def delivery(attempts: int = 0, **more: Any) -> Delivery:
    payload = {"handoff": "H1", "url": "http://partner.example/f?s3cret=1", "sha256": hashlib.sha256(RAW).hexdigest(),
               "size": len(RAW), "name": "trace.txt", **more}
    return Delivery(id=1, key="handoff/H1/file/x", target=RECEIVER.target, verb="fetch", lane="handoff/H1/files",
        ticket=7,
                    payload=payload, attempts=attempts, created_at=NOW, owner="tests")


def fetch(answer: bytes, folder: Folder, one: Delivery, addresses: list[str] | None = None) -> Any:
    with serving(answer) as server:
        net = Net(addresses or [PUBLIC], leads={PUBLIC: server.address})
        out = Guarded(AddressPolicy(allow_http=True), resolve=net.resolve, dial=net.dial)
        return WebhookChannel(RECEIVER, SupplierKeys({}), out, keep=folder.keep).deliver(one, NOW)


def said(raw: bytes, status: str = "200 OK", length: int | None = None) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(raw) if length is None else length}\r\n\r\n".encode() + raw


def test_a_file_is_fetched_and_kept() -> None:
    folder = Folder()
    told = fetch(said(RAW), folder, delivery())
    assert folder.kept == {told["sha256"]: RAW}
    assert told["size"] == len(RAW)


def test_a_file_that_is_not_what_was_told_is_fetched_once_more_and_then_refused() -> None:
    for raw in (RAW[:-1] + b"x", RAW[:-1], RAW + b"x", b""):
        with pytest.raises(Postponed, match="not what was told"):
            fetch(said(raw), Folder(), delivery())
        with pytest.raises(Refused, match="not what was told"):
            fetch(said(raw), Folder(), delivery(attempts=1))


def test_no_more_is_read_than_was_told() -> None:
    folder = Folder()
    with pytest.raises(Postponed):
        fetch(said(RAW), folder, delivery(size=10))
    assert [len(raw) for raw in folder.kept.values()] == [11]


def test_half_a_file_is_none() -> None:
    folder = Folder()
    with pytest.raises(Postponed, match="no answer"):
        fetch(said(RAW[:1000], length=len(RAW)), folder, delivery())
    assert folder.kept == {}


@pytest.mark.parametrize("status", ["404 Not Found", "302 Found", "500 Oops", "206 Partial Content", "410 Gone"])
def test_trouble_with_a_file_holds_up_no_message(status: str) -> None:
    with pytest.raises(Postponed, match="status"):
        fetch(said(b"", status), Folder(), delivery())


def test_an_address_inside_is_refused_and_the_secret_in_it_not_told() -> None:
    with pytest.raises(Refused, match="private") as caught:
        fetch(said(RAW), Folder(), delivery(), ["10.0.0.1"])
    assert "s3cret" not in str(caught.value)
