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
    assert "why it is refused" in act(what="refuse", approval="manager", person="lead-support")
    act(what="approve", approval="manager", person="lead-support")
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
