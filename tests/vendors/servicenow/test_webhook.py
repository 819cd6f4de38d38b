"""Webhooks of our application in the instance: hints, signed."""

from __future__ import annotations

import base64
from datetime import timedelta

import orjson
import pytest
from standardwebhooks import Webhook

from connector.domain.errors import BadSignature, Refused, Unsupported
from connector.settings import Secret
from tests.vendors.servicenow.instance import NOW, Instance, adapter, sid

SECRET = "whsec_" + base64.b64encode(b"s" * 24).decode()
BODY = orjson.dumps({"type": "incident.updated", "ids": [sid(1), sid(2), sid(1)]})


def signed(body: bytes) -> dict[str, str]:
    return {"Webhook-Id": "msg_1", "Webhook-Timestamp": str(int(NOW.timestamp())),
            "Webhook-Signature": Webhook(SECRET).sign("msg_1", NOW, body.decode())}


def test_a_signed_body_gives_its_ids_once_each_and_the_message_id(instance: Instance) -> None:
    other = "whsec_" + base64.b64encode(b"o" * 24).decode()
    vendor = adapter(instance, webhook_secrets=(Secret(other), Secret(SECRET)))
    hint = vendor.verify_webhook(signed(BODY), BODY, NOW)
    assert (hint.message, hint.ids) == ("msg_1", (sid(1), sid(2)))
    assert not instance.requests


def test_a_wrong_late_or_huge_one_is_a_bad_signature(instance: Instance) -> None:
    vendor = adapter(instance, webhook_secrets=(Secret(SECRET),))
    for headers, body, now in (({}, BODY, NOW), (signed(BODY), BODY + b" ", NOW),
                               (signed(BODY), BODY, NOW + timedelta(minutes=6)), (signed(BODY), b"x" * 2_000_000, NOW)):
        with pytest.raises(BadSignature):
            vendor.verify_webhook(headers, body, now)


@pytest.mark.parametrize("body", [b"no json", b"[]", b"{}", b'{"ids": "x"}', b'{"ids": [7]}', b'{"ids": ["a^b"]}'])
def test_a_signed_body_that_is_something_else_is_refused(instance: Instance, body: bytes) -> None:
    with pytest.raises(Refused):
        adapter(instance, webhook_secrets=(Secret(SECRET),)).verify_webhook(signed(body), body, NOW)


def test_without_a_secret_webhooks_are_unsupported(instance: Instance) -> None:
    with pytest.raises(Unsupported):
        adapter(instance).verify_webhook(signed(BODY), BODY, NOW)
