"""Escalation rules as checked, frozen data: when a step comes, under which conditions, and what is then done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from connector.domain.agreements.conditions import ALWAYS, NEVER, Condition
from connector.domain.agreements.durations import Amount
from connector.domain.agreements.profile import SOURCE_FIELDS, Chain, TargetName
from connector.domain.escalations.actions import Action

NOTHING: Final = timedelta(0)
NO_AMOUNT: Final = Amount()
BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Hours(StrEnum):
    """What a wait counts in: time of a calendar (for a clock the time it runs), or any time."""

    BUSINESS = "business"
    WALL = "wall"


class Base(StrEnum):
    START = "start"
    DUE = "due"
    BREACH = "breach"
    """Just after due: what is done at due is in time."""


@dataclass(frozen=True, slots=True)
class OnClock:
    """A moment of every clock of one target: a share of it, or so much before (negative sign) or after a base."""

    target: TargetName
    share: float | None = None
    base: Base = Base.START
    sign: int = 0
    offset: Amount = NO_AMOUNT
    hours: Hours = Hours.BUSINESS

    @property
    def text(self) -> str:
        if self.share is not None:
            return f"{self.target} at {self.share:.4%}".rstrip("0%").rstrip(".") + "%"
        if not self.sign:
            return f"{self.target} at {self.base}"
        return f"{self.target} {self.offset} {'before' if self.sign < 0 else 'after'} {self.base}"


class Happening(StrEnum):
    """What may happen to a ticket that is worth a rule."""

    OPENED = "opened"
    REASSIGNED = "reassigned"
    REOPENED = "reopened"
    RAISED = "raised"
    """Its priority was raised."""
    REPLIED = "replied"
    """The customer wrote, after having been answered."""
    APPROVAL_LATE = "approval_late"
    TASK_LATE = "task_late"
    TASK_FAILED = "task_failed"
    """A task of a service request came back undone."""


@dataclass(frozen=True, slots=True)
class OnHappening:
    """`times` counts reassignments and reopenings of the ticket's life; the others count one by one."""

    what: Happening
    times: int = 1

    @property
    def text(self) -> str:
        return f"{self.what}{f' {self.times} times' if self.times > 1 else ''}"


@dataclass(frozen=True, slots=True)
class OnSilence:
    """Nobody touched the ticket for so long (the connector and other automatics are nobody)."""

    amount: Amount
    hours: Hours = Hours.BUSINESS

    @property
    def text(self) -> str:
        return f"no update for {self.amount}"


@dataclass(frozen=True, slots=True)
class OnState:
    """A condition has held without a break for so long."""

    when: Condition
    amount: Amount
    hours: Hours = Hours.BUSINESS

    @property
    def text(self) -> str:
        return f"{self.when} for {self.amount}"


@dataclass(frozen=True, slots=True)
class OnHandoff:
    """A handoff came into a state, or (`silent`) its receiver said nothing for so long."""

    state: str
    receiver: str = ""
    amount: Amount = NO_AMOUNT
    hours: Hours = Hours.BUSINESS

    @property
    def text(self) -> str:
        more = f" for {self.amount}" if self.amount.text else ""
        return f"handoff{f' to {self.receiver}' if self.receiver else ''} {self.state}{more}"


@dataclass(frozen=True, slots=True)
class OnSurge:
    """The ticket is at least number `count` of its like (same values of `same`) opened within `within` of wall time.

    A surge is told once; a new one of the same like not before `again` has passed.
    """

    count: int
    within: timedelta
    same: tuple[str, ...]
    again: timedelta

    @property
    def text(self) -> str:
        return f"{self.count} tickets with the same {' and '.join(self.same)} within {self.within}"


Trigger = OnClock | OnHappening | OnSilence | OnState | OnHandoff | OnSurge


@dataclass(frozen=True, slots=True)
class Link:
    """One part of a chain: what is done, so long after the part before."""

    actions: tuple[Action, ...]
    wait: timedelta = NOTHING
    hours: Hours = Hours.BUSINESS


@dataclass(frozen=True, slots=True)
class Repeat:
    """The last link again and again; `climb` addresses the next manager up each time."""

    every: timedelta
    at_most: int
    hours: Hours = Hours.BUSINESS
    climb: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """A trigger with its chain. `fallback` is done when a tool refuses what the step does to a ticket."""

    name: str
    trigger: Trigger
    links: tuple[Link, ...]
    repeat: Repeat | None = None
    when: Condition = ALWAYS
    unless: Condition = NEVER
    during: Chain | None = None
    fallback: tuple[Action, ...] = ()
    silenced: bool = True
    """Whether an acknowledgement ends the chain."""
    agreement: str = ""
    """Kinds of agreement whose clocks count, of a rule that applies by itself; "" for all."""
    place: int = 0

    @property
    def length(self) -> int:
        return len(self.links) + (self.repeat.at_most if self.repeat else 0)

    def link(self, n: int) -> Link:
        """Occurrence `n`, from 1: the links in order, then the last one repeated."""
        if n <= len(self.links):
            return self.links[n - 1]
        assert self.repeat is not None
        return Link(self.links[-1].actions, self.repeat.every, self.repeat.hours)

    def climbed(self, n: int) -> int:
        """By how many managers occurrence `n` is higher than the link says."""
        return max(0, n - len(self.links)) if self.repeat and self.repeat.climb else 0

    @property
    def actions(self) -> Iterator[Action]:
        for link in self.links:
            yield from link.actions
        yield from self.fallback

    @property
    def text(self) -> str:
        return self.trigger.text


@dataclass(frozen=True, slots=True)
class Rule:
    """A ladder. Clocks of profiles that name it climb it; with `applies_to` also every ticket for which that holds.

    `version` names the exact content, calendars included; it came into force at `since`, before which nothing that
    passed is acted upon.
    """

    name: str
    steps: tuple[Step, ...]
    applies_to: Condition | None = None
    calendar: Chain | None = None
    timezone: Chain | None = None
    description: str = ""
    version: str = ""
    since: datetime = BEGINNING
    file: str = ""
    calendars: Mapping[str, Mapping[str, Any]] | None = None
    directory: Mapping[str, Mapping[str, Mapping[str, Any]]] | None = None
    fields: frozenset[str] = field(init=False, compare=False)
    """Facts that its conditions and triggers ask for."""

    def __post_init__(self) -> None:
        asked = set(self.applies_to.fields if self.applies_to else ())
        for step in self.steps:
            asked |= step.when.fields | step.unless.fields | _asked(step.trigger)
        for chain in self.chains:
            asked.update(SOURCE_FIELDS[source] for source in chain.sources)
        object.__setattr__(self, "fields", frozenset(asked))

    @property
    def chains(self) -> tuple[Chain, ...]:
        during = [step.during for step in self.steps]
        return tuple(chain for chain in (self.calendar, self.timezone, *during) if chain is not None)


def _asked(trigger: Trigger) -> frozenset[str]:
    if isinstance(trigger, OnState):
        return trigger.when.fields
    if isinstance(trigger, OnHappening):
        return _HAPPENINGS.get(trigger.what, frozenset())
    return frozenset(trigger.same) if isinstance(trigger, OnSurge) else frozenset()


_HAPPENINGS: Final = {
    Happening.REASSIGNED: frozenset({"reassignments", "group"}), Happening.REOPENED: frozenset({"reopenings"}),
    Happening.RAISED: frozenset({"priority"}),
}
