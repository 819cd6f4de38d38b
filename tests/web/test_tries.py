"""Tries of deliveries on pages and in the API: what was sent, what came back, who may read it, sent again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from connector.domain.attempt import Attempt, Exchange, Outcome
from connector.domain.delivery import Order
from connector.domain.handoffs.handoff import Handoff
from connector.flows import deliver
from connector.web.rights import Right
from tests.flows.fake_channel import FakeChannel
from tests.web import handed
from tests.web.conftest import Browser, app_of
from tests.web.world import World

Enter = Callable[[str], Browser]
EXCHANGE = Exchange(method="POST", address="cloud.example/hooks", content_type="application/json", size=1234,
                    sha256="ab" * 32, headers={"webhook-id": "m-1"}, ms=31, status=429,
                    answer_headers={"retry-after": "120", "content-type": "text/plain"}, answer="too many <b>calls</b>")


@pytest.fixture
def made(there: World, tmp_path: Path) -> dict[str, Handoff]:
    agreements = handed.agree(there, tmp_path)
    channels = {name: FakeChannel(name) for name in ("supplier:cloud", "supplier:soc")}
    deps = replace(there.services.deps, registry=agreements.current, channels=channels)
    there.services = replace(there.services, deps=deps)
    return handed.fill(there)


@pytest.fixture
def app(there: World, made: dict[str, Handoff]) -> Flask:
    return app_of(there)


def tried(there: World, target: str = "supplier:cloud") -> int:
    """A delivery with three tries: refused for now, lost, and one that waits; its id."""
    now = there.clock()
    with there.store.begin() as tx:
        if target == "supplier:soc":
            (soc,) = (row for row in there.services.handoffs.board(only=["soc"]).items)
            payload = {"type": "handoff.offered", "time": now.isoformat(), "handoff": soc.handoff.id,
                       "data": {"handoff_id": soc.handoff.id, "service": "Payroll"}}
            tx.enqueue([Order(key=f"handoff/{soc.handoff.id}/1", target=target, verb="handoff", lane="soc",
                              payload=payload, ticket=soc.handoff.ticket)], now)
        (one,) = tx.claim("t", now, timedelta(minutes=1), {target: 1})
        attempt = Attempt(n=1, started_at=now, ms=1042, outcome=Outcome.RETRY, reason="status 429 after 1.0 s", calls=1,
                          exchanges=(EXCHANGE,))
        assert tx.retry(one, now, "status 429 after 1.0 s", attempt)
        tx.claim("t", now, timedelta(minutes=1), {target: 1})
        assert tx.release("t", timedelta(minutes=1)) == 1
    return one.id


def text(client: Browser, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.get_data(as_text=True)


def test_a_delivery_lists_its_tries(as_role: Enter, there: World, made: dict[str, Handoff]) -> None:
    page = text(as_role("viewer"), f"/deliveries/{tried(there)}")
    for words in ("POST cloud.example/hooks", "1.2 kB", "ab" * 6, "webhook-id: m-1", "429", "retry-after: 120",
                  "1,042 ms", "To be tried again", "Answer not known", "it may have been sent",
                  "too many &lt;b&gt;calls&lt;/b&gt;"):
        assert words in page, words
    assert f'datetime="{there.clock().isoformat().replace("+00:00", "Z")}"' in page


def test_tries_are_told_in_french(as_role: Enter, there: World, made: dict[str, Handoff]) -> None:
    id, client = tried(there), as_role("viewer")
    page = client.get(f"/deliveries/{id}", headers={"Accept-Language": "fr"}).get_data(as_text=True)
    assert "Réponse inconnue" in page
    assert "Ce qui a été demandé" in page


def test_the_feed_of_a_handoff_tells_the_latest_try(as_role: Enter, there: World, made: dict[str, Handoff]) -> None:
    client = as_role("viewer")
    deliver.tick(there.services.deps)
    page = text(client, f"/handoffs/{made['cloud'].id}")
    assert "Try 1:" in page


def test_the_self_test_lists_our_own_messages(as_role: Enter, there: World, made: dict[str, Handoff]) -> None:
    tried(there)
    page = text(as_role("admin"), "/receivers/cloud/self-test")
    for words in ("4. The latest messages of ours", "<code>m-1</code>", "429", "retry-after: 120", "1,042 ms"):
        assert words in page, words


def test_the_api_tells_the_tries(there: World, made: dict[str, Handoff], app: Flask) -> None:
    id, client = tried(there), app.test_client()
    found = client.get(f"/api/v1/deliveries/{id}", headers=there.token(
        Right.DELIVERIES_READ, Right.HANDOFFS_READ)).json
    first, lost = found["tries"]
    assert (first["n"], first["ms"], first["outcome"], first["exchanges"][0]["status"]) == (1, 1042, "retry", 429)
    assert first["exchanges"][0]["answer"] == EXCHANGE.answer
    assert (lost["n"], lost["ms"], lost["outcome"]) == (2, None, "lost")


def test_words_of_an_answer_are_for_who_may_read_what_it_is_about(there: World, made: dict[str, Handoff],
                                                                  app: Flask) -> None:
    id, client, few = tried(there), app.test_client(), there.token(Right.DELIVERIES_READ)
    found = client.get(f"/api/v1/deliveries/{id}", headers=few).json
    assert "calls" not in str(found["tries"][0]["exchanges"])
    assert found["tries"][0]["exchanges"][0]["status"] == 429
    assert client.get(f"/api/v1/deliveries/{id}/sent", headers=few).status_code == 403
    both = there.token(Right.DELIVERIES_READ, Right.HANDOFFS_READ)
    told = client.get(f"/api/v1/deliveries/{id}/sent", headers=both).json
    assert told["content"]["data"]["handoff_id"] == made["cloud"].id
    assert client.get("/api/v1/deliveries/999999/sent", headers=both).status_code == 404
    with there.store.read() as tx:
        audited = tx.conn.exec_driver_sql("SELECT action FROM audit").scalars().all()
    assert "delivery read" not in audited, "only a security team's is recorded"


@pytest.mark.parametrize("way", ["page", "api"])
def test_a_look_at_what_a_security_team_was_told_is_recorded(as_role: Enter, there: World, made: dict[str, Handoff],
                                                             app: Flask, way: str) -> None:
    id = tried(there, "supplier:soc")
    client = as_role("agent")
    assert "Payroll" not in text(client, f"/deliveries/{id}")
    if way == "page":
        assert "Payroll" in text(client, f"/deliveries/{id}/sent")
    else:
        asking = there.token(Right.DELIVERIES_READ, Right.HANDOFFS_READ)
        answer = app.test_client().get(f"/api/v1/deliveries/{id}/sent", headers=asking)
        assert answer.json["content"]["data"]["service"] == "Payroll"
    with there.store.read() as tx:
        (entries,) = tx.entries([made["soc"].id]).values()
        audited = tx.conn.exec_driver_sql("SELECT action, subject FROM audit").all()
    assert [entry.kind for entry in entries].count("access") == 1
    assert ("delivery read", f"delivery/{id}") in [tuple(row) for row in audited]


def test_a_sent_message_is_sent_again_from_its_page_once(as_role: Enter, there: World,
                                                         made: dict[str, Handoff]) -> None:
    deliver.tick(there.services.deps)
    (done,) = there.services.queries.deliveries(state=("done",), target="supplier:cloud").items
    client, page = as_role("agent"), f"/deliveries/{done.id}"
    assert "Send again" in text(client, page)
    assert client.post_form(f"{page}/repeat", page=page).status_code == 303
    again = there.services.queries.delivery_of(f"{done.key}~{done.id}")
    assert f"As delivery {again}." in text(client, page)
    assert f"This repeats delivery {done.id}." in text(client, f"/deliveries/{again}")
    deliver.tick(there.services.deps)
    with there.store.read() as tx:
        assert [one.outcome for one in tx.attempts(again or 0)] == [Outcome.DONE]
        audited = tx.conn.exec_driver_sql("SELECT action, actor FROM audit").all()
    assert ("delivery repeated", "user:agent") in [tuple(row) for row in audited]


def test_a_viewer_sends_nothing_again(as_role: Enter, there: World, made: dict[str, Handoff]) -> None:
    deliver.tick(there.services.deps)
    (done,) = there.services.queries.deliveries(state=("done",), target="supplier:cloud").items
    client = as_role("viewer")
    assert "Send again" not in text(client, f"/deliveries/{done.id}")
    assert client.post_form(f"/deliveries/{done.id}/repeat", page="/account").status_code == 403
