"""Engines: how each database is opened, how a transaction begins, and which failures pass by themselves."""

from __future__ import annotations

import math
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InvalidatePoolError, TimeoutError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from connector.domain.errors import ConfigError, Problem, TryLater

BUSY_SECONDS: Final = 15.0
"""How long a writer waits for another one."""

UNASKED_SECONDS: Final = 2.0
"""A connection to PostgreSQL that was used less long ago is not asked whether it lives: that would be one trip more for
every transaction. A server that went away meanwhile shows as TryLater."""
POOL: Final = 16
"""Connections kept open: as many as the web server has threads (connector/web/server.py)."""
_USED: Final = "used"

_PRAGMAS: Final = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",  # decision 0010: what was answered is on disk, also after a power cut
    "PRAGMA foreign_keys=ON",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA cache_size=-12000",
    "PRAGMA wal_autocheckpoint=4000",
    "PRAGMA journal_size_limit=67108864",
)
_PASSING: Final = ("08", "40", "53", "55P03", "57")
"""SQLSTATE classes that pass: connection, rollback (deadlock), resources, lock wait, operator intervention."""


_FULL: Final = ("SQLITE_FULL", "53100")
_PASSING_CODES: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR,
                         sqlite3.SQLITE_CANTOPEN)
"""A disk without room shows in all of the last three: the file of a lock, or of a log, cannot grow or be made."""


class Damaged(ConfigError):
    """The file of a store cannot be read."""


def parse(url: str, password: str | None = None) -> URL:
    """The address of a store. Raises ConfigError when it is neither a SQLite file nor PostgreSQL."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise _wrong("not a database address") from None
    name = parsed.get_backend_name()
    if name == "sqlite":
        if not parsed.database or parsed.database == ":memory:":
            raise _wrong("SQLite needs a file: a store in memory is lost at every restart")
        return parsed.set(drivername="sqlite")
    if name in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
        return parsed.set(password=password) if password else parsed
    raise _wrong(f"{name!r} is not supported")


def _wrong(what: str) -> ConfigError:
    return ConfigError([Problem(f"{what}; expected sqlite:///PATH or postgresql://USER@HOST/NAME", path="store.url")])


def connect(url: URL, *, create: bool = False) -> Engine:
    """An engine. A SQLite file that is not there is an error unless `create`."""
    if url.get_backend_name() == "sqlite":
        return _sqlite(url, create)
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_size=POOL,
        max_overflow=20,
        pool_timeout=BUSY_SECONDS,
        pool_use_lifo=True,  # the one used last has its statements prepared and its pages at hand
        connect_args={
            "connect_timeout": 10,
            "application_name": "servicedesk-connector",
            "options": f"-c timezone=UTC -c lock_timeout={int(BUSY_SECONDS * 1000)} "
                       "-c idle_in_transaction_session_timeout=300000",
        },
    )
    event.listen(engine, "checkin", _used)
    event.listen(engine, "checkout", _alive)
    return engine


def _used(connection: psycopg.Connection, record: ConnectionPoolEntry) -> None:
    record.info[_USED] = time.monotonic()


def _alive(connection: psycopg.Connection, record: ConnectionPoolEntry, given: PoolProxiedConnection) -> None:
    """Asks a connection that nobody used for a while whether the server still knows it; all are made anew if not."""
    if time.monotonic() - record.info.get(_USED, math.inf) < UNASKED_SECONDS:
        return
    try:
        connection.execute("SELECT 1")
        connection.rollback()
    except psycopg.Error:
        raise InvalidatePoolError from None


def _sqlite(url: URL, create: bool) -> Engine:
    path = Path(url.database or "")
    if not path.exists():
        if not create:
            raise ConfigError([Problem(f"there is no store at {path}; make it with: connector db upgrade",
                                       path="store.url")])
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    engine = create_engine(url, hide_parameters=True, pool_size=10, max_overflow=20, pool_timeout=BUSY_SECONDS,
                           pool_use_lifo=True, connect_args={"timeout": BUSY_SECONDS, "isolation_level": None})
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
    for pragma in _PRAGMAS:
        connection.execute(pragma)


def _begin(connection: Connection) -> None:
    writing = connection.get_execution_options().get("writing", True)
    # A writer takes its lock at once: one that starts by reading could not wait for another, only fail.
    driver = connection.connection.driver_connection
    assert driver is not None
    driver.execute("BEGIN IMMEDIATE" if writing else "BEGIN")


@contextmanager
def passing(what: str = "the store cannot answer now") -> Iterator[None]:
    """Turns failures that pass by themselves into TryLater, a broken file into Damaged; others stay what they are."""
    try:
        yield
    except TimeoutError:
        raise TryLater(f"{what}: no free connection") from None
    except Exception as error:
        cause = error.orig if isinstance(error, DBAPIError) else error  # the fast paths speak to the driver directly
        if getattr(error, "connection_invalidated", False) or _passes(cause):
            raise TryLater(f"{what}: {_kind(cause)}") from error
        if _code(cause) in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            raise Damaged([Problem(f"the file of the store is damaged or no store at all ({cause}); "
                                   "restore a backup with: connector db restore", path="store.url")]) from error
        raise


def _passes(error: Any) -> bool:
    if _code(error) in _PASSING_CODES:
        return True
    state: str | None = getattr(error, "sqlstate", None)
    if state is not None:
        return state.startswith(_PASSING)
    return type(error).__module__.startswith("psycopg") and type(error).__name__ == "OperationalError"


def _kind(error: Any) -> str:
    """Enough to act on. A server's message may quote values, one about the connection does not."""
    state = getattr(error, "sqlstate", None) or getattr(error, "sqlite_errorname", None)
    if state in _FULL:
        return "the disk is full; make room, and what waits goes on by itself"
    return f"{type(error).__name__} {state}" if state else (str(error).splitlines() or [type(error).__name__])[0]


def _code(error: Any) -> int:
    code: int = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code
