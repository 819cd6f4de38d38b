"""A profile: one agreement (SLA, OLA or underpinning contract) as checked, frozen data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from operator import itemgetter
from typing import Any, Final, NamedTuple

from connector.domain.agreements.conditions import NEVER, Condition
from connector.domain.agreements.durations import Amount
from connector.domain.handoffs.receiver import Receiver
from connector.domain.history import Role


class Agreement(StrEnum):
    """With whom: the customer, an own team, a supplier."""

    SLA = "sla"
    OLA = "ola"
    UC = "uc"


class TargetName(StrEnum):
    ACKNOWLEDGE = "acknowledge"
    FIRST_RESPONSE = "first_response"
    NEXT_RESPONSE = "next_response"
    UPDATE = "update"
    RESOLUTION = "resolution"
    HAND_BACK = "hand_back"
    """Of handoffs: how soon work that is not theirs has to be given back."""
    APPROVAL = "approval"
    """Of handoffs, and ours: how soon a proposed resolution has to be accepted or rejected."""


OF_HANDOFFS: Final = frozenset({TargetName.HAND_BACK, TargetName.APPROVAL})
"""Targets that have no clock on a ticket, only on a handoff."""


class StartFrom(StrEnum):
    """Where a clock's time begins when its agreement comes to apply."""

    OPENED = "opened"
    ASSIGNED = "assigned"
    ATTACHED = "attached"


@dataclass(frozen=True, slots=True)
class Chain:
    """A value looked up at run time: the first source that knows one, else `otherwise`."""

    otherwise: str
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PauseRule:
    """A reason to pause. Beyond `at_most` (wall time, all its pauses of a cycle together) or `times` it no longer does.
    """

    when: Condition
    reason: str
    at_most: timedelta | None = None
    times: int | None = None


@dataclass(frozen=True, slots=True)
class Conditions:
    """None leaves the choice to the level above: a target's own, then the profile's, then the target's default."""

    start: Condition | None = None
    pause: tuple[PauseRule, ...] | None = None
    resume: Condition | None = None
    stop: Condition | None = None
    reset: Condition | None = None
    cancel: Condition | None = None

    def over(self, base: Conditions) -> Conditions:
        """These, and where they say nothing those of `base`."""
        return Conditions(
            self.start or base.start,
            base.pause if self.pause is None else self.pause,
            self.resume or base.resume,
            self.stop or base.stop,
            self.reset or base.reset,
            self.cancel or base.cancel,
        )


HELD_BY_US: Final = "held_by_connector"
"""Fact: the state was last set by the connector's own rules. That is true, but it pauses no clock."""


class Verdict(NamedTuple):
    """What the conditions of a target say of the facts of one moment; `pauses` are the rules that hold, in order."""

    cancel: bool
    start: bool
    stop: bool
    reset: bool
    resume: bool
    pauses: tuple[int, ...]


MOST_REMEMBERED: Final = 10_000


