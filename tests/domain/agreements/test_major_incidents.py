"""An agreement that calls a ticket a major incident tells the other agreements so, for as long as it does."""

from __future__ import annotations

from datetime import timedelta

from connector.domain.agreements.clock import ClockState
from connector.domain.agreements.engine import clocks
from connector.domain.history import effective
from connector.domain.ticket import State
from tests.domain.agreements.test_engine import ACME, MON, Story, profile, registry, ticket

CRISIS = """
profile: crisis-team
agreement: ola
applies_to: {major_incident: true, state: [new, in_progress]}
calendar: 24x7
targets: {resolution: 2h}
conditions: {stop: {state: [resolved, closed]}}
"""
HOUR = timedelta(hours=1)


def test_an_agreement_for_major_incidents_goes_on_when_its_other_fields_change() -> None:
    story = Story().set(MON + HOUR, state="in_progress")
    result = clocks(ticket(state=State.IN_PROGRESS, priority="P1", impact=None, urgency=None), effective(story.events),
                    registry(profile(ACME), profile(CRISIS)), MON + 1.5 * HOUR)
    crisis = next(named.clock for named in result.clocks if named.profile.name == "crisis-team")
    assert crisis.state is ClockState.RUNNING
    assert crisis.due == MON + 2 * HOUR
    assert result.major_incident


def test_an_agreement_for_major_incidents_ends_with_them() -> None:
    story = Story()
    story.last["priority"] = "P1"
    story.set(MON + HOUR, priority="P2")
    result = clocks(ticket(priority="P2", impact=None, urgency=None), effective(story.events),
                    registry(profile(ACME), profile(CRISIS)), MON + 3 * HOUR)
    crisis = next(named.clock for named in result.clocks if named.profile.name == "crisis-team")
    assert crisis.state is ClockState.MET
    assert crisis.stopped_at == MON + HOUR
    assert not result.major_incident
