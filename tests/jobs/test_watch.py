"""A clock that is set back by an hour holds nothing up for an hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connector.domain.delivery import Order
from connector.domain.errors import TryLater
from connector.flows import assess, deliver
from connector.flows.breaker import Gate
from connector.jobs.local import Worker
from connector.jobs.watch import Watch
from connector.store import SqlStore
from tests.domain.escalations.ladders import rule
from tests.flows.test_escalate import MON, World

HOUR = timedelta(hours=1)


class Clocks:
    def __init__(self) -> None:
        self.wall, self.steady = 1_000_000.0, 50.0

    def pass_by(self, seconds: float, set_by: float = 0) -> None:
        self.wall += seconds + set_by
        self.steady += seconds


def test_only_a_clock_that_is_set_back_is_mended_and_until_that_works() -> None:
    clocks, mended, fails = Clocks(), list[float](), [True, False]

    def mend(by: timedelta) -> None:
        mended.append(by.total_seconds())
        if fails.pop(0):
            raise TryLater("the store cannot answer now")

    watch = Watch(mend, lambda: clocks.wall, lambda: clocks.steady)
    for set_by in (0, 3600, -0.5, 0):
        clocks.pass_by(2, set_by)
        watch.look()
    assert mended == []
    clocks.pass_by(2, -3600)
    watch.look()
    clocks.pass_by(2)
    watch.look()
    clocks.pass_by(2)
    watch.look()
    assert mended == [pytest.approx(3600), pytest.approx(3600)]


def test_what_was_planned_while_the_clock_was_ahead_comes_at_once(store: SqlStore) -> None:
    world = World(store, rule("steps: [{clock: resolution, at: 50%, do: [{comment: {to: internal, text: half}}]}]"))
    id = world.opened()
    world.clock.now = MON + 2 * HOUR + HOUR  # an hour ahead
    assess.tick(world.deps)
    assert world.told(id) == ["resolution at 50%#1 fired"]
    world.clock.now = MON + 2 * HOUR + timedelta(seconds=5)
    deliver.tick(world.deps)
    assert world.tool.notes(id) == [], "planned by the clock that was ahead"
    Worker(world.deps).set_back(HOUR)
    deliver.tick(world.deps)
    assert world.tool.notes(id) == ["half"]


def test_the_jobs_of_a_worker_come_as_much_earlier(sqlite_store: SqlStore) -> None:
    world = World(sqlite_store)
    world.clock.now = datetime.now(UTC)
    worker = Worker(world.deps)
    worker.start()
    worker._scheduler.pause()
    planned = {job.id: job.next_run_time for job in worker._scheduler.get_jobs()}
    world.clock.now -= HOUR
    worker.set_back(HOUR)
    now = {job.id: job.next_run_time for job in worker._scheduler.get_jobs()}
    worker.stop()
    assert {planned[id] - now[id] for id in planned} == {HOUR}


def test_a_rate_counts_on_after_the_clock_was_set_back() -> None:
    gate, now = Gate(), datetime(2026, 3, 2, 9, tzinfo=UTC)
    gate.take(now + HOUR, gate.room(now + HOUR, 10, 6, 0), 6)
    assert gate.room(now + HOUR, 10, 6, 0) == 0
    gate.take(now, gate.room(now, 10, 6, 0), 6)
    assert gate.room(now, 10, 6, 0) == 0
    assert gate.room(now + timedelta(seconds=10), 10, 6, 0) == 1


def test_what_is_planned_for_later_than_that_stays_where_it_is(store: SqlStore) -> None:
    with store.begin() as tx:
        tx.enqueue([Order(key=f"{hours}", target="desk", verb="x", lane=f"{hours}", payload={},
                          not_before=MON + hours * HOUR) for hours in (0, 0.5, 3)], MON)
        tx.hurry(MON, MON + HOUR)
    with store.begin() as tx:
        claimed = tx.claim("me", MON, HOUR, {"desk": 10})
    assert sorted(one.key for one in claimed) == ["0", "0.5"]
