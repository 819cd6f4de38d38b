"""The engine against a slow walk through the minutes, over random histories, zones and nights of change."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.agreements.assess import assess
from connector.domain.agreements.engine import clocks
from connector.domain.agreements.registry import Registry
from connector.domain.history import Event, EventKind
from tests.domain.agreements.slow_engine import Rules
from tests.domain.agreements.stories import (
    AMOUNTS,
    NOWS,
    SCENES,
    STORIES,
    M,
    Story,
    Told,
    agree,
    amounts,
    checked,
    scene,
    waiting,
)
from tests.domain.agreements.test_engine import profile


@checked
@given(*SCENES, STORIES, AMOUNTS, NOWS, st.sampled_from([None, 0, 30, 120]))
def test_a_resolution_with_pauses_priorities_and_reopenings(
    origin: datetime, zone: str, hours: int, story: Story, given: tuple[int, int, int], now: int, within: int | None
) -> None:
    data, calendar = scene(zone, hours)
    written, known = amounts(*given)
    reopen: dict[str, Any] = {"then": "resume", "else": "resume"} if within is None else {"within": f"{within}m"}
    one = profile("{profile: p, agreement: sla, calendar: hours}", targets={"resolution": written}, conditions={
        "pause": {"state": "pending", "pending_on": ["customer"]}, "reopen": reopen})
    rules = Rules(lambda facts: True, lambda facts: calendar, lambda facts: known.get(facts["priority"]),
                  [(waiting, None, None)], reopen_within=None if within is None else M * within)
    agree(Told(origin, story), one, data, rules, origin + M * now)


@checked
@given(*SCENES, STORIES, AMOUNTS, NOWS, st.integers(0, 90), st.integers(1, 3))
def test_pauses_that_run_out_by_time_and_by_number(
    origin: datetime, zone: str, hours: int, story: Story, given: tuple[int, int, int], now: int, cap: int, times: int
) -> None:
    data, calendar = scene(zone, hours)
    written, known = amounts(*given)
    one = profile("{profile: p, agreement: sla, calendar: hours}", targets={"resolution": written}, conditions={
        "pause": [{"when": {"pending_on": "customer"}, "at_most": f"{cap}m"},
                  {"when": {"state": "pending"}, "times": times}]})
    rules = Rules(lambda facts: True, lambda facts: calendar, lambda facts: known.get(facts["priority"]), [
        (lambda facts: facts["pending_on"] == "customer", M * cap, None),
        (lambda facts: facts["state"] == "pending", None, times)])
    agree(Told(origin, story), one, data, rules, origin + M * now)


@checked
@given(*SCENES, STORIES, AMOUNTS, NOWS, st.booleans(), st.booleans())
def test_an_sla_that_comes_leaves_and_comes_back(
    origin: datetime, zone: str, hours: int, story: Story, given: tuple[int, int, int], now: int, opened: bool,
    kept: bool,
) -> None:
    data, calendar = scene(zone, hours)
    written, known = amounts(*given)
    one = profile("{profile: p, agreement: sla, calendar: hours, applies_to: {group: Network}}",
                  targets={"resolution": written}, conditions={"pause": {"state": "pending"}},
                  retroactive={"start": "opened" if opened else "attached", "pauses": "kept" if kept else "dropped"})
    rules = Rules(lambda facts: bool(facts["group"] == "Network"), lambda facts: calendar,
                  lambda facts: known.get(facts["priority"]), [(lambda facts: facts["state"] == "pending", None, None)],
                  pauses_kept=kept)
    if not opened:
        rules.begins = rules.applies
    agree(Told(origin, story), one, data, rules, origin + M * now)


@checked
@given(*SCENES, STORIES, AMOUNTS, NOWS)
def test_an_ola_at_each_coming_of_the_work(
    origin: datetime, zone: str, hours: int, story: Story, given: tuple[int, int, int], now: int
) -> None:
    data, calendar = scene(zone, hours)
    written, known = amounts(*given)
    one = profile("{profile: p, agreement: ola, calendar: hours, applies_to: {group: Network}}",
                  targets={"resolution": written}, conditions={"pause": {"state": "pending"}})
    rules = Rules(lambda facts: bool(facts["group"] == "Network"), lambda facts: calendar,
                  lambda facts: known.get(facts["priority"]), [(lambda facts: facts["state"] == "pending", None, None)],
                  sla=False)
    rules.begins = rules.applies
    agree(Told(origin, story), one, data, rules, origin + M * now)


@checked
@given(*SCENES, STORIES, st.integers(1, 200), NOWS, st.sampled_from(["updates", "awaiting_reply"]))
def test_targets_that_begin_anew(
    origin: datetime, zone: str, hours: int, story: Story, minutes: int, now: int, repeats: str
) -> None:
    data, calendar = scene(zone, hours)
    target = "update" if repeats == "updates" else "next_response"
    one = profile("{profile: p, agreement: sla, calendar: hours}", targets={target: f"{minutes}m"},
                  conditions={"pause": {"state": "pending"}})
    rules = Rules(lambda facts: True, lambda facts: calendar, lambda facts: M * minutes,
                  [(lambda facts: facts["state"] == "pending", None, None)], repeats=repeats)
    if repeats == "awaiting_reply":
        rules.start = lambda facts: bool(facts["awaiting_reply"])
        rules.stop = lambda facts: facts["state"] in ("resolved", "closed") or not facts["awaiting_reply"]
    agree(Told(origin, story), one, data, rules, origin + M * now)


EVERYTHING = """
profile: all
agreement: sla
calendar: hours
targets:
  acknowledge: 30m
  first_response: {P1: 20m, else: 1h}
  next_response: 45m
  update: 2h
  resolution: {P1: 1h, P2: 3h, P3: 5h}
