"""The engine against a slow walk through the minutes, over random histories, zones and nights of change."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.assess import assess
from connector.domain.calendar import ServiceCalendar
from connector.domain.engine import NamedClock, clocks
from connector.domain.history import Event, EventKind, Role, effective
from connector.domain.profile import Profile
from connector.domain.registry import Registry
from connector.domain.ticket import Kind, State, Ticket
from tests.domain.slow_engine import Facts, Rules, Seen, walk
from tests.domain.test_engine import profile

M = timedelta(minutes=1)
ZONES = ("Europe/Zurich", "America/Montreal", "Australia/Lord_Howe", "UTC")
NIGHTS = (datetime(2026, 3, 28, 20, tzinfo=UTC), datetime(2026, 10, 24, 20, tzinfo=UTC),
          datetime(2026, 3, 7, 20, tzinfo=UTC), datetime(2026, 4, 4, 9, tzinfo=UTC),
          datetime(2026, 6, 1, 6, tzinfo=UTC))
HOURS = (
    {"mon-sun": [["00:00", "02:30"], ["03:15", "12:00"], ["13:00", "17:30"]]},
    {"mon-sun": [["22:00", "04:00"]]},
    {"mon-sun": [["00:30", "24:00"]]},
)
LENGTH = 16 * 60
"""Minutes of a story."""

STEPS = st.one_of(
    st.tuples(st.just("state"), st.sampled_from(["in_progress", "pending", "resolved", "closed", "cancelled"])),
    st.tuples(st.just("state"), st.sampled_from(["in_progress", "pending", "resolved"])),
    st.tuples(st.just("pending_on"), st.sampled_from(["customer", "supplier", None])),
    st.tuples(st.just("priority"), st.sampled_from(["P1", "P2", "P3", "P5"])),
    st.tuples(st.just("group"), st.sampled_from(["Desk", "Network"])),
    st.tuples(st.just("say"), st.sampled_from(["agent", "requester"])),
    st.tuples(st.just("gone"), st.sampled_from(["deleted", "restored"])),
)
STORIES = st.lists(st.tuples(st.integers(0, LENGTH), STEPS), max_size=14)
Story = list[tuple[int, tuple[str, Any]]]


class Told:
    """One random history, both as events for the engine and as facts for the slow walk."""

    def __init__(self, origin: datetime, story: Story) -> None:
        self.origin = origin
        self.events: list[Event] = []
        facts: Facts = {"state": "new", "pending_on": None, "priority": "P3", "group": "Desk", "deleted": False,
                        "responded": False, "awaiting_reply": False, "updates": 0}
        self.line: list[tuple[datetime, Facts]] = [(origin, facts)]
        for minute, (what, value) in sorted(story, key=lambda step: step[0]):
            at = origin + M * minute
            facts = dict(facts)
            self._step(at, what, value, facts)
            if self.line[-1][0] == at:
                self.line.pop()
            self.line.append((at, facts))
        last = self.line[-1][1]
        self.ticket = Ticket(
            tool="t", id="1", kind=Kind.INCIDENT, state=State(last["state"]), opened_at=origin, updated_at=origin,
            priority=last["priority"], group=last["group"], pending_on=last["pending_on"], requester="ana",
            deleted=last["deleted"])

    def _step(self, at: datetime, what: str, value: Any, facts: Facts) -> None:
        if what == "say":
            if value == "agent":
                facts.update(responded=True, awaiting_reply=False, updates=facts["updates"] + 1)
            elif facts["responded"]:
                facts["awaiting_reply"] = True
            self._add(at, EventKind.COMMENTED, role=Role(value), actor=value)
        elif what == "gone":
            facts["deleted"] = value == "deleted"
            self._add(at, EventKind(value))
        else:
            self._add(at, EventKind.CHANGED, role=Role.AGENT, field=what, old=facts[what], new=value)
            facts[what] = value

    def _add(self, at: datetime, kind: EventKind, **more: Any) -> None:
        self.events.append(Event(key=f"e{len(self.events)}", seq=len(self.events), at=at, kind=kind, **more))

    def read(self, one: Profile, calendar: dict[str, Any], now: datetime) -> list[NamedClock]:
        desk = Registry.checked([one], {"hours": calendar})
        return list(clocks(self.ticket, effective(self.events), desk, now).clocks)


def agree(told: Told, one: Profile, calendar: dict[str, Any], rules: Rules, now: datetime) -> None:
    seen, slow = told.read(one, calendar, now), walk(told.line, rules, now)
    assert [_fast(named) for named in seen] == [_slow(cycle) for cycle in slow]


def _fast(named: NamedClock) -> tuple[Any, ...]:
    clock = named.clock
    lasting = clock.stopped_at is None and clock.state != "cancelled"
    return (str(clock.state), _utc(clock.start), clock.active, _utc(clock.breached_at), _utc(clock.stopped_at),
            (clock.paused, clock.target) if lasting else None)


def _slow(cycle: Seen) -> tuple[Any, ...]:
    stopped = cycle.stopped_at if cycle.mode == "stop" else None
    lasting = stopped is None and cycle.mode != "cancel"
    return (cycle.state, _utc(cycle.start), cycle.active, _utc(cycle.breached_at), _utc(stopped),
            (cycle.paused, cycle.amount) if lasting else None)


def _utc(at: datetime | None) -> datetime | None:
    """Times of two zones are never equal to Python in an hour that comes twice."""
    return None if at is None else at.astimezone(UTC)


def waiting(facts: Facts) -> bool:
    return bool(facts["state"] == "pending" and facts["pending_on"] == "customer")


def scene(zone: str, hours: int) -> tuple[dict[str, Any], ServiceCalendar]:
    data = {"timezone": zone, "hours": HOURS[hours]}
    return data, ServiceCalendar.from_dict(data)


def amounts(p1: int, p2: int, p3: int) -> tuple[dict[str, str], dict[str, timedelta]]:
    given = {"P1": p1, "P2": p2, "P3": p3}
    return {name: f"{n}m" for name, n in given.items()}, {name: M * n for name, n in given.items()}


SCENES = (st.sampled_from(NIGHTS), st.sampled_from(ZONES), st.integers(0, len(HOURS) - 1))
AMOUNTS = st.tuples(st.integers(0, 90), st.integers(1, 300), st.integers(1, 500))
NOWS = st.integers(0, LENGTH + 120)
checked = settings(max_examples=70, deadline=None, derandomize=True)


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
                  from_opening=opened, pauses_kept=kept)
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
                  sla=False, from_opening=False)
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
        later = clocks(told.ticket, told.events, registry, end)
        assert [(c.key, c.clock.state, c.clock.due) for c in later.clocks] == [
            (c.key, c.clock.state, c.clock.due) for c in first.clocks]
    if first.next_at is not None:
        then = clocks(told.ticket, told.events, registry, first.next_at)
        assert [(c.key, c.clock.state, c.clock.due) for c in then.clocks] != [
            (c.key, c.clock.state, c.clock.due) for c in first.clocks], "and then something does"
