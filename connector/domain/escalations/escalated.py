"""What was recorded of a ticket's escalations: firings as events, and events read back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from connector.domain.escalations.actions import Action
from connector.domain.history import Event, EventKind, Origin, Role
from connector.domain.ticket import Value

FIRED: Final = "fired"
SKIPPED: Final = "skipped"
"""Passed while nobody looked, and a higher step passed as well: only that one was acted upon."""
REFUSED: Final = "refused"
"""What the step wrote to the tool was refused."""
FALLBACK: Final = "fallback"
"""Done instead of what was refused."""
BOUND: Final = "bound"
"""A person bound the ticket's ladders to another version of the rule."""


@dataclass(frozen=True, slots=True)
class Firing:
    """Occurrence `n` of a step on one subject (a clock, the ticket's k-th happening). `moment` is when it came."""

    rule: str
    version: str
    step: str
    subject: str
    n: int
    moment: datetime
    what: str = FIRED
    late: timedelta = timedelta(0)
    actions: tuple[Action, ...] = ()
    climbed: int = 0
    why: str = ""
    values: dict[str, Value] = field(default_factory=dict)
    stopped: str = ""
    """Why it is not acted upon, and a person has to look."""

    @property
    def key(self) -> str:
        """Unique within the ticket."""
        key = f"escalated/{self.rule}/{self.step}/{self.subject}/{self.n}"
        return f"{key}/{FALLBACK}" if self.what == FALLBACK else key

    def event(self, now: datetime) -> Event:
        data: dict[str, Value] = {
            "rule": self.rule, "version": self.version, "step": self.step, "subject": self.subject, "n": self.n,
            "what": self.what, "moment": self.moment.astimezone(UTC).isoformat(),
            "late": round(self.late.total_seconds()), "why": self.why, "do": tuple(one.text for one in self.actions),
            **self.values,
        }
        return Event(key=self.key, at=now, kind=EventKind.ESCALATED, role=Role.CONNECTOR, origin=Origin.CONNECTOR,
                     data=data)


@dataclass(frozen=True, slots=True)
class Told:
    """One occurrence on record; `at` is when it was decided, `moment` when it came."""

    n: int
    what: str
    at: datetime
    moment: datetime
    version: str


class Record:
    """The escalations of a ticket's history, and what people said to them."""

    def __init__(self, line: Iterable[Event]) -> None:
        self.told: dict[tuple[str, str, str], dict[int, Told]] = {}
        self.bound: dict[str, tuple[datetime, str]] = {}
        self.refused: dict[str, Event] = {}
        """Key of the firing that was refused -> the event that says so."""
        self.fallen: set[str] = set()
        self.acknowledged: list[datetime] = []
        self.agreed: dict[str, datetime] = {}
        self.first_look: datetime | None = None
        self.imported = False
        for event in line:
            if event.kind is EventKind.ESCALATED:
                self._take(event)
            elif event.kind is EventKind.ACKNOWLEDGED:
                self.acknowledged.append(event.at)
            elif event.kind is EventKind.AGREED:
                self.agreed[str(event.data["profile"])] = event.at
                self.first_look = min(event.at, self.first_look or event.at)
            elif event.origin is Origin.IMPORT:
                self.imported = True

    def _take(self, event: Event) -> None:
        data = event.data
        rule, what = str(data["rule"]), str(data["what"])
        if what == BOUND:
            self.bound[rule] = (event.at, str(data["version"]))
        elif what == REFUSED:
            self.refused[str(data["key"])] = event
        elif what == FALLBACK:
            self.fallen.add(event.key)
        else:
            n = int(str(data["n"]))
            chain = self.told.setdefault((rule, str(data["step"]), str(data["subject"])), {})
            chain[n] = Told(n, what, event.at, datetime.fromisoformat(str(data["moment"])), str(data["version"]))

    def version(self, rule: str, subject: str) -> str:
        """The version that a chain in progress holds; "" when it has not begun."""
        at, found = self.bound.get(rule, (None, ""))
        for (name, _, where), chain in self.told.items():
            if name == rule and where == subject:
                last = max(chain.values(), key=lambda told: told.at)
                if at is None or last.at > at:
                    at, found = last.at, last.version
        return found

    def subjects(self, rule: str, step: str, prefix: str) -> list[str]:
        """The subjects of one step that are on record, oldest first."""
        found = [(min(told.at for told in chain.values()), where) for (name, told_step, where), chain
                 in self.told.items() if name == rule and told_step == step and where.startswith(prefix)]
        return [where for _, where in sorted(found)]

    def silenced(self, chain: dict[int, Told]) -> bool:
        """Whether somebody acknowledged after the chain had begun."""
        fired = [told.at for told in chain.values() if told.what == FIRED]
        return bool(fired) and any(at >= min(fired) for at in self.acknowledged)


def refusal(firing: Event, reason: str, now: datetime, delivery: int) -> Event:
    """The event that what a firing wanted was refused: by the tool (its delivery), or (0 or less) before that."""
    kept = {name: firing.data[name] for name in ("rule", "version", "step", "subject", "n")}
    return Event(key=f"{firing.key}/{REFUSED}/{delivery}", at=now, kind=EventKind.ESCALATED, role=Role.CONNECTOR,
                 origin=Origin.CONNECTOR, text=reason, data={**kept, "what": REFUSED, "key": firing.key})


def bound(rule: str, version: str, now: datetime, actor: str) -> Event:
    """The event that binds the ladders of a ticket to a version of a rule."""
    return Event(key=f"escalated/{rule}/bound/{version}/{now.isoformat()}", at=now, kind=EventKind.ESCALATED,
                 actor=actor, role=Role.CONNECTOR, origin=Origin.CONNECTOR,
                 data={"rule": rule, "version": version, "what": BOUND})
