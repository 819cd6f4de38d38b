"""One try of a delivery: when, how long, what was asked of the other side and what it answered. Never a secret."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

from msgspec import Struct

FIRST: Final = 5
LAST: Final = 20
"""So many tries of a delivery are kept, from the beginning and to the end: three days of them are some 300."""
MOST_EXCHANGES: Final = 6
"""Kept of one try, the last ones: a write into a tool reads before and after it."""
LONGEST_ANSWER: Final = 1_500
"""Characters kept of what the other side said."""


class Outcome(StrEnum):
    DONE = "done"
    RETRY = "retry"
    REFUSED = "refused"
    """It will not be tried again by itself: refused for good, or given up."""
    LOST = "lost"
    """Nobody knows: the worker ended before it could write down an answer. It may have been sent."""


class Exchange(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request and its answer. `address` is host and path; `method` is SMTP for mail, NOTIFY for chat and SMS."""

    method: str
    address: str
    content_type: str = ""
    size: int | None = None
    """Bytes of the body; None where it was not known beforehand."""
    sha256: str = ""
    """Of the body; "" where there was none, or a file was streamed."""
    headers: dict[str, str] = {}
    ms: int | None = None
    """Until the answer began."""
    status: int | None = None
    answer_headers: dict[str, str] = {}
    answer: str = ""
    error: str = ""
    """Why there was no answer."""


class Attempt(Struct, frozen=True, kw_only=True):
    """Try number `n` of a delivery, from 1. `ms` is the time of all of it, ours included; None when it is lost.

    `calls` counts all exchanges, `exchanges` holds the last of them.
    """

    n: int
    started_at: datetime
    ms: int | None
    outcome: Outcome
    reason: str = ""
    calls: int = 0
    exchanges: tuple[Exchange, ...] = ()

    @property
    def told(self) -> Exchange | None:
        """The exchange that decided: the last one that wrote or failed, else the last."""
        weighty = (one for one in reversed(self.exchanges) if one.method not in READING or failed(one))
        return next(weighty, self.exchanges[-1] if self.exchanges else None)


READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def failed(exchange: Exchange) -> bool:
    return bool(exchange.error) or exchange.status is None or exchange.status >= 300


def dropped(n: int) -> int | None:
    """The try that goes when try `n` is kept."""
    old = n - LAST
    return old if old > FIRST else None
