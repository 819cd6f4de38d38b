"""Room of the outbox: deliveries in lanes, claimed under a lease.

A lane has at most one leased delivery (a unique index says so too), and the next is its head only when no earlier one
waits. A claim is fenced by its owner and its number: who lost the lease can no longer finish the delivery. Each try is
kept in the transaction that ends it; one that nobody ended is kept as lost by whoever takes its delivery over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, bindparam, func, literal_column, not_, or_, select, text, update

from connector.domain.attempt import Attempt
from connector.domain.delivery import Delivery, DeliveryState, Order
from connector.store.attempts import AttemptRoom
from connector.store.codec import clean, payload_text
from connector.store.tables import deliveries, tickets

_d: Final = deliveries.c
_other: Final = deliveries.alias("other")
_COLUMNS: Final = ("id", "key", "target", "verb", "lane", "ticket", "payload", "state", "attempts", "created_at",
                   "ready_at", "reason")
_GIVEN: Final = (_d.id, _d.key, _d.target, _d.verb, _d.lane, _d.payload, _d.ticket, _d.attempts, _d.created_at)
_CLAIMED: Final = (*_GIVEN, _d.state, _d.lease_until)
# Written out, not as parameters: neither database finds a partial index from a parameter.
_WAITING: Final = _d.state == literal_column("'waiting'")
_LEASED: Final = _d.state == literal_column("'leased'")
_PENDING: Final = select(*_GIVEN, _d.owner).where(
    _d.ticket == bindparam("ticket"), or_(_WAITING, _LEASED)).order_by(_d.id)
_FREE: Final = {"owner": None, "lease_until": None}
_MINE: Final = update(deliveries).where(
    _d.id == bindparam("_id"), _LEASED, _d.owner == bindparam("_owner"), _d.attempts == bindparam("_attempts")
).returning(_d.id)
_CLAIM_LOCK: Final = 0x5EDE11


class OutboxRoom(AttemptRoom):
    def enqueue(self, orders: Sequence[Order], now: datetime) -> list[str]:
        once = {order.key: order for order in reversed(orders)}
        fresh = [order for order in orders if once[order.key] is order]
        if not fresh:
            return []
        at = self.bulk.at
        ids = self.bulk.reserve(self.conn, deliveries, len(fresh))
        rows = [
            (id, clean(order.key), clean(order.target), clean(order.verb), clean(order.lane), order.ticket,
             payload_text(order.payload), DeliveryState.WAITING.value, 0, at(now), at(order.not_before or now), "")
            for id, order in zip(ids, fresh, strict=True)
        ]
        added = self.bulk.insert_new(self.conn, deliveries, _COLUMNS, rows, ("id", "key"))
        return [key for _, key in sorted(added)]

    def claim(self, owner: str, now: datetime, lease: timedelta, room: Mapping[str, int]) -> list[Delivery]:
        """Call it in a transaction of its own: on PostgreSQL claims wait for each other until its end."""
        self._one_claim_at_a_time()
        taken = [row for target, places in sorted(room.items()) for row in self._ready(target, places, now)]
        if not taken:
            return []
        self.keep_lost([row for row in taken if row.state == DeliveryState.LEASED.value], lease)
        self.run(
            update(deliveries)
            .where(self.bulk.among(_d.id, [row.id for row in taken]))
            .values(state=DeliveryState.LEASED.value, owner=owner, lease_until=now + lease, attempts=_d.attempts + 1)
        )
        return [_delivery(row, owner) for row in sorted(taken, key=lambda row: int(row.id))]

    def _one_claim_at_a_time(self) -> None:
        """Two claims at once could each see the head of a lane that the other has not yet committed."""
        if self.postgres:
            self.run(select(func.pg_advisory_xact_lock(_CLAIM_LOCK)))

    def _ready(self, target: str, places: int, now: datetime) -> Sequence[Any]:
        expired = select(*_CLAIMED).where(_d.target == target, _LEASED, _d.lease_until <= now).order_by(_d.id)
        first = self._take(expired, places)
        heads = select(*_CLAIMED).where(_d.target == target, _WAITING, _d.ready_at <= now, not_(_blocked()))
        return [*first, *self._take(heads.order_by(_d.ready_at, _d.id), places - len(first))]

    def _take(self, found: Any, places: int) -> Sequence[Any]:
        if places <= 0:
            return []
        return self.run(found.limit(places).with_for_update(skip_locked=True, of=deliveries)).fetchall()

    def done(self, delivery: Delivery, now: datetime, result: Mapping[str, Any],
             tried: Attempt | None = None) -> bool:
        return self._finish(delivery, tried, state=DeliveryState.DONE.value, finished_at=now, result=dict(result),
                            reason="")

    def done_together(self, deliveries: Sequence[Delivery], now: datetime, result: Mapping[str, Any]) -> int:
        owners = {delivery.owner for delivery in deliveries}
        mine = and_(_LEASED, _d.owner.in_(owners), self.bulk.among(_d.id, [delivery.id for delivery in deliveries]))
        return self._changed(mine, state=DeliveryState.DONE.value, finished_at=now, result=dict(result), reason="")

    def retry(self, delivery: Delivery, at: datetime, reason: str, tried: Attempt | None = None) -> bool:
        return self._finish(delivery, tried, state=DeliveryState.WAITING.value, ready_at=at, reason=reason)

    def bury(self, delivery: Delivery, now: datetime, reason: str, tried: Attempt | None = None) -> bool:
        return self._finish(delivery, tried, state=DeliveryState.DEAD.value, finished_at=now, reason=reason)

    def _finish(self, delivery: Delivery, tried: Attempt | None, **values: Any) -> bool:
        finished = _MINE.values(**values, **_FREE)
        mine = self.run(finished, _id=delivery.id, _owner=delivery.owner, _attempts=delivery.attempts + 1).first()
        if mine is not None and tried is not None:
            self.keep_attempts([(delivery.id, tried)])
        return mine is not None

    def release(self, owner: str, lease: timedelta | None = None) -> int:
        mine = and_(_LEASED, _d.owner == owner)
        if lease is None:
            return self._changed(mine, state=DeliveryState.WAITING.value)
        held = self.run(select(_d.id, _d.attempts, _d.lease_until).where(mine).with_for_update()).fetchall()
        if not held:
            return 0
        self.keep_lost(held, lease)
        return self._changed(and_(mine, self.bulk.among(_d.id, [row.id for row in held])),
                             state=DeliveryState.WAITING.value)

    def hurry(self, now: datetime, until: datetime) -> None:
        self.run(update(deliveries).where(_WAITING, _d.ready_at > now, _d.ready_at <= until).values(ready_at=now))
        at = tickets.c.next_check_at
        self.run(update(tickets).where(at > now, at <= until).values(next_check_at=now))

    def holders(self) -> list[str]:
        return sorted(self.run(select(_d.owner).where(_LEASED).distinct()).scalars())

    def revive(self, ids: Sequence[int] | None, target: str | None, now: datetime) -> int:
        self._one_claim_at_a_time()
        dead = self._chosen(_d.state == DeliveryState.DEAD.value, ids)
        if target is not None:
            dead = and_(dead, _d.target == target)
        return self._changed(dead, state=DeliveryState.WAITING.value, ready_at=now, finished_at=None)

    def drop(self, ids: Sequence[int], now: datetime, reason: str) -> int:
        """Deliveries that need not happen any more, waiting or dead: a person decided it. How many there were."""
        idle = _d.state.in_([DeliveryState.WAITING.value, DeliveryState.DEAD.value])
        return self._changed(self._chosen(idle, ids), state=DeliveryState.DROPPED.value, finished_at=now, reason=reason)

    def _chosen(self, condition: ColumnElement[bool], ids: Sequence[int] | None) -> ColumnElement[bool]:
        return condition if ids is None else and_(condition, self.bulk.among(_d.id, list(ids)))

    def _changed(self, condition: ColumnElement[bool], **values: Any) -> int:
        changed = self.run(update(deliveries).where(condition).values(**values, **_FREE).returning(_d.id))
        return len(changed.fetchall())

    def pending(self, ticket: int) -> list[Delivery]:
        return [_delivery(row, row.owner or "") for row in self.run(_PENDING, ticket=ticket)]

    def outstanding(self, target: str, verb: str) -> list[Delivery]:
        open_ = _d.state.in_([DeliveryState.WAITING.value, DeliveryState.LEASED.value])
        found = select(*_GIVEN, _d.owner).where(open_, _d.target == target, _d.verb == verb).order_by(_d.id)
        return [_delivery(row, row.owner or "") for row in self.run(found)]


def _blocked() -> ColumnElement[bool]:
    """Another delivery of the lane is in work, or an earlier one waits."""
    active = text("other.state IN ('waiting', 'leased')")
    ahead = or_(_other.c.state == literal_column("'leased'"), _other.c.id < _d.id)
    return select(_other.c.id).where(_other.c.lane == _d.lane, _other.c.id != _d.id, active, ahead).exists()


def _delivery(row: Any, owner: str) -> Delivery:
    return Delivery(id=row.id, key=row.key, target=row.target, verb=row.verb, lane=row.lane, payload=row.payload,
                    ticket=row.ticket, attempts=row.attempts, created_at=row.created_at, owner=owner)
