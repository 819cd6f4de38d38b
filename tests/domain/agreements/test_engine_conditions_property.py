"""The engine against the slow walk: conditions of a clock, who acts, changes of plan, several agreements, versions."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.agreements.assess import agreed, assess, pinned_versions
from connector.domain.agreements.engine import clocks
from connector.domain.agreements.profile import Profile
from connector.domain.agreements.registry import Registry
from connector.domain.calendar import ServiceCalendar
from connector.domain.history import Event, EventKind, effective
from tests.domain.agreements.slow_engine import Facts, Rules, walk
from tests.domain.agreements.stories import (
    AMOUNTS,
    HOURS,
    LENGTH,
    NOWS,
    SCENES,
    STEPS,
    ZONES,
    M,
    Story,
    Told,
    _fast,
    _slow,
    agree,
    amounts,
    checked,
    scene,
)
from tests.domain.agreements.test_engine import profile

MORE = st.one_of(
    STEPS,
    st.tuples(st.just("assignee"), st.sampled_from(["", "bob", "eve"])),
    st.tuples(st.just("group"), st.sampled_from(["", "Desk", "Network"])),
    st.tuples(st.just("customer"), st.sampled_from(["A", "B"])),
    st.tuples(st.just("by"), st.tuples(
        st.sampled_from(["agent", "requester", "system", "connector", "unknown"]), st.just("state"),
        st.sampled_from(["new", "in_progress", "pending", "resolved"]))),
)
TALES = st.lists(st.tuples(st.integers(0, LENGTH), MORE), min_size=2, max_size=14)
BY_HAND = st.tuples(st.just("due_at"), st.one_of(st.none(), st.integers(-60, 400)))
TALES_BY_HAND = st.lists(st.tuples(st.integers(0, LENGTH), MORE | BY_HAND), min_size=2, max_size=14)


def pending(facts: Facts) -> bool:
    return bool(facts["state"] == "pending")


def on_network(facts: Facts) -> bool:
    return bool(facts["group"] == "Network")


@checked
@given(*SCENES, TALES, AMOUNTS, NOWS, st.booleans())
def test_pauses_that_last_until_they_are_lifted_and_resets(
    origin: datetime, zone: str, hours: int, story: Story, given: tuple[int, int, int], now: int, capped: bool
) -> None:
    data, calendar = scene(zone, hours)
    written, known = amounts(*given)
    pause: dict[str, Any] = {"when": {"state": "pending"}}
    one = profile("{profile: p, agreement: sla, calendar: hours}", targets={"resolution": written}, conditions={
        "pause": [{**pause, "at_most": "90m", "times": 2} if capped else pause], "resume": {"assignee": "bob"},
        "reset": {"group": "Network"}, "stop": {"state": "closed"}})
    rules = Rules(lambda facts: True, lambda facts: calendar, lambda facts: known.get(facts["priority"]),
                  [(pending, M * 90 if capped else None, 2 if capped else None)],
                  resume=lambda facts: bool(facts["assignee"] == "bob"), reset=on_network,
                  stop=lambda facts: bool(facts["state"] == "closed"))
    agree(Told(origin, story), one, data, rules, origin + M * now)


@checked
@given(*SCENES, TALES, AMOUNTS, NOWS, st.sampled_from([None, 45]))
def test_a_clock_that_starts_and_is_cancelled_by_conditions_of_its_own(
    origin: datetime, zone: str, hours: int, story: Story, given: tuple[int, int, int], now: int, within: int | None
) -> None:
    data, calendar = scene(zone, hours)
    written, known = amounts(*given)
    reopen: dict[str, Any] = {"then": "resume", "else": "resume"} if within is None else {"within": f"{within}m"}
    one = profile("{profile: p, agreement: sla, calendar: hours}", targets={"resolution": written}, conditions={
        "start": {"not": {"assignee": None}}, "pause": {"state": "pending"}, "cancel": {"customer": "B"},
        "reopen": reopen})
    rules = Rules(lambda facts: True, lambda facts: calendar, lambda facts: known.get(facts["priority"]),
                  [(pending, None, None)], start=lambda facts: bool(facts["assignee"]),
                  cancel=lambda facts: bool(facts["customer"] == "B" or facts["deleted"]),
                  reopen_within=None if within is None else M * within)
    agree(Told(origin, story), one, data, rules, origin + M * now)


@checked
@given(*SCENES, TALES, AMOUNTS, NOWS, st.sampled_from(["opened", "assigned", "attached"]), st.booleans(),
       st.sampled_from(["sla", "ola", "uc"]))
def test_where_time_begins_and_which_pauses_count(
    origin: datetime, zone: str, hours: int, story: Story, given: tuple[int, int, int], now: int, start: str,
    kept: bool, kind: str,
) -> None:
    data, calendar = scene(zone, hours)
    written, known = amounts(*given)
    one = profile("{profile: p, calendar: hours, applies_to: {group: Network}}", agreement=kind,
                  targets={"resolution": written}, conditions={"pause": {"state": "pending"}},
                  retroactive={"start": start, "pauses": "kept" if kept else "dropped"})
    rules = Rules(on_network, lambda facts: calendar, lambda facts: known.get(facts["priority"]),
                  [(pending, None, None)], pauses_kept=kept, sla=kind == "sla")
    rules.begins = {"opened": lambda facts: True, "attached": on_network,
                    "assigned": lambda facts: bool(facts["assignee"] or facts["group"])}[start]
    agree(Told(origin, story, group=""), one, data, rules, origin + M * now)


@checked
@given(*SCENES, TALES, AMOUNTS, NOWS, st.integers(0, 120), st.sampled_from(ZONES))
def test_changes_of_priority_and_calendar_with_a_floor(
    origin: datetime, zone: str, hours: int, story: Story, given: tuple[int, int, int], now: int, floor: int,
    other: str,
) -> None:
    data, calendar = scene(zone, hours)
    written, known = amounts(*given)
    theirs = {"timezone": zone, "hours": HOURS[(hours + 1) % len(HOURS)]}
    elsewhere = ServiceCalendar.from_dict({**theirs, "timezone": other})
    one = profile("{profile: p, agreement: sla}", targets={"resolution": written}, on_change={"floor": f"{floor}m"},
                  calendar={"from": ["customer"], "else": "hours"}, timezone={"from": ["customer"], "else": zone},
                  conditions={"pause": {"state": "pending"}})
    rules = Rules(lambda facts: True, lambda facts: elsewhere if facts["customer"] == "B" else calendar,
                  lambda facts: known.get(facts["priority"]), [(pending, None, None)], floor=M * floor)
    agree(Told(origin, story), one, data, rules, origin + M * now, calendars={"theirs": theirs},
          customer={"B": {"calendar": "theirs", "timezone": other}})


@checked
@given(*SCENES, TALES_BY_HAND, AMOUNTS, NOWS)
def test_due_times_set_by_hand_changed_and_taken_away(
    origin: datetime, zone: str, hours: int, story: Story, given: tuple[int, int, int], now: int
) -> None:
    data, calendar = scene(zone, hours)
    written, known = amounts(*given)
    one = profile("{profile: p, agreement: sla, calendar: hours}", targets={"resolution": written},
                  conditions={"pause": {"state": "pending"}, "reopen": {"within": "2h"}})
    rules = Rules(lambda facts: True, lambda facts: calendar, lambda facts: known.get(facts["priority"]),
                  [(pending, None, None)], fixed=lambda facts: facts["due_at"], reopen_within=M * 120)
    agree(Told(origin, story), one, data, rules, origin + M * now)


@checked
@given(*SCENES, TALES, st.integers(1, 3), st.integers(1, 300), NOWS)
def test_working_days_count_from_where_the_cycle_begins(
    origin: datetime, zone: str, hours: int, story: Story, days: int, minutes: int, now: int
) -> None:
    data, calendar = scene(zone, hours)
    one = profile("{profile: p, agreement: sla, calendar: hours}", conditions={
        "pause": {"state": "pending"}, "reopen": {"within": "1h"}},
        targets={"resolution": {"P1": f"{minutes}m", "else": f"{days} working days"}})
    rules = Rules(lambda facts: True, lambda facts: calendar,
                  lambda facts: M * minutes if facts["priority"] == "P1" else timedelta(0), [(pending, None, None)],
                  days=lambda facts: None if facts["priority"] == "P1" else days, reopen_within=M * 60)
    agree(Told(origin, story), one, data, rules, origin + M * now)


@checked
@given(*SCENES, TALES, st.integers(1, 200), NOWS, st.sampled_from(["acknowledge", "first_response"]))
def test_who_takes_and_answers(
    origin: datetime, zone: str, hours: int, story: Story, minutes: int, now: int, target: str
) -> None:
    data, calendar = scene(zone, hours)
    one = profile("{profile: p, agreement: sla, calendar: hours}", targets={target: f"{minutes}m"},
                  conditions={"pause": {"state": "pending"}})
    rules = Rules(lambda facts: True, lambda facts: calendar, lambda facts: M * minutes, [(pending, None, None)])
    rules.stop = lambda facts: bool(
        facts["state"] in ("resolved", "closed") or facts["responded"]
        or (target == "acknowledge" and facts["acknowledged"]))
    agree(Told(origin, story), one, data, rules, origin + M * now)


@checked
@given(*SCENES, TALES, st.integers(1, 200), NOWS, st.sampled_from(["update", "next_response"]), st.integers(0, 90))
def test_answers_owed_again_and_again_by_a_team_with_pauses_that_run_out(
    origin: datetime, zone: str, hours: int, story: Story, minutes: int, now: int, target: str, cap: int
) -> None:
    data, calendar = scene(zone, hours)
    one = profile("{profile: p, agreement: ola, calendar: hours, applies_to: {group: Network}}",
                  targets={target: f"{minutes}m"},
                  conditions={"pause": [{"when": {"state": "pending"}, "at_most": f"{cap}m"}]})
    rules = Rules(on_network, lambda facts: calendar, lambda facts: M * minutes, [(pending, M * cap, None)], sla=False,
                  begins=on_network, repeats="updates" if target == "update" else "awaiting_reply")
    if target == "next_response":
        rules.start = lambda facts: bool(facts["awaiting_reply"])
        rules.stop = lambda facts: facts["state"] in ("resolved", "closed") or not facts["awaiting_reply"]
    agree(Told(origin, story), one, data, rules, origin + M * now)


# several agreements, versions, what is told twice

TEXTS = (
    "{profile: sla, agreement: sla, calendar: hours, applies_to: {customer: A}, conditions: {pause: {state: pending}}, "
    "targets: {resolution: {P1: 1h, else: 5h}, first_response: 30m, update: 2h}}",
    "{profile: vip, agreement: sla, calendar: 24x7, applies_to: {customer: A, priority: P1}, "
    "targets: {resolution: 2h}}",
    "{profile: desk, agreement: ola, calendar: hours, applies_to: {group: Desk}, targets: {resolution: 2h}}",
    "{profile: net, agreement: ola, calendar: 24x7, applies_to: {group: Network}, targets: {resolution: 90m, "
    "acknowledge: 15m}, conditions: {pause: {state: pending}}, retroactive: {start: opened}}",
    "{profile: host, agreement: uc, calendar: hours, applies_to: {state: pending, pending_on: supplier}, "
    "targets: {resolution: 1h}}",
)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(*SCENES, TALES, NOWS)
def test_agreements_on_one_ticket_do_not_disturb_one_another(
    origin: datetime, zone: str, hours: int, story: Story, now: int
) -> None:
    """Together they say what each says alone. Of one kind the more specific speaks, as if the other left meanwhile."""
    told, at = Told(origin, story), origin + M * now
    line = effective(told.events)
    data, _ = scene(zone, hours)
    every = [profile(text) for text in TEXTS]
    together = clocks(told.ticket, line, Registry.checked(every, {"hours": data}), at)
    alone: list[tuple[Any, ...]] = []
    for one in every:
        rival = [other for other in every if other.agreement is one.agreement]
        desk = Registry.checked(rival if one.agreement == "sla" else [one], {"hours": data})
        alone += [(named.key, *_fast(named), named.clock.due) for named in clocks(told.ticket, line, desk, at).clocks
                  if named.profile.name == one.name]
    assert {named.key: (named.key, *_fast(named), named.clock.due) for named in together.clocks} == {
        one[0]: one for one in alone}
    kinds = [[other for other in every if other.agreement == kind] for kind in ("sla", "ola", "uc")]
    nexts = [clocks(told.ticket, line, Registry.checked(kind, {"hours": data}), at).next_at for kind in kinds]
    assert together.next_at == min((next_at for next_at in nexts if next_at is not None), default=None)


def versions(zone: str, hours: int, amounts_: tuple[int, int]) -> tuple[Registry, list[Profile]]:
    """Version 1 is kept, version 2 in force; they differ in amount, pause and calendar."""
    data, _ = scene(zone, hours)
    other, _ = scene(zone, (hours + 1) % len(HOURS))
    made = [profile("{profile: p, agreement: sla, calendar: hours}", targets={"resolution": f"{n}m"},
                    conditions={"pause": {"state": "pending"}} if i else {}) for i, n in enumerate(amounts_)]
    for i, one in enumerate(made):
        object.__setattr__(one, "version", str(i + 1))
        object.__setattr__(one, "calendars", {"hours": other if i else data})
    return Registry.checked([made[1]], {"hours": other}, None, {("p", "1"): made[0]}), made


@settings(max_examples=80, deadline=None, derandomize=True)
@given(*SCENES, TALES_BY_HAND, NOWS, st.tuples(st.integers(1, 300), st.integers(1, 300)),
       st.lists(st.tuples(st.integers(0, LENGTH), st.sampled_from(["1", "2"])), max_size=3))
def test_a_clock_is_wholly_of_the_version_last_applied(
    origin: datetime, zone: str, hours: int, story: Story, now: int, given: tuple[int, int],
    applied: list[tuple[int, str]],
) -> None:
    desk, made = versions(zone, hours, given)
    told, at = Told(origin, story), origin + M * now
    order = sorted(dict(applied).items())
    events = [*told.events, *(agreed("p", version, origin + M * minute) for minute, version in order)]
    line = effective(events)
    held = order[-1][1] if order else "2"
    assert pinned_versions(line).get("p", "2") == held
    one = made[int(held) - 1]
    calendar = ServiceCalendar.from_dict((one.calendars or {})["hours"])
    rules = Rules(lambda facts: True, lambda facts: calendar, lambda facts: M * given[int(held) - 1],
                  [(pending, None, None)] if held == "2" else [], fixed=lambda facts: facts["due_at"])
    seen = clocks(told.ticket, line, desk, at, pinned_versions(line)).clocks
    assert [_fast(named) for named in seen] == [_slow(cycle) for cycle in walk(told.line, rules, at)]
    first = assess(told.ticket, events, desk, at)
    assert [event.data["version"] for event in first.events if event.kind is EventKind.AGREED] == (
        ["2"] if seen and not order else [])


@settings(max_examples=80, deadline=None, derandomize=True)
@given(*SCENES, TALES, NOWS, st.data())
def test_what_is_told_twice_counts_once(
    origin: datetime, zone: str, hours: int, story: Story, now: int, data: st.DataObject
) -> None:
    """Echoes of our own writes, guesses since replaced, and changes to what a field already is."""
    told, at = Told(origin, story), origin + M * now
    desk = Registry.checked([profile(text) for text in TEXTS], {"hours": scene(zone, hours)[0]})
    straight = clocks(told.ticket, effective(told.events), desk, at)
    again: list[Event] = []
    for i, event in enumerate(data.draw(st.lists(st.sampled_from(told.events), max_size=6)) if told.events else []):
        late = data.draw(st.integers(0, 60))
        again.append(_copy(event, f"echo{i}", echo=event.key, at=event.at + M * late))
        again.append(_copy(event, f"guess{i}", inferred=True, at=event.at + M * late))
        again.append(Event(key=f"sup{i}", at=event.at + M * 90, kind=EventKind.SUPERSEDED,
                           data={"keys": (f"guess{i}",)}))
        if event.kind is EventKind.CHANGED:
            again.append(_copy(event, f"{event.key}again", old=event.new))
    mixed = clocks(told.ticket, effective([*again, *told.events]), desk, at)
    assert [named.clock for named in mixed.clocks] == [named.clock for named in straight.clocks]
    assert (mixed.problems, mixed.next_at) == (straight.problems, straight.next_at)


def _copy(event: Event, key: str, **more: Any) -> Event:
    given = {name: getattr(event, name) for name in Event.__struct_fields__}
    return Event(**{**given, "key": key, **more})