conditions:
  pause: [{when: {state: pending, pending_on: customer}, at_most: 2h}, {when: {pending_on: supplier}, times: 2}]
  reopen: {within: 1h}
on_change: {floor: 10m}
"""
OLA = """
{profile: net, agreement: ola, calendar: hours, applies_to: {group: Network}, targets: {resolution: 1h}}
"""


def desk(zone: str, hours: int) -> Registry:
    return Registry.checked([profile(EVERYTHING), profile(OLA)], {"hours": scene(zone, hours)[0]})


@settings(max_examples=40, deadline=None, derandomize=True)
@given(*SCENES, STORIES, NOWS, st.randoms(use_true_random=False))
def test_the_order_in_which_history_arrives_does_not_matter(
    origin: datetime, zone: str, hours: int, story: Story, now: int, rng: random.Random
) -> None:
    told, registry, at = Told(origin, story), desk(zone, hours), origin + M * now
    straight = assess(told.ticket, told.events, registry, at)
    shuffled = told.events[:]
    rng.shuffle(shuffled)
    mixed = assess(told.ticket, shuffled, registry, at)
    assert [named.clock for named in mixed.result.clocks] == [named.clock for named in straight.result.clocks]
    assert (mixed.events, mixed.next_at) == (straight.events, straight.next_at)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(*SCENES, STORIES, st.lists(NOWS, min_size=1, max_size=5))
def test_a_look_remembered_is_not_remembered_again_and_no_breach_is_lost_without_a_correction(
    origin: datetime, zone: str, hours: int, story: Story, looks: Sequence[int]
) -> None:
    """History arrives as it happens: at each look only what has happened by then is known."""
    registry = desk(zone, hours)
    remembered: list[Event] = []
    for minute in sorted(looks):
        at = origin + M * minute
        known = Told(origin, [step for step in story if step[0] <= minute])
        first = assess(known.ticket, [*known.events, *remembered], registry, at)
        remembered += first.events
        assert assess(known.ticket, [*known.events, *remembered], registry, at).events == ()
        assert standing(remembered) == {c.key for c in first.result.clocks if c.clock.breached_at is not None}
        assert len({event.key for event in remembered}) == len(remembered)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(*SCENES, STORIES, NOWS, st.data())
def test_history_that_comes_late_corrects_by_new_events_only(
    origin: datetime, zone: str, hours: int, story: Story, now: int, data: st.DataObject
) -> None:
    registry, at = desk(zone, hours), origin + M * now
    early = data.draw(st.lists(st.sampled_from(story), unique_by=id) if story else st.just([]))
    half, whole = Told(origin, early), Told(origin, story)
    first = assess(half.ticket, half.events, registry, at)
    second = assess(whole.ticket, [*whole.events, *first.events], registry, at + M)
    remembered = [*first.events, *second.events]
    assert standing(remembered) == {c.key for c in second.result.clocks if c.clock.breached_at is not None}
    assert assess(whole.ticket, [*whole.events, *remembered], registry, at + M).events == ()


def standing(events: Sequence[Event]) -> set[str]:
    """Clocks whose breach is on record and was not corrected."""
    last: dict[str, str] = {}
    for event in events:
        if event.kind is EventKind.CLOCK:
            last[str(event.data["clock"])] = str(event.data["what"])
    return {key for key, what in last.items() if what != "corrected"}


@settings(max_examples=40, deadline=None, derandomize=True)
@given(*SCENES, STORIES, NOWS)
def test_nothing_changes_by_time_alone_before_the_moment_announced(
    origin: datetime, zone: str, hours: int, story: Story, now: int
) -> None:
    """A tick that comes only when it was told to misses nothing."""
    told, registry, at = Told(origin, [s for s in story if s[0] <= now]), desk(zone, hours), origin + M * now
    first = clocks(told.ticket, told.events, registry, at)
    end = origin + timedelta(days=20) if first.next_at is None else first.next_at - timedelta(microseconds=1)
    if end > at:
        assert standings(told, registry, end) == standings(told, registry, at)
    if first.next_at is not None:
        assert standings(told, registry, first.next_at) != standings(told, registry, at), "and then something does"


def standings(told: Told, registry: Registry, at: datetime) -> list[tuple[Any, ...]]:
    """What a look may find changed: a breached clock whose pause runs out shows it in its ledger only."""
    seen = clocks(told.ticket, told.events, registry, at).clocks
    return [(c.key, c.clock.state, c.clock.due, c.clock.ledger[-1].mode if c.clock.ledger else None) for c in seen]
