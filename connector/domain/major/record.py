"""What is on record of a ticket as a major incident: its events, folded in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from connector.domain.history import Event, EventKind
from connector.domain.major.procedure import Procedure, Step, revived


class State(StrEnum):
    DEGRADED = "degraded"
    """Declared; the service is not as it should be."""
    RECOVERING = "recovering"
    RECOVERED = "recovered"
    CLOSED = "closed"
    STOOD_DOWN = "stood_down"
    """It was no major incident after all."""


class What(StrEnum):
    DECLARED = "declared"
    ROLE = "role"
    UPDATE = "update"
    DECISION = "decision"
    FOLLOW_UP = "follow_up"
    FOLLOWED_UP = "followed_up"
    """What was to be done after the incident is done, or not needed."""
    LINKED = "linked"
    UNLINKED = "unlinked"
    PROCEDURE = "procedure"
    DONE = "done"
    SKIPPED = "skipped"
    UNDONE = "undone"
    RECOVERING = "recovering"
    RECOVERED = "recovered"
    RELAPSED = "relapsed"
    STOOD_DOWN = "stood_down"
    CLOSED = "closed"


ENDED: Final = frozenset({State.CLOSED, State.STOOD_DOWN})
ACTIVE: Final = frozenset(State) - ENDED
_OPEN: Final = ACTIVE - {State.RECOVERED}
ALLOWED: Final[Mapping[What, frozenset[State]]] = {
    **dict.fromkeys((What.ROLE, What.UPDATE, What.DECISION, What.LINKED, What.UNLINKED, What.PROCEDURE,
                     What.DONE, What.SKIPPED, What.UNDONE), ACTIVE),
    **dict.fromkeys((What.FOLLOW_UP, What.FOLLOWED_UP), ACTIVE | {State.CLOSED}),
    What.RECOVERING: frozenset({State.DEGRADED}),
    What.RECOVERED: _OPEN,
    What.RELAPSED: frozenset({State.RECOVERING, State.RECOVERED}),
    What.STOOD_DOWN: _OPEN,
    What.CLOSED: frozenset({State.RECOVERED}),
}
"""From which states each may be; DECLARED when none is active."""


@dataclass(frozen=True, slots=True)
class Said:
    """Words with who said them and when. `key` is the event's."""

    at: datetime
    by: str
    text: str
    key: str


@dataclass(frozen=True, slots=True)
class FollowUp:
    """`owner` is the id of a person, or a name. `done` says when, who and what came of it."""

    said: Said
    owner: str = ""
    due: date | None = None
    done: Said | None = None

    def late(self, today: date) -> bool:
        return self.done is None and self.due is not None and self.due < today


@dataclass(frozen=True, slots=True)
class Mark:
    """A step that was done or, for the reason in `note`, skipped."""

    what: What
    at: datetime
    by: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Attached:
    procedure: Procedure
    at: datetime


@dataclass(frozen=True, slots=True)
class Record:
    """`n`: the how manieth time the ticket is a major incident. `rule` is the ladder that declared it, if one did."""

    n: int
    declared_at: datetime
    declared_by: str
    why: str
    rule: str = ""
    process: str = ""
    state: State = State.DEGRADED
    roles: Mapping[str, str] = field(default_factory=dict)
    """Role -> id of the person who holds it."""
    updates: tuple[Said, ...] = ()
    decisions: tuple[Said, ...] = ()
    follow_ups: tuple[FollowUp, ...] = ()
    children: tuple[str, ...] = ()
    """References (tool/id) of tickets about the same."""
    attached: tuple[Attached, ...] = ()
    marks: Mapping[str, Mark] = field(default_factory=dict)
    """Path of a step -> what became of it."""
    recovering_at: datetime | None = None
    recovered_at: datetime | None = None
    ended_at: datetime | None = None
    relapses: tuple[Said, ...] = ()
    ending: str = ""
    """Why it was stood down."""
    report: Mapping[str, str] = field(default_factory=dict)
    last_at: datetime | None = None
    count: int = 0
    """Place of the next event, over all times the ticket was one: of one instant they are told apart by it."""

    @property
    def active(self) -> bool:
        return self.state in ACTIVE

    @property
    def procedures(self) -> tuple[Procedure, ...]:
        return tuple(one.procedure for one in self.attached)

    def step(self, path: str) -> Step | None:
        return next((step for procedure in self.procedures for _, steps in procedure.phases() for step in steps
                     if procedure.path(step) == path), None)

    @property
    def lasted(self) -> timedelta | None:
        """From the declaration to the (last) recovery; None while it is not recovered."""
        return None if self.recovered_at is None else self.recovered_at - self.declared_at


def records(line: Iterable[Event]) -> tuple[Record, ...]:
    """Every time the ticket was a major incident, oldest first, from its effective events in order.

    What cannot be at its place (two people closing at once: the second) changes nothing.
    """
    found: list[Record] = []
    for event in line:
        if event.kind is not EventKind.MAJOR:
            continue
        last = found[-1] if found else None
        if event.data.get("what") == What.DECLARED:
            if last is None or not last.active:
                found.append(_declared(event, len(found) + 1))
        elif last is not None:
            found[-1] = after(last, event)
    return tuple(found)


