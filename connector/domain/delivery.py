"""One thing to do outside: what it is, its place in the queue, and when to try again."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from random import Random
from typing import Any

from msgspec import Struct


class Verb(StrEnum):
    """What a delivery does in a tool."""

    CREATE = "create"
    UPDATE = "update"
    COMMENT = "comment"
    ATTACH = "attach"


class DeliveryState(StrEnum):
    WAITING = "waiting"
    LEASED = "leased"
    DONE = "done"
    DEAD = "dead"
    DROPPED = "dropped"
    """A person decided it need not happen."""


class Order(Struct, frozen=True, kw_only=True):
    """A delivery to enqueue. `key` makes it unique for ever; deliveries of one `lane` are done in order."""

    key: str
    target: str
    verb: str
    lane: str
    payload: dict[str, Any]
    ticket: int | None = None
    not_before: datetime | None = None


class Delivery(Struct, frozen=True, kw_only=True):
    """A claimed delivery. `attempts` counts earlier tries: above zero, the effect may already be there."""

    id: int
    key: str
    target: str
    verb: str
    lane: str
    payload: dict[str, Any]
    ticket: int | None
    attempts: int
    created_at: datetime
    owner: str


FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(minutes=15)


def back_off(attempts: int, rng: Random, asked: timedelta | None = None) -> timedelta:
    """How long to wait before try number `attempts` + 1: doubling with full jitter, never less than asked.

    Full jitter as in M. Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015), with a floor of
    half the step so that a retry is never immediate.
    """
    step: timedelta = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(attempts, 10))
    wait: timedelta = step * (0.5 + rng.random() / 2)
    return wait if asked is None else max(wait, asked + wait * 0.1)
