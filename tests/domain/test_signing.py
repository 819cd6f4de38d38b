"""The strict verifier against the reference implementation on the other side, and against what attackers send."""

from __future__ import annotations

import base64
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook
from werkzeug.datastructures import EnvironHeaders, Headers

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
    {"Webhook-Timestamp": "1e9"},
    {"Webhook-Timestamp": "-1"},
    {"Webhook-Timestamp": f"{int(NOW.timestamp())}\n"},
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


def headers_for(stamp: str) -> dict[str, str]:
    mac = base64.b64encode(hmac.digest(key(SECRET), f"msg_1.{stamp}.".encode() + BODY, "sha256")).decode()
    return {"webhook-id": "msg_1", "webhook-timestamp": stamp, "webhook-signature": f"v1,{mac}"}


def test_a_timestamp_with_zeros_in_front_is_none_although_it_was_signed_so() -> None:
    stamp = str(int(NOW.timestamp()))
    assert verify(headers_for(stamp), BODY, [SECRET], NOW) == "msg_1"
    with pytest.raises(BadSignature, match="seconds since 1970"):
        verify(headers_for(f"0{stamp}"), BODY, [SECRET], NOW)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_header_that_is_there_twice_is_refused_whichever_comes_first(name: str) -> None:
    """Else a proxy in front and we could take different ones."""
    good = {header.lower(): value for header, value in signed().items()}
    doubled: Any
    for doubled in (Headers([*good.items(), (name.title(), "other")]), Headers([(name, "other"), *good.items()])):
        with pytest.raises(BadSignature, match=f"{name}: expected one"):
            verify(doubled, BODY, [SECRET], NOW)
    with pytest.raises(BadSignature, match=f"{name}: expected one"):
        verify({**good, name.upper(): good[name]}, BODY, [SECRET], NOW)


def test_headers_come_as_any_mapping_in_any_case() -> None:
    environ = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in signed().items()}
    lower = {name.lower(): value for name, value in signed().items()}
    headers: Any
    for headers in (Headers(signed()), EnvironHeaders(environ), lower, {name.upper(): v for name, v in lower.items()}):
        assert verify(headers, BODY, [SECRET], NOW) == "msg_1"


@pytest.mark.parametrize("value", [None, 5, 1.5, b"msg_1", ["msg_1"], True])
@pytest.mark.parametrize("name", ["Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"])
def test_a_header_that_is_no_text_is_a_bad_signature(name: str, value: Any) -> None:
    with pytest.raises(BadSignature):
        verify({**signed(), name: value}, BODY, [SECRET], NOW)


def test_names_that_only_look_like_ours_are_other_headers() -> None:
    odd: dict[Any, Any] = {**signed(), None: "x", 5: "x", b"webhook-id": b"x", "webhoo\N{KELVIN SIGN}-id": "x"}
    assert verify(odd, BODY, [SECRET], NOW) == "msg_1"
    del odd["Webhook-Id"]
    with pytest.raises(BadSignature, match="missing: webhook-id"):
        verify(odd, BODY, [SECRET], NOW)


def test_a_signature_counts_however_many_stand_before_it() -> None:
    headers = signed()
    headers["Webhook-Signature"] = "v1,AAAA " * 100 + headers["Webhook-Signature"]
    assert verify(headers, BODY, [SECRET], NOW) == "msg_1"


@pytest.mark.parametrize("spoilt", [None, 5, b"whsec_", "", "whsec_", "whsec_***", "\ud800"])
def test_a_secret_that_is_none_is_passed_over_and_the_others_count(spoilt: Any) -> None:
    assert verify(signed(), BODY, [spoilt, SECRET], NOW) == "msg_1"
    with pytest.raises(BadSignature, match="no usable secret"):
        verify(signed(), BODY, [spoilt], NOW)


def test_a_signature_written_otherwise_in_base64_is_another_one() -> None:
    good = signed()["Webhook-Signature"]
    raw = base64.b64decode(good[3:])
    others = (good.rstrip("="), f"{good}=", "v1," + base64.urlsafe_b64encode(raw + b"\xff").decode(), f"v1,{raw.hex()}",
              f"V1{good[2:]}", f"v1a{good[2:]}", good[3:], f"v1, {good[3:]}", f"{good}\n", f"{good},v1,x")
    for signature in others:
        with pytest.raises(BadSignature):
            verify({**signed(), "Webhook-Signature": signature}, BODY, [SECRET], NOW)
