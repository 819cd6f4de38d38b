"""The page of people: who is on duty until when, how each is reached."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from connector.domain.agreements.registry import Registry
from connector.domain.notices.people_checks import checked
from connector.domain.notices.people_format import teams
from connector.domain.problems import Problems
from connector.store import SqlStore
from tests.flows.fake_channel import FakeChannel
from tests.web.conftest import Browser, app_of
from tests.web.world import World, world

TEAMS = {
    "people": {
        "ann": {"name": "Ann <b>", "email": "ann@example.org", "chat": {"env": "CHAT_ANN"}, "manager": "bob",
                "quiet": {"from": "00:00", "to": "12:00"}},
        "bob": {"name": "Bob", "email": "bob@example.org", "manager": "eve"},
        "eve": {"name": "Eve", "email": "eve@example.org"},
    },
    "groups": {
        "Network": {"level": 2, "lead": "bob", "members": ["ann"], "on_duty": {
            "timezone": "UTC", "weekly": [{"from": "08:00", "to": "18:00", "person": "ann"}]}},
        "Night": {"on_duty": {"timezone": "UTC", "weekly": [{"from": "20:00", "to": "23:00", "person": "eve"}]}},
    },
}


@pytest.fixture
def there(sqlite_store: SqlStore, tmp_path: Path) -> World:
    made = world(sqlite_store, tmp_path)
    people, problems = checked(*teams(TEAMS, Problems()), {})
    assert problems == []
    deps = replace(made.services.deps, registry=lambda: Registry((), people=people), channels={"mail": FakeChannel()})
    made.services = replace(made.services, deps=deps)
    return made


@pytest.fixture
def app(there: World) -> Flask:
    return app_of(there)


def test_it_says_who_is_on_duty_how_each_is_reached_and_who_is_above(as_role: Callable[[str], Browser]) -> None:
    page = as_role("viewer").get("/people").get_data(as_text=True)
    for words in ("Ann &lt;b&gt;", "Level 2", "nobody", "quiet until", "Bob › Eve", "not set up"):
        assert words in page
    assert "CHAT_ANN" not in page
    assert "ann@example.org" not in page


def test_suppliers_do_not_see_it(as_role: Callable[[str], Browser]) -> None:
    assert as_role("supplier").get("/people").status_code == 403


def test_without_teams_it_says_where_to_begin(sqlite_store: SqlStore, tmp_path: Path) -> None:
    made = world(sqlite_store, tmp_path)
    made.user("agent")
    client = app_of(made).test_client()
    assert isinstance(client, Browser)
    client.sign_in("agent")
    assert "sla_profiles/teams" in client.get("/people").get_data(as_text=True)
