"""The page of a major incident: declared, led step by step, closed, reported; no receiver sees it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from tests.web.agreed import agree
from tests.web.conftest import Browser, app_of
from tests.web.world import World, save, ticket


@pytest.fixture
def app(there: World, tmp_path: Path) -> Flask:
    agree(there, tmp_path)
    return app_of(there)


@pytest.fixture
def key(app: Flask, there: World) -> int:
    opened = there.clock()
    save(there, ticket("77", title="No mail", service="E-mail", opened_at=opened, updated_at=opened))
    save(there, ticket("78", title="Mail gone", service="E-mail", opened_at=opened, updated_at=opened))
    return there.keys["77"]


def text(client: Browser, key: int) -> str:
    return client.get(f"/tickets/{key}/major").get_data(as_text=True)


def test_an_incident_is_led_on_its_page(key: int, as_role: Callable[[str], Browser]) -> None:
    client = as_role("agent")
    assert "Declare a major incident" in text(client, key)
    client.post_form(f"/tickets/{key}/major", {"text": "nobody has mail"}, f"/tickets/{key}/major")
    page = text(client, key)
    for said in ("Next step", "Announce the failure", "Marc Lambert", "degraded", "Mail gone"):
        assert said in page, said

    def act(**form: str) -> str:
        done = client.post_form(f"/tickets/{key}/major/moves", {**form}, f"/tickets/{key}/major")
        assert done.status_code in (303, 422)
        return done.get_data(as_text=True)

    act(what="done", step="email/announce")
    act(what="linked", child="glpi/78")
    act(what="update", text="A disk is <full>.", once="1")
    page = text(client, key)
    assert "A disk is &lt;full&gt;." in page
    assert "step done" in page
    assert "words are required" in act(what="decision", text="")
    assert "unknown" in act(what="explode")
    act(what="recovered")
    assert "neither done nor skipped" in act(what="closed", impact="x", cause="y")
    for step in ("storage", "queue", "ask", "withdraw"):
        act(what="skipped", step=f"email/{step}", text="not needed")
    act(what="closed", impact="No mail", cause="A full disk")
    assert "Declare a major incident" in text(client, key)
    report = client.get(f"/tickets/{key}/major/report.pdf")
    assert report.data.startswith(b"%PDF")
    assert "Major incident: declared" in client.get(f"/tickets/{key}").get_data(as_text=True)


def test_who_only_reads_changes_nothing(key: int, as_role: Callable[[str], Browser]) -> None:
    client = as_role("viewer")
    assert "This ticket is no major incident." in text(client, key)
    assert client.post_form(f"/tickets/{key}/major", {"text": "x"}, "/account").status_code == 403


def test_no_receiver_sees_it(key: int, as_role: Callable[[str], Browser]) -> None:
    assert as_role("supplier").get(f"/tickets/{key}/major").status_code in (403, 404)


def test_a_ticket_without_an_incident_has_no_report(key: int, as_role: Callable[[str], Browser]) -> None:
    assert as_role("viewer").get(f"/tickets/{key}/major/report.pdf").status_code == 404
