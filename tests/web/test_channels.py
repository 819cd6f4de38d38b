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
