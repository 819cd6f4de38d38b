"""Sessions of signed-in people. The browser holds the secret, the store its SHA-256: a stolen store opens no door."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import ColumnElement, delete, insert, select, update

from connector.store.sql import SqlStore
from connector.store.tables import sessions as table

IDLE: Final = timedelta(hours=4)
LONGEST: Final = timedelta(hours=12)
"""A session ends after IDLE without a request, and after LONGEST in any case: about one shift of a service desk."""
TOUCH: Final = timedelta(minutes=1)


class Session(Struct, frozen=True, kw_only=True):
    """`epoch` is the user's at sign-in: when that has moved since, the session is over."""

    digest: str
    user: int
    epoch: int
    agent: str
    opened_at: datetime
    seen_at: datetime


class Sessions:
    """Each method is one transaction of its own."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store

    @staticmethod
    def digest(secret: str) -> str:
        return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()

    def open(self, user: int, epoch: int, now: datetime, agent: str = "") -> str:
        """Gives the new session's secret; removes those that are over."""
        secret = secrets.token_urlsafe(32)
        row = {"digest": self.digest(secret), "user": user, "epoch": epoch, "agent": agent, "opened_at": now}
        with self._store.begin() as tx:
            tx.run(delete(table).where(table.c.opened_at <= now - LONGEST))
            tx.run(insert(table).values(**row, seen_at=now))
        return secret

    def find(self, secret: str, now: datetime) -> Session | None:
        """The living session of this secret; notes its use at most once a minute."""
        found = select(table).where(table.c.digest == self.digest(secret), *_living(now))
        with self._store.read() as tx:
            row = tx.run(found).first()
        if row is None:
            return None
        if row.seen_at < now - TOUCH:
            with self._store.begin() as tx:
                tx.run(update(table).where(table.c.digest == row.digest).values(seen_at=now))
        return Session(**row._mapping)

    def of(self, user: int, now: datetime) -> list[Session]:
        """A user's living sessions, latest first (those of an older epoch are over, the caller compares)."""
        found = select(table).where(table.c.user == user, *_living(now)).order_by(table.c.opened_at.desc())
        with self._store.read() as tx:
            return [Session(**row._mapping) for row in tx.run(found)]

    def close(self, secret: str) -> None:
        with self._store.begin() as tx:
            tx.run(delete(table).where(table.c.digest == self.digest(secret)))

    def close_others(self, user: int, secret: str) -> None:
        with self._store.begin() as tx:
            tx.run(delete(table).where(table.c.user == user, table.c.digest != self.digest(secret)))


def _living(now: datetime) -> tuple[ColumnElement[Any], ...]:
    return (table.c.opened_at > now - LONGEST, table.c.seen_at > now - IDLE)
