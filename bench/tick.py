"""A tick with 1,000 tickets due, over 1,000,000 open clocks beside 10,000: it is to cost with what is due only.

    python -m bench.tick [--small N] [--large N] [--due N] [--rounds N]

Both stores are filled through `save`, in open tickets with a running clock each, every one to be looked at again some
time in the coming month. Each round then makes other tickets due, spread over all of them, and times one whole `tick`:
agreements unchanged? who is due, their histories, clocks, ladders, what is remembered, when to look again. Rounds over
the two stores take turns; the best counts. Processor time is that of this process, without a database server's.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import text

from bench.first_load import postgres
from connector.domain.agreements.registry import Registry
from connector.domain.history import Event, EventKind, Role
from connector.domain.ticket import Kind, State, Ticket
from connector.files.profiles import load
from connector.flows.agreements import renewed
from connector.flows.assess import tick
from connector.ports import Change, Deps, Store
from connector.store import admin, engine
from connector.store import open as open_store

ROOT = Path(__file__).parents[1]
NOW = datetime(2026, 3, 4, 10, tzinfo=UTC)
"""A Wednesday, in office hours."""
BATCH = 2_000


def open_ticket(number: int, rng: random.Random) -> Change:
    opened = NOW - timedelta(seconds=rng.randrange(5 * 86_400))
    answered = opened + timedelta(minutes=rng.randrange(1, 60))
    ticket = Ticket(tool="bench", id=str(number), kind=Kind.INCIDENT, state=State.IN_PROGRESS, opened_at=opened,
                    updated_at=answered, number=f"INC{number:07}", priority=rng.choice(("P2", "P3", "P3", "P4")),
                    group=f"group {number % 12}", assignee="agent", customer="Example", title=f"ticket {number}")
    events = [Event(key="created", at=opened, kind=EventKind.CREATED, role=Role.REQUESTER),
              Event(key="answer", at=answered, kind=EventKind.COMMENTED, role=Role.AGENT, actor="agent", text="Seen."),
              Event(key="taken", at=answered, kind=EventKind.CHANGED, role=Role.AGENT, field="state", old="new",
                    new="in_progress", seq=1)]
    later = NOW + timedelta(seconds=rng.randrange(3600, 30 * 86_400))
    return Change(ticket=ticket, events=events, next_check_at=later)


class Desk:
    """A store of `size` open tickets, whose rounds make one after another of them due."""

    def __init__(self, url: str, size: int, registry: Registry) -> None:
        admin.upgrade(url)
        self.store: Store = open_store(url)
        self.deps = Deps(store=self.store, tools={}, now=lambda: NOW, registry=lambda: registry)
        self.size = size
        renewed(self.deps, registry)  # before there are tickets, so that no tick has to look at all of them
        rng = random.Random(1)
        for first in range(0, size, BATCH):
            with self.store.begin() as tx:
                tx.save([open_ticket(number, rng) for number in range(first, min(first + BATCH, size))])
        with engine.connect(engine.parse(url)).begin() as connection:
            connection.execute(text("ANALYZE"))  # as autovacuum and `PRAGMA optimize` do in time

    def round(self, number: int, due: int) -> tuple[float, float]:
        """Seconds by the clock and of the processor."""
        step = self.size // due
        with self.store.begin() as tx:
            tx.schedule({1 + number + step * place: NOW - timedelta(seconds=place) for place in range(due)})
        began, busy = time.perf_counter(), time.process_time()
        report = tick(self.deps)
        took = time.perf_counter() - began, time.process_time() - busy
        assert (report.looked, report.failed, report.unmatched) == (due, 0, 0), report
        return took


def compare(name: str, urls: Sequence[str], sizes: Sequence[int], due: int, rounds: int) -> None:
    registry = load(ROOT / "sla_profiles").registry
    desks = [Desk(url, size, registry) for url, size in zip(urls, sizes, strict=True)]
    best = [(float("inf"), float("inf"))] * len(desks)
    for number in range(rounds):
        for place, desk in enumerate(desks):
            took = desk.round(number, due)
            best[place] = min(best[place][0], took[0]), min(best[place][1], took[1])
    for size, (wall, cpu) in zip(sizes, best, strict=True):
        print(f"{name}, {size:9,} open, {due:,} due: {wall * 1000:6.0f} ms, {cpu * 1000:6.0f} ms of processor")
    (small_wall, small_cpu), (large_wall, large_cpu) = best
    print(f"{name}, ratio: {large_wall / small_wall:.2f} by the clock, {large_cpu / small_cpu:.2f} in processor time\n",
          flush=True)


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", type=int, default=10_000)
    parser.add_argument("--large", type=int, default=1_000_000)
    parser.add_argument("--due", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args(arguments)
    sizes = (asked.small, asked.large)
    with tempfile.TemporaryDirectory() as folder:
        compare("SQLite", [f"sqlite:///{folder}/{size}.db" for size in sizes], sizes, asked.due, asked.rounds)
    with postgres() as database:
        compare("PostgreSQL", [database() for _ in sizes], sizes, asked.due, asked.rounds)


if __name__ == "__main__":
    main(sys.argv[1:])
