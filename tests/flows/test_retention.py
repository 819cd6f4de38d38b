"""What is kept for a while is removed after it, once, and the audit trail tells."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connector.domain.retention import Retention
from connector.flows import retention
from connector.jobs.local import Worker
from connector.ports import Deps
from connector.store import SqlStore
from connector.store.queries import Queries

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def deps(sqlite_store: SqlStore) -> Deps:
    return Deps(store=sqlite_store, tools={}, now=lambda: NOW, owner="tests")


def remember(deps: Deps, days: float, count: int = 1) -> None:
    at = NOW - timedelta(days=days)
    with deps.store.begin() as tx:
        for n in range(count):
            tx.first_time("glpi", f"{days}/{n}", "d", at)
            tx.audit(at, "aline", "edit", f"glpi/{n}", {})


def trail(deps: Deps) -> list[tuple[str, str, dict[str, int]]]:
    assert isinstance(deps.store, SqlStore)
    found = Queries(deps.store).audit(limit=100)
    return [(row.actor, row.action, dict(row.detail)) for row in found.items if row.actor != "aline"]


def test_each_kind_has_its_own_time_and_the_audit_trail_the_longest(deps: Deps) -> None:
    remember(deps, 29)
    remember(deps, 31)
    remember(deps, 731)
    assert retention.run(deps) == {"deliveries": 0, "inbox": 2, "audit": 1}
    assert retention.run(deps) == {"deliveries": 0, "inbox": 0, "audit": 0}


def test_what_was_removed_stands_in_the_audit_trail_once(deps: Deps) -> None:
    remember(deps, 800, 3)
    retention.run(deps)
    retention.run(deps)
    assert trail(deps) == [("retention", "pruned", {"inbox": 3, "audit": 3})]


def test_more_than_one_part_goes_in_one_run(deps: Deps, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "PART", 2)
    remember(deps, 40, 5)
    assert retention.run(deps)["inbox"] == 5


def test_a_stop_ends_it_between_two_parts(deps: Deps) -> None:
    remember(deps, 40)
    assert retention.run(deps, lambda: True) == {"deliveries": 0, "inbox": 0, "audit": 0}
    assert retention.run(deps)["inbox"] == 1


def test_the_settings_decide(deps: Deps) -> None:
    remember(deps, 5)
    short = replace(deps, options={"retention": Retention(inbox=timedelta(days=4))})
    assert retention.run(short)["inbox"] == 1


def test_the_worker_does_it_in_one_process_at_a_time(deps: Deps) -> None:
    remember(deps, 40)
    with deps.store.begin() as tx:
        assert tx.lease("retention", "another", NOW, NOW + timedelta(minutes=1))
    Worker(deps)._retention()
    with deps.store.begin() as tx:
        assert tx.first_time("glpi", "40/0", "d", NOW) == "repeat"
        tx.end_lease("retention", "another")
    Worker(deps)._retention()
    with deps.store.begin() as tx:
        assert tx.first_time("glpi", "40/0", "d", NOW) == "new"
