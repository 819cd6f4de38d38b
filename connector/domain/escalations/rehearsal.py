"""Ladders rehearsed: what would fire from now on if nobody did anything, and what would have fired in the past. Pure.

Both climb exactly as the tick does, look by look; what fires is remembered in the rehearsal only.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, TypeVar

from msgspec import structs

from connector.domain.agreements.assess import assess
from connector.domain.agreements.registry import Registry
from connector.domain.escalations.effects import effects
from connector.domain.escalations.escalated import SKIPPED, Firing
from connector.domain.escalations.ladder import outlook
from connector.domain.escalations.rules import BEGINNING
from connector.domain.history import Event, EventKind, Origin, effective
from connector.domain.notices.people import People
from connector.domain.ticket import FIELDS, Ticket
from connector.domain.values import put

MOST_LOOKS: Final = 2_000
"""Looks at one ticket in one rehearsal; ladders have ends, so this is never reached in earnest."""
SECOND: Final = timedelta(seconds=1)
OURS: Final = frozenset({EventKind.AGREED, EventKind.CLOCK, EventKind.ESCALATED, EventKind.CLAMPED})


@dataclass(frozen=True, slots=True)
class Fired:
    """A firing, when it was decided, and the ticket as it then was."""

    at: datetime
    firing: Firing
    ticket: Ticket


def ahead(ticket: Ticket, events: Iterable[Event], registry: Registry, now: datetime, until: datetime) -> Iterator[
        Fired]:
    """What fires from `now` until `until` if nothing else happens to the ticket."""
    yield from _climbed(ticket, list(events), registry, now, until)


def past(ticket: Ticket, events: Iterable[Event], registry: Registry, until: datetime) -> Iterator[Fired]:
    """What the ladders in force would have fired, looked at from the ticket's opening as its history unfolded."""
    line = [_told(event) for event in effective(events) if event.kind not in OURS]
    turns = sorted({event.at for event in line if ticket.opened_at < event.at <= until})
    moments = [ticket.opened_at, *turns]
    ours: list[Event] = []
    for i, begins in enumerate(moments):
        known = line[: bisect_right(line, begins, key=lambda event: event.at)]
        ends = moments[i + 1] - timedelta(microseconds=1) if i + 1 < len(moments) else until
        memory = [*known, *ours]
        yield from _climbed(as_of(ticket, line, begins), memory, registry, begins, ends)
        ours = memory[len(known):]


def _climbed(ticket: Ticket, memory: list[Event], registry: Registry, now: datetime, until: datetime) -> Iterator[
        Fired]:
    """Look after look; `memory` grows by what is remembered."""
    at: datetime | None = now
    for _ in range(MOST_LOOKS):
        if at is None or at > until:
            return
        found = assess(ticket, memory, registry, at)
        memory += found.events
        seen = outlook(ticket, effective(memory), found.result, registry, at)
        memory += [firing.event(at) for firing in seen.firings]
        for firing in seen.firings:
            yield Fired(at, firing, ticket)
        nexts = [one for one in (found.next_at, seen.next_at) if one is not None and one > at]
        at = min(nexts, default=None)


def _told(event: Event) -> Event:
    """An imported event as if its tool had been connected."""
    return structs.replace(event, origin=Origin.TOOL) if event.origin is Origin.IMPORT else event


def as_of(ticket: Ticket, line: Sequence[Event], at: datetime) -> Ticket:
    """The ticket as it was: fields that changed later have the value from before."""
    later: dict[str, Any] = {}
    for event in line:
        if event.at <= at or event.kind is not EventKind.CHANGED or event.field in later:
            continue
        if event.field in FIELDS or event.field.startswith("custom."):
            later[event.field] = event.old
    if later.get("state", "") is None:
        later.pop("state")
    plain = {name: value for name, value in later.items() if value is not None}
    texts = {name for name in later if isinstance(getattr(ticket, name, None), str)}
    emptied = {name: "" for name in texts if later[name] is None}
    gone = {name: None for name, value in later.items() if value is None and name not in emptied}
    return put(ticket, {**plain, **emptied, **gone})


def always(registry: Registry) -> Registry:
    """The registry with its ladders as if they had always been in force."""
    rules = {name: replace(rule, since=BEGINNING) for name, rule in registry.escalations.items()}
    return replace(registry, escalations=rules, older_escalations={})


@dataclass(slots=True)
class Tally:
    """Firings counted; can be merged."""

    tickets: int = 0
    escalated: int = 0
    """Tickets on which something fired."""
    steps: dict[tuple[str, str, str], int] = field(default_factory=dict)
    """(rule, step, what) -> how many."""
    days: dict[date, int] = field(default_factory=dict)
    """By day in UTC."""
    people: dict[str, int] = field(default_factory=dict)
    """Who would have been told -> how often; "" where nobody was to be found."""
    unable: int = 0

    def add(self, ticket: Ticket, fired: Iterable[Fired], people: People, since: datetime) -> None:
        self.tickets += 1
        counted = 0
        for one in fired:
            if one.at < since:
                continue
            firing = one.firing
            key = (firing.rule, firing.step, firing.what)
            self.steps[key] = self.steps.get(key, 0) + 1
            if firing.what == SKIPPED:
                continue
            counted += 1
            day = one.at.astimezone(UTC).date()
            self.days[day] = self.days.get(day, 0) + 1
            self._tell(one, people)
        self.escalated += bool(counted)

    def _tell(self, one: Fired, people: People) -> None:
        found = effects(one.firing, one.ticket, people, one.at, lambda name, count: 0)
        self.unable += bool(found.unable)
        for telling in found.tells:
            names = ["(requester)"] if telling.requester else [person.name for person in telling.people]
            for name in names:
                self.people[name] = self.people.get(name, 0) + 1

    def merge(self, other: Tally) -> None:
        self.tickets += other.tickets
        self.escalated += other.escalated
        self.unable += other.unable
        _add_up(self.steps, other.steps)
        _add_up(self.days, other.days)
        _add_up(self.people, other.people)

    @property
    def fired(self) -> int:
        return sum(count for (_, _, what), count in self.steps.items() if what != SKIPPED)

    def of(self, rule: str, step: str) -> dict[tuple[str, str], int]:
        """The outcomes of one step: (step, what) -> how often."""
        return {(name, what): n for (one, name, what), n in self.steps.items() if (one, name) == (rule, step)}

    def as_dict(self) -> dict[str, Any]:
        return {
            "tickets": self.tickets, "escalated": self.escalated, "fired": self.fired, "unable": self.unable,
            "steps": [{"rule": rule, "step": step, "what": what, "count": count}
                      for (rule, step, what), count in sorted(self.steps.items())],
            "days": {day.isoformat(): count for day, count in sorted(self.days.items())},
            "people": dict(sorted(self.people.items(), key=lambda item: (-item[1], item[0]))),
        }


K = TypeVar("K")


def _add_up(mine: dict[K, int], theirs: Mapping[K, int]) -> None:
    for key, count in theirs.items():
        mine[key] = mine.get(key, 0) + count
