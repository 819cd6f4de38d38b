"""Webhooks to suppliers: checked by an independent implementation of the signature, judged by the specification."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook as Reference
from standardwebhooks.webhooks import WebhookVerificationError

from connector.channels.webhook import WebhookChannel
from connector.domain.address import AddressPolicy
from connector.domain.delivery import Delivery
from connector.domain.errors import Gone, Postponed, TryLater
from connector.domain.handoffs.file_link import PATH, FileLink, holds
from connector.domain.handoffs.receiver import Reach, Receiver, ReceiverKind
from connector.domain.handoffs.supplier_envelope import envelope, message_id
from connector.guarded import Guarded
from connector.settings.supplier_keys import SupplierKeys, new_secret
from tests.channels.endpoint import ADDRESS, NEW, OLD, RECEIVER, endpoint

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BOTH = SupplierKeys({"HOSTING_SECRET": NEW, "HOSTING_SECRET_OLD": OLD})
PAYLOAD = {"type": "handoff.offered", "time": "2026-03-02T08:59:58+00:00", "handoff": "H1",
           "data": {"handoff_id": "H1", "title": "Serveur en panne \u00e0 Gen\u00e8ve"}}


def delivery(key: str = "handoff/H1/2", attempts: int = 0, **payload: object) -> Delivery:
    return Delivery(id=1, key=key, target=RECEIVER.target, verb="notify", lane="handoff/H1", ticket=7,
                    payload={**PAYLOAD, **payload}, attempts=attempts, created_at=NOW, owner="tests")


def verified(secret: str, headers: dict[str, str], body: bytes) -> dict[str, object]:
    """By the reference package, whose clock is the machine's: the check of the age is left out."""
    reference = Reference(secret)
    reference._Webhook__verify_timestamp = lambda value: datetime.fromtimestamp(int(value), UTC)  # type: ignore[attr-defined]
    found: dict[str, object] = reference.verify(body, headers)
    return found


def test_a_message_is_signed_so_that_others_can_check_it() -> None:
    with endpoint() as there:
        channel = WebhookChannel(RECEIVER, BOTH, there.guarded(), "https://desk.example")
        result = channel.deliver(delivery(), NOW)
    ((headers, body),) = there.got
    message = verified(NEW, headers, body)
    assert message == {
        "specversion": "1.0", "id": "handoff/H1/2", "source": "https://desk.example", "type": "handoff.offered",
        "subject": "H1", "time": "2026-03-02T08:59:58+00:00", "datacontenttype": "application/json",
        "dataschema": "https://desk.example/api/v1/schemas/supplier-message-1.json", "data": PAYLOAD["data"]}
    assert (headers["webhook-id"], headers["content-type"]) == ("handoff/H1/2", "application/json")
    assert headers["host"] == "partner.example"
    assert (result["status"], result["address"], result["message"]) == (202, ADDRESS, "handoff/H1/2")
    assert isinstance(result["ms"], int)


def test_during_a_rotation_either_secret_checks_it() -> None:
    with endpoint() as there:
        WebhookChannel(RECEIVER, BOTH, there.guarded()).deliver(delivery(), NOW)
        ((headers, body),) = there.got
        assert verified(NEW, headers, body) == verified(OLD, headers, body)
        with pytest.raises(WebhookVerificationError):
            verified(new_secret(), headers, body)


def test_a_repeat_has_the_same_id_and_body_and_a_fresh_timestamp() -> None:
    with endpoint() as there:
        channel = WebhookChannel(RECEIVER, BOTH, there.guarded())
        channel.deliver(delivery(), NOW)
        channel.deliver(delivery(attempts=1), NOW + timedelta(hours=1))
    (first, second) = there.got
    assert first[1] == second[1]
    assert first[0]["webhook-id"] == second[0]["webhook-id"]
    assert int(second[0]["webhook-timestamp"]) - int(first[0]["webhook-timestamp"]) == 3600


def test_a_redelivery_is_a_new_delivery_of_the_same_message() -> None:
    repeated = envelope("handoff/H1/2#again-1", {**PAYLOAD, "message": "handoff/H1/2"}, "")
    assert repeated == envelope("handoff/H1/2", PAYLOAD, "")


@pytest.mark.parametrize("key", ["a.b", "a b", "\u00e9", "x" * 200, ""])
def test_any_key_becomes_an_id_a_header_can_carry(key: str) -> None:
    assert message_id(key).startswith("msg_")
    assert message_id(key) == message_id(key) != message_id(key + "1")


@pytest.mark.parametrize("status", [200, 201, 202, 204, 206, 299])
def test_2xx_is_success(status: int) -> None:
    with endpoint(status) as there:
        assert WebhookChannel(RECEIVER, BOTH, there.guarded()).deliver(delivery(), NOW)["status"] == status


@pytest.mark.parametrize(("status", "error"), [
    (301, TryLater), (302, TryLater), (304, TryLater), (307, TryLater), (401, TryLater), (403, TryLater),
    (404, TryLater), (408, TryLater), (425, TryLater), (429, TryLater), (500, TryLater), (502, TryLater),
    (503, TryLater), (504, TryLater), (599, TryLater), (400, Postponed), (409, Postponed), (413, Postponed),
    (422, Postponed), (410, Gone)])
