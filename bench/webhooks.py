"""Signed webhooks of suppliers, 20 kB each, durable before the answer, beside bare Flask endpoints with one INSERT.

    python -m bench.webhooks [--messages N] [--clients N ...] [--rounds N]

All run on the same server (waitress, as many threads as the product), each as one process: ours on SQLite and on
PostgreSQL, and beside each a Flask endpoint that writes the same body under its id, in a transaction that is on disk
before the answer (SQLite: WAL, synchronous=FULL; PostgreSQL: fsync and synchronous_commit as they come, on). Ours
verifies the signature, reads strict JSON, moves the handoff, seals the entry in its chain, tells the ticket's history,
sets its next look, and logs the request.

Rounds take turns, so that all suffer alike from what else the machine does; the best of each counts. Processor time is
that of the server's process, and apart from it that of the PostgreSQL server's processes, both read from /proc: the
load generator does not count. It shares the processors, though, and so does PostgreSQL: rates are of everything
together on one machine.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from flask import Flask, request

from bench.first_load import postgres
from connector import logs
from connector.domain.signing import sign
from connector.domain.ticket import Kind, State, Ticket
from connector.flows.handoffs import Offer, offer
from connector.ports import Change
from connector.settings import Settings
from connector.settings.suppliers import SupplierSettings
from connector.store import admin
from connector.web import Services, create_app
from connector.web.server import Server
from connector.wiring import deploy

SECRET = "whsec_" + b64encode(b"k" * 32).decode()
HANDOFFS = 200
WARM = 200
PROFILE = """
profile: bench-uc
agreement: uc
applies_to: {supplier: bench}
calendar: 24x7
targets: {resolution: {else: 12h}}
timezone: UTC
receiver:
  name: bench
  kind: supplier
  reach: {webhook: {url: "https://bench.example/hooks", secrets: [BENCH_SECRET]}}
"""
PATH = "/api/v1/webhooks/suppliers/bench"


def ours(url: str, folder: Path) -> Flask:
    logs.configure()
    admin.upgrade(url)
    (folder / "sla_profiles/suppliers").mkdir(parents=True)
    (folder / "sla_profiles/suppliers/bench.yaml").write_text(PROFILE)
    settings = Settings(file=folder / "connector.yaml", store_url=url, suppliers=SupplierSettings(per_minute=10**6))
    there = deploy(settings)
    now = datetime.now(UTC)
    tickets = [Ticket(tool="snow", id=str(n), kind=Kind.INCIDENT, state=State.IN_PROGRESS, number=f"INC{n}",
                      title="Printer", opened_at=now, updated_at=now) for n in range(HANDOFFS)]
    with there.store.begin() as tx:
        keys = tx.save([Change(ticket=ticket) for ticket in tickets])
    ids = [offer(there.deps, key, Offer(receiver="bench", reason="bench"), "bench").id for key in keys]
    (folder / "handoffs.json").write_text(json.dumps(ids))
    return create_app(Services.of(there.store, there.deps, settings, there.agreements))


def bare(url: str, folder: Path) -> Flask:
    return bare_postgres(url) if url else bare_sqlite(folder / "bare.db")


def bare_sqlite(file: Path) -> Flask:
    app, lock = Flask("bare"), threading.Lock()
    conn = sqlite3.connect(file, check_same_thread=False)
    conn.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE t (id TEXT PRIMARY KEY, body)")

    @app.post(PATH)
    def take() -> tuple[str, int]:
        with lock, conn:
            conn.execute("INSERT INTO t VALUES (?, ?)", (request.headers["webhook-id"], request.get_data()))
        return "", 202

    return app


def bare_postgres(url: str) -> Flask:
    app, mine = Flask("bare"), threading.local()
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("CREATE TABLE t (id text PRIMARY KEY, body bytea)")

    @app.post(PATH)
    def take() -> tuple[str, int]:
        if not hasattr(mine, "conn"):
            mine.conn = psycopg.connect(url, autocommit=True)
        mine.conn.execute("INSERT INTO t VALUES (%s, %s)", (request.headers["webhook-id"], request.get_data()))
        return "", 202

    return app


def serve(kind: str, url: str, folder: Path) -> None:
    app = ours(url, folder) if kind == "ours" else bare(url, folder)
    server = Server(app, "127.0.0.1", 0)
    (folder / "port.part").write_text(str(server.port))
    os.replace(folder / "port.part", folder / "port")
    server.run()


@contextmanager
def running(kind: str, url: str, folder: Path) -> Iterator[tuple[int, int]]:
    """Port and process id."""
    folder.mkdir(parents=True)
    environ = {**os.environ, "BENCH_SECRET": SECRET}
    process = subprocess.Popen([sys.executable, "-m", "bench.webhooks", "--serve", kind, url, str(folder)], env=environ,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not (folder / "port").exists():
            if process.poll() is not None:
                raise SystemExit(f"{kind} did not start")
            time.sleep(0.02)
        yield int((folder / "port").read_text()), process.pid
    finally:
        process.kill()
        process.wait()


def messages(name: str, count: int, handoffs: Sequence[str]) -> list[tuple[bytes, dict[str, str]]]:
    found = []
    for number in range(count):
        data = {"handoff_id": handoffs[number % len(handoffs)], "comment": f"{number} " + "a line of a log\n" * 1230}
        body = json.dumps({"type": "handoff.comment_added", "data": data}).encode()
        headers = sign(f"{name}-{number}", datetime.now(UTC), body, [SECRET])
        found.append((body, {"Content-Type": "application/json", **headers}))
    return found


class Measured(NamedTuple):
    """Messages per second, and processor milliseconds for each: of the server, and of the database's own processes."""

    rate: float
    server: float
    database: float

    def better(self, other: Measured) -> Measured:
        return Measured(max(self.rate, other.rate), min(self.server, other.server), min(self.database, other.database))


