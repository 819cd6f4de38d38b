"""A profile tried on all history in the store, part by part, so that it can run in parallel, stop and go on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from connector.domain.agreements.backtest import Tally
from connector.domain.agreements.conditions import ALWAYS, Condition
from connector.domain.agreements.engine import History, clocks_of_many
from connector.domain.agreements.facts import HEARD
from connector.domain.agreements.registry import Registry
from connector.domain.history import EventKind, standing
from connector.domain.ticket import Ticket, value_of
from connector.ports import Store

PART = 2_000
"""Keys of one part."""
TOGETHER = 100
"""Tickets whose clocks are worked out together."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is tried: `candidate` on tickets opened in [since, until) that match `where`, as of `now`.

    With `current`, outcomes are compared with what the profiles in force say; with `against`, with a field of the
    ticket.
    """

    candidate: Registry
    now: datetime
    current: Registry | None = None
    since: datetime | None = None
    until: datetime | None = None
    where: Condition = ALWAYS
    against: str | None = None

    def asks_for(self, ticket: Ticket) -> bool:
        if self.since is not None and ticket.opened_at < self.since:
            return False
        if self.until is not None and ticket.opened_at >= self.until:
            return False
        return self.where.holds({name: value_of(ticket, name) for name in self.where.fields})


def parts(store: Store) -> list[tuple[int, int]]:
    """Ranges of keys, first and last included, that together hold every ticket."""
    with store.read() as tx:
        ends = tx.keys()
    if ends is None:
        return []
    return [(first, min(first + PART - 1, ends[1])) for first in range(ends[0], ends[1] + 1, PART)]


def measure(store: Store, question: Question, first: int, last: int, stop: Callable[[], bool] | None = None) -> Tally:
    """The outcome for the tickets with these keys."""
    tally = Tally()
    with store.read() as tx:
        tickets = [stored for stored in tx.walk(first, last) if question.asks_for(stored.ticket)]
        histories = tx.history([stored.key for stored in tickets], HEARD | {EventKind.SUPERSEDED})
    for start in range(0, len(tickets), TOGETHER):
        if stop is not None and stop():
            break
        asked = [History(stored.ticket, standing(histories[stored.key]))  # read in order
                 for stored in tickets[start : start + TOGETHER]]
        results = clocks_of_many(asked, question.candidate, question.now)
        before = clocks_of_many(asked, question.current, question.now) if question.current else [None] * len(asked)
        for history, result, earlier in zip(asked, results, before, strict=True):
            tally.add(history.ticket, result, earlier, question.against)
    return tally
