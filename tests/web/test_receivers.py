"""Receivers: health, invitations, the monthly review."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from connector.domain.delivery import Order
from connector.domain.handoffs.handoff import Handoff
from connector.domain.handoffs.moves import Move, Side
from connector.domain.handoffs.proof_seal import public_of
from connector.flows import switch
from connector.settings.proof_key import private_key
from tests.flows.fake_channel import FakeChannel
from tests.web import handed
from tests.web.conftest import Browser, app_of
from tests.web.world import World

Enter = Callable[[str], Browser]
GOOD = "a long enough sentence"


@pytest.fixture
def made(there: World, tmp_path: Path) -> dict[str, Handoff]:
    handed.agree(there, tmp_path)
    there.services.deps.channels["supplier:cloud"] = FakeChannel("supplier:cloud")  # type: ignore[index]
    return handed.fill(there)


@pytest.fixture
def app(there: World, made: dict[str, Handoff]) -> Flask:
    return app_of(there)


def text(client: Browser, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.get_data(as_text=True)


def test_every_receiver_is_listed_with_its_open_work(as_role: Enter, made: dict[str, Handoff]) -> None:
    page = text(as_role("viewer"), "/receivers")
    for name in ("Hosting AG, Zürich", "Cloud SARL", "Security team", "Field service"):
        assert name in page
    assert "Looks in the portal" in page
    assert "Messages go out" in page


def test_traffic_is_told_with_its_failures(as_role: Enter, there: World, made: dict[str, Handoff]) -> None:
    now = there.clock()
    with there.store.begin() as tx:
        first, = tx.claim("t", now, timedelta(minutes=1), {"supplier:cloud": 1})
        tx.retry(first, now, "status 500")
        again, = tx.claim("t", now, timedelta(minutes=1), {"supplier:cloud": 1})
        tx.done(again, now, {"status": 204})
        tx.enqueue([Order(key="x", target="supplier:cloud", verb="handoff", lane="x", payload={})], now)
    page = text(as_role("viewer"), "/receivers/cloud")
    assert re.search(r"50%\s*<span[^>]*>1/2</span>", page)
    found = there.services.handoffs.traffic(now - timedelta(days=1))["supplier:cloud"]
    assert (found.tries, found.failed, found.waiting, found.dead, found.last_done) == (2, 1, 1, 0, now)


def test_a_receiver_that_asked_to_be_left_alone_is_enabled_by_an_administrator(as_role: Enter, there: World,
                                                                             made: dict[str, Handoff]) -> None:
    with there.store.begin() as tx:
        switch.disable(tx, "supplier:cloud", "status 410: closed", "worker", there.clock())
    page = text(as_role("agent"), "/receivers/cloud")
    assert "Disabled" in page
    assert "status 410: closed" in page
    admin = as_role("admin")
    assert admin.post_form("/receivers/cloud/enable", {}, page="/receivers/cloud").status_code == 303
    with there.store.read() as tx:
        assert switch.disabled(tx) == {}


def test_a_receiver_whose_secret_is_not_set_is_not_set_up(as_role: Enter, there: World, tmp_path: Path,
                                                         made: dict[str, Handoff]) -> None:
    file = tmp_path / "sla_profiles" / "suppliers" / "cloud.yaml"
    file.write_text(file.read_text().replace("CLOUD_SECRET", "NO_SUCH_SECRET"))
    page = text(as_role("viewer"), "/receivers/cloud")
    assert "Not set up" in page
    assert "environment variable NO_SUCH_SECRET is not set" in page


def invite(client: Browser, receiver: str = "hosting", **form: object) -> str:
    page = f"/receivers/{receiver}"
    answer = client.post_form(f"{page}/invite", dict(form), page=page)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    found = re.search(r'class="secret mb-0">http://localhost(/invitation/[^<]+)<', answer.get_data(as_text=True))
    assert found is not None
    return found.group(1)


def test_an_invited_person_answers_only_for_its_receiver(app: Flask, as_role: Enter, there: World,
                                                        made: dict[str, Handoff]) -> None:
    path = invite(as_role("admin"), login="nina", name="Nina Muster", email="nina@hosting.example")
    guest = app.test_client()
    assert isinstance(guest, Browser)
    assert guest.post_form(path, {"new": GOOD, "again": GOOD}, page=path).status_code == 303
    assert guest.get("/").location == "/portal"
    assert guest.get(f"/portal/{made['work'].id}").status_code == 200
    assert guest.get(f"/portal/{made['soc'].id}").status_code == 404


def test_a_new_invitation_ends_the_old_one_and_the_sessions(app: Flask, as_role: Enter, there: World,
                                                           made: dict[str, Handoff]) -> None:
    admin = as_role("admin")
    first = invite(admin, login="nina")
    nina = there.services.accounts.by_login("nina")
    assert nina is not None
    second = invite(admin, user=str(nina.id))
    assert app.test_client().get(first).status_code == 404
    assert app.test_client().get(second).status_code == 200


def test_a_person_of_another_receiver_is_not_invited_again_here(as_role: Enter, there: World,
                                                              made: dict[str, Handoff]) -> None:
    login = there.user("supplier", login="other", supplier="cloud")
    other = there.services.accounts.by_login(login)
    assert other is not None
    admin = as_role("admin")
    answer = admin.post_form("/receivers/hosting/invite", {"user": str(other.id)}, page="/receivers/hosting")
    assert answer.status_code == 404
    assert there.services.accounts.by_login("other") == other


@pytest.mark.parametrize(("form", "status"), [({"login": ""}, 422), ({"login": "two words"}, 422),
                                              ({"login": "admin"}, 409)])
def test_a_login_that_cannot_be_is_refused(as_role: Enter, made: dict[str, Handoff], form: dict[str, object],
                                          status: int) -> None:
    answer = as_role("admin").post_form("/receivers/hosting/invite", form, page="/receivers/hosting")
    assert answer.status_code == status


def test_nobody_is_invited_where_the_portal_is_not_open(as_role: Enter, tmp_path: Path,
                                                       made: dict[str, Handoff]) -> None:
    file = tmp_path / "sla_profiles" / "suppliers" / "hosting.yaml"
    file.write_text(file.read_text().replace("reach: portal", "reach: {email: desk@hosting.example}"))
    answer = as_role("admin").post_form("/receivers/hosting/invite", {"login": "n"}, page="/receivers/cloud")
    assert answer.status_code == 409


def test_the_review_of_a_month_shows_and_signs_its_figures(as_role: Enter, there: World,
                                                         made: dict[str, Handoff]) -> None:
    client = as_role("viewer")
    page = text(client, "/receivers/hosting/review?month=2026-03")
    assert "2 handoffs were open in this month" in page
    assert "1 of 1" in page
    raw = client.get("/receivers/hosting/review?month=2026-03&form=json").data
    told = json.loads(raw)
    ack = next(one for one in told["measures"] if one["name"] == "acknowledge_in_time")
    assert (ack["numerator"], ack["denominator"], ack["n"], ack["censored"]) == (1, 1, 2, 1)
    transfer = next(one for one in told["measures"] if one["name"] == "transfer_time")
    assert transfer["median_seconds"] == 7 * 60
    import base64

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from connector.domain.handoffs.chain import canonical

    signed = told.pop("signature")
    key = public_of(private_key(there.services.settings))
    assert base64.b64decode(signed["key"]) == key
    Ed25519PublicKey.from_public_bytes(key).verify(base64.b64decode(signed["value"]), canonical(told))
    pdf = client.get("/receivers/hosting/review?month=2026-03&form=pdf")
    assert pdf.data.startswith(b"%PDF-")


@pytest.mark.parametrize("month", ["2026-13", "2026-3", "march", "0000-01", "2027-01"])
def test_what_is_no_month_or_not_yet_is_not_there(as_role: Enter, made: dict[str, Handoff], month: str) -> None:
    assert as_role("viewer").get(f"/receivers/hosting/review?month={month}").status_code == 404


def test_a_month_without_work_has_no_percentages(as_role: Enter, made: dict[str, Handoff]) -> None:
    page = text(as_role("viewer"), "/receivers/hosting/review?month=2026-02")
    assert "0 handoffs were open in this month" in page
    assert "100%" not in page


def test_a_receiver_nobody_knows_is_not_there(as_role: Enter, made: dict[str, Handoff]) -> None:
    client = as_role("admin")
    assert client.get("/receivers/nobody").status_code == 404
    assert client.get("/receivers/nobody/review").status_code == 404
    assert client.get("/receivers/hosting/self-test").status_code == 404


def test_the_review_tells_what_a_broken_promise_costs(as_role: Enter, there: World, made: dict[str, Handoff]) -> None:
    viewer = as_role("viewer")
    month = "/receivers/hosting/review?month=2026-03"
    assert "No promise with a penalty was broken in this month." in text(viewer, month)
    handed.act(there, made["work"], Move.REJECT, Side.OURS)
    there.clock.move(days=20)
    assert viewer.sign_in("viewer").status_code == 303
    page = text(viewer, month)
    assert re.search(r"[\d,]+\.00\xa0CHF", page)
    assert "can still grow" in page
    answer = viewer.get(f"{month}&form=pdf")
    assert answer.data.startswith(b"%PDF")