def load(port: int, pids: tuple[int, int], given: list[tuple[bytes, dict[str, str]]], clients: int) -> Measured:
    """`pids`: of the server, and of the parent of the database's processes (0 if there are none)."""
    wrong: list[Any] = []

    def client(mine: list[tuple[bytes, dict[str, str]]]) -> None:
        line = http.client.HTTPConnection("127.0.0.1", port)
        for body, headers in mine:
            line.request("POST", PATH, body, headers)
            answer = line.getresponse()
            said = answer.read()
            if answer.status != 202:
                wrong.append((answer.status, said))

    threads = [threading.Thread(target=client, args=(given[n::clients],)) for n in range(clients)]
    began, used = time.perf_counter(), (cpu(pids[0]), cpu_of_children(pids[1]))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    if wrong:
        raise SystemExit(f"{len(wrong)} were not taken: {wrong[0]}")
    each = 1000 / len(given)
    return Measured(len(given) / seconds, (cpu(pids[0]) - used[0]) * each, (cpu_of_children(pids[1]) - used[1]) * each)


def stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat behind the name: state, parent and so on."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def cpu(pid: int) -> float:
    """Seconds a process has used, its threads and the kernel's work for it included."""
    parts = stat(pid)
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


def cpu_of_children(parent: int) -> float:
    used = 0.0
    for folder in Path("/proc").glob("[0-9]*" if parent else "nothing"):
        with suppress(FileNotFoundError, ProcessLookupError):
            if int(stat(int(folder.name))[1]) == parent:
                used += cpu(int(folder.name))
    return used


def durable(url: str) -> int:
    """Process id of the PostgreSQL server. Raises SystemExit when it would answer before all is on disk."""
    with psycopg.connect(url, autocommit=True) as conn:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            (value,) = conn.execute(f"SHOW {name}").fetchone()  # type: ignore[misc]
            if value != "on":
                raise SystemExit(f"{name} is {value}")
        return int(stat(conn.info.backend_pid)[1])


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=800, help="of a round")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 16])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve", nargs=3, metavar=("KIND", "STORE", "FOLDER"), help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.serve:
        serve(given.serve[0], given.serve[1], Path(given.serve[2]))
        return
    with tempfile.TemporaryDirectory() as place, postgres() as database, ExitStack() as servers:
        url = database()
        parent = durable(url)
        contests = {}
        for name, kind, store in (("bare Flask + INSERT, SQLite", "bare", ""),
                                  ("ours, SQLite", "ours", f"sqlite:///{place}/ours.db"),
                                  ("bare Flask + INSERT, PostgreSQL", "bare", url),
                                  ("ours, PostgreSQL", "ours", database())):
            folder = Path(place) / name.replace(" ", "-")
            port, pid = servers.enter_context(running(kind, store, folder))
            ids = json.loads((folder / "handoffs.json").read_text()) if kind == "ours" else ["x"]
            contests[name] = (port, (pid, parent if store.startswith("postgres") else 0), ids)
            load(port, (pid, 0), messages("warm", WARM, ids), max(given.clients))
        for clients in given.clients:
            compete(contests, clients, given.messages, given.rounds)


def compete(contests: dict[str, tuple[int, tuple[int, int], list[str]]], clients: int, count: int, rounds: int) -> None:
    best: dict[str, Measured] = {}
    for number in range(rounds):
        for name, (port, pids, ids) in contests.items():
            found = load(port, pids, messages(f"{clients}-{number}", count, ids), clients)
            best[name] = found.better(best.get(name, found))
    print(f"{clients} client{'s' * (clients > 1)}, best of {rounds} rounds of {count} messages")
    print(f"{'':32} {'/s':>7} {'ms CPU':>8} {'ms CPU of the database':>24} {'of the bare rate':>17}")
    for name, found in best.items():
        bare_one = best[f"bare Flask + INSERT, {name.rpartition(', ')[2]}"]
        print(f"{name:32} {found.rate:7,.0f} {found.server:8.2f} {found.database:24.2f} "
              f"{found.rate / bare_one.rate:17.2f}")
    print(flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
