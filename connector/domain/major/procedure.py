"""Continuity procedures and the process of major incidents, as checked, frozen data."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

import msgspec

from connector.domain.agreements.conditions import ALWAYS, Condition
from connector.domain.escalations.actions import Who

MANAGER: Final = "incident_manager"
COMMUNICATIONS: Final = "communications"
ROLES: Final = (MANAGER, COMMUNICATIONS)
"""Roles that every major incident has; a process may name more."""


class Phase(StrEnum):
    DEGRADED = "degraded"
    """How the service goes on without what failed."""
    RECOVERY = "recovery"
    """How it comes back."""


@dataclass(frozen=True, slots=True)
class Step:
    """`within` counts from when the step is next: from the beginning of its phase, or the tick of those before it."""

    id: str
    text: str
    within: timedelta | None = None
    role: str = ""


@dataclass(frozen=True, slots=True)
class Procedure:
    """The two checklists, as they are attached to an incident: later changes of the file do not touch it."""

    name: str
    degraded: tuple[Step, ...] = ()
    recovery: tuple[Step, ...] = ()

    @property
    def version(self) -> str:
        """Names the content."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()[:12]

    def phases(self) -> Iterator[tuple[Phase, tuple[Step, ...]]]:
        yield Phase.DEGRADED, self.degraded
        yield Phase.RECOVERY, self.recovery

    def path(self, step: Step) -> str:
        """Names a step among those of all procedures of an incident."""
        return f"{self.name}/{step.id}"

    def written(self) -> str:
        return msgspec.json.encode(self).decode()


def revived(written: str) -> Procedure:
    """Raises ValueError for what `written` did not give."""
    return msgspec.json.decode(written, type=Procedure)


@dataclass(frozen=True, slots=True)
class Continuity:
    """A procedure and the tickets it is for."""

    procedure: Procedure
    applies_to: Condition = ALWAYS
    description: str = ""
    file: str = ""


@dataclass(frozen=True, slots=True)
class Process:
    """How a desk treats major incidents of some tickets. Without any file, the plain one holds."""

    name: str = "plain"
    applies_to: Condition = ALWAYS
    roles: Mapping[str, Who] = field(default_factory=dict)
    """Who takes a role when nobody was named for it."""
    stakeholders: tuple[Who, ...] = ()
    declared: str = "major-incident"
    update: str = "major-update"
    ended: str = "major-ended"
    requester_update: str = "major-requester-update"
    """What the requesters of the incident and its children read as a public comment."""
    requester_ended: str = "major-requester-ended"
    alike: tuple[str, ...] = ("service",)
    """Tickets equal in all of these may be children."""
    window: timedelta = timedelta(hours=2)
    """So long before and after the opening of the incident other tickets are suggested as children."""
    file: str = ""


def process_for(processes: Iterable[Process], facts: Mapping[str, Any]) -> Process:
    """The most specific process that applies; of equals the first by name; the plain one when there is none."""
    held = sorted((one for one in processes if one.applies_to.holds(facts)), key=lambda one: one.name)
    return max(held, key=lambda one: one.applies_to.weight, default=Process())


def procedures_for(every: Iterable[Continuity], facts: Mapping[str, Any]) -> tuple[Procedure, ...]:
    """Every procedure that applies, the most specific first."""
    held = [one for one in every if one.applies_to.holds(facts)]
    held.sort(key=lambda one: (-one.applies_to.weight, one.procedure.name))
    return tuple(one.procedure for one in held)
