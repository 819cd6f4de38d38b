"""A job of a tool runs in one process; a lease costs no write while it is fresh, and a crash frees it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from connector.jobs.leases import LEASE, Leases
from connector.ports import Deps
from connector.store import SqlStore

START = datetime(2026, 3, 2, tzinfo=UTC)


def test_one_holder_at_a_time_and_the_next_after_a_crash(store: SqlStore) -> None:
    now = [START]
    deps = Deps(store=store, tools={}, now=lambda: now[0], owner="one")
    first, second = Leases(deps), Leases(replace(deps, owner="two"))
    assert first.hold("poll:t")
    assert not second.hold("poll:t")
    assert second.hold("poll:other")
    now[0] = START + LEASE + timedelta(seconds=1)
    assert second.hold("poll:t"), "the first never came back"
    assert not first.hold("poll:t")


def test_a_lease_given_back_is_free_at_once(store: SqlStore) -> None:
    deps = Deps(store=store, tools={}, now=lambda: START, owner="one")
    first, second = Leases(deps), Leases(replace(deps, owner="two"))
    assert first.hold("poll:t")
    first.end()
    assert second.hold("poll:t")


def test_a_fresh_lease_is_not_asked_for_again(sqlite_store: SqlStore) -> None:
    now = [START]
    leases = Leases(Deps(store=sqlite_store, tools={}, now=lambda: now[0], owner="one"))
    assert leases.hold("poll:t")
    with sqlite_store.begin() as tx:
        tx.end_lease("poll:t", "one")
        tx.lease("poll:t", "two", START, START + LEASE)
    assert leases.hold("poll:t"), "believed for half its time without asking"
    now[0] = START + LEASE / 2
    assert not leases.hold("poll:t")
