"""A backtest over many tickets: seconds, and memory against the number of tickets.

    python -m bench.backtest [TICKETS]

Makes a SQLite store of tickets with eight events each (opened, assigned, answered, pending and back, resolved, closed),
then runs `connector sla backtest` on it as a person would: first over a tenth of the tickets, then over all. Processor
time is that of all processes together; half of it is what the clock shows when nothing else runs on two processors.
"""

from __future__ import annotations

import random
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from connector.domain.history import Event, EventKind, Role
from connector.domain.ticket import Kind, State, Ticket
from connector.ports import Change
from connector.store import admin
from connector.store import open as open_store

BATCH = 2_000
ROOT = Path(__file__).parents[1]


def story(n: int, rng: random.Random) -> Change:
    opened = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=rng.randrange(365 * 86_400))
    at, seq = opened, 0
    events = [Event(key="created", at=opened, kind=EventKind.CREATED, role=Role.REQUESTER)]

    def then(mean_hours: float, field: str, old: str | None, new: str | None) -> None:
        nonlocal at, seq
        at += timedelta(seconds=int(rng.expovariate(1 / (mean_hours * 3600))))
        seq += 1
        events.append(Event(key=f"e{seq}", seq=seq, at=at, kind=EventKind.CHANGED, role=Role.AGENT, field=field,
                            old=old, new=new))

    then(0.5, "assignee", "", "agent")
    then(0.1, "state", "new", "in_progress")
    events.append(Event(key="answer", at=at, kind=EventKind.COMMENTED, role=Role.AGENT, actor="agent", text="Looking."))
    then(3, "state", "in_progress", "pending")
    then(8, "state", "pending", "in_progress")
    then(4, "state", "in_progress", "resolved")
    then(100, "state", "resolved", "closed")
    ticket = Ticket(tool="bench", id=str(n), kind=Kind.INCIDENT, state=State.CLOSED, opened_at=opened, updated_at=at,
                    priority=rng.choice(("P1", "P2", "P3", "P3", "P4")), group=f"group {n % 12}", assignee="agent",
                    customer="ACME SA", title=f"ticket {n}")
    return Change(ticket=ticket, events=events)


def main(tickets: int = 1_000_000) -> None:
    rng = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/bench.db"
        settings = Path(folder, "connector.yaml")
        settings.write_text(f"name: bench\nstore: {{url: '{url}'}}\n", encoding="utf-8")
        Path(folder, "sla_profiles").symlink_to(ROOT / "sla_profiles")
        admin.upgrade(url)
        some = tickets // 10
        for first, last in ((0, some), (some, tickets)):
            fill(url, first, last, rng)
            try_out(settings, last)


def fill(url: str, first: int, last: int, rng: random.Random) -> None:
    began = time.perf_counter()
    store = open_store(url)
    for start in range(first, last, BATCH):
        with store.begin() as tx:
            tx.save([story(n, rng) for n in range(start, min(start + BATCH, last))])
    store.close()
    print(f"{last - first:,} tickets with 8 events each made in {time.perf_counter() - began:.0f} s", flush=True)


def try_out(settings: Path, tickets: int) -> None:
    command = [sys.executable, "-m", "connector.cli", "--config", str(settings), "sla", "backtest", "--as-of",
               "2026-06-01", "--workers", "2"]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    output = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout
    took, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(output.splitlines()[0])
    print(f"backtest on 2 processes: {took:.1f} s, {busy / 2:.1f} s of each of 2 processors, "
          f"{busy / tickets * 1e6:.0f} us of processor per ticket, largest process {after.ru_maxrss / 1024:.0f} MB\n",
          flush=True)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:2]))
