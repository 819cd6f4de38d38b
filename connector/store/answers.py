"""Answers the API has given to requests with an Idempotency-Key, kept a day so that a repeat gets the same one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import and_, delete, select, update

from connector.store.sql import SqlStore
from connector.store.tables import answers as table

KEPT: Final = timedelta(hours=24)
AT_WORK: Final = timedelta(minutes=2)
"""How long a request without an answer is believed to be still at work; after that its process died."""


class Clash(Exception):
    """The key was used for another request."""


class Busy(Exception):
    """The first request with this key has no answer yet."""


class Answer(Struct, frozen=True, kw_only=True):
    status: int
    headers: Mapping[str, str]
    body: bytes


class Answers:
    """Each method is one transaction of its own. `owner` keeps the keys of different callers apart."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store

    def begin(self, owner: str, key: str, digest: str, now: datetime) -> Answer | None:
        """None: do the work, then `finish` or `forget`. Raises Clash or Busy."""
        with self._store.begin() as tx:
            tx.run(delete(table).where(table.c.at < now - KEPT))
            tx.run(delete(table).where(_is(owner, key), table.c.status.is_(None), table.c.at < now - AT_WORK))
            new = tx.bulk.upsert(table).values(owner=owner, key=key, digest=digest, at=now)
            if tx.run(new.on_conflict_do_nothing().returning(table.c.key)).first() is not None:
                return None
            row = tx.run(select(table).where(_is(owner, key))).one()
        if row.digest != digest:
            raise Clash
        if row.status is None:
            raise Busy
        return Answer(status=row.status, headers=row.headers, body=row.body)

    def finish(self, owner: str, key: str, status: int, headers: Mapping[str, str], body: bytes) -> None:
        with self._store.begin() as tx:
            tx.run(update(table).where(_is(owner, key)).values(status=status, headers=dict(headers), body=body))

    def forget(self, owner: str, key: str) -> None:
        with self._store.begin() as tx:
            tx.run(delete(table).where(_is(owner, key)))


def _is(owner: str, key: str) -> Any:
    return and_(table.c.owner == owner, table.c.key == key)
