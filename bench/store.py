"""`save` alone: 1,000 tickets with 2,000 events per transaction, SQLite beside PostgreSQL and the bare driver.

    python -m bench.store [--tickets N]

The floor is sqlite3's executemany of ready tuples into tables without a single index: what the disk and the driver
cost when nothing is encoded, compared or looked up.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.first_load import postgres
from connector import store
from connector.domain.history import Event, EventKind, Role
from connector.domain.ticket import Kind, State, Ticket
from connector.ports import Change
from connector.store import admin
from connector.store.codec import event_text, json_text

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PAGE = 1000


def changes(tickets: int) -> Iterator[list[Change]]:
    rng = random.Random(3)
    for start in range(0, tickets, PAGE):
        yield [_change(number, rng) for number in range(start, start + PAGE)]


def _change(number: int, rng: random.Random) -> Change:
    at = NOW + timedelta(seconds=number)
    ticket = Ticket(
        tool="snow", id=f"{number:032x}", kind=Kind.INCIDENT, state=State.IN_PROGRESS, number=f"INC{number:07}",
        opened_at=at - timedelta(minutes=rng.randrange(40_000)), updated_at=at, category="hardware",
        title=f"Printer {number} is out of paper", description="x" * 1400, priority=f"P{rng.randrange(1, 6)}",
        group=f"Group {rng.randrange(30)}", assignee=f"agent{rng.randrange(150)}",
        customer=f"Customer {rng.randrange(80)}",
    )  # fmt: skip
    events = [Event(key=f"created:{number}", at=at, kind=EventKind.CREATED),
              Event(key=f"1:{number}", at=at, kind=EventKind.CHANGED, field="state", old="new", new="in_progress",
                    actor="agent", role=Role.AGENT)]
    return Change(ticket=ticket, events=events, history_due=True)


def ours(url: str, tickets: int) -> float:
    """Tickets per second."""
    admin.upgrade(url)
    opened = store.open(url)
    seconds = 0.0
    for page in changes(tickets):
        began = time.perf_counter()
        with opened.begin() as tx:
            tx.tickets("snow", [change.ticket.id for change in page])
            tx.save(page)
            tx.move_cursor("snow", "changes", {"at": page[-1].ticket.updated_at}, NOW)
        seconds += time.perf_counter() - began
    opened.close()
    return tickets / seconds


def floor(file: Path, tickets: int) -> float:
    conn = sqlite3.connect(file)
    conn.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                       "CREATE TABLE t (id, d); CREATE TABLE e (k, d)")
    seconds = 0.0
    for page in changes(tickets):
        rows = [(change.ticket.id, json_text(change.ticket)) for change in page]
        events = [(event.key, event_text(event)) for change in page for event in change.events]
        began = time.perf_counter()
        with conn:
            conn.executemany("INSERT INTO t VALUES (?, ?)", rows)
            conn.executemany("INSERT INTO e VALUES (?, ?)", events)
        seconds += time.perf_counter() - began
    conn.close()
    return tickets / seconds


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tickets", type=int, default=50_000)
    tickets = parser.parse_args(arguments).tickets
    with tempfile.TemporaryDirectory() as folder, postgres() as database:
        sqlite = ours(f"sqlite:///{folder}/ours.db", tickets)
        rates = {"save, SQLite": sqlite, "save, PostgreSQL": ours(database(), tickets),
                 "bare sqlite3": floor(Path(folder) / "floor.db", tickets)}
    for name, rate in rates.items():
        print(f"{name:20} {rate:10,.0f} tickets/s {sqlite / rate:8.2f}x")


if __name__ == "__main__":
    main(sys.argv[1:])
