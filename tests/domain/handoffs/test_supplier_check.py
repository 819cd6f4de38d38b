"""A supplier's call is judged step by step: a mistake in one does not hide those in the others."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from connector.domain.handoffs.supplier_check import Step, check, fingerprint
from connector.domain.signing import sign

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SECRET = "whsec_" + "b2xkIHNlY3JldCBvbmx5IGZvciB0ZXN0cyE="
OTHER = "whsec_" + "bmV3IHNlY3JldCBvbmx5IGZvciB0ZXN0cyE="
GOOD = json.dumps({"type": "handoff.status_changed", "timestamp": "2026-03-02T09:00:00Z",
                   "data": {"handoff_id": "ho-1", "status": "acknowledged"}}, indent=1).encode()


def verdicts(headers: dict[str, str], body: bytes = GOOD) -> dict[str, bool | None]:
    return {str(one.step): one.ok for one in check(headers, body, (SECRET,), NOW).verdicts}


def test_a_good_call_passes_every_step() -> None:
    found = check(sign("m1", NOW, GOOD, (SECRET,)), GOOD, (SECRET,), NOW)
    assert found.ok
    assert [one.step for one in found.verdicts] == list(Step)
    assert found.command is not None
    assert found.command.status == "acknowledged"


def test_missing_headers_are_named_and_the_body_is_still_read() -> None:
    found = check({"webhook-id": "m1"}, GOOD, (SECRET,), NOW)
    assert found.verdicts[0].said == ("webhook-timestamp is missing", "webhook-signature is missing")
    assert verdicts({"webhook-id": "m1"}) == {"headers": False, "signature": None, "json": True, "message": True}


def test_a_wrong_secret_an_old_time_and_a_changed_body_are_told_apart_from_good_json() -> None:
    for headers, body in ((sign("m1", NOW, GOOD, (OTHER,)), GOOD),
                          (sign("m1", NOW - timedelta(hours=1), GOOD, (SECRET,)), GOOD),
                          (sign("m1", NOW, GOOD, (SECRET,)), GOOD.replace(b"ho-1", b"ho-2"))):
        assert verdicts(headers, body) == {"headers": True, "signature": False, "json": True, "message": True}
    late = check(sign("m1", NOW - timedelta(hours=1), GOOD, (SECRET,)), GOOD, (SECRET,), NOW)
    assert "more than 5 minutes" in late.verdicts[1].said[0]


@pytest.mark.parametrize("body", [GOOD.replace(b"\n", b"\r\n"), GOOD.replace(b"\n", b"\r\n") + b"\r\n"])
def test_line_ends_that_a_form_changed_do_not_break_the_signature(body: bytes) -> None:
    found = check(sign("m1", NOW, GOOD, (SECRET,)), body.rstrip(b"\r\n"), (SECRET,), NOW)
    assert found.ok
    with_end = check(sign("m1", NOW, GOOD + b"\n", (SECRET,)), GOOD, (SECRET,), NOW)
    assert with_end.ok
    assert "line end after the last line" in with_end.verdicts[1].said[0]


def test_every_mistake_of_the_message_has_its_pointer() -> None:
    body = b'{"type": "handoff.status_changed", "data": {"status": 5, "handoff_id": []}}'
    found = check(sign("m1", NOW, body, (SECRET,)), body, (SECRET,), NOW)
    assert found.verdicts[3].ok is False
    assert any(text.startswith("/data/handoff_id") for text in found.verdicts[3].said)


def test_bad_json_is_told_with_its_place() -> None:
    found = check(sign("m1", NOW, b'{"a": NaN}', (SECRET,)), b'{"a": NaN}', (SECRET,), NOW)
    assert (found.verdicts[2].ok, found.verdicts[3].ok) == (False, None)
    assert "line 1" in found.verdicts[2].said[0]


def test_an_unknown_type_is_good_and_said_to_do_nothing() -> None:
    body = b'{"type": "handoff.test", "data": {}}'
    found = check(sign("m1", NOW, body, (SECRET,)), body, (SECRET,), NOW)
    assert found.ok
    assert "change nothing" in found.verdicts[3].said[0]


def test_equal_fingerprints_mean_equal_secrets_and_show_none() -> None:
    assert fingerprint(SECRET) == fingerprint(SECRET) != fingerprint(OTHER)
    assert len(fingerprint(SECRET)) == 8
    assert fingerprint(SECRET) not in SECRET
