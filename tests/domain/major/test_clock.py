"""A ticket that people declare a major incident is one for the other agreements, from then until its end."""

from __future__ import annotations

from datetime import timedelta

from connector.domain.agreements.clock import ClockState
from connector.domain.agreements.engine import NamedClock, clocks
from connector.domain.history import Role, effective
from connector.domain.major import moves
from connector.domain.major.record import What
from connector.domain.ticket import State
from tests.domain.agreements.test_engine import ACME, MON, Story, profile, registry, ticket
from tests.domain.major.scene import Scene

OLA = """
profile: major-incidents
agreement: ola
applies_to: {major_incident: true}
calendar: 24x7
targets: {update: 30m, resolution: 4h}
conditions: {stop: {state: [resolved, closed]}}
retroactive: {start: attached}
"""
MINUTE = timedelta(minutes=1)


def told(scene: Scene, story: Story, minutes: float) -> tuple[list[NamedClock], bool]:
    result = clocks(ticket(state=State.NEW, priority="P3", impact=None, urgency=None),
                    effective([*story.events, *scene.line]), registry(profile(ACME), profile(OLA)),
                    MON + minutes * MINUTE)
    return [one for one in result.clocks if one.profile.name == "major-incidents"], result.major_incident


def declared() -> Scene:
    scene = Scene()
    scene.take(moves.declare(None, MON + 10 * MINUTE, "ana", "nobody has mail"))
    return scene


def test_the_clocks_of_major_incidents_begin_with_the_declaration() -> None:
    before, major = told(Scene(), Story(), 20)
    assert before == []
    assert not major
    found, major = told(declared(), Story(), 20)
    assert major
    assert {str(one.target): one.clock.due for one in found} == {
        "update": MON + 40 * MINUTE, "resolution": MON + 250 * MINUTE}


def test_the_next_update_counts_from_the_last() -> None:
    story = Story().say(MON + 30 * MINUTE, Role.AGENT)
    updates = [one.clock for one in told(declared(), story, 35)[0] if one.target == "update"]
    assert updates[-1].due == MON + 60 * MINUTE
    assert updates[-1].state is ClockState.RUNNING


def test_the_clocks_end_with_the_incident() -> None:
    scene = declared()
    scene.take(moves.move(scene.record, What.STOOD_DOWN, MON + 20 * MINUTE, "ana", "one user only"))
    found, major = told(scene, Story(), 300)
    assert not major
    assert all(one.clock.state is not ClockState.RUNNING for one in found)
    assert not any(one.clock.state is ClockState.BREACHED for one in found)
