"""A worker process for tests: the real flows and store, and a tool that lives in the test's own process.

`python -m tests.flows.worker STORE_URL SOCKET` reads one line of JSON per job from its input, runs it in a process of
its own and prints how that ended. A job names the boundary at which its process kills itself, if any.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from multiprocessing.managers import BaseManager
from typing import Any

from connector.domain.errors import TryLater
from connector.flows import assess, backlog, deliver, hints, intake
from connector.jobs import orphans
from connector.ports import Cursor, Deps, Page, Tool, Tx
from connector.store import SqlStore
from connector.store import open as open_store
from tests.domain.escalations.ladders import desk, rule
from tests.flows.fake_tool import MAPPING, FakeTool

VERBS = ("capabilities", "skew", "me", "get", "history", "find", "create", "update", "comment")
KEY = b"only for this test"


class Locked:
    """The tool as another process sees it: one exchange at a time."""

    def __init__(self, tool: FakeTool) -> None:
        self.tool = tool
        self.lock = threading.RLock()

    def call(self, verb: str, *given: Any, **named: Any) -> Any:
        with self.lock:
            return getattr(self.tool, verb)(*given, **named)

    def pages(self, since: Cursor) -> list[Page]:
        with self.lock:
            return list(self.tool.changed(since))


class Manager(BaseManager):
    pass


def serve(tool: FakeTool, socket: str) -> Locked:
    """Offer a tool to worker processes, from a thread of this one."""
    locked = Locked(tool)

    class Here(BaseManager):
        pass

    Here.register("tool", callable=lambda: locked, exposed=["call", "pages"])
    server = Here(address=socket, authkey=KEY).get_server()
    threading.Thread(target=_serve, args=(server,), daemon=True).start()
    return locked


def _serve(server: Any) -> None:
    with suppress(SystemExit):
        server.serve_forever()


class RemoteTool:
    """The tool, reached over a socket; `boundary` is told before and after each exchange."""

    name = "desk"

    def __init__(self, socket: str, boundary: Callable[[], None]) -> None:
        Manager.register("tool", exposed=["call", "pages"])
        self.boundary = boundary
        self.socket = socket
        self.local = threading.local()

    def _there(self) -> Any:
        if not hasattr(self.local, "there"):
            manager = Manager(address=self.socket, authkey=KEY)
            manager.connect()
            self.local.there = manager.tool()  # type: ignore[attr-defined]
        return self.local.there

    def __getattr__(self, verb: str) -> Any:
        if verb not in VERBS:
            raise AttributeError(verb)

        def call(*given: Any, **named: Any) -> Any:
            self.boundary()
            result = self._there().call(verb, *given, **named)
            self.boundary()
            return result
        return call

    def changed(self, since: Cursor) -> Iterator[Page]:
        self.boundary()
        for page in self._there().pages(since):
            yield page
            self.boundary()


class EndingStore:
    """The real store; `boundary` is told before and after each commit."""

    def __init__(self, store: SqlStore, boundary: Callable[[], None]) -> None:
        self.store, self.boundary = store, boundary

    @contextmanager
    def begin(self) -> Iterator[Tx]:
        with self.store.begin() as tx:
            yield tx
            self.boundary()
        self.boundary()

    @contextmanager
    def read(self) -> Iterator[Tx]:
        with self.store.read() as tx:
            yield tx


def run(url: str, socket: str, job: dict[str, Any]) -> None:
    left = job.get("dies_at", 0)

    def boundary() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    offset = timedelta(seconds=job.get("offset", 0))
    fixed = datetime.fromisoformat(job["now"]) if "now" in job else None

    def now() -> datetime:
        return (fixed or datetime.now(UTC)) + offset

    tool: Any = RemoteTool(socket, boundary)
    store: Any = EndingStore(open_store(url), boundary)
    deps = Deps(store=store, tools={"desk": Tool("desk", tool, MAPPING, concurrency=job.get("concurrency", 1))},
                now=now, owner=f"worker {os.getpid()}")
    if "ladder" in job:
        deps = climbing(deps, job["ladder"])
    until = time.monotonic() + job.get("seconds", 0)
    while True:
        for flow in (intake.poll, hints.run, backlog.run):
            try:
                flow(deps, "desk")  # type: ignore[operator]
            except TryLater:
                continue
        assess.tick(deps)
        deliver.tick(deps)
        if time.monotonic() >= until:
            return


def climbing(deps: Deps, ladder: str) -> Deps:
    """With a ladder in force; what a dead process left behind is taken over, as the local runner does."""
    registry = desk(rule(ladder))
    deps = replace(deps, registry=lambda: registry, owner=orphans.owner())
    orphans.take_over(deps)
    return deps


def main(url: str, socket: str) -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                run(url, socket, json.loads(line))
                status = 0
            finally:
                sys.stderr.flush()
                os._exit(status)
        _, ended = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(ended), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
