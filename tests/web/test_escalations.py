"""Escalations for people: the board, the ladders with a simulation, and the steps of a ticket."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from connector.domain.history import Event, EventKind, Role
from connector.domain.ticket import Kind
from connector.flows import assess
from connector.store.board import BoardQueries
from tests.web.agreed import agree
from tests.web.conftest import Browser, app_of
from tests.web.world import World, save, ticket


@pytest.fixture
def app(there: World, tmp_path: Path) -> Flask:
    agree(there, tmp_path)
    return app_of(there)


@pytest.fixture
def climbed(app: Flask, there: World) -> int:
    """A ticket of ACME that was looked at, warned, and breached two days later."""
    opened = there.clock()
    save(there, ticket("77", title="Mail is slow", customer="ACME SA", priority="P2", impact="high", urgency="medium",
                       group="Service Desk", opened_at=opened, updated_at=opened))
    assess.tick(there.services.deps)
    for hours in (5, 26, 29, 50):
        there.clock.at = opened + timedelta(hours=hours)
        assess.tick(there.services.deps)
    return there.keys["77"]


def test_the_page_of_a_ticket_tells_what_was_done_why_and_what_comes(
    climbed: int, as_role: Callable[[str], Browser]
) -> None:
    text = as_role("viewer").get(f"/tickets/{climbed}").get_data(as_text=True)
    for said in ("Escalation: Resolution at 50", "tell the assignee", "incident-ladder, version", "used, due",
                 "Escalation: Resolution at the breach", "tell manager 1; internal note", "(2)"):
        assert said in text, said


def test_a_suppliers_user_sees_no_ladder(climbed: int, as_role: Callable[[str], Browser]) -> None:
    client = as_role("supplier")
    assert client.get("/escalations").status_code in (200, 403, 404)
    assert "incident-ladder" not in client.get("/escalations").get_data(as_text=True)
    assert "Mail is slow" not in client.get("/escalations").get_data(as_text=True)


def test_the_board_lists_breached_and_unacknowledged_tickets(
    climbed: int, as_role: Callable[[str], Browser], there: World
) -> None:
    client = as_role("agent")
    assert "Mail is slow" in client.get("/escalations").get_data(as_text=True)
    assert "Mail is slow" in client.get("/escalations?show=unacknowledged").get_data(as_text=True)
    assert "Mail is slow" not in client.get("/escalations?show=major").get_data(as_text=True)
    with there.store.begin() as tx:
        tx.append([(climbed, Event(key="ack", at=there.clock(), kind=EventKind.ACKNOWLEDGED, role=Role.AGENT))])
    assert "Mail is slow" not in client.get("/escalations?show=unacknowledged").get_data(as_text=True)
    assert client.get("/escalations?show=everything").status_code == 404


def test_the_board_reads_open_tickets_with_signals_latest_first(climbed: int, there: World) -> None:
    found = BoardQueries(there.store).signalled(there.clock() - timedelta(days=30), 10)
    assert climbed in [stored.key for stored, _ in found]
    assert BoardQueries(there.store).signalled(there.clock() + timedelta(days=1), 10) == []


def test_ladders_are_listed_shown_and_tried_on_the_last_month(
    climbed: int, as_role: Callable[[str], Browser]
) -> None:
    client = as_role("viewer")
    assert "incident-ladder" in client.get("/escalations/rules").get_data(as_text=True)
    shown = client.get("/escalations/rules/incident-ladder").get_data(as_text=True)
    for said in ("Resolution at 75", "assign to level 2; tell who is on duty at level 2", "unless", "acme-gold",
                 "every 2 h, at most 6 times", "one manager higher each time"):
        assert said in shown, said
    tried = client.get("/escalations/rules/incident-ladder/simulation").get_data(as_text=True)
    assert "On the tickets of the last month" in tried
    assert "Paul Girard" in tried, "to whom"
    assert client.get("/escalations/rules/none").status_code == 404


def test_a_ladder_is_edited_like_any_agreement_with_its_mistakes_at_the_line(
    app: Flask, as_role: Callable[[str], Browser]
) -> None:
    client = as_role("admin")
    assert client.get("/agreements/edit/escalations/incident-ladder").status_code == 200
    answer = client.post_form("/agreements/check/escalations/incident-ladder", {
        "text": "escalation: incident-ladder\nsteps:\n  - {on: opened, do: [{notfy: x}]}\n"}, page="/account")
    assert [(one["line"], "did you mean `notify`" in one["text"]) for one in answer.json["problems"]] == [(3, True)]


def test_the_pages_speak_french(climbed: int, as_role: Callable[[str], Browser]) -> None:
    client = as_role("viewer")
    french = {"Accept-Language": "fr"}
    page = client.get(f"/tickets/{climbed}", headers=french).get_data(as_text=True)
    for said in ("Escalade", "prévenir", "à venir"):
        assert said in page, said
    assert "Échelles" in client.get("/escalations", headers=french).get_data(as_text=True)


def test_the_board_shows_majors_nobody_declared_or_acknowledged_and_keeps_requests_apart(
    app: Flask, as_role: Callable[[str], Browser], there: World
) -> None:
    opened = there.clock()
    save(there, ticket("88", title="All is down", customer="ACME SA", priority="P1", impact="very_high",
                       urgency="very_high", service="E-mail", group="Service Desk", opened_at=opened,
                       updated_at=opened))
    save(there, ticket("89", title="A laptop please", customer="ACME SA", kind=Kind.SERVICE_REQUEST, category="Laptop",
                       priority="P1", opened_at=opened, updated_at=opened))
    assess.tick(there.services.deps)
    client = as_role("agent")

    def shows(name: str, title: str) -> bool:
        return title in client.get(f"/escalations?show={name}").get_data(as_text=True)

    key = there.keys["88"]
    assert shows("major", "All is down")
    assert shows("candidates", "All is down")
    client.post_form(f"/tickets/{key}/major", {"text": "nobody works"}, f"/tickets/{key}/major")
    assert not shows("candidates", "All is down")
    assert shows("major", "All is down")
    assert shows("majors_unacknowledged", "All is down")
    client.post_form(f"/tickets/{key}/major/acknowledge", {}, f"/tickets/{key}/major")
    assert not shows("majors_unacknowledged", "All is down")
    assert not any(shows(name, "A laptop please") for name in ("breached", "risk", "major", "unacknowledged"))
    assert shows("requests", "A laptop please")
