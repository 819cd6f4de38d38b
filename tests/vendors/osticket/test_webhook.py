"""Webhooks of the plugin: the vectors recorded from real ones, and what must not pass."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connector.domain.errors import BadSignature, Refused
from connector.settings import Secret
from connector.vendors.osticket.adapter import OsTicket
from connector.vendors.osticket.webhook import sign
from tests.vendors.osticket.conftest import FIXTURES, NOW

SAMPLES = json.loads((FIXTURES / "webhook_samples.json").read_text("utf-8"))["deliveries"]
BODY = {"event": "ticket.updated", "id": 39, "number": "081883", "at": "2026-11-24T12:00:00Z", "delivery": "d-1"}
Make = Callable[..., OsTicket]


def signed(body: Any, at: datetime = NOW, secret: str = "s3cret") -> tuple[dict[str, str], bytes]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    stamp = str(int(at.timestamp()))
    return {"X-Connector-Timestamp": stamp, "X-Connector-Signature": sign(secret, stamp, raw)}, raw


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_recorded_webhook_is_accepted(sample: dict[str, Any], make: Make) -> None:
    at = datetime.fromtimestamp(int(sample["headers"]["X-Connector-Timestamp"]), UTC)
    hint = make().verify_webhook(sample["headers"], sample["body"].encode(), at)
    assert hint.ids == (str(json.loads(sample["body"])["id"]),)


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_recorded_webhook_with_one_bit_changed_is_not(sample: dict[str, Any], make: Make) -> None:
    at = datetime.fromtimestamp(int(sample["headers"]["X-Connector-Timestamp"]), UTC)
    raw = bytearray(sample["body"].encode())
    raw[-2] ^= 1
    with pytest.raises(BadSignature):
        make().verify_webhook(sample["headers"], bytes(raw), at)


def test_a_repeat_has_the_same_message_and_another_hint_another(make: Make) -> None:
    first = make().verify_webhook(*signed(BODY), NOW)
    again = make().verify_webhook(*signed(BODY, NOW + timedelta(seconds=90)), NOW)
    assert first.message == again.message == "d-1"
    assert make().verify_webhook(*signed({**BODY, "delivery": "d-2"}), NOW).message == "d-2"


def test_header_names_are_not_case_sensitive(make: Make) -> None:
    headers, raw = signed(BODY)
    assert make().verify_webhook({name.lower(): value for name, value in headers.items()}, raw, NOW).ids == ("39",)


@pytest.mark.parametrize("off", [timedelta(minutes=5, seconds=1), -timedelta(minutes=5, seconds=1)])
def test_outside_five_minutes_it_is_turned_away(off: timedelta, make: Make) -> None:
    with pytest.raises(BadSignature, match="five minutes"):
        make().verify_webhook(*signed(BODY, NOW + off), NOW)


def test_during_a_change_of_secret_both_are_good(make: Make) -> None:
    vendor = make(webhook_secrets=(Secret("new"), Secret("old")))
    for secret in ("new", "old"):
        assert vendor.verify_webhook(*signed(BODY, secret=secret), NOW).ids == ("39",)
    with pytest.raises(BadSignature):
        vendor.verify_webhook(*signed(BODY, secret="other"), NOW)


def test_without_a_secret_nothing_is_good(make: Make) -> None:
    with pytest.raises(BadSignature, match="no webhook secret"):
        make(webhook_secrets=()).verify_webhook(*signed(BODY), NOW)


@pytest.mark.parametrize("headers", [
    {}, {"X-Connector-Timestamp": "1795521600"}, {"X-Connector-Signature": "sha256=00"},
    {"X-Connector-Timestamp": "now", "X-Connector-Signature": "sha256=00"},
    {"X-Connector-Timestamp": "9" * 30, "X-Connector-Signature": "sha256=00"},
    {"X-Connector-Timestamp": "1795521600", "X-Connector-Signature": "sha256=\u00e9"},
    {"X-Connector-Timestamp": "\u0661\u0662", "X-Connector-Signature": "sha256=00"},
])
def test_malformed_headers_are_a_bad_signature_and_no_crash(headers: dict[str, str], make: Make) -> None:
    with pytest.raises(BadSignature):
        make().verify_webhook(headers, b"{}", NOW)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", {"id": 1}, {"event": "ticket.updated"},
                                  {"event": "ticket.updated", "id": True}, {"event": "ticket.updated", "id": -1}])
def test_a_signed_body_that_makes_no_sense_is_refused(body: Any, make: Make) -> None:
    with pytest.raises(Refused):
        make().verify_webhook(*signed(body), NOW)


def test_a_sign_of_life_names_no_ticket(make: Make) -> None:
    assert make().verify_webhook(*signed({"event": "ping", "delivery": "d"}), NOW).ids == ()


def test_an_oversized_body_is_not_even_hashed(make: Make) -> None:
    with pytest.raises(BadSignature, match="larger"):
        make().verify_webhook(*signed(b"x" * 70_000), NOW)
