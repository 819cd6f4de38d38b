"""A French reader is told in French what is wrong: with each kind of file, with a supplier's call, with a request."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from connector.domain.handoffs.handoff import Handoff
from tests.web import handed
from tests.web.agreed import agree
from tests.web.conftest import Browser, app_of
from tests.web.world import World

WRONG = {
    "suppliers/x": """
profile: x
agreement: uc
applies_to: {supplier: x}
calendar: nowhere
targets: {resolution: 4h}
receiver: {name: X Y, reach: {email: "a@b@c"}, shares: {fields: [colour], comments: some}, one_way: maybe,
           penalties: [{target: resolution, amount: much}], statuses: {done: dance}, mirrors: {title: luck}}
""",
    "calendars/x": """
calendar: x
timezone: Mars
hours: {mon: [["08:00", "07:00"]]}
holidays: [{ical: gone.ics}]
""",
    "escalations/x": """
escalation: x
steps:
  - {clock: resolution, at: later, do: [{notify: nobody}, {dance: 1}, {raise: 9}]}
  - {on: opened, handoff: silent, do: [{assign: {person: nobody}}]}
  - {on: opened, do: [{comment: {to: public, text: "{customer} {colour} }"}}, {notify: {person: ghost}}]}
""",
    "teams/x": """
people:
  ann: {chat: "https://secret", timezone: Mars, notify: {critical: pigeon}, quiet: {from: "08:00", to: "08:00"}}
groups:
  net: {level: 9, members: [ghost], on_duty: {weekly: [{days: xmas, from: "08:00", to: "09:00"}]}}
""",
    "messages/x": """
template: X
audience: boss
""",
    "informing/x": """
informing: x
applies_to: {service: a}
tell: {received: 5, everything: true}
by: pigeon
""",
    "major/x": """
major: x
roles: {incident_manager: {role: x}}
stakeholders: [requester]
templates: {declared: 5}
children: {same: [colour], within: 90d}
""",
    "continuity/x": """
continuity: x
degraded: [{step: "A B", within: 0s}]
""",
    "catalogue/x": """
item: x
approvals: [{approval: a, need: some, unanswered: refused}]
tasks: [{task: t, title: T, level: 2, group: x, after: u}, nothing]
""",
    "customers/tab": "profile: x\n\tagreement: sla\n",
    "customers/colon": "profile: x: y\n",
    "customers/indent": "profile: x\n  targets: 1\n calendar: c\n",
    "customers/list": "profile: [a, b\nagreement: sla\n",
    "customers/quote": 'profile: "x\nagreement: sla\n',
    "customers/two": "profile: x\n---\nprofile: y\n",
    "customers/alias": "profile: *x\n",
    "customers/sign": "profile: @x\n",
    "customers/x": "profile: x\nprofile: y\n<<: {}\nn: 99999999999999999999999999999999\n",
}


def wrong(client: Browser, id: str, text: str) -> list[dict[str, Any]]:
    told = client.post_form(f"/agreements/check/{id}", {"text": text}, page=f"/agreements/edit/{id}")
    found: list[dict[str, Any]] = told.json["problems"]
    return found


@pytest.fixture
def desk(there: World, tmp_path: Path) -> World:
    agree(there, tmp_path)
    return there


def signed_in(there: World, language: str) -> Browser:
    there.user("admin", login=language, language=language)
    client = app_of(there).test_client()
    assert isinstance(client, Browser)
    client.sign_in(language)
    return client


@pytest.mark.parametrize("id", sorted(WRONG))
def test_every_mistake_in_a_file_is_told_in_the_readers_language(desk: World, id: str) -> None:
    english, french = (wrong(signed_in(desk, language), id, WRONG[id]) for language in ("en", "fr_CH"))
    assert len(english) == len(french) > 0
    assert [one["text"] for one, other in zip(english, french, strict=True) if one["text"] == other["text"]] == []


@pytest.fixture
def made(there: World, tmp_path: Path) -> dict[str, Handoff]:
    handed.agree(there, tmp_path)
    return handed.fill(there)


def test_a_suppliers_refused_call_is_explained_in_french(there: World, made: dict[str, Handoff]) -> None:
    client = signed_in(there, "fr_CH")
    client.post("/api/v1/webhooks/suppliers/cloud", data=b"{}", content_type="application/json")
    text = client.get("/receivers/cloud/self-test").get_data(as_text=True)
    assert "en-t\u00eate manquant\u00a0: webhook-id" in text
    told = client.post_form("/receivers/cloud/self-test", {
        "test": "check", "id": "m1", "timestamp": "soon", "signature": "v1,x", "body": '{"a": }',
    }, page="/receivers/cloud/self-test").get_data(as_text=True)
    assert "attendu\u00a0: des secondes depuis 1970" in told
    assert "ligne 1, colonne 7\u00a0: une valeur est attendue" in told


@pytest.mark.parametrize(("method", "path", "status"), [
    ("GET", "/nothing", 404), ("GET", "/sign-out", 405), ("POST", "/agreements/edit/customers/acme", 400),
    ("GET", "/receivers/hosting/review?month=2026-99", 404),
])  # fmt: skip
def test_no_error_page_is_english_for_a_french_reader(desk: World, method: str, path: str, status: int) -> None:
    english, french = (signed_in(desk, language).open(path, method=method) for language in ("en", "fr_CH"))
    assert (english.status_code, french.status_code) == (status, status)
    said = [re.search(r"<h1>(.*?)</h1>\s*<p[^>]*>(.*?)</p>", answer.get_data(as_text=True)) for answer in
            (english, french)]
    assert said[0] is not None
    assert said[1] is not None
    assert said[0][1] != said[1][1]
    assert said[0][2] != said[1][2]
