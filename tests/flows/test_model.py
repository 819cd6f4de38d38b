"""Random lives of tickets on both sides, faults at every boundary: nothing lost, nothing doubled, all converges."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.domain.errors import Refused, TryLater
from connector.domain.history import Event, EventKind, Origin, effective
from connector.domain.syncing.memory import superseded
from connector.domain.ticket import Comment, Draft, Kind, PendingOn, State, Ticket, value_of
from connector.flows import backlog, deliver, editing, hints, intake, sweep
from connector.ports import Deps, Stored, Tool, Tx
from connector.store import SqlStore
from connector.store import open as open_store
from tests.flows.fake_tool import MAPPING, ME, Clock, FakeTool, Killed

FIELDS = ("title", "group", "assignee", "tags", "state")
STATES: tuple[tuple[State, PendingOn | None], ...] = (
    (State.IN_PROGRESS, None), (State.PENDING, PendingOn.CUSTOMER), (State.RESOLVED, None))

which = st.integers(0, 2)
field = st.sampled_from(FIELDS)
verb = st.sampled_from(["update", "comment", "create", "get", "history", "changed"])
step = st.one_of(
    st.tuples(st.sampled_from(["agent", "ours", "both", "both"]), which, field),
    st.tuples(st.sampled_from(["comment", "say"]), which),
    st.tuples(st.sampled_from(["open", "create", "create", "poll", "hints", "backlog", "lag"])),
    st.tuples(st.sampled_from(["tick", "poll"])),
    st.tuples(st.just("wait"), st.sampled_from([0.3, 1, 40, 700])),
    st.tuples(st.sampled_from(["later", "lost", "kill_before", "kill_after"]), verb),
    st.tuples(st.just("sneak"), field),
    st.tuples(st.just("crash"), st.integers(1, 6), st.booleans()),
    st.tuples(st.just("purge"), which),
)


class ShakyStore:
    """The real store, in a process that may end before or after any commit."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store
        self.left, self.after = 0, False

    @contextmanager
    def begin(self) -> Iterator[Tx]:
        self.left -= 1
        now = self.left == 0
        with self.store.begin() as tx:
            yield tx
            if now and not self.after:
                raise Killed
        if now:
            raise Killed

    @contextmanager
    def read(self) -> Iterator[Tx]:
        with self.store.read() as tx:
            yield tx


