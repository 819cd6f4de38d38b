"""Connections to PostgreSQL that the server has ended meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from connector.domain.errors import TryLater
from connector.store import SqlStore, engine
from connector.store import open as open_store
from tests.store.making import NOW


@pytest.fixture
def idle(postgres_url: str) -> Iterator[SqlStore]:
    """A store whose connections the server has ended, as when it was started anew."""
    store = open_store(postgres_url)
    with store.begin() as tx:
        tx.first_time("s", "before", "d", NOW)
    with psycopg.connect(postgres_url, autocommit=True) as conn:
        conn.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                     "WHERE datname = current_database() AND pid <> pg_backend_pid()")
    yield store
    store.close()


def test_a_connection_unused_for_a_while_is_made_anew_when_the_server_forgot_it(
    idle: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "UNASKED_SECONDS", 0.0)
    with idle.begin() as tx:
        assert tx.first_time("s", "before", "d", NOW) == "repeat"


def test_one_just_used_fails_for_now_and_the_next_transaction_works(
    idle: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "UNASKED_SECONDS", 3600.0)
    with pytest.raises(TryLater), idle.begin() as tx:
        tx.first_time("s", "after", "d", NOW)
    with idle.begin() as tx:
        assert tx.first_time("s", "after", "d", NOW) == "new"
