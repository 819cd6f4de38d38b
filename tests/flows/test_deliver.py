"""The outbox at work: order, pace, faults, and processes that die."""

from __future__ import annotations

import threading
from datetime import timedelta
from random import Random

import pytest

from connector.domain.errors import TryLater, Unsupported
from connector.domain.ticket import Comment
from connector.flows import deliver, editing, intake
from connector.flows.breaker import OPEN_AFTER, Gate
from connector.flows.deliver import LEASE, MARGIN, STREAM
from connector.ports import Deps, Tool
from tests.flows.fake_tool import MAPPING, NOON, Clock, FakeTool, Killed, connect
from tests.flows.looking import history, stored


@pytest.fixture
def keys(deps: Deps, tool: FakeTool, clock: Clock) -> list[int]:
    """Our keys of ten tickets."""
    for n in range(10):
        tool.opened(str(n))
    intake.poll(deps, "desk")
    clock.forward(60)
    tool.calls.clear()
    return [stored(deps, str(n)).key for n in range(10)]


def say(deps: Deps, key: int, text: str) -> None:
    editing.comment(deps, key, Comment(text=text), "anna")


def down(verb: str, moment: str) -> None:
    raise TryLater("down")


def up(verb: str, moment: str) -> None: ...


def gate(deps: Deps) -> Gate:
    with deps.store.read() as tx:
        return Gate.load(tx.cursor("desk", STREAM))


def test_deliveries_of_a_ticket_keep_their_order_under_many_threads(
    deps: Deps, tool: FakeTool, keys: list[int],
) -> None:
    for n in range(5):
        for key in keys[:4]:
            say(deps, key, str(n))
    assert deliver.tick(deps) == 20
    assert all(tool.notes(str(n)) == ["0", "1", "2", "3", "4"] for n in range(4))


def test_a_failing_head_holds_its_lane_and_no_other(
    deps: Deps, tool: FakeTool, clock: Clock, keys: list[int],
) -> None:
    def one_is_locked(id: str, comment: Comment, key: str, again: bool = False) -> str:
        if id == "0" and clock() < NOON + timedelta(minutes=5):
            raise TryLater("ticket locked")
        return tool.said(id, comment.text)
    tool.comment = one_is_locked  # type: ignore[method-assign]
    for text in ("a", "b"):
        for key in keys[:2]:
            say(deps, key, text)
    deliver.tick(deps)
    assert (tool.notes("0"), tool.notes("1")) == ([], ["a", "b"])
    clock.forward(600)
    deliver.tick(deps)
    assert tool.notes("0") == ["a", "b"]


def test_no_more_at_once_than_the_tool_allows(deps: Deps, tool: FakeTool, keys: list[int]) -> None:
    now, most, begun, lock = [0], [0], [0], threading.Lock()
    full = threading.Barrier(3)

    def busy(verb: str, moment: str) -> None:
        with lock:
            now[0] += 1 if moment == "before" else -1
            most[0] = max(most[0], now[0])
            begun[0] += moment == "before"
            wait = moment == "before" and begun[0] <= 3
        if wait:
            full.wait(5)
    tool.at = busy
    limited = Deps(store=deps.store, tools={"desk": Tool("desk", tool, MAPPING, concurrency=3)}, now=deps.now)
    for key in keys[:9]:
        say(limited, key, "x")
    deliver.tick(limited)
    assert most[0] == 3


def test_no_more_a_minute_than_the_tool_allows(deps: Deps, tool: FakeTool, clock: Clock, keys: list[int]) -> None:
    limited = Deps(store=deps.store, tools={"desk": Tool("desk", tool, MAPPING, per_minute=12)}, now=deps.now)
    for n in range(10):
        for key in keys:
            say(limited, key, str(n))
    sent = 0
    for _ in range(120):
        sent += deliver.tick(limited)
        clock.forward(1)
    assert 24 <= sent <= 26, "twelve a minute and a burst of two"


def test_a_tool_that_is_down_is_left_alone_and_caught_up_slowly(
    deps: Deps, tool: FakeTool, clock: Clock, keys: list[int],
) -> None:
    tool.at = down
    for key in keys:
        say(deps, key, "x")
    for _ in range(6 * 60):
        deliver.tick(deps)
        clock.forward(60)
    assert gate(deps).state(clock()) in ("open", "half-open")
    assert gate(deps).reason == "down"
    assert len(tool.calls) < 300, "six hours of probes, no storm"
    tool.at = up
    tool.calls.clear()
    clock.forward(120)
    assert gate(deps).state(clock()) == "half-open"
    assert gate(deps).room(clock(), 4, None, 0) == 1
    for _ in range(100):
        deliver.tick(deps)
        clock.forward(10)
    assert all(tool.notes(str(n)) == ["x"] for n in range(10))
    assert gate(deps).state(clock()) == "closed"


def test_the_wait_a_tool_asks_for_holds_for_all_that_is_sent_to_it(
    deps: Deps, tool: FakeTool, clock: Clock, keys: list[int],
) -> None:
    def slow_down(verb: str, moment: str) -> None:
        raise TryLater("429", timedelta(seconds=90))
    tool.at = slow_down
    say(deps, keys[0], "x")
    deliver.tick(deps)
    tool.at = up
    say(deps, keys[1], "x")
    clock.forward(89)
    assert deliver.tick(deps) == 0
    clock.forward(20)
    assert deliver.tick(deps) == 2


