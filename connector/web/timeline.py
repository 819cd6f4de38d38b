"""A ticket's history as a reader wants it: newest first, what was changed together told together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from connector.domain.history import Event, EventKind, Origin, effective
from connector.domain.ticket import ENDED

Show = Literal["all", "comments", "changes"]
TOGETHER: Final = timedelta(seconds=2)
_TALK: Final = frozenset({EventKind.COMMENTED, EventKind.NOTED})
_FIELDS: Final = frozenset({EventKind.CHANGED})


@dataclass(slots=True)
class Entry:
    """One line of the timeline. `changes` holds the events of fields that changed together."""

    kind: str
    at: datetime
    actor: str
    role: str
    text: str = ""
    ours: bool = False
    inferred: bool = False
    events: list[Event] = field(default_factory=list)

    @property
    def tone(self) -> str:
        """What colours the entry, never alone: the wording says the same."""
        if self.kind in ("clock", "escalated"):
            return str(self.events[0].data["what"])
        if self.kind != "changed":
            return self.kind
        moves = [(event.old in ENDED, event.new in ENDED) for event in self.events if event.field == "state"]
        return "ended" if (False, True) in moves else "reopened" if (True, False) in moves else "changed"


def entries(events: Sequence[Event], show: Show = "all") -> list[Entry]:
    """Newest first."""
    told: list[Entry] = []
    for event in effective(events):
        if not _wanted(event, show):
            continue
        last = told[-1] if told else None
        if last is not None and _joins(last, event):
            last.events.append(event)
            continue
        told.append(
            Entry(
                kind=event.kind.value,
                at=event.at,
                actor=event.actor,
                role=event.role.value,
                text=event.text,
                ours=event.origin is Origin.CONNECTOR,
                inferred=event.inferred,
                events=[event],
            )
        )
    told.reverse()
    return told


def _wanted(event: Event, show: Show) -> bool:
    if show == "comments":
        return event.kind in _TALK
    return show == "all" or event.kind not in _TALK


def _joins(last: Entry, event: Event) -> bool:
    same = last.actor == event.actor and last.inferred == event.inferred and last.kind == event.kind.value
    return same and event.kind in _FIELDS and event.at - last.events[0].at <= TOGETHER
