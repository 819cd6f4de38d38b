"""Rows of an audit export in the order they are needed: by ticket, then by time, on disk.

An export may be larger than memory, and the rows of one ticket may lie anywhere in it.
"""

from __future__ import annotations

import pickle
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

from connector.flows.importing import Entry

BATCH = 10_000


@contextmanager
def grouped(entries: Iterable[Entry]) -> Iterator[Iterator[list[Entry]]]:
    """All entries of one ticket at a time, each in order of time, tie and row."""
    with tempfile.TemporaryDirectory(prefix="connector-import-") as folder:
        connection = sqlite3.connect(Path(folder) / "rows.db")
        try:
            connection.execute("PRAGMA journal_mode=OFF")
            connection.execute("PRAGMA synchronous=OFF")
            connection.execute(
                "CREATE TABLE entry (ticket TEXT, at TEXT, tie_n REAL, tie_t TEXT, row INTEGER, data BLOB)")
            _fill(connection, entries)
            connection.execute("CREATE INDEX by_ticket ON entry (ticket, at, tie_n, tie_t, row)")
            yield _groups(connection)
        finally:
            connection.close()


def _fill(connection: sqlite3.Connection, entries: Iterable[Entry]) -> None:
    rows: list[tuple[Any, ...]] = []
    for entry in entries:
        number = float(entry.tie) if isinstance(entry.tie, (int, float)) else None
        rows.append((entry.ticket, entry.at.isoformat(), number, "" if number is not None else str(entry.tie),
                     entry.row, pickle.dumps(entry, pickle.HIGHEST_PROTOCOL)))
        if len(rows) >= BATCH:
            connection.executemany("INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?)", rows)
            rows.clear()
    connection.executemany("INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?)", rows)
    connection.commit()


def _groups(connection: sqlite3.Connection) -> Iterator[list[Entry]]:
    found = connection.execute("SELECT ticket, data FROM entry ORDER BY ticket, at, tie_n, tie_t, row")
    for _, rows in groupby(found, key=lambda row: row[0]):
        # What is unpickled here was pickled by this process, in a folder only it can read.
        yield [pickle.loads(data) for _, data in rows]  # noqa: S301
