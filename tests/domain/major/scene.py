"""A major incident to play with: times in minutes after noon, events kept as a store would."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from connector import yaml12
from connector.domain.history import Event, effective
from connector.domain.major import moves
from connector.domain.major.format import continuity
from connector.domain.major.procedure import Continuity
from connector.domain.major.record import Record, latest
from connector.domain.problems import Problems
from connector.domain.ticket import Kind, State, Ticket

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MAIL = """
continuity: mail-outage
applies_to: {service: E-mail}
degraded:
  - {step: tell, do: Tell the users by intranet, within: 15m, role: communications}
  - {step: queue, do: Let the relay queue mail, within: 30m}
recovery:
  - {step: start, do: Start the stores, within: 20m}
  - {step: drain, do: Drain the queue}
"""


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def procedure(text: str = MAIL) -> Continuity:
    problems = Problems()
    found = continuity(yaml12.parse(text.encode()).data, problems)
    problems.stop()
    assert found is not None
    return found


def ticket(id: str = "1", **more: Any) -> Ticket:
    given: dict[str, Any] = {"tool": "desk", "id": id, "kind": Kind.INCIDENT, "state": State.NEW, "opened_at": NOON,
                             "updated_at": NOON, "title": "No mail", "service": "E-mail"}
    return Ticket(**{**given, **more})


class Scene:
    """Takes an event only if its key is new, like the store."""

    def __init__(self) -> None:
        self.kept: dict[str, Event] = {}

    def take(self, event: Event) -> Event:
        self.kept.setdefault(event.key, event)
        return event

    @property
    def line(self) -> list[Event]:
        return effective(self.kept.values())

    @property
    def record(self) -> Record:
        found = latest(self.line)
        assert found is not None
        return found

    def declare(self, minutes: float = 0) -> None:
        self.take(moves.declare(latest(self.line), at(minutes), "ana", "nobody has mail"))

    def attach(self, minutes: float = 0) -> None:
        self.take(moves.attach(self.record, procedure().procedure, at(minutes), "ana"))
