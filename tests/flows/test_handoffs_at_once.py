"""Several at once, and processes killed at every statement: nothing is lost, nothing happens twice."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from sqlalchemy import event

from connector.domain.errors import Conflict, TryLater
from connector.domain.handoffs.chain import EntryKind
from connector.domain.handoffs.handoff import IllegalMove
from connector.domain.handoffs.moves import Move
from connector.flows import assess
from connector.store import SqlStore
from connector.store import open as open_store
from tests.flows.handoff_world import World

Job = Callable[[World], Any]


def at_once(*jobs: Callable[[], Any]) -> list[Any]:
    """What each gave, or the error it ended with."""
    def tried(job: Callable[[], Any]) -> Any:
        try:
            return job()
        except Exception as error:
            return error

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(tried, jobs))


def test_the_same_message_to_several_workers_takes_effect_once(store: SqlStore) -> None:
    world = World(store)
    id = world.offer().id
    found = at_once(*[lambda: world.told(id, "acknowledged", comment="ok", message="m1", digest="d")] * 8)
    outcomes = sorted(getattr(one, "outcome", repr(one)) for one in found)
    assert outcomes == ["done", *["repeat"] * 7]
    assert world.moves(id) == ["offer", "acknowledge"]
    assert len(world.entries(id, EntryKind.COMMENT)) == 1


def test_of_moves_that_exclude_each_other_one_is_made(store: SqlStore) -> None:
    world = World(store)
    id = world.offer().id
    jobs = [lambda n=n: world.told(id, ("declined", "in_progress")[n % 2], "because", message=f"m{n}")
            for n in range(6)]
    found = at_once(*jobs, lambda: world.act(id, Move.WITHDRAW, "never mind"))
    assert all(isinstance(one, IllegalMove) or not isinstance(one, Exception) for one in found), found
    assert world.handoff(id).state in ("declined", "in_progress", "closed")
    assert len([one for one in world.events() if one.data["what"] == "offer"]) == 1


def test_many_comments_at_once_are_all_kept_in_one_chain(store: SqlStore) -> None:
    world = World(store)
    id = world.offer().id
    found = at_once(*[lambda n=n: world.told(id, comment=f"line {n}", message=f"m{n}") for n in range(12)])
    again = [n for n, one in enumerate(found) if isinstance(one, (Conflict, TryLater))]
    for n in again:
        world.told(id, comment=f"line {n}", message=f"m{n}")
    assert {entry.body["text"] for entry in world.entries(id, EntryKind.COMMENT)} == {f"line {n}" for n in range(12)}
    world.handoff(id)


def test_two_workers_that_look_at_once_tell_a_breach_once(store: SqlStore) -> None:
    world = World(store)
    id = world.offer().id
    world.settle()
    world.clock.forward(3600)
    other = replace(world.deps, owner="two")
    at_once(lambda: assess.tick(world.deps), lambda: assess.tick(other), lambda: world.told(id, "acknowledged"))
    for _ in range(3):
        assess.tick(world.deps)
    assert world.clocks(id).count("acknowledge 1 breached") == 1
    world.handoff(id)


def killed(url: str, boundary: int, world: World, job: Job) -> bool:
    """Run a job in a process that kills itself before its statement number `boundary`; whether it came to its end."""
    pid = os.fork()
    if pid == 0:
        try:
            store = open_store(url)
            count = 0

            def watch(statement: str) -> None:
                nonlocal count
                count += 1
                if count == boundary:
                    os.kill(os.getpid(), signal.SIGKILL)

            @event.listens_for(store.engine, "connect")
            def traced(connection: sqlite3.Connection, record: Any) -> None:
                connection.set_trace_callback(watch)

            store.engine.dispose()
            world.deps = replace(world.deps, store=store)
            job(world)
        finally:
            os._exit(0)
    _, status = os.waitpid(pid, 0)
    return not os.WIFSIGNALED(status)


STORY: tuple[tuple[str, Job], ...] = (
    ("offer", lambda w: w.offer(once="a")),
    ("acknowledge", lambda w: w.told(id_of(w), "acknowledged", comment="ok", theirs="C1", message="m1")),
    ("wait_customer", lambda w: w.told(id_of(w), "waiting_customer", "customer information", message="m2")),
    ("resume", lambda w: w.told(id_of(w), "in_progress", message="m3")),
    ("propose_resolution", lambda w: w.told(id_of(w), "resolved", "done", message="m4")),
    ("reject", lambda w: w.act(id_of(w), Move.REJECT, "still down", only_at=5)),
    ("hand_back", lambda w: w.told(id_of(w), "handed_back", "cannot", message="m5")),
    ("tick", lambda w: assess.tick(w.deps)),
)


def id_of(world: World) -> str:
    with world.deps.store.read() as tx:
        return tx.handoffs_of([world.stored.key])[world.stored.key][0].id


def test_a_process_killed_at_any_statement_leaves_all_of_a_step_or_nothing(sqlite_url: str) -> None:
    world = World(open_store(sqlite_url))
    world.clock.forward(7200)
    boundaries = 0
    for _, job in STORY:
        boundary = 1
        while not killed(sqlite_url, boundary, world, job):
            boundary += 1
        boundaries += boundary
        with world.deps.store.read() as tx:
            every = tx.handoffs_of([world.stored.key]).get(world.stored.key, [])
        for one in every:
            world.handoff(one.id)
    id = id_of(world)
    assert boundaries > 60
    assert world.moves(id) == [name for name, _ in STORY if name != "tick"]
    assert world.handoff(id).theirs == "C1"
    assert len(world.entries(id, EntryKind.COMMENT)) == 1
    told = [one.data["what"] for one in world.events()]
    assert all(told.count(name) == 1 for name in world.moves(id))
    with world.deps.store.read() as tx:
        keys = [one.key for one in tx.pending(world.stored.key)]
    assert len(keys) == len(set(keys))
    assert [key for key in keys if key.endswith("/1")] == [f"handoff/{id}/1"]
    world.settle()
    assert [data.get("move") for _, data in world.sent()] == ["offer", "reject"]


def test_an_ended_process_is_repeated_without_harm(sqlite_url: str) -> None:
    world = World(open_store(sqlite_url))
    for _, job in STORY[:5]:
        for _ in range(3):
            assert killed(sqlite_url, 0, world, job)
    assert world.moves(id_of(world)) == [name for name, _ in STORY[:5]]
