"""Channels on the pages: what waits for them, and enabling one that asked to be left alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from connector.flows import switch
from connector.store import SqlStore
from tests.flows.fake_channel import FakeChannel, order
from tests.web.conftest import Browser, app_of
from tests.web.world import World, world


@pytest.fixture
def there(sqlite_store: SqlStore, tmp_path: Path) -> World:
    made = world(sqlite_store, tmp_path)
    deps = replace(made.services.deps, channels={"mail": FakeChannel()})
    made.services = replace(made.services, deps=deps)
    with made.store.begin() as tx:
        tx.enqueue([order("a")], made.clock())
        switch.disable(tx, "mail", "410 Gone", "tests", made.clock())
    return made


@pytest.fixture
def app(there: World) -> Flask:
    return app_of(there)


def test_a_channel_that_is_off_is_shown_with_its_reason_and_can_be_enabled_by_who_may_retry(
    as_role: Callable[[str], Browser], there: World,
) -> None:
    agent = as_role("agent")
    page = agent.get("/connections").get_data(as_text=True)
    assert "410 Gone" in page
    assert "disabled" in page
    assert agent.post_form("/connections/enable", {"target": "mail"}, page="/connections").status_code == 303
    with there.store.read() as tx:
        assert switch.disabled(tx) == {}
    assert "410 Gone" not in agent.get("/connections").get_data(as_text=True)


def test_who_only_reads_cannot_enable(as_role: Callable[[str], Browser]) -> None:
    viewer = as_role("viewer")
    assert "/connections/enable" not in viewer.get("/connections").get_data(as_text=True)
    assert viewer.post_form("/connections/enable", {"target": "mail"}, page="/account").status_code == 403


def test_channels_are_no_tools_and_their_deliveries_are_listed(as_role: Callable[[str], Browser]) -> None:
    agent = as_role("agent")
    assert "no longer connected" not in agent.get("/connections").get_data(as_text=True)
    page = agent.get("/deliveries?target=mail").get_data(as_text=True)
    assert "mail" in page


def test_a_message_to_a_person_is_shown_without_the_links_in_it(
    as_role: Callable[[str], Browser], there: World,
) -> None:
    link = "http://desk.example/ack/secret-right"
    with there.store.begin() as tx:
        tx.enqueue([order("b", name="Ann", subject="INC1 late", text=f"Hello Ann\n{link}", links=[link])],
                   there.clock())
    there_is = there.services.queries.deliveries(state=(), target="mail", limit=10).items
    id = next(row.id for row in there_is if row.key == "b")
    page = as_role("viewer").get(f"/deliveries/{id}").get_data(as_text=True)
    assert "INC1 late" in page
    assert "Hello Ann" in page
    assert "secret-right" not in page
