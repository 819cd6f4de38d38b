"""Real processes: killed at every boundary, and two at once on one store."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connector.flows import deliver
from connector.store import open as open_store
from tests.flows.fake_tool import Clock
from tests.flows.test_model import World
from tests.flows.worker import Locked, serve

ROOT = Path(__file__).parents[2]


@contextmanager
def worker(url: str, socket: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([sys.executable, "-m", "tests.flows.worker", url, socket], cwd=ROOT, text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield process
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(30)
        assert process.stdout is not None
        process.stdout.close()


def ask(process: subprocess.Popen[str], **job: Any) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps(job) + "\n")
    process.stdin.flush()


def ended(process: subprocess.Popen[str]) -> int:
    """How the last job ended: 0, or minus the signal."""
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    while not line.lstrip("-").isdigit():
        line = process.stdout.readline().strip()
    return int(line)


def test_a_worker_killed_at_any_boundary_loses_and_doubles_nothing(sqlite_url: str, tmp_path: Path) -> None:
    store = open_store(sqlite_url)
    world = World(store, remembers=True)
    for id in ("a", "b"):
        world.tool.opened(id)
    world.do_poll()
    socket = str(tmp_path / "tool")
    serve(world.tool, socket)
    with worker(sqlite_url, socket) as process:
        survived = 0
        for boundary in range(1, 200):
            people_do_something(world, boundary)
            world.clock.forward(1000)
            ask(process, dies_at=boundary, now=world.clock().isoformat())
            code = ended(process)
            assert code in (0, -signal.SIGKILL)
            survived = survived + 1 if code == 0 else 0
            if survived == 3:
                break
    assert boundary > 60, "many boundaries"
    world.settle()
    world.check()
    assert len(world.tool.keys) == len(world.made)
    store.close()


def people_do_something(world: World, turn: int) -> None:
    name = ("title", "group", "assignee", "tags", "state")[turn % 5]
    if turn % 3 == 0:
        world.do_both(turn, name)
    else:
        world.do_agent(turn, name)
        world.do_ours(turn + 1, name)
    if turn % 4 == 0:
        world.do_comment(turn)
        world.do_say(turn)
    if turn % 12 == 0:
        world.do_create()


class Real(Clock):
    """The clock on the wall, which can be put forward."""

    def __init__(self) -> None:
        self.ahead = 0.0
        super().__init__()

    def __call__(self) -> datetime:
        return datetime.fromtimestamp(datetime.now(UTC).timestamp() + self.ahead, UTC)

    def forward(self, seconds: float) -> None:
        self.ahead += seconds if seconds >= 100 else 0


def test_two_workers_at_once_lose_and_double_nothing(postgres_url: str, tmp_path: Path) -> None:
    store = open_store(postgres_url)
    world = World(store, remembers=True)
    world.clock = world.tool.clock = Real()
    world.deps = world.started()
    for n in range(6):
        world.tool.opened(f"t{n}")
    world.do_poll()
    socket = str(tmp_path / "tool")
    locked = serve(world.tool, socket)
    with worker(postgres_url, socket) as one, worker(postgres_url, socket) as two:
        for process in (one, two):
            ask(process, seconds=3, concurrency=3)
        for turn in range(60):
            with_lock(locked, world, turn)
        assert [ended(one), ended(two)] == [0, 0]
    world.settle()
    world.check()
    assert len(world.tool.keys) == len(world.made)
    assert deliver.tick(world.deps) == 0
    store.close()


def with_lock(locked: Locked, world: World, turn: int) -> None:
    with locked.lock:
        people_do_something(world, turn)
