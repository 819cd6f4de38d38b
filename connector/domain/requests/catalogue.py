"""Items of the service catalogue as checked, frozen data."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

from connector.domain.agreements.conditions import ALWAYS, Condition
from connector.domain.agreements.durations import Amount
from connector.domain.escalations.actions import Who


class Need(StrEnum):
    """Who of those asked has to agree. A refusal by one of them refuses in both cases."""

    ANY = "any"
    ALL = "all"


class Unanswered(StrEnum):
    """What becomes of an approval that nobody answered in time, the substitute neither."""

    WAITS = "waits"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Approval:
    """`by` None: the requester's manager, `up` levels above them."""

    id: str
    by: Who | None = None
    up: int = 1
    need: Need = Need.ANY
    within: Amount | None = None
    substitute: Who | None = None
    """Asked too once `within` has passed, or at once where `by` is nobody."""
    unanswered: Unanswered = Unanswered.WAITS


@dataclass(frozen=True, slots=True)
class Task:
    """Done by a group or level, or handed to a receiver (operations, a supplier). `after`: tasks settled before."""

    id: str
    title: str
    to: Who | None = None
    receiver: str = ""
    within: Amount | None = None
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What a request goes through, as it is kept with the request: later changes of the file do not touch it.

    Approvals are asked one after the other; tasks start once all are given.
    """

    item: str
    title: str = ""
    calendar: str = "24x7"
    approvals: tuple[Approval, ...] = ()
    tasks: tuple[Task, ...] = ()

    @property
    def version(self) -> str:
        """Names the content."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()[:12]

    def written(self) -> str:
        return msgspec.json.encode(self).decode()

    def approval(self, id: str) -> Approval | None:
        return next((one for one in self.approvals if one.id == id), None)

    def task(self, id: str) -> Task | None:
        return next((one for one in self.tasks if one.id == id), None)


def revived(written: str) -> Plan:
    """Raises ValueError for what `written` did not give."""
    return msgspec.json.decode(written, type=Plan)


@dataclass(frozen=True, slots=True)
class Item:
    """A plan and the service requests it is for."""

    plan: Plan
    applies_to: Condition = ALWAYS
    description: str = ""
    file: str = ""


def item_for(items: Iterable[Item], facts: Mapping[str, Any]) -> Item | None:
    """The most specific item that applies. Of equals none: it is not guessed what was ordered."""
    held = [one for one in items if one.applies_to.holds(facts)]
    most = max((one.applies_to.weight for one in held), default=0)
    best = [one for one in held if one.applies_to.weight == most]
    return best[0] if len(best) == 1 else None
