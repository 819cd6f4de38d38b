"""What a backtest counts is what `explain` says of each ticket."""

from __future__ import annotations

import random
from collections import Counter
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from connector.domain.agreements.assess import assess
from connector.domain.agreements.explain import explain
from connector.domain.agreements.registry import Registry
from connector.domain.history import Event, EventKind, Role
from connector.domain.ticket import PendingOn
from connector.flows.backtest import Question, measure, parts
from connector.ports import Change
from connector.store import SqlStore
from tests.domain.agreements.stories import LENGTH, NIGHTS, M, Story, Told, scene
from tests.domain.agreements.test_engine import profile
from tests.domain.agreements.test_engine_property import EVERYTHING, OLA

MAJOR = """
{profile: major, agreement: ola, party: majors, calendar: hours, applies_to: {major_incident: true},
 targets: {update: 30m, resolution: 4h}}
"""
DESK = Registry.checked([profile(EVERYTHING), profile(OLA), profile(MAJOR)], {"hours": scene("Europe/Zurich", 0)[0]})
NOW = NIGHTS[0] + M * (LENGTH + 60)
STEPS = (
    *(("state", state) for state in ("in_progress", "pending", "pending", "resolved", "closed", "cancelled")),
    *(("pending_on", on) for on in ("customer", "supplier", None)), *(("priority", p) for p in ("P1", "P2", "P5")),
    *(("group", group) for group in ("Desk", "Network")), *(("say", who) for who in ("agent", "agent", "requester")),
    ("gone", "deleted"), ("gone", "restored"),
)


def change(n: int, rng: random.Random) -> Change:
    story: Story = [(rng.randrange(LENGTH), rng.choice(STEPS)) for _ in range(rng.randrange(14))]
    told = Told(NIGHTS[0], story)
    events = [*told.events, *aside(told.origin, rng)]
    rng.shuffle(events)
    waits = told.ticket.pending_on
    ticket = replace(told.ticket, id=str(n), pending_on=None if waits is None else PendingOn(waits))
    return Change(ticket=ticket, events=events)


def aside(origin: datetime, rng: random.Random) -> list[Event]:
    """What a history holds besides: an echo, a guess since replaced, a breach remembered, a major incident declared."""
    at = origin + M * rng.randrange(LENGTH)
    wrong: dict[str, Any] = {"at": at, "kind": EventKind.CHANGED, "field": "state", "old": "new", "new": "resolved"}
    found = [
        Event(key="echo", echo="ours", **wrong),
        Event(key="guess", inferred=True, **wrong),
        Event(key="better", at=at, kind=EventKind.SUPERSEDED, data={"keys": ("guess",)}),
        Event(key="noted", at=at, kind=EventKind.NOTED, role=Role.AGENT),
        Event(key="major", at=at, kind=EventKind.MAJOR, data={"what": "declared", "n": 1}),
        Event(key="over", at=at + M * 90, kind=EventKind.MAJOR, data={"what": "stood_down", "n": 1}),
    ]
    return [found[0], *found[1:3], *(event for event in found[3:] if rng.random() < 0.5)]


def test_a_backtest_counts_what_explain_says_of_each_ticket(sqlite_store: SqlStore) -> None:
    rng = random.Random(7)
    with sqlite_store.begin() as tx:
        tx.save([change(n, rng) for n in range(250)])
    told = [measure(sqlite_store, Question(DESK, NOW), first, last) for first, last in parts(sqlite_store)]
    counted = {(target, dimension, value, state): count for tally in told
               for (target, dimension, value), cell in tally.cells.items() for state, count in cell.states.items()}
    with sqlite_store.read() as tx:
        tickets = [stored for first, last in parts(sqlite_store) for stored in tx.walk(first, last)]
        histories = tx.history([stored.key for stored in tickets])
    expected: Counter[tuple[str, str, str, str]] = Counter()
    seen: set[tuple[str, str]] = set()
    for stored in tickets:
        for named in assess(stored.ticket, histories[stored.key], DESK, NOW).result.clocks:
            said = explain(named, NOW)
            seen.add((said.profile, said.state))
            for dimension, value in (("all", "all"), ("priority", said.priority), ("group", stored.ticket.group),
                                     ("month", f"{said.start:%Y-%m}")):
                expected[said.target, dimension, str(value), said.state] += 1
    assert counted == expected
    assert {state for _, state in seen} == {"met", "breached", "running", "paused", "cancelled"}
    assert {name for name, _ in seen} == {"all", "net", "major"}
