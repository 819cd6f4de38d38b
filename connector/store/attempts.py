"""Room of the tries of deliveries: each with what was asked and what was answered, the first and the latest kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    bindparam,
    delete,
    func,
    select,
)

from connector.domain.attempt import Attempt, Exchange, Outcome, dropped
from connector.store.codec import clean
from connector.store.room import Room
from connector.store.tables import deliveries, metadata
from connector.store.types import Key, Utc, Words

attempts: Final = Table(
    "attempts",
    metadata,
    Column("delivery", Key, ForeignKey("deliveries.id"), nullable=False),
    Column("n", Integer, nullable=False),
    Column("started_at", Utc, nullable=False),
    Column("ms", BigInteger),
    Column("outcome", Words, nullable=False),
    Column("document", Text, nullable=False),
    PrimaryKeyConstraint("delivery", "n"),  # a delivery's page; removed with it
    sqlite_with_rowid=False,
)

_a: Final = attempts.c
_other: Final = attempts.alias("other")
_COLUMNS: Final = ("delivery", "n", "started_at", "ms", "outcome", "document")
_OF: Final = select(attempts).where(_a.delivery == bindparam("delivery")).order_by(_a.n)
_DROP: Final = delete(attempts).where(_a.delivery == bindparam("_delivery"), _a.n == bindparam("_n"))


class _Document(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What nobody searches by."""

    reason: str = ""
    calls: int = 0
    exchanges: tuple[Exchange, ...] = ()


_decode: Final = msgspec.json.Decoder(_Document).decode


class AttemptRoom(Room):
    def keep_attempts(self, tried: Sequence[tuple[int, Attempt]]) -> None:
        """Tries of deliveries, by their id: one statement, and one more for each that has had so many that an old one
        goes. A try that is known already stays as it is."""
        if not tried:
            return
        rows = [(id, one.n, self.bulk.at(one.started_at), one.ms, one.outcome.value, _document(one))
                for id, one in tried]
        self.bulk.insert_new(self.conn, attempts, _COLUMNS, rows, ("delivery",))
        self.many(_DROP, ({"_delivery": id, "_n": old} for id, one in tried if (old := dropped(one.n)) is not None))

    def keep_lost(self, rows: Sequence[Any], lease: timedelta) -> None:
        """Tries whose worker is gone: rows of deliveries as it left them, claimed for `lease`."""
        self.keep_attempts([
            (int(row.id), Attempt(n=row.attempts, started_at=row.lease_until - lease, ms=None, outcome=Outcome.LOST))
            for row in rows if row.lease_until is not None])

    def attempts(self, delivery: int) -> list[Attempt]:
        """Oldest first."""
        return [_attempt(row) for row in self.run(_OF, delivery=delivery)]

    def latest_attempts(self, of: Sequence[int]) -> dict[int, Attempt]:
        """Of each of these deliveries that has one."""
        if not of:
            return {}
        last = select(func.max(_other.c.n)).where(_other.c.delivery == _a.delivery).scalar_subquery()
        found = select(attempts).where(self.bulk.among(_a.delivery, list(of)), _a.n == last)
        return {int(row.delivery): _attempt(row) for row in self.run(found)}

    def attempts_to(self, target: str, limit: int) -> list[tuple[str, Attempt]]:
        """The latest tries of the latest deliveries to a target, with the keys of those, newest first."""
        d = deliveries.c
        latest = select(d.id, d.key).where(d.target == target).order_by(d.id.desc()).limit(limit).subquery()
        found = select(attempts, latest.c.key).join(latest, latest.c.id == _a.delivery)
        newest = found.order_by(_a.started_at.desc(), _a.delivery.desc(), _a.n.desc()).limit(limit)
        return [(row.key, _attempt(row)) for row in self.run(newest)]

    def drop_attempts(self, of: Sequence[int]) -> None:
        """All of these deliveries."""
        if of:
            self.run(delete(attempts).where(self.bulk.among(_a.delivery, list(of))))


def _document(one: Attempt) -> str:
    kept = _Document(reason=one.reason, calls=one.calls, exchanges=one.exchanges)
    return clean(msgspec.json.encode(kept).decode())


def _attempt(row: Any) -> Attempt:
    kept = _decode(row.document)
    return Attempt(n=row.n, started_at=row.started_at, ms=row.ms, outcome=Outcome(row.outcome), reason=kept.reason,
                   calls=kept.calls, exchanges=kept.exchanges)
