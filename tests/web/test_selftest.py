"""The self-test: a sample goes out as messages do, calls are judged without effect, refusals are told in words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from connector.channels.webhook import WebhookChannel
from connector.domain.handoffs.handoff import Handoff
from connector.domain.handoffs.supplier_check import check
from connector.domain.signing import sign, verify
from connector.web import i18n, sayings
from tests.channels.endpoint import Endpoint, endpoint
from tests.web import handed
from tests.web.conftest import Browser, app_of
from tests.web.world import NOW, World

Enter = Callable[[str], Browser]
CALL = "/api/v1/webhooks/suppliers/cloud"
PORTAL = "/portal/self-test"


@pytest.fixture
def made(there: World, tmp_path: Path) -> dict[str, Handoff]:
    handed.agree(there, tmp_path)
    return handed.fill(there)


@pytest.fixture
def app(there: World, made: dict[str, Handoff]) -> Flask:
    return app_of(there)


@pytest.fixture
def partner(there: World, tmp_path: Path, made: dict[str, Handoff]) -> Iterator[Endpoint]:
    """The supplier's endpoint, reached through the guarded way out."""
    with endpoint(202) as one:
        file = tmp_path / "sla_profiles" / "suppliers" / "cloud.yaml"
        file.write_text(file.read_text().replace("https://cloud.example/hooks", "http://cloud.example/hooks"))
        receiver = there.services.agreements.current().receivers["cloud"]  # type: ignore[union-attr]
        channel = WebhookChannel(receiver, there.services.keys, one.guarded())
        there.services.deps.channels["supplier:cloud"] = channel  # type: ignore[index]
        yield one


@pytest.fixture
def supplier(app: Flask, there: World) -> Browser:
    there.user("supplier", login="claude", supplier="Cloud SARL")
    client = app.test_client()
    assert isinstance(client, Browser)
    client.sign_in("claude")
    return client


def run(client: Browser, path: str = PORTAL, **form: object) -> str:
    answer = client.post_form(path, dict(form), page=path)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_data(as_text=True)


def call(app: Flask, there: World, body: bytes, id: str = "m1", secret: str = handed.SECRET, **more: str) -> int:
    headers = {"Content-Type": "application/json", **sign(id, there.clock(), body, (secret,)), **more}
    return app.test_client().post(CALL, data=body, headers=headers).status_code


def test_a_sample_arrives_signed_like_every_message(there: World, partner: Endpoint, supplier: Browser) -> None:
    page = run(supplier, test="sample")
    assert "It was taken: status 202" in page
    (headers, body), = partner.got
    assert verify(headers, body, (handed.SECRET,), there.clock()) == headers["webhook-id"]
    assert json.loads(body)["type"] == "handoff.test"
    assert headers["webhook-signature"] in page
    assert handed.SECRET not in page


@pytest.mark.parametrize(("status", "says"), [(301, "redirects are not followed"), (404, "status 404"),
                                              (410, "status 410"), (500, "status 500"), (429, "status 429")])
def test_what_went_wrong_with_a_sample_is_said(there: World, partner: Endpoint, supplier: Browser, status: int,
                                              says: str) -> None:
    partner.answer = lambda _headers, _body: (status, {}, b"the reason of theirs")
    page = run(supplier, test="sample")
    assert says in page
    assert "the reason of theirs" in page
    with there.store.read() as tx:
        assert not tx.outstanding("supplier:cloud", "test")


def test_samples_are_few_a_minute(partner: Endpoint, supplier: Browser) -> None:
    for _ in range(7):
        page = run(supplier, test="sample")
    assert "Too many samples" in page
    assert len(partner.got) == 6


def test_a_call_in_the_form_is_judged_and_does_nothing(there: World, supplier: Browser,
                                                       made: dict[str, Handoff]) -> None:
    body = json.dumps({"type": "handoff.status_changed", "data": {"handoff_id": made["cloud"].id,
                                                                   "status": "acknowledged"}})
    headers = sign("m1", there.clock(), body.encode(), (handed.SECRET,))
    form = {"id": headers["webhook-id"], "timestamp": headers["webhook-timestamp"],
            "signature": headers["webhook-signature"], "body": body}
    good = run(supplier, test="check", **form)
    assert good.count("good-text") == 4
    bad = run(supplier, test="check", **{**form, "body": body.replace("acknowledged", "done")})
    assert "the signature does not fit" in bad
    with there.store.read() as tx:
        assert tx.handoffs([made["cloud"].id])[made["cloud"].id] == made["cloud"]


def test_the_log_tells_what_was_taken_and_what_was_wrong(app: Flask, there: World, supplier: Browser,
                                                        made: dict[str, Handoff]) -> None:
    assert call(app, there, b'{"type": "handoff.test", "data": {}}', "good-one") == 202
    assert call(app, there, b'{"a": 1, "a": 2}', "m2") == 400
    assert call(app, there, b'{"type": "handoff.comment_added", "data": {}}', "m3") == 422
    assert call(app, there, b"{}", "m4", "whsec_" + "c29tZWJvZHkgZWxzZSdzIHNlY3JldCwgMzIgYnl0ZXM=") == 401
    told = json.dumps({"type": "handoff.status_changed", "data": {"handoff_id": made["cloud"].id,
                                                                   "status": "in_progress"}}).encode()
    assert call(app, there, told, "m5") == 202
    page = supplier.get(PORTAL).get_data(as_text=True)
    log = page[page.index('id="log"'):]
    for words in ("good-one", "the signature does not fit the body and any of our secrets", "/data/comment",
                  "line 1", "m5"):
        assert words in log, words
    assert re.findall(r"(?:check-circle|x-octagon)?(\d{3})</span>", log).count("202") == 2


