"""Major incidents and service requests through the API: same rules as on the pages, the same request twice is one."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from connector.domain.ticket import Kind
from connector.flows import assess
from tests.web.agreed import agree
from tests.web.conftest import Browser, app_of
from tests.web.world import NOW, World, save, ticket

READ, WRITE = "tickets:read", "tickets:write"


@pytest.fixture
def app(there: World, tmp_path: Path) -> Flask:
    agree(there, tmp_path)
    return app_of(there)


@pytest.fixture
def incident(app: Flask, there: World) -> str:
    for id in ("77", "78"):
        save(there, ticket(id, title="No mail", service="E-mail", opened_at=NOW, updated_at=NOW))
    return f"/api/v1/tickets/{there.keys['77']}/major"


@pytest.fixture
def wanted(app: Flask, there: World) -> str:
    save(there, ticket("77", title="A laptop", kind=Kind.SERVICE_REQUEST, category="Laptop", opened_at=NOW,
                       updated_at=NOW, requester_email="servicedesk1@desk.example"))
    assess.tick(there.services.deps)
    return f"/api/v1/tickets/{there.keys['77']}/request"


def test_a_major_incident_is_declared_led_and_read(client: Browser, there: World, incident: str) -> None:
    token = there.token(READ, WRITE)
    assert client.get(incident, headers=token).status_code == 404
    assert client.post(incident, json={"why": "nobody has mail"}, headers=there.token(READ)).status_code == 403
    assert client.post(incident, json={"why": "nobody has mail"}, headers=token).status_code == 201
    assert client.post(incident, json={"why": "again"}, headers=token).status_code == 422
    there.clock.move(minutes=9)
    for _ in range(2):
        said = client.post(f"{incident}/moves", json={"what": "update", "text": "A disk."},
                           headers={**token, "Idempotency-Key": "u-1"})
        assert said.status_code == 200
    client.post(f"{incident}/moves", json={"what": "linked", "child": "INC0000078"}, headers=token)
    later = {"what": "follow_up", "text": "Buy disks", "due": "2026-03-20"}
    client.post(f"{incident}/moves", json=later, headers=token)
    assert client.post(f"{incident}/moves", json={"what": "closed"}, headers=token).status_code == 422
    assert client.post(f"{incident}/moves", json={"what": "explode"}, headers=token).status_code == 422
    found = client.get(incident, headers=token).get_json()
    assert (found["state"], found["children"], len(found["updates"])) == ("degraded", ["glpi/78"], 1)
    assert found["durations"]["to_first_update"] == 540
    assert found["follow_ups"][0]["due"] == "2026-03-20"
    assert found["steps"][0]["step"] == "email/announce"


def test_a_request_is_read_and_only_who_was_asked_approves(client: Browser, there: World, wanted: str) -> None:
    token = there.token(READ, WRITE)
    found = client.get(wanted, headers=token).get_json()
    assert (found["state"], found["approvals"][0]["asked"]) == ("approving", ["lead-support"])
    assert found["clocks"][0]["target"] == "approval"
    path, yes = f"{wanted}/approvals/manager", {"answer": "approve", "person": "lead-support"}
    assert client.post(path, json=yes, headers=token).status_code == 403
    assert client.post(path, json={"answer": "approve"}, headers=token).status_code == 403
    mighty = there.token(READ, WRITE, "approvals:answer")
    assert client.post(path, json={**yes, "answer": "refuse"}, headers=mighty).status_code == 422
    given = client.post(path, json=yes, headers=mighty).get_json()["approvals"][0]["answers"]
    assert [(one["person"], one["yes"], one["instead"]) for one in given] == [("lead-support", True, True)]
    assess.tick(there.services.deps)
    assert client.post(f"{wanted}/tasks/order", json={"move": "done"}, headers=token).status_code == 200
    assert client.post(f"{wanted}/tasks/nothing", json={"move": "done"}, headers=token).status_code == 422
    ended = client.post(f"{wanted}/cancel", json={"why": "not needed"}, headers=token).get_json()
    assert (ended["state"], ended["why"]) == ("cancelled", "not needed")


def test_the_owner_of_a_token_answers_what_they_were_asked(client: Browser, there: World, wanted: str) -> None:
    there.user("agent", login="marc")
    registry = there.services.deps.registry
    user = there.services.accounts.by_login("marc")
    assert registry is not None
    assert user is not None
    there.services.accounts.edit_user(user.id, email=registry().people.people["lead-support"].email)
    token = there.token(READ, WRITE, user="marc")
    done = client.post(f"{wanted}/approvals/manager", json={"answer": "approve"}, headers=token)
    assert [one["instead"] for one in done.get_json()["approvals"][0]["answers"]] == [False]
    assert client.get("/api/v1/tickets/999/request", headers=token).status_code == 404
