"""A disk without room: said as what it is, nothing half done, and all goes on once there is room."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from connector.domain.delivery import Order
from connector.domain.errors import TryLater
from connector.store import SqlStore

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


class Disk:
    """How many pages the file of a store may have."""

    def __init__(self, store: SqlStore) -> None:
        self.store, self.most = store, 0
        event.listen(store.engine, "checkout", self._limit)

    def _limit(self, connection: sqlite3.Connection, *_: Any) -> None:
        connection.execute(f"PRAGMA max_page_count={self.most or 1_000_000}")

    def full(self) -> None:
        with self.store.read() as tx:
            self.most = int(tx.conn.exec_driver_sql("PRAGMA page_count").scalar_one()) + 4

    def roomy(self) -> None:
        self.most = 0


def orders(name: str) -> list[Order]:
    return [Order(key=f"{name}{n}", target="desk", verb="update", lane=f"{name}{n}", payload={"text": "x" * 1500})
            for n in range(20)]


def write(store: SqlStore) -> None:
    with store.begin() as tx:
        tx.move_cursor("desk", "poll", {"at": "later"}, NOW)
        tx.enqueue(orders("b"), NOW)


def waiting(store: SqlStore) -> int:
    with store.read() as tx:
        return len(tx.outstanding("desk", "update"))


def test_a_full_disk_is_said_and_nothing_is_half_written_and_all_goes_on_with_room(
    sqlite_store: SqlStore, tmp_path: Path,
) -> None:
    disk = Disk(sqlite_store)
    with sqlite_store.begin() as tx:
        tx.enqueue(orders("a"), NOW)
    disk.full()
    for _ in range(3):
        with pytest.raises(TryLater, match="the disk is full"):
            write(sqlite_store)
    assert waiting(sqlite_store) == 20
    with sqlite_store.read() as tx:
        assert tx.cursor("desk", "poll") == {}
    disk.roomy()
    write(sqlite_store)
    assert waiting(sqlite_store) == 40
    with sqlite3.connect(tmp_path / "store.db") as conn:
        assert conn.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