def test_the_answer_to_a_stranger_says_no_more_than_before(app: Flask, there: World, made: dict[str, Handoff]) -> None:
    headers = {"Content-Type": "application/json", **sign("m", there.clock(), b"{}", ("whsec_" + "A" * 40,))}
    answers = [app.test_client().post(f"/api/v1/webhooks/suppliers/{name}", data=b"{}", headers=headers)
               for name in ("cloud", "nobody")]
    told = [{**answer.get_json(), "request_id": "", "instance": ""} for answer in answers]
    assert told[0] == told[1]
    assert answers[0].status_code == 401


def test_refusals_kept_are_few_however_many_come(app: Flask, there: World, made: dict[str, Handoff]) -> None:
    for n in range(60):
        call(app, there, b"[]", f"m{n}")
    with there.store.read() as tx:
        kept = tx.cursor("supplier:cloud", "refused")["calls"]
    assert len(kept) == 20
    assert not any("whsec" in json.dumps(one) for one in kept)


def test_nothing_is_stored_of_calls_that_prove_nothing_and_they_push_nothing_out(
        app: Flask, there: World, supplier: Browser, made: dict[str, Handoff]) -> None:
    """Else a stranger could make us write, and fill the log until the supplier's own mistakes are gone from it."""
    call(app, there, b"[]", "m0")
    before = everything(there)
    for n in range(60):
        assert call(app, there, b"{}", f"m{n}", "whsec_" + "A" * 40) == 401
    odd = app.test_client().post("/api/v1/webhooks/suppliers/cloud", data=b"x" * 99, content_type="text/plain")
    assert odd.status_code == 415
    assert everything(there) == before
    page = supplier.get(PORTAL).get_data(as_text=True)
    assert page.count("the signature does not fit") == 7
    assert "expected an object with type" in page, "what the supplier itself did wrong is still there"


def everything(there: World) -> dict[str, int]:
    """How many rows each table has, and all of the log of refusals."""
    with there.store.read() as tx:
        names = [row[0] for row in tx.run(text("SELECT name FROM sqlite_master WHERE type = 'table'"))]
        found = {name: tx.run(text(f'SELECT count(*) FROM "{name}"')).scalar_one() for name in names}
        return {**found, "log": len(json.dumps(tx.cursor("supplier:cloud", "refused"), default=str))}


def test_refusals_make_no_tool_of_a_supplier(app: Flask, there: World, as_role: Enter,
                                            made: dict[str, Handoff]) -> None:
    call(app, there, b"[]")
    page = as_role("viewer").get("/connections").get_data(as_text=True)
    assert 'id="supplier:cloud"' not in page


def test_a_new_secret_is_shown_once_and_kept_nowhere(there: World, as_role: Enter, made: dict[str, Handoff]) -> None:
    admin = as_role("admin")
    page = admin.post_form("/receivers/cloud/secret", {}, page="/receivers/cloud/self-test").get_data(as_text=True)
    found = re.search(r"whsec_[A-Za-z0-9+/=]{40,}", page.replace("&#43;", "+"))
    assert found is not None
    assert found.group(0) not in admin.get("/receivers/cloud/self-test").get_data(as_text=True)
    with there.store.read() as tx:
        dump = " ".join(str(row) for row in tx.run(text("SELECT * FROM audit")))
    assert "whsec_" not in dump
    assert "secret made" in dump


def test_the_supplier_is_never_shown_a_secret(supplier: Browser, made: dict[str, Handoff]) -> None:
    page = supplier.get(PORTAL).get_data(as_text=True)
    assert handed.SECRET not in page
    assert re.search(r"<code>[0-9a-f]{8}</code>", page)
    assert "Make a new secret" not in page


def test_a_supplier_without_a_system_has_no_self_test(app: Flask, there: World, made: dict[str, Handoff]) -> None:
    there.user("supplier", login="nina", supplier="hosting")
    client = app.test_client()
    assert isinstance(client, Browser)
    client.sign_in("nina")
    assert client.get(PORTAL).status_code == 404
    assert client.get(f"{PORTAL}?receiver=cloud").status_code == 404


def test_agents_neither_make_secrets_nor_send_samples(as_role: Enter, made: dict[str, Handoff]) -> None:
    agent = as_role("agent")
    for path in ("/receivers/cloud/self-test", "/receivers/cloud/secret"):
        assert agent.post_form(path, {"test": "sample"}, page="/account").status_code == 403


def test_a_verdict_is_told_in_french(app: Flask) -> None:
    with app.test_request_context("/"):
        i18n.set_for_request("fr_CH", "UTC", ("fr",))
        headers, *_rest = check({}, b"{}", [], NOW).verdicts
        assert [sayings.said(one) for one in headers.said] == [
            "webhook-id manque", "webhook-timestamp manque", "webhook-signature manque"]
