"""From a due instant to the write in the tool, with many open tickets; many steps at one second; a worker killed.

    python -m bench.escalation [--open N] [--paced N] [--burst N] [--cost]

The tool is a table in a file of its own, so that it outlives a killed worker and counts every write it gets. Prints
the p50, p95 and worst delay of paced steps, how long a burst takes until its last write, and what a tick costs
against the number of open tickets.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import structlog

from connector import store
from connector.domain.agreements.assess import agreed
from connector.domain.agreements.profile_format import parse as parse_profile
from connector.domain.agreements.registry import Registry
from connector.domain.escalations.format import parse as parse_ladder
from connector.domain.history import Event
from connector.domain.mapping import Mapping as FieldMapping
from connector.domain.problems import Problems
from connector.domain.ticket import Attachment, AttachmentInfo, Comment, Draft, Kind, Patch, Ref, State, Ticket
from connector.flows import assess
from connector.jobs.local import Worker
from connector.jobs.orphans import owner
from connector.ports import Capability, Change, Cursor, Deps, Diagnosis, FieldInfo, Hint, Page, Tool
from connector.store import admin

HOUR = timedelta(hours=1)
PAGE = 2000
MAPPING = FieldMapping.from_dict({
    "mapping": "bench", "vendor": "fake", "id": "id",
    "fields": {"kind": {"value": "incident"}, "title": "title", "priority": "priority",
               "group": {"from": "group", "owner": "newest", "write": True},
               "state": {"from": "state", "owner": "newest", "write": True,
                         "values": {"in_progress": "in_progress", "resolved": "resolved"}},
               "opened_at": "opened_at", "updated_at": "updated_at"}})


def registry() -> Registry:
    problems = Problems()
    profile = parse_profile({"profile": "p", "agreement": "sla", "calendar": "24x7", "escalate": "ladder",
                             "targets": {"resolution": "4h"}}, problems, "1")
    ladder = parse_ladder({"escalation": "ladder", "steps": [
        {"clock": "resolution", "at": "50%", "do": [{"assign": {"group": "Level 2"}}]}]}, problems, "1")
    assert profile is not None, problems.found
    assert ladder is not None, problems.found
    return Registry.checked([profile], {}, escalations=[ladder])


class TableTool:
    """A tool that is one table: id, group, writes, when last written."""

    name = "desk"

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()

    def _run(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        conn = getattr(self._local, "conn", None)
        if conn is None:
            conn = self._local.conn = sqlite3.connect(self.path, isolation_level=None, timeout=30)
            conn.execute("pragma synchronous=off")
        return conn.execute(statement, values).fetchall()  # type: ignore[no-any-return]

    def fill(self, tickets: Sequence[Ticket]) -> None:
        self._run("pragma journal_mode=wal")
        self._run('create table if not exists t (id text primary key, "group" text, opened real, updated real, '
                  "writes int default 0, at real)")
        with sqlite3.connect(self.path) as conn:
            conn.executemany('insert into t (id, "group", opened, updated) values (?, ?, ?, ?)', [
                (t.id, t.group, t.opened_at.timestamp(), t.updated_at.timestamp()) for t in tickets])

    def written(self) -> list[tuple[str, int, float]]:
        return self._run("select id, writes, at from t where writes > 0")

    def capabilities(self) -> frozenset[Capability]:
        return frozenset({Capability.READ, Capability.UPDATE})

    def get(self, ids: Sequence[str]) -> Page:
        rows = [row for id in ids for row in self._run('select id, "group", opened, updated from t where id = ?', [id])]
        return Page(tickets=[ticket(id, datetime.fromtimestamp(opened, UTC), group, datetime.fromtimestamp(at, UTC))
                             for id, group, opened, at in rows], cursor={})

    def update(self, id: str, patch: Patch, again: bool = False) -> Ticket | None:
        now = time.time()
        self._run('update t set "group" = ?, writes = writes + 1, at = ?, updated = ? where id = ?',
                  [patch["group"], now, int(now), id])
        return self.get([id]).tickets[0]

    def changed(self, since: Cursor) -> Iterator[Page]:
        yield Page(tickets=[], cursor={})

    def diagnose(self) -> Diagnosis:
        return Diagnosis(version="1", account="bench", capabilities=self.capabilities())

    def fields(self) -> list[FieldInfo]:
        return []

    def skew(self) -> timedelta | None:
        return None

    def me(self) -> frozenset[str]:
        return frozenset({"bench"})

    def ids(self) -> Iterator[list[str]]:
        yield []

    def deletions(self, since: Cursor) -> tuple[list[str], Cursor]:
        return [], since

    def history(self, ids: Sequence[str]) -> dict[str, list[Event]]:
        return {}

    def attachments(self, id: str) -> list[AttachmentInfo]:
        return []

    def download(self, id: str, attachment: str) -> Iterator[bytes]:
        yield b""

    def find(self, key: str) -> Ref | None:
        return None

    def create(self, draft: Draft, key: str, again: bool = False) -> Ref:
        raise NotImplementedError

    def comment(self, id: str, comment: Comment, key: str, again: bool = False) -> str:
        raise NotImplementedError

    def attach(self, id: str, file: Attachment, key: str, again: bool = False) -> str:
        raise NotImplementedError

    def verify_webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Hint:
        raise NotImplementedError

    def close(self) -> None: ...


def ticket(id: str, opened: datetime, group: str = "Level 1", updated: datetime | None = None) -> Ticket:
    return Ticket(tool="desk", id=id, kind=Kind.INCIDENT, state=State.IN_PROGRESS, priority="P2", group=group,
                  title=f"ticket {id}", opened_at=opened, updated_at=updated or opened)


def fill(url: str, tool: TableTool, due: Sequence[datetime], idle: int) -> None:
    """Tickets half of whose time is used at `due`, and `idle` open ones whose moment is far away."""
    opened = store.open(url)
    now = datetime.now(UTC)
    every = [ticket(f"d{n}", (at - 2 * HOUR)) for n, at in enumerate(due)]
    every += [ticket(f"i{n}", now - timedelta(seconds=n % 3600)) for n in range(idle)]
    moments = [*due, *[now + HOUR] * idle]
    tool.fill(every)
    for start in range(0, len(every), PAGE):
        with opened.begin() as tx:
            tx.save([Change(ticket=one, next_check_at=at, events=[agreed("p", "1", one.opened_at)])
                     for one, at in zip(every[start:start + PAGE], moments[start:start + PAGE], strict=True)])
    with opened.begin() as tx:  # the agreements are those of the last tick: nothing is to be looked at anew
        from connector.domain.agreements.fingerprint import fingerprint
        tx.move_cursor("", "agreements", {"is": fingerprint(registry(), now.year)}, now)
    opened.close()


def deps_of(url: str, tool: TableTool, concurrency: int = 4) -> Deps:
    rules = registry()
    return Deps(store=store.open(url), tools={"desk": Tool("desk", tool, MAPPING, concurrency=concurrency)},
                now=lambda: datetime.now(UTC), owner=owner(), registry=lambda: rules)


def wait(tool: TableTool, count: int, limit: float) -> float:
    until = time.monotonic() + limit
    while len(tool.written()) < count and time.monotonic() < until:
        time.sleep(0.1)
    return time.time()


def paced(folder: Path, idle: int, count: int) -> dict[str, Any]:
    """One step every 50 ms among `idle` open tickets; how long after its due instant each is written."""
    url, tool = f"sqlite:///{folder}/paced.db", TableTool(folder / "paced-tool.db")
    admin.upgrade(url)
    ready = datetime.now(UTC) + timedelta(seconds=idle / 4000 + 5)
    due = [ready + timedelta(milliseconds=50 * n) for n in range(count)]
    fill(url, tool, due, idle)
    worker = Worker(deps_of(url, tool))
    worker.start()
    wait(tool, count, 0.05 * count + 60)
    worker.stop()
    late = sorted(at - due[int(id[1:])].timestamp() for id, _, at in tool.written())
    assert len(late) == count, f"{len(late)} of {count} were written"
    return {"open tickets": idle + count, "steps": count, "p50_ms": round(1000 * late[count // 2]),
            "p95_ms": round(1000 * late[int(count * 0.95)]), "worst_ms": round(1000 * late[-1])}


def burst(folder: Path, idle: int, count: int, kill: bool) -> dict[str, Any]:
    """`count` steps at one second; with `kill` a worker is killed in the middle and another one goes on."""
    name = "killed" if kill else "burst"
    url, tool = f"sqlite:///{folder}/{name}.db", TableTool(folder / f"{name}-tool.db")
    admin.upgrade(url)
    due = datetime.now(UTC) + timedelta(seconds=(idle + count) / 4000 + 5)
    fill(url, tool, [due] * count, idle)
    command = [sys.executable, "-m", "bench.escalation", "--worker", url, str(tool.path)]
    worker = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        if kill:
            wait(tool, count // 3, 120)
            worker.send_signal(signal.SIGKILL)
            worker.wait()
            worker = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait(tool, count, 180)
    finally:
        worker.terminate()
        worker.wait()
    found = tool.written()
    ends = max(at for _, _, at in found)
    return {"steps": count, "killed": kill, "written": len(found), "twice": sum(n > 1 for _, n, _ in found),
            "seconds": round(ends - due.timestamp(), 1)}


def cost(folder: Path) -> Iterator[dict[str, Any]]:
    """A tick with nothing due, and one with 100 steps due, against the number of open tickets."""
    for idle in (1_000, 10_000, 100_000):
        url, tool = f"sqlite:///{folder}/cost-{idle}.db", TableTool(folder / f"cost-{idle}-tool.db")
        admin.upgrade(url)
        fill(url, tool, [datetime.now(UTC)] * 100, idle)
        deps = deps_of(url, tool)
        began = time.perf_counter()
        done = assess.tick(deps)
        busy = time.perf_counter() - began
        for _ in range(3):
            assess.tick(deps)
        began = time.perf_counter()
        for _ in range(20):
            assess.tick(deps)
        yield {"open tickets": idle, "steps": done.escalated, "busy_ms": round(1000 * busy, 1),
               "idle_ms": round(1000 * (time.perf_counter() - began) / 20, 2)}


def work(url: str, path: str) -> None:
    worker = Worker(deps_of(url, TableTool(Path(path))))
    worker.start()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    while True:
        time.sleep(1)


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--open", type=int, default=100_000)
    parser.add_argument("--paced", type=int, default=400)
    parser.add_argument("--burst", type=int, default=10_000)
    parser.add_argument("--cost", action="store_true", help="only what a tick costs")
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.worker:
        work(*asked.worker)
    with tempfile.TemporaryDirectory(prefix="escalation-") as name:
        folder = Path(name)
        for one in cost(folder):
            print(orjson.dumps(one).decode(), flush=True)
        if not asked.cost:
            print(orjson.dumps(paced(folder, asked.open, asked.paced)).decode(), flush=True)
            print(orjson.dumps(burst(folder, 0, asked.burst, kill=False)).decode(), flush=True)
            print(orjson.dumps(burst(folder, 0, asked.burst, kill=True)).decode(), flush=True)


if __name__ == "__main__":
    main()
