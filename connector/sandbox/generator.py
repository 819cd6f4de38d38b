"""A plausible service desk out of a seed: what happened so far, and what goes on happening as the clock advances."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Iterator
from datetime import datetime, timedelta

from connector.sandbox.rhythm import spread, stream
from connector.sandbox.side import Side
from connector.sandbox.stories import Story

WEEKLY = 400.0
"""Tickets a week when no back-history says otherwise."""


class Life:
    """Tells the stories of all tickets in the order of time. The same seed gives the same desk."""

    def __init__(self, side: Side, *, tickets: int = 0, days: float = 30, live: bool = False,
                 rate: float = 1.0) -> None:
        self.side = side
        seed = f"life/{side.desk.seed}/{side.make}"
        now = side.desk.clock.now()
        past = spread(random.Random(seed), now - timedelta(days=days), now, tickets)
        weekly = (tickets / days * 7 if tickets else WEEKLY) * rate
        future = stream(random.Random(f"{seed}/live"), now, weekly) if live else iter(())
        self._seed = seed
        self._numbers = itertools.count(1)
        self._order = itertools.count()
        self._arrivals: Iterator[datetime] = itertools.chain(past, future)
        self._next = next(self._arrivals, None)
        self._told: list[tuple[datetime, int, Iterator[datetime]]] = []
        self.advance(now)

    def advance(self, now: datetime) -> int:
        """Let everything happen that is due; how many steps there were."""
        steps = 0
        with self.side.desk.lock:
            while True:
                first = self._told[0][0] if self._told else None
                if self._next is not None and self._next <= now and (first is None or self._next <= first):
                    self._begin(self._next)
                    self._next = next(self._arrivals, None)
                elif first is not None and first <= now:
                    self._go_on()
                else:
                    return steps
                steps += 1

    def _begin(self, at: datetime) -> None:
        story = Story(self.side, random.Random(f"{self._seed}/{next(self._numbers)}"), at)
        self._push(story.tell())

    def _go_on(self) -> None:
        _, _, told = heapq.heappop(self._told)
        self._push(told)

    def _push(self, told: Iterator[datetime]) -> None:
        at = next(told, None)
        if at is not None:
            heapq.heappush(self._told, (at, next(self._order), told))