def test_what_the_tool_cannot_do_is_buried_with_the_reason(deps: Deps, tool: FakeTool, keys: list[int]) -> None:
    def cannot(*_: object, **__: object) -> str:
        raise Unsupported("this version has no notes")
    tool.comment = cannot  # type: ignore[method-assign]
    say(deps, keys[0], "x")
    deliver.tick(deps)
    with deps.store.read() as tx:
        assert tx.pending(keys[0]) == []
    with deps.store.begin() as tx:
        assert tx.revive(None, "desk", deps.now()) == 1


def test_a_mistake_in_one_delivery_does_not_stop_the_others(
    deps: Deps, tool: FakeTool, clock: Clock, keys: list[int],
) -> None:
    real = tool.comment

    def faulty(id: str, comment: Comment, key: str, again: bool = False) -> str:
        if id == "0":
            raise ZeroDivisionError
        return real(id, comment, key, again)
    tool.comment = faulty  # type: ignore[method-assign]
    for key in keys[:3]:
        say(deps, key, "x")
    deliver.tick(deps)
    assert [tool.notes(str(n)) for n in range(3)] == [[], ["x"], ["x"]]
    with deps.store.read() as tx:
        assert len(tx.pending(keys[0])) == 1


def test_after_a_week_of_tries_a_delivery_is_given_up(
    deps: Deps, tool: FakeTool, clock: Clock, keys: list[int],
) -> None:
    def broken(*_: object, **__: object) -> str:
        raise TryLater("500")
    tool.comment = broken  # type: ignore[method-assign]
    say(deps, keys[0], "x")
    for _ in range(9 * 24):
        deliver.tick(deps)
        clock.forward(3600)
    with deps.store.read() as tx:
        assert tx.pending(keys[0]) == []


def test_a_killed_worker_leaves_a_lease_that_another_takes_over(
    deps: Deps, tool: FakeTool, clock: Clock, keys: list[int],
) -> None:
    def die(verb: str, moment: str) -> None:
        if moment == "after":
            raise Killed
    say(deps, keys[0], "x")
    tool.at = die
    with pytest.raises(Killed):
        deliver.tick(deps)
    tool.at = up
    second = connect(deps.store, tool, "two")
    assert deliver.tick(second) == 0
    clock.forward(LEASE.total_seconds() + 1)
    assert deliver.tick(second) == 1
    assert tool.notes("0") == ["x"]


def test_a_call_that_outlasts_its_lease_counts_for_nothing(
    deps: Deps, tool: FakeTool, clock: Clock, keys: list[int],
) -> None:
    second = connect(deps.store, tool, "two")

    def overtaken(verb: str, moment: str) -> None:
        if (verb, moment) == ("update", "after"):
            tool.at = up
            clock.forward(LEASE.total_seconds() + 1)
            assert deliver.tick(second) == 1
    tool.at = overtaken
    editing.edit(deps, keys[0], {"title": "ours"}, "anna")
    deliver.tick(deps)
    assert tool.calls.count("update") == 1
    assert stored(deps, "0").ticket.title == "ours"
    assert stored(deps, "0").base is None
    with deps.store.read() as tx:
        assert tx.pending(keys[0]) == []


def test_no_write_begins_when_the_lease_would_not_outlast_it(
    deps: Deps, tool: FakeTool, clock: Clock, keys: list[int],
) -> None:
    def slow(verb: str, moment: str) -> None:
        if verb == "get":
            clock.forward((LEASE - MARGIN).total_seconds() + 1)
            tool.at = up
    tool.at = slow
    editing.edit(deps, keys[0], {"title": "ours"}, "anna")
    deliver.tick(deps)
    assert "update" not in tool.calls
    clock.forward(60)
    deliver.tick(deps)
    assert tool.tickets["0"].title == "ours"


def test_a_stop_finishes_what_is_under_way_and_begins_nothing_new(
    deps: Deps, tool: FakeTool, keys: list[int],
) -> None:
    for key in keys:
        say(deps, key, "x")
    assert deliver.tick(deps, stop=lambda: True) == 4
    assert sum(len(tool.notes(str(n))) for n in range(10)) == 4
    with deps.store.begin() as tx:
        assert tx.release(deps.owner) == 0


def test_a_ticket_that_is_gone_refuses_what_waits_for_it_and_is_looked_for(
    deps: Deps, tool: FakeTool, keys: list[int],
) -> None:
    editing.edit(deps, keys[0], {"title": "ours"}, "anna")
    tool.purged("0")
    deliver.tick(deps)
    assert stored(deps, "0").ticket.title == "ticket 0"
    assert stored(deps, "0").missing_since is not None


def test_an_idle_tick_writes_nothing(deps: Deps, tool: FakeTool, keys: list[int]) -> None:
    before = history(deps, "0")
    assert deliver.tick(deps) == 0
    assert history(deps, "0") == before
    assert tool.calls == []


def test_a_gate_opens_probes_and_ramps_up() -> None:
    at, gate = NOON, Gate()
    for _ in range(OPEN_AFTER):
        assert gate.state(at) == "closed"
        gate.failed(at, "down", None, Random(1))
    assert gate.state(at) == "open"
    assert gate.room(at, 4, None, 0) == 0
    at += timedelta(minutes=2)
    assert gate.state(at) == "half-open"
    assert (gate.room(at, 4, None, 0), gate.room(at, 4, None, 1)) == (1, 0)
    gate.failed(at, "down", None, Random(1))
    assert gate.state(at) == "open"
    at += timedelta(minutes=2)
    rooms = []
    for _ in range(4):
        gate.worked()
        rooms.append(gate.room(at, 8, None, 0))
    assert rooms == [1, 2, 4, 8]
    assert Gate.load(gate.dump()) == gate