def latest(line: Iterable[Event]) -> Record | None:
    """The present or last one; None for a ticket that never was a major incident."""
    every = records(line)
    return every[-1] if every else None


def _declared(event: Event, n: int) -> Record:
    data = event.data
    return Record(n, event.at, event.actor, event.text, str(data.get("rule", "")), str(data.get("process", "")),
                  last_at=event.at, count=event.seq + 1)


def after(record: Record, event: Event) -> Record:
    """The record after one more event."""
    what = What(str(event.data["what"]))
    if event.data.get("n") != record.n or record.state not in ALLOWED.get(what, frozenset()):
        return record
    changed = _CHANGES[what](record, event)
    return record if changed is None else replace(changed, last_at=event.at, count=record.count + 1)


def _said(event: Event) -> Said:
    return Said(event.at, event.actor, event.text, event.key)


def _role(record: Record, event: Event) -> Record:
    roles = {**record.roles, str(event.data["role"]): str(event.data["person"])}
    return replace(record, roles={role: person for role, person in roles.items() if person})


def _update(record: Record, event: Event) -> Record:
    return replace(record, updates=(*record.updates, _said(event)))


def _decision(record: Record, event: Event) -> Record:
    return replace(record, decisions=(*record.decisions, _said(event)))


def _follow_up(record: Record, event: Event) -> Record:
    due = str(event.data.get("due") or "")
    made = FollowUp(_said(event), str(event.data.get("owner", "")), date.fromisoformat(due) if due else None)
    return replace(record, follow_ups=(*record.follow_ups, made))


def _followed_up(record: Record, event: Event) -> Record | None:
    item = str(event.data["item"])
    if not any(one.said.key == item and one.done is None for one in record.follow_ups):
        return None
    return replace(record, follow_ups=tuple(
        replace(one, done=_said(event)) if one.said.key == item else one for one in record.follow_ups))


def _linked(record: Record, event: Event) -> Record | None:
    child = str(event.data["child"])
    return None if child in record.children else replace(record, children=(*record.children, child))


def _unlinked(record: Record, event: Event) -> Record | None:
    child = str(event.data["child"])
    if child not in record.children:
        return None
    return replace(record, children=tuple(one for one in record.children if one != child))


def _procedure(record: Record, event: Event) -> Record | None:
    procedure = revived(str(event.data["procedure"]))
    if any(one.name == procedure.name for one in record.procedures):
        return None
    return replace(record, attached=(*record.attached, Attached(procedure, event.at)))


def _marked(record: Record, event: Event) -> Record | None:
    path = str(event.data["step"])
    if path in record.marks or record.step(path) is None:
        return None
    mark = Mark(What(str(event.data["what"])), event.at, event.actor, event.text)
    return replace(record, marks={**record.marks, path: mark})


def _undone(record: Record, event: Event) -> Record | None:
    path = str(event.data["step"])
    if path not in record.marks:
        return None
    return replace(record, marks={one: mark for one, mark in record.marks.items() if one != path})


def _recovering(record: Record, event: Event) -> Record:
    return replace(record, state=State.RECOVERING, recovering_at=event.at)


def _recovered(record: Record, event: Event) -> Record:
    return replace(record, state=State.RECOVERED, recovered_at=event.at,
                   recovering_at=record.recovering_at or event.at)


def _relapsed(record: Record, event: Event) -> Record:
    return replace(record, state=State.DEGRADED, recovering_at=None, recovered_at=None,
                   relapses=(*record.relapses, _said(event)), marks=_without_recovery(record))


def _without_recovery(record: Record) -> dict[str, Mark]:
    """After a relapse the service has to be recovered again, step by step."""
    again = {procedure.path(step) for procedure in record.procedures for step in procedure.recovery}
    return {path: mark for path, mark in record.marks.items() if path not in again}


def _stood_down(record: Record, event: Event) -> Record:
    return replace(record, state=State.STOOD_DOWN, ended_at=event.at, ending=event.text)


def _closed(record: Record, event: Event) -> Record:
    told = {name[len(REPORT):]: str(value) for name, value in event.data.items() if name.startswith(REPORT)}
    return replace(record, state=State.CLOSED, ended_at=event.at, report=told)


REPORT: Final = "report_"
_CHANGES: Final[Mapping[What, Callable[[Record, Event], Record | None]]] = {
    What.ROLE: _role, What.UPDATE: _update, What.DECISION: _decision, What.FOLLOW_UP: _follow_up,
    What.FOLLOWED_UP: _followed_up, What.LINKED: _linked, What.UNLINKED: _unlinked, What.PROCEDURE: _procedure,
    What.DONE: _marked, What.SKIPPED: _marked, What.UNDONE: _undone, What.RECOVERING: _recovering,
    What.RECOVERED: _recovered, What.RELAPSED: _relapsed, What.STOOD_DOWN: _stood_down, What.CLOSED: _closed,
}
