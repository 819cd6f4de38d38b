"""Ladders against a slow walk through the minutes: looks at any moment, lost looks, history late and in any order."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.agreements.engine import clocks
from connector.domain.agreements.registry import Registry
from connector.domain.calendar import ServiceCalendar
from connector.domain.escalations.rules import Rule
from connector.domain.history import Event, EventKind, effective
from tests.domain.agreements.stories import NIGHTS, SCENES, ZONES, Story, Told, scene
from tests.domain.agreements.test_engine import profile
from tests.domain.escalations.ladders import Climber, rule

M = timedelta(minutes=1)
LENGTH = 5 * 60
RULE = """
steps:
  - {clock: resolution, at: 50%, do: [{notify: assignee}], then: [{wait: 10m, do: [{notify: team_lead}]}]}
  - {clock: resolution, at: 75%, do: [{notify: team_lead}]}
  - {clock: resolution, at: 30m before due, do: [{notify: team_lead}]}
  - {clock: resolution, at: due, do: [{notify: {manager: 1}}], repeat: {every: 20m, at_most: 3, climb: manager}}
  - {clock: resolution, at: breach, do: [{comment: internal}]}
"""
HALF, THREE, BEFORE, DUE, BREACH = (step.name for step in rule(RULE).steps)
STEPS = st.one_of(
    st.tuples(st.just("state"), st.sampled_from(["in_progress", "pending", "resolved"])),
    st.tuples(st.just("state"), st.sampled_from(["in_progress", "pending"])),
    st.tuples(st.just("say"), st.sampled_from(["agent", "requester"])),
)
STORIES = st.lists(st.tuples(st.integers(0, LENGTH), STEPS), max_size=8)
LOOKS = st.lists(st.tuples(st.integers(0, LENGTH), st.booleans()), min_size=1, max_size=25)
"""Minute of a look, and whether what it decided was lost (the process died before its commit)."""
checked = settings(max_examples=80, deadline=None, derandomize=True)
_: Any = (NIGHTS, ZONES)


def desk(calendar: dict[str, Any], minutes: int, ladder: Rule) -> Registry:
    one = profile("{profile: p, agreement: sla, calendar: hours, escalate: ladder}",
                  targets={"resolution": f"{minutes}m"}, conditions={"pause": {"state": "pending"}})
    return Registry.checked([one], {"hours": calendar}, escalations=[ladder])


def walk(told: Told, calendar: ServiceCalendar, minutes: int) -> Iterator[tuple[int, bool, list[str]]]:
    """Minute by minute: whether the clock runs, and which occurrences have passed by then."""
    active = 0
    passed: dict[str, int] = {}
    marks = {HALF: -(-minutes // 2), THREE: -(-minutes * 3 // 4), BEFORE: max(0, minutes - 30), DUE: minutes}
    over_due = False
    for minute in range(LENGTH + 1):
        at = told.origin + M * minute
        state = [facts for moment, facts in told.line if moment <= at][-1]["state"]
        runs = state not in ("pending", "resolved", "closed")
        opens = calendar.is_open(at)
        if runs:
            for step, mark in marks.items():
                if active >= mark and f"{step}#1" not in passed and (active > 0 or opens or mark > 0):
                    passed[f"{step}#1"] = active
            if f"{HALF}#1" in passed and active >= passed[f"{HALF}#1"] + 10:
                passed.setdefault(f"{HALF}#2", active)
            for n in (2, 3, 4):
                if f"{DUE}#{n - 1}" in passed and active >= passed[f"{DUE}#{n - 1}"] + 20:
                    passed.setdefault(f"{DUE}#{n}", active)
            if over_due:
                passed.setdefault(f"{BREACH}#1", active)
        yield minute, runs, sorted(passed)
        if runs and active >= minutes:
            over_due = True
        if runs and opens:
            active += 1


EVEN = st.integers(2, 45).map(lambda n: n * 4)
"""Targets whose half and three quarters are whole minutes."""


@checked
@given(*SCENES, STORIES, EVEN)
def test_looked_at_every_minute_each_step_comes_when_the_slow_walk_says(
    origin: datetime, zone: str, hours: int, story: Story, minutes: int
) -> None:
    data, calendar = scene(zone, hours)
    whole = Told(origin, story)
    climber = Climber(desk(data, minutes, rule(RULE)), whole.ticket)
    changes = {minute for minute, _ in story}
    known: list[Event] = []
    before: set[str] = set()
    for minute, runs, passed in walk(whole, calendar, minutes):
        at = origin + M * minute
        if minute in changes or minute == 0:
            part = Told(origin, [step for step in story if step[0] <= minute])
            known, climber.ticket = part.events, part.ticket
        elif set(passed) == before and climber.last and (climber.last.next_at is None or climber.last.next_at > at):
            continue  # nothing to expect, and the ladder says that it expects nothing
        climber.look(at, known)
        if runs:
            before = set(passed)
        assert told_of(climber) == before, f"at minute {minute}"


@checked
@given(*SCENES, STORIES, EVEN, LOOKS)
def test_looks_at_any_moment_lost_or_not_tell_the_same_and_nothing_twice(
    origin: datetime, zone: str, hours: int, story: Story, minutes: int, looks: Sequence[tuple[int, bool]]
) -> None:
    data, calendar = scene(zone, hours)
    expected = {minute: (runs, passed) for minute, runs, passed in walk(Told(origin, story), calendar, minutes)}
    climber = Climber(desk(data, minutes, rule(RULE)), Told(origin, []).ticket)
    climber.look(origin, [])
    for minute, lost in sorted(looks):
        part = Told(origin, [step for step in story if step[0] <= minute])
        climber.ticket, kept = part.ticket, list(climber.events)
        fired = climber.look(origin + M * minute, part.events)
        assert len({one.key for one in fired} | {e.key for e in kept}) == len(fired) + len({e.key for e in kept})
        late = [one for one in fired if one.what == "fired" and one.late]
        assert len({one.moment for one in late}) <= 1, "only the highest"
        runs, passed = expected[minute]
        assert told_of(climber) <= set(passed)
        if runs:
            assert told_of(climber) == set(passed)
        if lost:
            climber.events = kept
            assert {one.key for one in climber.look(origin + M * minute, part.events)} == {one.key for one in fired}
        assert climber.look(origin + M * minute, part.events) == []


@checked
@given(*SCENES, STORIES, EVEN, LOOKS, st.randoms(use_true_random=False))
def test_history_late_and_in_any_order_never_fires_a_key_twice_nor_takes_one_back(
    origin: datetime, zone: str, hours: int, story: Story, minutes: int, looks: Sequence[tuple[int, bool]],
    rng: random.Random,
) -> None:
    data, _calendar = scene(zone, hours)
    climber = Climber(desk(data, minutes, rule(RULE)), Told(origin, story).ticket)
    seen: set[str] = set()
    for minute, _lost in sorted(looks):
        some = [event for event in Told(origin, story).events if rng.random() < 0.7]
        rng.shuffle(some)
        fired = climber.look(origin + M * minute, some)
        keys = {one.key for one in fired}
        assert len(keys) == len(fired)
        assert not keys & seen
        seen |= keys
        assert {event.key for event in climber.events if event.kind is EventKind.ESCALATED} == seen
        state = clocks(climber.ticket, effective(climber.events), climber.registry, origin + M * minute)
        if fired:
            assert any(named.clock.open for named in state.clocks), "a clock that ended is silent"


def told_of(climber: Climber) -> set[str]:
    return {f"{e.data['step']}#{e.data['n']}" for e in climber.events if e.kind is EventKind.ESCALATED}


def test_the_slow_walk_knows_a_simple_day() -> None:
    origin = datetime(2026, 6, 1, 6, tzinfo=UTC)
    calendar = ServiceCalendar.from_dict({"timezone": "UTC", "hours": "24x7"})
    line = {minute: passed for minute, _, passed in walk(Told(origin, []), calendar, 60)}
    assert line[30] == [f"{BEFORE}#1", f"{HALF}#1"]
    assert line[61] == sorted([f"{BEFORE}#1", f"{HALF}#1", f"{HALF}#2", f"{THREE}#1", f"{DUE}#1", f"{BREACH}#1"])
    assert f"{DUE}#4" in line[120]
    assert f"{DUE}#4" not in line[119]
