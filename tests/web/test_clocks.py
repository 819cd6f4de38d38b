"""A ticket's clocks on its page and in the API: the state, what is left, and why."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from connector.domain.history import EventKind, Role
from connector.domain.ticket import Kind, PendingOn, State
from connector.flows import assess
from connector.web import i18n
from connector.web.pages import clocks
from tests.web.agreed import agree
from tests.web.conftest import Browser, app_of
from tests.web.world import World, event, save, ticket


@pytest.fixture
def app(there: World, tmp_path: Path) -> Flask:
    agree(there, tmp_path)
    return app_of(there)


def page(client: Browser, there: World, id: str = "1", **headers: str) -> str:
    return client.get(f"/tickets/{there.keys[id]}", headers=headers).get_data(as_text=True)


def told(app: Flask, there: World, id: str, user: str = "") -> dict[str, dict[str, Any]]:
    headers = there.token("tickets:read", user=user)
    answer = app.test_client().get(f"/api/v1/tickets/{there.keys[id]}/clocks", headers=headers)
    assert answer.status_code == 200
    return {f"{one['agreement']} {one['target']}": one for one in answer.json["items"]}


def test_each_clock_is_shown_with_state_due_and_what_is_left(as_role: Callable[[str], Browser], there: World) -> None:
    text = page(as_role("viewer"), there)
    for said in ("First response", "Met", "acme-gold", "Breached", "network-ola", "hosting-uc", "Running",
                 "1 h 55 min</strong> remaining", "50%", "75%", "100%", "CET"):
        assert said in text
    assert "All business applications, day and night for P1" in text, "what is covered"


def test_the_ledger_tells_windows_zone_rule_version_and_thresholds(
    as_role: Callable[[str], Browser], there: World
) -> None:
    text = page(as_role("viewer"), there)
    for said in ("Customer = ACME SA and Kind = Incident", "Europe/Zurich", "from Customer ACME SA", "Thresholds",
                 "State: Resolved", "still to come until due"):
        assert said in text
    assert there.services.agreements is not None
    version = next(p.version for p in there.services.agreements.current().profiles if p.name == "acme-gold")
    assert version in text


def test_the_ledger_is_told_in_french(app: Flask, there: World) -> None:
    there.user("viewer", language="fr_CH")
    client = app.test_client()
    assert isinstance(client, Browser)
    client.sign_in("viewer")
    text = page(client, there)
    for said in ("Première réponse", "Dépassée", "Décompte", "État : Résolu", "selon Client ACME SA",
                 "encore à venir jusqu\u2019à l\u2019échéance"):
        assert said in text.replace("\u00a0", " ").replace("\u202f", " "), said


def test_holidays_that_were_skipped_are_named(app: Flask, there: World) -> None:
    opened = there.clock() + timedelta(days=30)  # 1 April 2026, before Easter
    save(there, ticket("90", customer="ACME SA", priority="P3", opened_at=opened, updated_at=opened))
    there.clock.move(days=36)
    there.user("viewer")
    client = app.test_client()
    assert isinstance(client, Browser)
    client.sign_in("viewer")
    text = page(client, there, "90")
    assert "Good Friday" in text
    assert "Easter Monday" in text


def test_a_paused_clock_has_no_due_time_and_says_what_is_left(app: Flask, there: World) -> None:
    opened = there.clock() - timedelta(hours=1)
    waiting = ticket("91", customer="ACME SA", priority="P2", opened_at=opened, updated_at=there.clock(),
                     state=State.PENDING, pending_on=PendingOn.CUSTOMER)
    save(there, waiting, [event("p", 30, field="state", old="new", new="pending"),
                          event("q", 30, field="pending_on", old=None, new="customer")])
    one = told(app, there, "91")["sla resolution"]
    assert (one["state"], one["due"], one["remaining"]) == ("paused", None, 7.5 * 3600)


def test_a_ticket_no_agreement_applies_to_says_so(as_role: Callable[[str], Browser], app: Flask, there: World) -> None:
    save(there, ticket("92", kind=Kind.CHANGE))
    assert "No agreement applies to this ticket" in page(as_role("viewer"), there, "92")
    headers = there.token("tickets:read")
    answer = app.test_client().get(f"/api/v1/tickets/{there.keys['92']}/clocks", headers=headers).json
    assert answer["items"] == []
    assert answer["problems"] == ["no profile applies to this ticket"]


def test_without_agreements_there_is_no_section_and_the_api_says_why(there: World, bare: World) -> None:
    app = app_of(there)
    there.services = there.services.__class__.of(there.store, there.services.deps, there.services.settings)
    plain = app_of(there).test_client()
    headers = there.token("tickets:read")
    answer = plain.get(f"/api/v1/tickets/{there.keys['1']}/clocks", headers=headers).json
    assert (answer["items"], answer["problems"]) == ([], ["there are no agreements"])
    there.user("viewer")
    client = app.test_client()
    assert isinstance(client, Browser)
    client.sign_in("viewer")
    assert 'id="clocks"' not in page(client, there)


def test_the_api_shows_what_the_page_shows(app: Flask, there: World) -> None:
    found = told(app, there, "1")
    assert found["ola resolution"]["state"] == "breached"
    assert found["sla resolution"]["manual_due"] is True
    assert [share for share, _at in found["uc resolution"]["shares"]] == [50, 75, 100]
    lines = found["sla resolution"]["lines"]
    assert {line["mode"] for line in lines} == {"run", "stop"}


def test_a_supplier_sees_the_contracts_with_suppliers_only(app: Flask, there: World, tmp_path: Path) -> None:
    """One that takes no handoffs: a receiver of handoffs reads no tickets."""
    file = tmp_path / "sla_profiles" / "suppliers" / "hosting-uc.yaml"
    text = file.read_text().partition("\nreceiver:")[0]
    lines = [line for line in text.splitlines() if line.strip().split(":")[0] not in ("hand_back", "approval")]
    file.write_text("\n".join(lines) + "\n")
    there.user("supplier", supplier="Hosting AG")
    assert {name.split()[0] for name in told(app, there, "1", user="supplier")} == {"uc"}
    client = app.test_client()
    assert isinstance(client, Browser)
    client.sign_in("supplier")
    text = page(client, there)
    assert "hosting-uc" in text
    assert "acme-gold" not in text
    assert "network-ola" not in text


def test_what_the_tick_remembered_is_in_the_history(as_role: Callable[[str], Browser], there: World) -> None:
    with there.store.begin() as tx:
        tx.schedule({there.keys["1"]: there.clock()})
    assert assess.tick(there.services.deps).events
    text = page(as_role("viewer"), there)
    assert "The agreement acme-gold applies" in text
    assert "Resolution, network-ola: breached" in text


def test_an_answer_on_our_page_stops_the_first_response_clock(as_role: Callable[[str], Browser], app: Flask,
                                                              there: World) -> None:
    opened = there.clock() - timedelta(minutes=10)
    key = save(there, ticket("93", customer="ACME SA", priority="P2", opened_at=opened, updated_at=opened))
    assert told(app, there, "93")["sla first_response"]["state"] == "running"
    answer = as_role("agent").post_form(f"/tickets/{key}/comment", {"text": "We look at it.", "public": "yes"},
                                        page=f"/tickets/{key}")
    assert answer.status_code == 303
    assert told(app, there, "93")["sla first_response"]["state"] == "met"
    with there.store.read() as tx:
        said = next(e for e in tx.history([key])[key] if e.kind is EventKind.COMMENTED)
    assert (said.role, said.actor) == (Role.AGENT, "user:agent")


def test_an_answer_through_the_api_counts_and_an_internal_note_does_not(app: Flask, there: World) -> None:
    opened = there.clock() - timedelta(minutes=10)
    key = save(there, ticket("94", customer="ACME SA", priority="P2", opened_at=opened, updated_at=opened))
    headers = there.token("tickets:read", "tickets:write")
    for public, state in ((False, "running"), (True, "met")):
        app.test_client().post(f"/api/v1/tickets/{key}/comments", json={"text": "Hello", "public": public},
                               headers=headers)
        assert told(app, there, "94")["sla first_response"]["state"] == state


def test_taking_a_ticket_on_our_page_acknowledges_it(app: Flask, there: World) -> None:
    opened = there.clock() - timedelta(minutes=10)
    key = save(there, ticket("95", customer="Ville de Nyon", priority="P2", opened_at=opened, updated_at=opened))
    assert told(app, there, "95")["sla acknowledge"]["state"] == "running"
    headers = there.token("tickets:read", "tickets:write")
    etag = app.test_client().get(f"/api/v1/tickets/{key}", headers=headers).headers["ETag"]
    answer = app.test_client().patch(f"/api/v1/tickets/{key}", json={"fields": {"assignee": "Jo Keller"}},
                                     headers={**headers, "If-Match": etag})
    assert answer.status_code == 202
    assert told(app, there, "95")["sla acknowledge"]["state"] == "met"


@pytest.mark.parametrize(("seconds", "said"), [(0, "0 s"), (59, "59 s"), (3600, "1 h"), (3661, "1 h 1 min 1 s"),
                                               (3601, "1 h 0 min 1 s"), (-90, "\u22121 min 30 s"),
                                               (4_320_000, "1,200 h")])
def test_amounts_are_never_rounded_to_minutes(seconds: int, said: str) -> None:
    assert i18n.span(timedelta(seconds=seconds)) == said


def test_reasons_written_in_a_profile_stay_as_they_are(app: Flask) -> None:
    with app.test_request_context():
        i18n.set_for_request("fr", "Europe/Zurich", ["fr"])
        assert clocks.why("waiting for the landlord") == "waiting for the landlord"
        assert clocks.why("waiting for the landlord: pause used up") == "waiting for the landlord\u00a0: pause épuisée"
        assert clocks.why("state pending, answer") == "État\u00a0: En attente, réponse"
        assert "Client (SLA)" in clocks.problem("sla: a and b apply alike; make one more specific")