def test_everything_else_is_a_failure_and_only_410_is_for_good(status: int, error: type[Exception]) -> None:
    with endpoint(status, {"Location": "http://127.0.0.1/"}) as there:
        with pytest.raises(error) as caught:
            WebhookChannel(RECEIVER, BOTH, there.guarded()).deliver(delivery(), NOW)
    assert type(caught.value) is error
    assert f"status {status}" in str(caught.value)
    assert len(there.got) == 1


@pytest.mark.parametrize("status", [429, 502, 503, 504, 409])
def test_retry_after_is_obeyed(status: int) -> None:
    with endpoint(status, {"Retry-After": "90"}) as there:
        with pytest.raises(TryLater) as caught:
            WebhookChannel(RECEIVER, BOTH, there.guarded()).deliver(delivery(), NOW)
    assert caught.value.wait == timedelta(seconds=90)


def test_their_words_are_shown_in_short_and_without_control_characters() -> None:
    with endpoint(422, body=b"no such \x1b[31mseverity\n" + b"x" * 5000) as there:
        with pytest.raises(Postponed) as caught:
            WebhookChannel(RECEIVER, BOTH, there.guarded()).deliver(delivery(), NOW)
    assert "no such [31mseverity" in caught.value.reason
    assert len(caught.value.reason) < 300
    assert caught.value.reason.isprintable()


def test_what_waits_for_an_address_that_may_not_be_called_is_not_lost() -> None:
    inside = Guarded(AddressPolicy(allow_http=True), resolve=lambda host, port: ["10.0.0.1"])
    with pytest.raises(TryLater, match="may not be called"):
        WebhookChannel(RECEIVER, BOTH, inside).deliver(delivery(), NOW)


def test_without_a_usable_secret_nothing_is_sent_and_nothing_lost() -> None:
    with endpoint() as there:
        for environ in ({}, {"HOSTING_SECRET": "plain"}, {"HOSTING_SECRET": "whsec_c2hvcnQ="}):
            with pytest.raises(TryLater, match="HOSTING_SECRET") as caught:
                WebhookChannel(RECEIVER, SupplierKeys(environ), there.guarded()).deliver(delivery(), NOW)
            assert "plain" not in str(caught.value)
    assert there.got == []


def test_secrets_that_cannot_be_used_are_told_by_name() -> None:
    keys = SupplierKeys({"HOSTING_SECRET": NEW, "HOSTING_SECRET_OLD": "oops"})
    assert keys.of(RECEIVER) == (NEW,)
    assert keys.problems(RECEIVER) == [
        "environment variable HOSTING_SECRET_OLD: expected whsec_ and the base64 of 24 to 64 bytes"]
    portal = Receiver(name="p", kind=ReceiverKind.SUPPLIER, reach=Reach(portal=True))
    assert (keys.of(portal), keys.problems(portal)) == ((), [])


def test_a_new_secret_is_one() -> None:
    assert SupplierKeys({"HOSTING_SECRET": new_secret()}).of(RECEIVER)
    assert new_secret() != new_secret()


def test_the_channel_has_the_name_deliveries_are_addressed_to_and_gives_up_after_three_days() -> None:
    with endpoint() as there:
        channel = WebhookChannel(RECEIVER, BOTH, there.guarded())
    assert (channel.name, channel.give_up) == ("supplier:hosting", timedelta(days=3, hours=12))


def test_the_body_is_json_in_utf8() -> None:
    with endpoint() as there:
        WebhookChannel(RECEIVER, BOTH, there.guarded()).deliver(delivery(), NOW)
    assert json.loads(there.got[0][1].decode())["data"]["title"] == "Serveur en panne \u00e0 Gen\u00e8ve"


def test_files_are_told_with_a_link_that_opens_them_and_stays_the_same() -> None:
    files = [{"name": "a.txt", "size": 1, "media_type": "text/plain", "sha256": "a" * 64}]
    told = delivery(type="handoff.attachment_added", data={"handoff_id": "H1", "attachments": files})
    with endpoint() as there:
        for now in (NOW, NOW + timedelta(days=1)):
            WebhookChannel(RECEIVER, BOTH, there.guarded(), "https://desk.example", b"key").deliver(told, now)
        WebhookChannel(RECEIVER, BOTH, there.guarded(), "", b"key").deliver(told, NOW)
    (first, second, nowhere) = (json.loads(body) for _, body in there.got)
    assert first == second
    (file,) = first["data"]["attachments"]
    path, _, query = file["url"].removeprefix("https://desk.example").partition("?")
    assert path == PATH.format(receiver="hosting", handoff="H1", digest="a" * 64)
    until, proof = (part.partition("=")[2] for part in query.split("&"))
    assert holds(FileLink("hosting", "H1", "a" * 64, int(until)), proof, b"key", NOW)
    assert "url" not in nowhere["data"]["attachments"][0]
