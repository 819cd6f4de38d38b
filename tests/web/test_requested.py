"""The page of a service request: approvals and tasks, answered and settled by people."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from connector.domain.ticket import Kind
from connector.flows import assess
from tests.web.agreed import agree
from tests.web.conftest import Browser, app_of
from tests.web.world import World, save, ticket


@pytest.fixture
def app(there: World, tmp_path: Path) -> Flask:
    agree(there, tmp_path)
    return app_of(there)


@pytest.fixture
def key(app: Flask, there: World) -> int:
    """A laptop for somebody at the service desk, whose manager is Marc Lambert."""
    opened = there.clock()
    save(there, ticket("77", title="A laptop please", kind=Kind.SERVICE_REQUEST, category="Laptop", opened_at=opened,
                       updated_at=opened, requester_email="servicedesk1@desk.example"))
    assess.tick(there.services.deps)
    return there.keys["77"]


def test_a_request_is_approved_and_settled_on_its_page(
    key: int, as_role: Callable[[str], Browser], there: World
) -> None:
    client, path = as_role("agent"), f"/tickets/{key}/request"

    def act(**form: object) -> str:
        done = client.post_form(path, {**form}, path)
        assert done.status_code in (303, 422)
        return done.get_data(as_text=True)

    page = client.get(path).get_data(as_text=True)
    for said in ("A new laptop", "waits for approval", "Marc Lambert", "Order the laptop"):
        assert said in page, said
    assert path in client.get(f"/tickets/{key}").get_data(as_text=True)
    given = {"approval": "manager", "person": "lead-support"}
    refused = client.post_form(f"{path}/answer", {**given, "answer": "approve"}, path)
    assert refused.status_code == 403
    assert "Only who was asked" in refused.get_data(as_text=True)
    admin = as_role("admin")
    assert "why it is refused" in admin.post_form(f"{path}/answer", {**given, "answer": "refuse"},
                                                  path).get_data(as_text=True)
    admin.post_form(f"{path}/answer", {**given, "answer": "approve"}, path)
    assert "answered by admin" in client.get(path).get_data(as_text=True)
    assess.tick(there.services.deps)
    assert "being fulfilled" in client.get(path).get_data(as_text=True)
    act(what="done", task="order")
    act(what="failed", task="account", text="no licence left")
    assert "no licence left" in client.get(path).get_data(as_text=True)
    act(what="cancel", text="not needed any more")
    assert "not needed any more" in client.get(path).get_data(as_text=True)


def test_who_only_reads_changes_nothing_and_no_receiver_sees_it(key: int, as_role: Callable[[str], Browser]) -> None:
    path = f"/tickets/{key}/request"
    viewer = as_role("viewer")
    assert viewer.get(path).status_code == 200
    assert viewer.post_form(path, {"what": "cancel", "text": "x"}, "/account").status_code == 403
    assert as_role("supplier").get(path).status_code in (403, 404)


def test_the_approver_answers_signed_in_although_they_may_only_read(
    app: Flask, key: int, there: World
) -> None:
    path = f"/tickets/{key}/request"
    there.user("viewer", login="marc")
    people = there.services.deps.registry().people  # type: ignore[misc]
    user = there.services.accounts.by_login("marc")
    assert user is not None
    there.services.accounts.edit_user(user.id, email=people.people["lead-support"].email)
    client = app.test_client()
    assert isinstance(client, Browser)
    client.sign_in("marc")
    assert "Approve" in client.get(path).get_data(as_text=True)
    done = client.post_form(f"{path}/answer", {"approval": "manager", "person": "lead-support", "answer": "approve"},
                            path)
    assert done.status_code == 303
    page = client.get(path).get_data(as_text=True)
    assert "approved" in page
    assert "answered by" not in page


def test_a_reader_who_was_not_asked_is_offered_no_answer(key: int, as_role: Callable[[str], Browser]) -> None:
    assert "Approve" not in as_role("viewer").get(f"/tickets/{key}/request").get_data(as_text=True)