@dataclass(frozen=True, slots=True)
class Target:
    """`amounts` by priority; `otherwise` for priorities not named, None when those have no such target."""

    name: TargetName
    amounts: Mapping[str, Amount]
    otherwise: Amount | None
    conditions: Conditions
    asked: Callable[[Mapping[str, Any]], Any] = field(init=False, compare=False, repr=False)
    """Of the facts those that its conditions ask for."""
    fields: frozenset[str] = field(init=False, compare=False)
    """Facts that can change its clock, besides those that decide the plan."""
    _known: dict[Any, Verdict] = field(default_factory=dict, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        c = self.conditions
        asked = [one.fields for one in (c.start, c.resume, c.stop, c.reset, c.cancel) if one]
        asked += [rule.when.fields for rule in c.pause or ()]
        own = {TargetName.UPDATE: {"updates"}, TargetName.NEXT_RESPONSE: {"awaiting_reply"}}.get(self.name, set())
        fields = frozenset().union(*asked, (HELD_BY_US,) if c.pause else ())
        object.__setattr__(self, "asked", itemgetter(*sorted(fields)) if fields else lambda facts: None)
        object.__setattr__(self, "fields", fields | own)

    def amount(self, priority: str | None) -> Amount | None:
        return self.amounts.get(priority, self.otherwise) if priority else self.otherwise

    def verdict(self, facts: Mapping[str, Any]) -> Verdict:
        """Facts that look alike are judged once."""
        key = self.asked(facts)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            c = self.conditions
            found = self._known[key] = Verdict(
                c.cancel is not None and c.cancel.holds(facts),
                c.start is None or c.start.holds(facts),
                c.stop is not None and c.stop.holds(facts),
                c.reset is not None and c.reset.holds(facts),
                c.resume is None or c.resume.holds(facts),
                () if facts.get(HELD_BY_US) else tuple(
                    [i for i, rule in enumerate(c.pause or ()) if rule.when.holds(facts)]),
            )
        return found


@dataclass(frozen=True, slots=True)
class Responder:
    """Whose message counts as an answer. The connector's own automation never does."""

    roles: frozenset[Role] = frozenset({Role.AGENT})
    notes: bool = False
    automatic: bool = False
    requester: bool = False


@dataclass(frozen=True, slots=True)
class Profile:
    """`version` names the exact content, calendars included. `reopen_within` None lets every reopening go on."""

    name: str
    agreement: Agreement
    applies_to: Condition
    calendar: Chain
    targets: tuple[Target, ...]
    timezone: Chain | None = None
    matrix: Mapping[tuple[str, str], str] = field(default_factory=dict)
    major: Condition = NEVER
    start_from: StartFrom = StartFrom.OPENED
    pauses_kept: bool = True
    reopen_within: timedelta | None = None
    responder: Responder = Responder()
    floor: timedelta = timedelta(0)
    manual_due: bool = True
    children: bool = True
    coverage: Mapping[str, str] = field(default_factory=dict)
    nests: tuple[str, ...] = ()
    escalate: str = ""
    receiver: Receiver | None = None
    """Who the work is handed to under this agreement."""
    party: str = ""
    """Whose promise it is, when not that of the ticket's group or supplier: it stands beside theirs."""
    description: str = ""
    version: str = ""
    file: str = ""
    calendars: Mapping[str, Mapping[str, Any]] | None = None
    directory: Mapping[str, Mapping[str, Mapping[str, Any]]] | None = None
    """The calendars and directory entries of this version; None takes those of the registry."""
    plan_fields: frozenset[str] = field(init=False, compare=False)
    """Facts that decide priority, calendar and zone."""
    followed: Mapping[TargetName, frozenset[str]] = field(init=False, compare=False, repr=False)
    """For each target the facts that can change its clock."""
    fields: frozenset[str] = field(init=False, compare=False)
    """All facts that can change what this profile says."""
    clocked: tuple[Target, ...] = field(init=False, compare=False, repr=False)
    """The targets that have a clock on tickets."""

    def __post_init__(self) -> None:
        plan = {"priority"} | ({"impact", "urgency"} if self.matrix else set())
        if self.due_by_hand:
            plan.add("due_at")
        plan.update(SOURCE_FIELDS[s] for chain in (self.calendar, self.timezone) if chain for s in chain.sources)
        every = plan.union(self.applies_to.fields, self.major.fields, *(target.fields for target in self.targets))
        if self.start_from is StartFrom.ASSIGNED:
            every.add("group")
        object.__setattr__(self, "plan_fields", frozenset(plan))
        object.__setattr__(self, "followed", {target.name: target.fields.union(plan) for target in self.targets})
        object.__setattr__(self, "fields", frozenset(every))
        object.__setattr__(self, "clocked", tuple([t for t in self.targets if self.on_tickets(t.name)]))

    def on_tickets(self, target: TargetName) -> bool:
        """Whether a target has a clock on tickets. Of a supplier's contract whose work is handed over, a ticket that
        merely waits for the supplier shows the resolution: the rest is seen on the handoff only."""
        if self.receiver is not None and self.agreement is Agreement.UC:
            return target is TargetName.RESOLUTION
        return target not in OF_HANDOFFS

    @property
    def due_by_hand(self) -> bool:
        """Whether a due time set in the tool is that of this agreement's resolution."""
        return self.manual_due and self.agreement is Agreement.SLA

    def is_major(self, facts: Mapping[str, Any]) -> bool:
        """Whether this agreement calls the ticket a major incident, by the priority it sees itself."""
        return self.major.holds({**facts, "priority": self.priority(facts)})

    def priority(self, facts: Mapping[str, Any]) -> str | None:
        """The priority this agreement sees: from its own matrix where impact and urgency are known, else the tool's."""
        if self.matrix:
            found = self.matrix.get((facts.get("impact") or "", facts.get("urgency") or ""))
            if found:
                return found
        given: str | None = facts.get("priority")
        return given


SOURCE_FIELDS: Final = {"contract": "contract", "customer": "customer", "service": "service", "site": "site"}
"""Where a chain may look, and the ticket field that names the entry."""
