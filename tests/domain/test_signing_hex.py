"""Hex signatures of webhooks: what does not prove where it comes from is refused."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest

from connector.domain.errors import BadSignature
from connector.domain.signing_hex import body_stamp, stamp_dot_body, verify_hex

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
STAMP = str(int(NOW.timestamp()))
WINDOW = timedelta(minutes=5)


def sign(body: bytes, secret: str = "s3cret", stamp: str = STAMP) -> str:
    return "sha256=" + hmac.new(secret.encode(), stamp_dot_body(stamp.encode(), body), hashlib.sha256).hexdigest()


def check(body: bytes = b"{}", stamp: str = STAMP, signature: str = "", secrets: tuple[str, ...] = ("s3cret",),
          now: datetime = NOW) -> datetime:
    return verify_hex(body, stamp, signature or sign(body), secrets, now, WINDOW)


def test_a_right_signature_gives_the_time_it_was_made() -> None:
    assert check() == NOW


def test_any_current_secret_will_do() -> None:
    assert check(secrets=("new", "s3cret"))
    assert check(signature=sign(b"{}", "new"), secrets=("new", "s3cret"))


def test_upper_case_hex_is_the_same_signature() -> None:
    assert check(signature="sha256=" + sign(b"{}")[7:].upper())


@pytest.mark.parametrize("secrets", [(), ("",), ("other",), ("S3cret",)])
def test_without_the_right_secret_nothing_is_believed(secrets: tuple[str, ...]) -> None:
    with pytest.raises(BadSignature):
        check(secrets=secrets)


def test_an_empty_secret_never_counts() -> None:
    with pytest.raises(BadSignature):
        check(signature=sign(b"{}", ""), secrets=("",))


@pytest.mark.parametrize("signature", ["sha256=", "x", sign(b"{}")[7:], sign(b"{}")[:-1], sign(b"{}") + "0",
                                       "sha1=" + sign(b"{}")[7:], sign(b"{} "), "sha256=" + "g" * 64, "sha256=é" * 9])
def test_a_malformed_or_wrong_signature_is_refused(signature: str) -> None:
    with pytest.raises(BadSignature):
        check(signature=signature)


@pytest.mark.parametrize("stamp", ["", "x", "-1", "1.5", " 1", "1" * 13, "9" * 12, "٣"])
def test_a_malformed_timestamp_is_refused(stamp: str) -> None:
    with pytest.raises(BadSignature):
        check(stamp=stamp, signature=sign(b"{}", stamp=stamp))


@pytest.mark.parametrize("off", [timedelta(minutes=6), timedelta(minutes=-6)])
def test_an_old_or_future_message_is_refused(off: timedelta) -> None:
    with pytest.raises(BadSignature):
        check(now=NOW + off)
    assert check(now=NOW + off / 2)


def test_the_two_ways_of_signing_are_not_taken_for_each_other() -> None:
    signature = hmac.new(b"s", body_stamp(STAMP.encode(), b"{}"), hashlib.sha256).hexdigest()
    assert verify_hex(b"{}", STAMP, signature, ["s"], NOW, WINDOW, prefix="", signed=body_stamp) == NOW
    with pytest.raises(BadSignature):
        verify_hex(b"{}", STAMP, "sha256=" + signature, ["s"], NOW, WINDOW)
