"""Short ways for tests to write ladders and to climb them tick by tick."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from ruamel.yaml import YAML

from connector.domain.agreements.assess import assess
from connector.domain.agreements.profile import Profile
from connector.domain.agreements.registry import Registry
from connector.domain.escalations.coming import Outlook
from connector.domain.escalations.escalated import Firing
from connector.domain.escalations.format import parse
from connector.domain.escalations.ladder import outlook
from connector.domain.escalations.rules import Rule
from connector.domain.history import Event, effective
from connector.domain.problems import Problems
from connector.domain.ticket import Ticket
from tests.domain.agreements.test_engine import profile
from tests.domain.calendars.test_calendar import OFFICE

PROFILE = """
profile: gold
agreement: sla
calendar: weekdays
targets: {resolution: {P1: {within: 4h, calendar: 24x7}, P2: 4h, else: 8h}}
conditions: {pause: {state: pending}, stop: {state: [resolved, closed]}, reopen: {within: 5d}}
escalate: ladder
"""


def problems_of(text: str) -> list[str]:
    problems = Problems()
    parse(YAML(typ="safe").load(text), problems)
    return [f"{one.path}: {one.message}" for one in problems.found]


def rule(text: str, **more: Any) -> Rule:
    problems = Problems()
    found = parse({"escalation": "ladder", **YAML(typ="safe").load(text)}, problems, version="r1")
    assert found is not None, [str(one) for one in problems.found]
    for name, value in more.items():
        object.__setattr__(found, name, value)
    return found


def desk(*rules: Rule, profiles: Sequence[Profile] = (), older: Iterable[Rule] = ()) -> Registry:
    kept = {(one.name, one.version): one for one in (*rules, *older)}
    return Registry.checked(list(profiles) or [profile(PROFILE)], {"weekdays": OFFICE},
                            escalations=rules, older_escalations=kept)


class Climber:
    """Looks at a ticket at given moments and remembers what a flow would."""

    def __init__(self, registry: Registry, ticket: Ticket) -> None:
        self.registry, self.ticket = registry, ticket
        self.events: list[Event] = []
        self.last: Outlook | None = None

    def look(self, now: datetime, told: Iterable[Event] | None = None) -> list[Firing]:
        if told is not None:
            ours = [event for event in self.events if event.key.startswith(("escalated/", "agreed/", "clock/"))]
            self.events = [*told, *ours]
        found = assess(self.ticket, self.events, self.registry, now)
        self.events.extend(found.events)
        self.last = outlook(self.ticket, effective(self.events), found.result, self.registry, now)
        self.events.extend(firing.event(now) for firing in self.last.firings)
        return list(self.last.firings)

    def said(self, now: datetime, told: Iterable[Event] | None = None) -> list[str]:
        """What a look leads to, in short."""
        return [f"{one.step}#{one.n} {one.what}{' late' if one.late else ''}" for one in self.look(now, told)]
