"""`Store` and `Tx` of the ports on SQL: SQLite (one file) or PostgreSQL."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Final

from sqlalchemy import Connection, Engine

from connector.domain.errors import Outdated, TryLater
from connector.ports import Store, Tx
from connector.store import schema
from connector.store.agreements import AgreementRoom
from connector.store.desk import DeskRoom
from connector.store.engine import BUSY_SECONDS, connect, parse, passing
from connector.store.handoffs import HandoffRoom
from connector.store.outbox import OutboxRoom
from connector.store.pruning import PruningRoom
from connector.store.reading import ReadingRoom
from connector.store.tickets import TicketRoom

CHECK_SECONDS: Final = 1.0
"""How often a running program looks whether the store still has its version."""


class SqlTx(TicketRoom, OutboxRoom, ReadingRoom, DeskRoom, AgreementRoom, HandoffRoom, PruningRoom):
    """All rooms on one connection."""


class SqlStore:
    """Safe to share between threads. Raises TryLater when the database cannot answer now."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.postgres = engine.dialect.name == "postgresql"
        self._version, self._checked = schema.head(), time.monotonic()
        # Writers of this process queue here: waiting for SQLite's own lock means polling it, which is slow and unfair.
        self._turn: AbstractContextManager[None] = nullcontext() if self.postgres else _Turn()

    @contextmanager
    def begin(self) -> Iterator[SqlTx]:
        with passing(), self._turn, self.engine.connect() as conn:
            with conn.begin():
                self._same(conn)
                yield SqlTx(conn, writing=True)

    @contextmanager
    def read(self) -> Iterator[SqlTx]:
        with passing(), self.engine.connect() as conn:
            with frozen(conn, postgres=self.postgres):
                yield SqlTx(conn, writing=False)

    def _same(self, conn: Connection) -> None:
        """Somebody may upgrade the store, or restore another one, while we run: what we would write may not fit."""
        now = time.monotonic()
        if now - self._checked >= CHECK_SECONDS:
            if schema.version(conn) != self._version:
                raise Outdated(schema.problem(conn))
            self._checked = now

    def close(self) -> None:
        self.engine.dispose()


class _Turn:
    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        if not self._lock.acquire(timeout=BUSY_SECONDS):
            raise TryLater("the store cannot answer now: another writer holds it")

    def __exit__(self, *_: object) -> None:
        self._lock.release()


@contextmanager
def frozen(conn: Connection, *, postgres: bool) -> Iterator[None]:
    """One consistent view, and no writing by mistake."""
    options: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True} if postgres else {}
    conn.execution_options(writing=False, **options)
    with conn.begin():
        if postgres:
            yield
            return
        conn.exec_driver_sql("PRAGMA query_only=ON")
        try:
            yield
        finally:
            conn.exec_driver_sql("PRAGMA query_only=OFF")


def open(url: str, password: str | None = None) -> SqlStore:
    """A store whose schema is this program's. Raises ConfigError when it is not, with the command that helps."""
    engine = connect(parse(url, password))
    try:
        with passing():
            schema.check(engine)
    except BaseException:
        engine.dispose()
        raise
    return SqlStore(engine)


def _conforms(store: SqlStore, tx: SqlTx) -> tuple[Store, Tx]:
    """Never called: the type checker proves here that the ports are kept."""
    return store, tx
