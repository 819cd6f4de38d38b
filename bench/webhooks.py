"""Signed webhooks of suppliers, 20 kB each, durable before the answer, beside a bare Flask endpoint with one INSERT.

    python -m bench.webhooks [--messages N] [--clients N]

Both run on the same server (waitress), each as one process. Processor time is that of the server's process, read from
/proc, so the load generator does not count.
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
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Flask, request

from bench.first_load import postgres
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
HANDOFFS = 50
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


def bare(file: Path) -> Flask:
    app, lock = Flask("bare"), threading.Lock()
    conn = sqlite3.connect(file, check_same_thread=False)
    conn.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE t (id TEXT PRIMARY KEY, body)")

    @app.post(PATH)
    def take() -> tuple[str, int]:
        with lock, conn:
            conn.execute("INSERT INTO t VALUES (?, ?)", (request.headers["webhook-id"], request.get_data()))
        return "", 202

    return app


def serve(kind: str, url: str, folder: Path) -> None:
    app = ours(url, folder) if kind == "ours" else bare(folder / "bare.db")
    server = Server(app, "127.0.0.1", 0)
    (folder / "port.part").write_text(str(server.port))
    os.replace(folder / "port.part", folder / "port")
    server.run()


@contextmanager
def running(kind: str, url: str, folder: Path) -> Iterator[tuple[int, int]]:
    """Port and process id."""
    folder.mkdir()
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


def messages(count: int, handoffs: Sequence[str]) -> list[tuple[bytes, dict[str, str]]]:
    found = []
    for number in range(count):
        data = {"handoff_id": handoffs[number % len(handoffs)], "comment": f"{number} " + "a line of a log\n" * 1230}
        body = json.dumps({"type": "handoff.comment_added", "data": data}).encode()
        headers = sign(f"m{number}", datetime.now(UTC), body, [SECRET])
        found.append((body, {"Content-Type": "application/json", **headers}))
    return found


def load(port: int, pid: int, given: list[tuple[bytes, dict[str, str]]], clients: int) -> tuple[float, float]:
    """Messages per second, and processor milliseconds of the server for each."""
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
    began, used = time.perf_counter(), cpu(pid)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    if wrong:
        raise SystemExit(f"{len(wrong)} were not taken: {wrong[0]}")
    return len(given) / seconds, (cpu(pid) - used) / len(given) * 1000


def cpu(pid: int) -> float:
    """Seconds a process has used, its threads and the kernel's work for it included."""
    parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--serve", nargs=3, metavar=("KIND", "STORE", "FOLDER"), help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.serve:
        serve(given.serve[0], given.serve[1], Path(given.serve[2]))
        return
    with tempfile.TemporaryDirectory() as place, postgres() as database:
        rows = []
        for name, kind, url in (("bare Flask + INSERT, SQLite", "bare", ""),
                                ("ours, SQLite", "ours", f"sqlite:///{place}/ours.db"),
                                ("ours, PostgreSQL", "ours", database())):
            folder = Path(place) / name.replace(" ", "-")
            with running(kind, url, folder) as (port, pid):
                ids = json.loads((folder / "handoffs.json").read_text()) if kind == "ours" else ["x"]
                rows.append((name, *load(port, pid, messages(given.messages, ids), given.clients)))
    for name, rate, used in rows:
        print(f"{name:28} {rate:8,.0f} /s {used:7.2f} ms CPU each   {rate / rows[0][1]:5.2f}x the bare rate")


if __name__ == "__main__":
    main(sys.argv[1:])
