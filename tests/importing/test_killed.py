"""Real processes: an import killed at many points and started again, and two at once into one store."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from connector import store as stores
from connector.domain.history import effective
from connector.store import admin

ROOT = Path(__file__).parents[2]
MAPPING = """
mapping: audit
vendor: none
id: id
rows: {each: audit, tool: old, time: at, tie: n}
fields:
  kind: {value: incident}
  state: {from: state, values: {new: new, work: in_progress, done: resolved}}
  opened_at: "@first"
  updated_at: "@time"
"""
# Kills itself at the n-th time the database is asked to do something, or has done it.
RUN = """
import os, signal, sys
from connector.cli import main
from connector.flows import importing
importing.BATCH = 10
left = int(sys.argv[1])
def watch(frame, event, what):
    global left
    if event in ("c_call", "c_return") and what.__name__ in ("execute", "executemany", "commit"):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
keep = importing.Import.keep
def watched(self, *more):
    if left:
        sys.setprofile(watch)
    return keep(self, *more)
importing.Import.keep = watched
main(["--config", *sys.argv[2:]])
"""


def export(folder: Path, url: str, tickets: int = 40) -> list[str]:
    """Arguments of an import of `tickets` tickets with three rows each, far from each other."""
    folder.mkdir(exist_ok=True)
    (folder / "connector.yaml").write_text(f"store: {{url: {orjson.dumps(url).decode()}}}\n")
    (folder / "mapping.yaml").write_text(MAPPING)
    (folder / "export.jsonl").write_bytes(b"\n".join(
        orjson.dumps({"id": f"{id:04}", "n": n, "state": state, "at": f"2026-03-02T08:0{n}:00Z"})
        for n, state in enumerate(("new", "work", "done")) for id in range(tickets)))
    return [str(folder / "connector.yaml"), "import", str(folder / "export.jsonl"), "--mapping",
            str(folder / "mapping.yaml")]


def start(arguments: list[str], at: int = 0) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", RUN, str(at), *arguments], cwd=ROOT, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def kept(url: str) -> dict[str, Any]:
    store = stores.open(url)
    try:
        with store.read() as tx:
            ends = tx.keys()
            found = tx.walk(*ends) if ends else []
            history = tx.history([stored.key for stored in found])
        assert len({stored.ticket.id for stored in found}) == len(found)
        return {stored.ticket.id: (stored.ticket, stored.revision, effective(history[stored.key])) for stored in found}
    finally:
        store.close()


def test_killed_at_any_moment_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    whole, url = f"sqlite:///{tmp_path}/whole.db", f"sqlite:///{tmp_path}/killed.db"
    for address in (whole, url):
        admin.upgrade(address)
    with start(export(tmp_path / "whole", whole)) as process:
        assert process.wait(60) == 0
    arguments, sizes = export(tmp_path / "killed", url), [0]
    for at in range(3, 200, 7):
        with start(arguments, at) as process:
            ended = process.wait(60)
        found = kept(url)
        assert all(len(events) == 3 for _, _, events in found.values()), "a ticket comes with all of its history"
        sizes.append(len(found))
        if ended == 0:
            break
        assert ended == -9
    assert kept(url) == kept(whole)
    assert len(kept(whole)) == 40
    assert sizes == sorted(sizes), "what was kept stays"
    assert len(set(sizes)) > 3, "it was killed in the middle, and went on from there"


def test_two_imports_at_once_into_one_store_keep_everything_once(store_url: str, tmp_path: Path) -> None:
    address = store_url.replace("postgres:@", "postgres@")  # an empty password is one, and belongs elsewhere
    one, other = (export(tmp_path / name, address, 200) for name in ("one", "other"))
    with start(one) as first, start(other) as second:
        said = [process.communicate(timeout=60)[0] for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], said
    found = kept(store_url)
    assert len(found) == 200
    assert {(str(ticket.state), len(events)) for ticket, _, events in found.values()} == {("resolved", 3)}


@pytest.mark.parametrize("number", [2, 15])
def test_a_signal_ends_it_after_the_batch_and_it_goes_on(number: int, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    admin.upgrade(url)
    arguments = export(tmp_path / "one", url)
    run = RUN.replace("os.kill(os.getpid(), signal.SIGKILL)", f"os.kill(os.getpid(), {number})")
    told = subprocess.run([sys.executable, "-c", run, "30", *arguments], cwd=ROOT, text=True, capture_output=True,
                          timeout=60, check=False)
    assert told.returncode == 1, told.stderr
    assert "stopped: start again to go on" in told.stdout
    assert 0 < len(kept(url)) < 40
    assert len(kept(url)) % 10 == 0
    with start(arguments) as process:
        assert process.wait(60) == 0
    assert len(kept(url)) == 40
