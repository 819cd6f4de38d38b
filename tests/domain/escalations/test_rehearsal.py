"""Rehearsals: what would fire, without anything being remembered or done."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from connector.domain.escalations.rehearsal import Tally, ahead, always, as_of, past
from connector.domain.history import Event, EventKind, Origin
from connector.domain.notices.people import People
from connector.domain.ticket import State
from tests.domain.agreements.test_engine import Story
from tests.domain.calendars.test_calendar import local
from tests.domain.escalations.ladders import desk, rule
from tests.domain.escalations.test_ladder import BREACH, HALF, HOUR, INCIDENT, MON, THREE, one

DAY = timedelta(days=1)


def test_ahead_says_what_the_tick_would_do_and_when() -> None:
    found = [(f"{f.at.astimezone(MON.tzinfo):%a %H:%M}", f.firing.step, f.firing.n)
             for f in ahead(one(), [], desk(rule(INCIDENT)), MON, MON + DAY)]
    assert found == [("Mon 10:00", HALF, 1), ("Mon 11:00", THREE, 1), ("Mon 11:00", HOUR, 1), ("Mon 12:00", BREACH, 1),
                     ("Mon 15:00", BREACH, 2), ("Mon 17:00", BREACH, 3)]


def test_a_rehearsal_remembers_nothing() -> None:
    events: list[Event] = []
    list(ahead(one(), events, desk(rule(INCIDENT)), MON, MON + DAY))
    assert events == []


def test_the_past_is_climbed_as_it_unfolded_and_imported_tickets_count() -> None:
    story = Story().set(local(2026, 3, 2, 10, 30), state="pending").set(local(2026, 3, 3, 9), state="in_progress")
    story.set(local(2026, 3, 3, 10, 45), state="resolved")
    events = [replace(event, origin=Origin.IMPORT) for event in story.events]
    rules = always(desk(rule(INCIDENT, since=MON + 9 * DAY)))
    found = list(past(one(state=State.RESOLVED), events, rules, MON + 5 * DAY))
    assert [(f"{f.at.astimezone(MON.tzinfo):%a %H:%M}", f.firing.step, f.firing.what) for f in found] == [
        ("Mon 10:00", HALF, "fired"), ("Tue 09:30", THREE, "fired"), ("Tue 09:30", HOUR, "fired"),
        ("Tue 10:30", BREACH, "fired")]


def test_a_ticket_as_it_was_has_the_values_from_before_its_later_changes() -> None:
    story = Story().set(MON + timedelta(hours=1), group="Desk").set(MON + timedelta(hours=2), group="Network")
    ticket = one(group="Network", priority="P1")
    raised = Event(key="p", at=MON + timedelta(hours=3), kind=EventKind.CHANGED, field="priority", old="P3", new="P1")
    line = [*story.events, raised]
    assert [as_of(ticket, line, MON + timedelta(hours=h)).group for h in (0, 1, 2)] == ["", "Desk", "Network"]
    assert [as_of(ticket, line, MON + timedelta(hours=h)).priority for h in (2, 3)] == ["P3", "P1"]


def test_counts_can_be_merged() -> None:
    registry = desk(rule(INCIDENT))
    halves = [Tally(), Tally()]
    for tally in halves:
        tally.add(one(), past(one(), [], registry, MON + DAY), People(), MON)
    halves[0].merge(halves[1])
    assert (halves[0].tickets, halves[0].fired, halves[0].escalated) == (2, 12, 2)
    assert halves[0].as_dict()["days"] == {"2026-03-02": 12}