class World:
    """A tool, our store, and what people do on both sides."""

    def __init__(self, store: SqlStore, *, remembers: bool) -> None:
        self.clock = Clock()
        self.tool = FakeTool(self.clock, remembers=remembers, page=3)
        self.store = ShakyStore(store)
        self.lives = count()
        self.values = count(1)
        self.deps = self.started()
        self.said: list[str] = []
        self.made: list[str] = []

    def started(self) -> Deps:
        tool = Tool("desk", self.tool, MAPPING, concurrency=1)
        return Deps(store=self.store, tools={"desk": tool}, now=self.clock, owner=f"life {next(self.lives)}")

    def value(self, name: str, before: Ticket) -> dict[str, Any]:
        n = next(self.values)
        if name == "state":
            state, reason = STATES[n % len(STATES)]
            return {"state": state, "pending_on": reason}
        if name == "tags":
            return {"tags": (*before.tags[n % 2 :], f"tag{n}")}
        return {name: f"{name} {n}"}

    def all(self) -> list[Stored]:
        with self.store.read() as tx:
            return sorted(tx.by_key(range(1, 60)).values(), key=lambda stored: stored.key)

    def ours(self, index: int) -> Stored | None:
        living = [stored for stored in self.all() if not stored.ticket.deleted]
        return living[index % len(living)] if living else None

    def theirs(self, index: int) -> str | None:
        ids = sorted(self.tool.tickets)
        return ids[index % len(ids)] if ids else None

    def do(self, action: str, *given: Any) -> None:
        """One step. A killed process starts again; what a fault breaks off is left as it is."""
        try:
            with suppress(TryLater, Refused):
                getattr(self, f"do_{action}")(*given)
        except Killed:
            self.deps = self.started()

    def do_agent(self, index: int, name: str) -> None:
        if (id := self.theirs(index)) is not None:
            self.tool.edited(id, **self.value(name, self.tool.tickets[id]))

    def do_ours(self, index: int, name: str) -> None:
        if (stored := self.ours(index)) is not None:
            editing.edit(self.deps, stored.key, self.value(name, stored.ticket), "anna")

    def do_comment(self, index: int) -> None:
        if (stored := self.ours(index)) is not None:
            text = f"ours {next(self.values)}."
            editing.comment(self.deps, stored.key, Comment(text=text), "anna")
            self.said.append(text)

    def do_both(self, index: int, name: str) -> None:
        """Both sides change a field, neither knowing of the other."""
        if (stored := self.ours(index)) is not None and stored.ticket.id in self.tool.tickets:
            first = next(self.values) % 2
            for turn in (first, 1 - first):
                value = self.value(name, stored.ticket)
                if turn:
                    self.tool.edited(stored.ticket.id, **value)
                else:
                    editing.edit(self.deps, stored.key, value, "anna")
                self.clock.forward(next(self.values) % 3)

    def do_say(self, index: int) -> None:
        if (id := self.theirs(index)) is not None:
            self.tool.said(id, f"theirs {next(self.values)}.")

    def do_open(self) -> None:
        self.tool.opened(f"t{next(self.values)}")

    def do_create(self) -> None:
        key = f"k{next(self.values)}"
        self.made.append(key)
        editing.create(self.deps, "desk", Draft(kind=Kind.INCIDENT, fields={"title": f"made {key}."}), key, "anna")

    def do_purge(self, index: int) -> None:
        if (id := self.theirs(index)) is not None and len(self.tool.tickets) > 2:
            self.tool.purged(id)

    def do_poll(self) -> None:
        intake.poll(self.deps, "desk")

    def do_hints(self) -> None:
        hints.run(self.deps, "desk")

    def do_tick(self) -> None:
        deliver.tick(self.deps)

    def do_backlog(self) -> None:
        backlog.run(self.deps, "desk")

    def do_lag(self) -> None:
        self.tool.lag = not self.tool.lag

    def do_wait(self, seconds: float) -> None:
        self.clock.forward(seconds)

    def _once(self, verb: str, moment: str, act: Callable[[], None]) -> None:
        def at(called: str, when: str) -> None:
            if (called, when) == (verb, moment):
                self.tool.at = lambda verb, moment: None
                act()
        self.tool.at = at

    def do_later(self, verb: str) -> None:
        self._once(verb, "before", lambda: _raise(TryLater("down")))

    def do_lost(self, verb: str) -> None:
        self._once(verb, "after", lambda: _raise(TryLater("time-out")))

    def do_kill_before(self, verb: str) -> None:
        self._once(verb, "before", lambda: _raise(Killed()))

    def do_kill_after(self, verb: str) -> None:
        self._once(verb, "after", lambda: _raise(Killed()))

    def do_sneak(self, name: str) -> None:
        """An agent is quicker by a moment: between our look and our write."""
        self._once("update", "before", lambda: [self.do_agent(n, name) for n in range(len(self.tool.tickets))] and None)

    def do_crash(self, commits: int, after: bool) -> None:
        self.store.left, self.store.after = commits, after

    def settle(self) -> None:
        """The faults stop, time passes, the jobs run."""
        self.tool.at = lambda verb, moment: None
        self.tool.lag = False
        self.store.left = 0
        quiet = rounds = 0
        while quiet < 2:
            rounds += 1
            assert rounds < 60, "it does not come to rest"
            self.clock.forward(1000)
            for flow in (intake.poll, hints.run, backlog.run, sweep.run):
                flow(self.deps, "desk")
            quiet = 0 if deliver.tick(self.deps) else quiet + 1

    # what must hold

    def history(self, stored: Stored) -> list[Event]:
        with self.store.read() as tx:
            return tx.history([stored.key])[stored.key]

    def check(self) -> None:
        every = self.all()
        living = {s.ticket.id: s for s in every if not s.ticket.deleted and s.ticket.id[0] != "~"}
        with self.store.read() as tx:
            assert [tx.pending(s.key) for s in every if tx.pending(s.key)] == []
        assert [s.ticket.id for s in every if s.ticket.id[0] == "~" and not s.ticket.deleted] == [], "never created"
        assert set(living) == set(self.tool.tickets), "each ticket once, and none that is gone"
        for id, stored in living.items():
            assert stored.base is None
            assert stored.ticket == self.tool.tickets[id]
            self.check_history(stored)
            self.check_nothing_lost(stored)
        for key in self.made:
            assert len(self.tool.keys.get(key, ())) <= 1
        for text in self.said:
            shown = [id for id, log in self.tool.log.items() for e in log if e.text == text]
            assert len(shown) <= 1, text

    def check_history(self, stored: Stored) -> None:
        history = effective(self.history(stored))
        for name in (*FIELDS, "pending_on"):
            changes = [e for e in history if e.kind is EventKind.CHANGED and e.field == name]
            if changes:
                assert changes[-1].new == value_of(stored.ticket, name), (name, changes)
        for event in history:
            if event.kind is EventKind.NOTED and event.origin is Origin.CONNECTOR:
                assert self.tool.notes(stored.ticket.id).count(event.text) == 1, "our comment arrives once"
        if self.tool.remembers:
            said = [e.text for e in history if e.kind is EventKind.NOTED]
            assert sorted(said) == sorted(self.tool.notes(stored.ticket.id)), "each comment once"
            assert [e.kind for e in history].count(EventKind.CREATED) == 1

    def check_nothing_lost(self, stored: Stored) -> None:
        events = self.history(stored)
        lost = {(e.field, e.old) for e in events if e.kind is EventKind.CONFLICT}
        log = self.tool.log[stored.ticket.id]
        written = {(e.field, e.new) for e in log if e.actor == ME}
        own = [e for e in events if e.kind is EventKind.CHANGED and e.origin is Origin.CONNECTOR
               and e.field in ("title", "group", "assignee")]
        for event in own:
            replaced = any(e.field == event.field and e.old == event.new for e in own)
            assert (event.field, event.new) in written | lost or replaced, event
        if not self.tool.remembers:
            return
        known = {(e.field, e.new) for e in events if e.kind is EventKind.CHANGED}
        gone = superseded(events)
        for event in log:
            if event.kind is not EventKind.CHANGED or event.field not in ("title", "group", "assignee"):
                continue
            assert (event.field, event.new) in known, f"{event.new} was never seen"
            if event.actor == ME and event.old:
                wanted = any(e.field == event.field and e.old == event.old and e.key not in gone for e in own)
                by_us = (event.field, event.old) in written
                assert wanted or by_us or (event.field, event.old) in lost, f"{event.old} was overwritten silently"


def _raise(error: BaseException) -> None:
    raise error


def live(template: Path, folder: Path, steps: list[tuple[Any, ...]], *, remembers: bool) -> None:
    file = folder / "model.db"
    shutil.copy(template, file)
    store = open_store(f"sqlite:///{file}")
    try:
        world = World(store, remembers=remembers)
        for id in ("a", "b"):
            world.tool.opened(id)
        world.do_poll()
        world.clock.forward(60)
        for action, *given_ in steps:
            world.do(action, *given_)
        world.settle()
        world.check()
    finally:
        store.close()
        for left in folder.glob("model.db*"):
            left.unlink()


@pytest.fixture(scope="session")
def template(_sqlite_template: Path) -> Path:
    return _sqlite_template


MODEL = settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("remembers", [True, False], ids=["with_memory", "without_memory"])
@MODEL
@given(steps=st.lists(step, min_size=15, max_size=50))
def test_nothing_is_lost_or_doubled_and_all_converges(
    template: Path, tmp_path_factory: pytest.TempPathFactory, remembers: bool, steps: list[tuple[Any, ...]],
) -> None:
    live(template, tmp_path_factory.getbasetemp(), steps, remembers=remembers)
