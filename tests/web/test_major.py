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


def test_the_report_is_a_page_with_durations_steps_and_a_timeline_with_its_zone(
    key: int, as_role: Callable[[str], Browser], there: World
) -> None:
    client = as_role("agent")
    there.clock.move(minutes=12)
    client.post_form(f"/tickets/{key}/major", {"text": "nobody has mail"}, f"/tickets/{key}/major")
    there.clock.move(minutes=20)
    client.post_form(f"/tickets/{key}/major/moves", {"what": "update", "text": "A <disk>.", "once": "1"},
                     f"/tickets/{key}/major")
    there.clock.move(minutes=25)
    page = text(client, key)
    for said in ("until declared", "12 min", "until the first update", "20 min", "longest silence", "25 min"):
        assert said in page, said
    told = client.get(f"/tickets/{key}/major/report").get_data(as_text=True)
    for said in ("Report of a major incident", "not closed", "12 min", "25 min", "Announce the failure",
                 "30 min - late",
                 "2026-03-02 10:32:00 Europe/Zurich (+01:00)", "A &lt;disk&gt;.", "Marc Lambert", "report.pdf"):
        assert said in told, said
    assert as_role("supplier").get(f"/tickets/{key}/major/report").status_code in (403, 404)


def test_children_are_linked_by_number_and_unlinked(key: int, as_role: Callable[[str], Browser]) -> None:
    client, page = as_role("agent"), f"/tickets/{key}/major"
    client.post_form(page, {"text": "nobody has mail"}, page)
    assert "there is no ticket" in client.post_form(f"{page}/moves", {"what": "linked", "child": "INC9"},
                                                    page).get_data(as_text=True)
    client.post_form(f"{page}/moves", {"what": "linked", "child": "INC0000078"}, page)
    assert "Unlink" in text(client, key)
    client.post_form(f"{page}/moves", {"what": "unlinked", "child": "glpi/78"}, page)
    assert "Unlink" not in text(client, key)


def test_what_is_to_be_done_afterwards_has_an_owner_a_day_and_an_end(
    key: int, as_role: Callable[[str], Browser]
) -> None:
    client, page = as_role("agent"), f"/tickets/{key}/major"
    client.post_form(page, {"text": "nobody has mail"}, page)
    client.post_form(f"{page}/moves", {"what": "recovered"}, page)
    for step in ("storage", "queue", "ask", "withdraw"):
        client.post_form(f"{page}/moves", {"what": "skipped", "step": f"email/{step}", "text": "no"}, page)
    client.post_form(f"{page}/moves", {"what": "closed", "impact": "No mail", "cause": "A disk"}, page)
    given = {"what": "follow_up", "text": "Buy disks", "owner": "lead-support", "due": "2026-03-01", "once": "1"}
    client.post_form(f"{page}/moves", given, page)
    shown = text(client, key)
    assert "Buy disks" in shown
    assert "Marc Lambert, until 2026-03-01" in shown
    assert '<span class="chip bad">late</span>' in shown
    item = shown.split('name="item" value="')[1].split('"')[0]
    client.post_form(f"{page}/moves", {"what": "followed_up", "item": item, "text": "Bought"}, page)
    assert "Bought" in text(client, key)
    assert '<span class="chip bad">late</span>' not in text(client, key)
    assert "is not a date" in client.post_form(f"{page}/moves", given | {"due": "soon"}, page).get_data(as_text=True)
