"""Webhooks of our plugin for GLPI 10 and of GLPI 11 itself: verified on the raw body, then only a hint."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.domain.errors import BadSignature, Refused
from connector.ports import Capability
from connector.settings import Secret
from connector.vendors.glpi.adapter import Glpi
from connector.vendors.glpi.webhook import verify

SAMPLES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "webhooks" / "plugin.json").read_text("utf-8"))["deliveries"]
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
Make = Callable[..., Glpi]


def at(sample: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(int(sample["headers"]["X-Connector-Timestamp"]), UTC)


def own(body: bytes, secret: str = "s", when: datetime = NOW) -> dict[str, str]:
    """The headers GLPI 11 sends: HMAC over body, then timestamp (Webhook::getSignature, read, not run)."""
    stamp = str(int(when.timestamp()))
    return {"X-GLPI-signature": hmac.new(secret.encode(), body + stamp.encode(), hashlib.sha256).hexdigest(),
            "X-GLPI-timestamp": stamp}


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_recorded_delivery_is_believed(sample: dict[str, Any]) -> None:
    hint = verify(sample["headers"], sample["body"].encode(), ["s3cret"], at(sample))
    assert hint.ids == (str(json.loads(sample["body"])["id"]),)


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_changed_delivery_is_not(sample: dict[str, Any]) -> None:
    body = sample["body"].replace('"id":', '"id":1')
    with pytest.raises(BadSignature):
        verify(sample["headers"], body.encode(), ["s3cret"], at(sample))
    with pytest.raises(BadSignature):
        verify(sample["headers"], sample["body"].encode(), ["s3cret"], at(sample) + timedelta(minutes=11))


def test_two_deliveries_are_two_messages_and_a_repeat_is_the_same() -> None:
    seen = [verify(sample["headers"], sample["body"].encode(), ["s3cret"], at(sample)).message for sample in SAMPLES]
    assert len(set(seen)) == len(seen)
    again = verify(SAMPLES[0]["headers"], SAMPLES[0]["body"].encode(), ["s3cret"], at(SAMPLES[0]))
    assert again.message == seen[0]


@pytest.mark.parametrize(("told", "ids"), [
    ({"event": "update", "item": {"id": 12, "name": "x"}}, ("12",)),
    ({"event": "new", "item": {"id": 3, "itemtype": "Ticket", "items_id": 12}}, ("12",)),
    ({"event": "new", "item": {"id": 3, "tickets_id": 12}}, ("12",)),
    ({"event": "new", "item": {"id": 3, "itemtype": "Ticket"}, "parent_item": {"id": 12}}, ("12",)),
])
def test_what_glpi_11_sends_names_the_ticket(told: dict[str, Any], ids: tuple[str, ...]) -> None:
    body = json.dumps(told, indent=4).encode()
    assert verify(own(body), body, ["old", "s"], NOW).ids == ids


def test_a_late_delivery_of_glpi_11_is_believed_for_a_day() -> None:
    """It carries the time at which it was queued."""
    body = b'{"item": {"id": 1}}'
    assert verify(own(body, when=NOW - timedelta(hours=23)), body, ["s"], NOW).ids == ("1",)
    with pytest.raises(BadSignature):
        verify(own(body, when=NOW - timedelta(hours=25)), body, ["s"], NOW)


@pytest.mark.parametrize("headers", [{}, {"X-GLPI-signature": "x"}, {"X-Connector-Signature": "sha256=x"},
                                     {"X-GLPI-signature": "", "X-GLPI-timestamp": "1"}])
def test_an_unsigned_or_half_signed_message_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(BadSignature):
        verify(headers, b'{"item": {"id": 1}}', ["s"], NOW)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"item": 5}', b'{"item": {"id": true}}',
                                  b'{"item": {"id": "x"}}', b"\xff", b'{"item": null}', b'{"events": [1]}'])
def test_a_verified_message_without_a_ticket_is_refused(body: bytes) -> None:
    with pytest.raises(Refused):
        verify(own(body), body, ["s"], NOW)


def test_a_heartbeat_names_no_ticket() -> None:
    body = b'{"event": "heartbeat"}'
    assert verify(own(body), body, ["s"], NOW).ids == ()


def test_headers_are_known_whatever_their_case() -> None:
    body = b'{"item": {"id": 1}}'
    assert verify({name.upper(): value for name, value in own(body).items()}, body, ["s"], NOW).ids == ("1",)


def test_without_a_secret_the_adapter_believes_nothing(make: Make) -> None:
    body = b'{"item": {"id": 1}}'
    with pytest.raises(BadSignature):
        make().verify_webhook(own(body), body, NOW)
    assert make(webhook_secrets=(Secret("s"),)).verify_webhook(own(body), body, NOW).ids == ("1",)
    assert Capability.WEBHOOKS == "webhooks"
