"""What a try of a signed webhook, a mail, a chat message shows afterwards - and that no secret is in it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from connector.channels.mail import MailChannel
from connector.channels.webhook import WebhookChannel
from connector.domain.attempt import Attempt, Exchange, Outcome
from connector.domain.delivery import Order
from connector.domain.handoffs.receiver import Reach, ReceiverKind, Webhook
from connector.flows import deliver, switch
from connector.ports import Channel, Deps
from connector.settings.channels import MailSettings
from connector.settings.supplier_keys import SupplierKeys
from connector.store import SqlStore
from tests.channels.endpoint import NEW, RECEIVER, Endpoint, Said, endpoint
from tests.channels.smtp_server import Box, smtp
from tests.flows.fake_tool import NOON, Clock

KEYS = SupplierKeys({"HOSTING_SECRET": NEW})
PAYLOAD = {"type": "handoff.offered", "time": "2026-03-02T08:59:58+00:00", "handoff": "H1",
           "data": {"handoff_id": "H1", "title": "Serveur en panne"}}
CANARY = "canary1z2y3x4w5v6u7t"


@pytest.fixture
def deps(sqlite_store: SqlStore) -> Deps:
    return Deps(store=sqlite_store, tools={}, now=Clock(NOON), owner="one")


def with_hook(deps: Deps, there: Endpoint, url: str = "", kind: ReceiverKind = ReceiverKind.SUPPLIER) -> Deps:
    reach = Reach(Webhook(url or "http://partner.example/hooks?key=" + CANARY, ("HOSTING_SECRET",)))
    receiver = replace(RECEIVER, reach=reach, kind=kind)
    channel = WebhookChannel(receiver, KEYS, there.guarded(), "https://desk.example")
    agreed: Any = SimpleNamespace(receivers={receiver.name: receiver})
    return replace(deps, channels={channel.name: channel}, registry=lambda: agreed)


def tried(deps: Deps) -> list[Attempt]:
    name = next(iter(deps.channels))
    with deps.store.begin() as tx:
        tx.enqueue([Order(key="handoff/H1/2", target=name, verb="handoff", lane="handoff/H1", payload=PAYLOAD)],
                   deps.now())
    deliver.tick(deps)
    with deps.store.read() as tx:
        return tx.attempts(1)


def only(attempts: list[Attempt]) -> tuple[Attempt, Exchange]:
    (one,) = attempts
    (exchange,) = one.exchanges
    return one, exchange


def test_what_was_asked_and_what_was_answered_can_be_seen(deps: Deps) -> None:
    with endpoint(202, {"Content-Type": "application/json", "X-Other": "no"}, b'{"ticket": "S-1"}') as there:
        one, exchange = only(tried(with_hook(deps, there)))
    ((headers, body),) = there.got
    assert (one.n, one.outcome, one.calls, one.started_at) == (1, Outcome.DONE, 1, NOON)
    assert (exchange.method, exchange.address, exchange.content_type) == (
        "POST", "partner.example/hooks", "application/json")
    assert (exchange.size, exchange.sha256) == (len(body), hashlib.sha256(body).hexdigest())
    assert exchange.headers == {"webhook-id": "handoff/H1/2", "webhook-timestamp": headers["webhook-timestamp"]}
    assert (exchange.status, exchange.answer) == (202, '{"ticket": "S-1"}')
    assert exchange.answer_headers["content-type"] == "application/json"
    assert "x-other" not in exchange.answer_headers
    assert exchange.ms is not None


@pytest.mark.parametrize(("status", "headers", "words"), [
    (302, {"Location": "https://elsewhere.example/" + CANARY}, "redirects are not followed"),
    (429, {"Retry-After": "120"}, "status 429"), (503, {"Retry-After": "7"}, "status 503"), (500, {}, "status 500"),
    (422, {}, "status 422")])
def test_a_failure_is_a_try_with_its_status(deps: Deps, status: int, headers: dict[str, str], words: str) -> None:
    with endpoint(status, headers) as there:
        one, exchange = only(tried(with_hook(deps, there)))
    assert (one.outcome, exchange.status) == (Outcome.RETRY, status)
    assert words in one.reason
    assert exchange.answer_headers.get("retry-after") == headers.get("Retry-After")
    assert CANARY not in str(one)


def test_a_410_is_a_try_and_switches_the_target_off(deps: Deps) -> None:
    with endpoint(410, {"Content-Type": "text/plain"}, b"moved away") as there:
        there_now = with_hook(deps, there)
        one, exchange = only(tried(there_now))
    assert (one.outcome, exchange.status, exchange.answer) == (Outcome.RETRY, 410, "moved away")
    with deps.store.read() as tx:
        assert RECEIVER.target in switch.disabled(tx)


def test_what_a_security_team_answers_is_kept_without_its_words(deps: Deps) -> None:
    with endpoint(500, {"Content-Type": "text/plain"}, b"the mailbox of Jo was read") as there:
        one, exchange = only(tried(with_hook(deps, there, kind=ReceiverKind.SECURITY)))
    assert (exchange.status, exchange.answer) == (500, "")
    assert one.reason.startswith("status 500")
    assert isinstance(deps.store, SqlStore)
    with deps.store.read() as tx:
        for table in ("deliveries", "attempts", "cursors", "audit"):
            assert "mailbox" not in str(tx.conn.exec_driver_sql(f"SELECT * FROM {table}").all()), table


def test_no_answer_at_all_is_a_try_that_says_so(deps: Deps) -> None:
    with endpoint() as there:
        pass
    one, exchange = only(tried(with_hook(deps, there)))
    assert (one.outcome, exchange.status) == (Outcome.RETRY, None)
    assert "no answer" in exchange.error


def test_a_try_that_was_never_sent_has_a_reason_and_no_exchange(deps: Deps) -> None:
    with endpoint() as there:
        (one,) = tried(with_hook(deps, there, "http://127.0.0.1/hooks"))
    assert (one.outcome, one.calls, one.exchanges) == (Outcome.RETRY, 0, ())
    assert "may not be called" in one.reason


def _echo(headers: dict[str, str], body: bytes) -> Said:
    lines = [f"{name}: {value}" for name, value in headers.items()]
    signed = headers["webhook-signature"].removeprefix("v1,")
    return 500, {"Content-Type": "text/plain", "Retry-After": "9"}, "\n".join(
        [*lines, f"signature was {signed}", f"secret {NEW} or {NEW.removeprefix('whsec_')}", f"/hooks?key={CANARY}",
         f"at {CANARY}"]).encode()


@pytest.mark.parametrize("path", ["hooks?key=", "hooks/", "x?sig=abc&token="])
def test_an_endpoint_that_says_all_it_was_sent_shows_no_secret(deps: Deps, path: str) -> None:
    there = Endpoint(_echo)
    try:
        one, exchange = only(tried(with_hook(deps, there, f"http://partner.example/{path}{CANARY}")))
    finally:
        there.close()
    ((headers, _),) = there.got
    shown = msgspec.json.encode(one).decode()
    assert exchange.answer, "what is left of the answer is shown"
    for secret in (CANARY, NEW, NEW.removeprefix("whsec_"), headers["webhook-signature"].removeprefix("v1,")):
        assert secret not in shown
    assert isinstance(deps.store, SqlStore)
    with deps.store.read() as tx:
        for table in ("deliveries", "attempts", "cursors", "audit"):
            assert CANARY not in str(tx.conn.exec_driver_sql(f"SELECT * FROM {table}").all()), table


def mailing(box: Box) -> MailSettings:
    return MailSettings(host="127.0.0.1", port=box.port, security="none", sender=("Desk", "desk@example.org"))


def mailed(deps: Deps, change: Callable[[Box], None] = lambda box: None) -> tuple[Attempt, Exchange]:
    with smtp(Box()) as box:
        change(box)
        channel: Channel = MailChannel(mailing(box), "Helpdesk")
        try:
            now = replace(deps, channels={"mail": channel})
            payload = {"to": "ann@example.com", "name": "Ann", "subject": "x", "text": "Hello", "short": "Hello",
                       "links": [], "language": "en", "audience": "internal", "thread": "glpi/1"}
            with deps.store.begin() as tx:
                tx.enqueue([Order(key="k", target="mail", verb="notify", lane="k", payload=payload)], deps.now())
            deliver.tick(now)
        finally:
            channel.close()
    with deps.store.read() as tx:
        return only(tx.attempts(1))


def test_a_mail_is_a_try_with_the_servers_answer_and_nobodys_address(deps: Deps) -> None:
    one, exchange = mailed(deps)
    assert (one.outcome, exchange.method, exchange.status) == (Outcome.DONE, "SMTP", 250)
    assert exchange.address.startswith("127.0.0.1:")
    assert exchange.content_type == "message/rfc822"
    assert "message-id" in exchange.headers
    assert "ann@example.com" not in str(one)


