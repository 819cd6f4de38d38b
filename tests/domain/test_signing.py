"""The strict verifier against the reference implementation on the other side, and against what attackers send."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook

from connector.domain.errors import BadSignature
from connector.domain.signing import key, off_by, sign, verify

SECRET = "whsec_" + base64.b64encode(b"k" * 24).decode()
OTHER = "whsec_" + base64.b64encode(b"o" * 32).decode()
NOW = datetime(2025, 11, 24, 10, 0, tzinfo=UTC)
BODY = '{"type": "changed", "ids": ["é"]}'.encode()


def signed(body: bytes = BODY, message: str = "msg_1", at: datetime = NOW, secret: str = SECRET) -> dict[str, str]:
    signature = Webhook(secret).sign(message, at, body.decode())
    return {"Webhook-Id": message, "Webhook-Timestamp": str(int(at.timestamp())), "Webhook-Signature": signature}


def test_what_the_reference_package_signs_is_accepted_and_gives_the_message_id() -> None:
    assert verify(signed(), BODY, [SECRET], NOW) == "msg_1"


@settings(derandomize=True, max_examples=50, deadline=None)
@given(st.binary(max_size=500), st.binary(min_size=24, max_size=64))
def test_what_we_sign_the_reference_package_verifies_and_so_do_we(body: bytes, raw: bytes) -> None:
    secret = "whsec_" + base64.b64encode(raw).decode()
    at = datetime.now(UTC)
    headers = sign("msg_1", at, body, [OTHER, secret])
    assert verify(headers, body, [secret], at) == "msg_1"
    text = b'{"a":1}'
    assert Webhook(secret).verify(text, sign("msg_1", at, text, [secret])) == {"a": 1}


def test_two_secrets_are_valid_at_once_while_they_are_rotated() -> None:
    assert verify(signed(secret=OTHER), BODY, [SECRET, OTHER], NOW) == "msg_1"
    assert verify(signed(), BODY, [SECRET, OTHER], NOW) == "msg_1"


def test_one_of_several_signatures_is_enough_and_unknown_versions_are_passed_over() -> None:
    headers = signed()
    headers["Webhook-Signature"] = "v1a,AAAA v2,xxxx v1,AAAA " + headers["Webhook-Signature"]
    assert verify(headers, BODY, [SECRET], NOW) == "msg_1"


@pytest.mark.parametrize("away", [timedelta(minutes=5), timedelta(minutes=-5)])
def test_five_minutes_either_way_are_tolerated_and_not_a_second_more(away: timedelta) -> None:
    assert verify(signed(), BODY, [SECRET], NOW + away) == "msg_1"
    with pytest.raises(BadSignature, match="5 minutes"):
        verify(signed(), BODY, [SECRET], NOW + away * (301 / 300))


@pytest.mark.parametrize("change", [
    {"Webhook-Id": "msg_2"},
    {"Webhook-Id": ""},
    {"Webhook-Id": "a.b"},
    {"Webhook-Id": "a b"},
    {"Webhook-Id": "x" * 257},
    {"Webhook-Id": "\ud800"},
    {"Webhook-Timestamp": str(int(NOW.timestamp()) + 1)},
    {"Webhook-Timestamp": f" {int(NOW.timestamp())}"},
    {"Webhook-Timestamp": f"+{int(NOW.timestamp())}"},
    {"Webhook-Timestamp": f"{int(NOW.timestamp())}.0"},
    {"Webhook-Timestamp": "١٧٦٣٩٧٨٤٠٠"},
    {"Webhook-Timestamp": "nan"},
    {"Webhook-Timestamp": "9" * 400},
    {"Webhook-Signature": ""},
    {"Webhook-Signature": "v1"},
    {"Webhook-Signature": "v1,"},
    {"Webhook-Signature": "v1,é"},
    {"Webhook-Signature": "v1,\udcff"},
    {"Webhook-Signature": "v1 " * 100_000},
])
def test_a_wrong_or_malformed_header_is_a_bad_signature_and_never_another_error(change: dict[str, str]) -> None:
    with pytest.raises(BadSignature):
        verify({**signed(), **change}, BODY, [SECRET], NOW)


def test_a_changed_body_or_a_foreign_secret_does_not_pass() -> None:
    with pytest.raises(BadSignature):
        verify(signed(), BODY + b" ", [SECRET], NOW)
    with pytest.raises(BadSignature):
        verify(signed(secret=OTHER), BODY, [SECRET], NOW)


def test_without_a_usable_secret_nothing_passes() -> None:
    for secrets in ([], [""], ["whsec_%%%"], ["whsec_é"], ["whsec_AAAA"]):
        with pytest.raises(BadSignature, match="no usable secret"):
            verify(signed(), BODY, secrets, NOW)


def test_a_signature_cannot_be_cut_anew_into_another_id_and_body() -> None:
    """`m.1.2.body` could be read as id `m`, time 1, body `2.body`, or as id `m.1`, time 2."""
    first = int(NOW.timestamp())
    headers = sign("m", NOW, f"{first}.body".encode(), [SECRET])
    with pytest.raises(BadSignature):
        verify({**headers, "webhook-id": f"m.{first}", "webhook-timestamp": str(first)}, b"body", [SECRET], NOW)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(["webhook-id", "Webhook-Timestamp", "webhook-signature", "x"]), st.text()),
       st.binary(max_size=50))
def test_no_header_whatever_raises_anything_but_bad_signature(headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(BadSignature):
        verify(headers, body, [SECRET], NOW)


def test_a_secret_that_no_receiver_would_take_is_named_without_being_shown() -> None:
    for secret in ("whsec_c2hvcnQ=", "not base64!"):
        with pytest.raises(ValueError, match="webhook secret") as caught:
            key(secret)
        assert secret not in str(caught.value)


def test_a_genuine_message_of_a_wrong_clock_is_told_by_how_much_and_no_other_is() -> None:
    for seconds in (-86400, -600, 600, 10**9):
        late = signed(at=NOW + timedelta(seconds=seconds))
        assert off_by(late, BODY, [SECRET], NOW) == timedelta(seconds=seconds)
        assert off_by(late, BODY, [OTHER], NOW) is None
        assert off_by(late, BODY + b" ", [SECRET], NOW) is None


@pytest.mark.parametrize("stamp", ["", "x", "999999999999", "-1", "1e9"])
def test_a_timestamp_that_is_none_tells_nothing(stamp: str) -> None:
    assert off_by({**signed(), "Webhook-Timestamp": stamp}, BODY, [SECRET], NOW) is None
