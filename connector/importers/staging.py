"""Rows in the order they are needed: by ticket, then by time, on disk.

An export may be larger than memory, and the rows of one ticket may lie anywhere in it.
"""

from __future__ import annotations

import pickle
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby, islice
from typing import Any

from connector.domain.errors import ConfigError, Problem
from connector.domain.importing.exported_history import Entry

BATCH = 5_000


class Staged:
    """Entries of a file, grouped. `tickets` is how many groups there are."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.tickets: int = connection.execute("SELECT count(DISTINCT ticket) FROM entry").fetchone()[0]

    def groups(self) -> Iterator[list[Entry]]:
        """All entries of one ticket at a time, each in order of time, tie and row."""
        found = self._connection.execute("SELECT ticket, data FROM entry ORDER BY ticket, at, tie_n, tie_t, row")
        for _, rows in groupby(found, key=lambda row: row[0]):
            # What is unpickled here was pickled by this process, in a file only it can read.
            yield [pickle.loads(data) for _, data in rows]  # noqa: S301


@contextmanager
def staged(entries: Iterable[Entry]) -> Iterator[Staged]:
    """Raises ConfigError when there is no room on disk."""
    # A database without a name is a temporary file of SQLite's that has no name either: it is gone even after kill -9.
    connection = sqlite3.connect("")
    try:
        connection.execute("PRAGMA journal_mode=OFF")
        connection.execute("PRAGMA cache_size=-16000")
        connection.execute("CREATE TABLE entry (ticket TEXT, at TEXT, tie_n REAL, tie_t TEXT, row INTEGER, data BLOB)")
        _fill(connection, entries)
        connection.execute("CREATE INDEX by_ticket ON entry (ticket, at, tie_n, tie_t, row)")
        yield Staged(connection)
    except sqlite3.Error as error:
        raise ConfigError([Problem(f"rows could not be put in order on disk (SQLITE_TMPDIR says where): {error}")]) \
            from None
    finally:
        connection.close()


def _fill(connection: sqlite3.Connection, entries: Iterable[Entry]) -> None:
    waiting = iter(entries)
    while batch := list(islice(waiting, BATCH)):
        connection.executemany("INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?)", [_row(entry) for entry in batch])
    connection.commit()


def _row(entry: Entry) -> tuple[Any, ...]:
    number = float(entry.tie) if isinstance(entry.tie, (int, float)) else None
    return (entry.ticket, entry.at.isoformat(), number, "" if number is not None else str(entry.tie), entry.row,
            pickle.dumps(entry, pickle.HIGHEST_PROTOCOL))
