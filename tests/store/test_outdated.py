"""A program whose store is brought to another version while it runs writes nothing more, and says what helps."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from connector.domain.delivery import Order
from connector.domain.errors import Outdated
from connector.jobs.local import Worker
from connector.store import SqlStore, sql
from tests.flows.fake_tool import Clock, FakeTool, connect

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "CHECK_SECONDS", 0.0)


def brought_to(store: SqlStore, version: str) -> None:
    with store.engine.begin() as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})


@pytest.mark.parametrize(("version", "helps"), [
    ("0003", "bring it up with: connector db upgrade"),
    ("9999", "it was made by a newer one: install that, or restore a backup made before"),
])
def test_nothing_is_written_to_a_store_of_another_version(store: SqlStore, version: str, helps: str) -> None:
    order = Order(key="a", target="desk", verb="update", lane="a", payload={})
    with store.begin() as tx:
        tx.enqueue([order], NOW)
    brought_to(store, version)
    with pytest.raises(Outdated, match=helps), store.begin() as tx:
        tx.enqueue([Order(key="b", target="desk", verb="update", lane="b", payload={})], NOW)
    with store.read() as tx:
        assert [one.key for one in tx.outstanding("desk", "update")] == ["a"]


def test_a_worker_ends_when_its_store_is_of_another_version(sqlite_store: SqlStore) -> None:
    tool = FakeTool(Clock(datetime.now(UTC)))  # the scheduler lives by the machine's clock
    worker = Worker(connect(sqlite_store, tool))
    worker.start()
    brought_to(sqlite_store, "9999")
    assert worker.outdated.wait(20)
    worker.stop()
