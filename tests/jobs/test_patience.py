"""A job that fails is left alone for a growing while; health is told seldom, changes at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

from connector.jobs.patience import LONGEST, Patience


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **time: float) -> None:
        self.now += timedelta(**time)


def test_waits_grow_to_a_limit_and_end_with_a_success() -> None:
    clock = Clock()
    patience = Patience(clock, Random(1))
    assert not patience.waits("t", "poll")
    waits = [patience.failed("t", "poll", None) for _ in range(12)]
    assert waits[0] < timedelta(seconds=6)
    assert waits[-1] == LONGEST
    assert patience.waits("t", "poll")
    assert not patience.waits("t", "hints"), "another job of the tool has its own patience"
    clock.pass_(seconds=LONGEST.total_seconds())
    assert not patience.waits("t", "poll")
    assert patience.worked("t", "poll")
    assert not patience.worked("t", "poll")
    assert patience.failed("t", "poll", None) < timedelta(seconds=6), "a success forgets the failures"


def test_what_the_tool_asks_for_is_obeyed() -> None:
    assert Patience(Clock(), Random(1)).failed("t", "poll", timedelta(hours=1)) == timedelta(hours=1)


def test_health_is_told_once_a_minute_and_at_every_change() -> None:
    clock = Clock()
    patience = Patience(clock, Random(1))
    assert patience.count("t", 1, 0, "") == (1, 0)
    assert patience.count("t", 1, 0, "") is None
    assert patience.count("t", 0, 1, "no answer") == (1, 1), "it began to fail"
    assert patience.count("t", 0, 1, "no answer") is None
    clock.pass_(seconds=61)
    assert patience.count("t", 0, 1, "no answer") == (0, 2)
    assert patience.count("t", 1, 0, "") == (1, 0), "it works again"
