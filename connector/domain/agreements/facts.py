"""What was known about a ticket at each moment: its history walked once, only as far as the profiles ask.

A field's value before its first change is that change's `old`; a field that never changed always had its present value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import takewhile
from operator import attrgetter
from typing import Any, Final, NamedTuple

from msgspec import Struct

from connector.domain.agreements.profile import HELD_BY_US, Responder
from connector.domain.history import Event, EventKind, Origin, Role
from connector.domain.ticket import ENDED, State, Ticket, Value, value_of

TOLERANCE: Final = timedelta(seconds=5)
"""Clocks of one tool differ by so much without anybody having to know."""
CHANGED: Final = EventKind.CHANGED
COMMENTED: Final = EventKind.COMMENTED
NOTED: Final = EventKind.NOTED
DELETED: Final = EventKind.DELETED
MERGED: Final = EventKind.MERGED
RESTORED: Final = EventKind.RESTORED
MAJOR: Final = EventKind.MAJOR
NEW: Final = State.NEW
REQUESTER: Final = Role.REQUESTER
BY_US: Final = Role.CONNECTOR
FROM_US: Final = Origin.CONNECTOR
"""By name, as in clock.py."""

TELLING: Final = frozenset({CHANGED, COMMENTED, NOTED, DELETED, MERGED, RESTORED})
"""What tools tell."""
HEARD: Final = TELLING | {MAJOR}
"""All that can change a clock."""
_DONE: Final = (State.RESOLVED, State.CLOSED)
_OVER: Final = tuple(ENDED)
"""Tuples, not sets: an enum member equals its text but does not have its hash."""
_NOBODY: Final = frozenset({Role.CONNECTOR, Role.SYSTEM, Role.REQUESTER})
"""Who takes no ticket by assigning or moving it, unless the profile lets them answer."""


_AT_FIRST: Final = {
    "acknowledged": False, "responded": False, "awaiting_reply": False, "updates": 0, "reassignments": 0,
    "reopenings": 0, "major_incident": False, HELD_BY_US: False,
}


class Wanted(NamedTuple):
    """The facts to follow. `fields` are those that a ticket tells: `plain` ones, read by `get`, and `custom` ones."""

    names: frozenset[str]
    fields: frozenset[str]
    plain: tuple[str, ...]
    get: Callable[[Ticket], tuple[Value, ...]]
    custom: tuple[str, ...]


@lru_cache(256)
def _wanted(fields: frozenset[str]) -> Wanted:
    # Who set what a ticket waits for counts for every pause, also where no condition asks what that is.
    names = fields | {"state", "assignee", "pending_on"} | ({"group"} if "reassignments" in fields else set())
    custom = frozenset(name for name in names if name.startswith("custom."))
    plain = sorted(names - custom - _AT_FIRST.keys())
    return Wanted(names, custom.union(plain), tuple(plain), attrgetter(*plain), tuple(sorted(custom)))


class Moment(Struct, frozen=True, gc=False):
    """From `at` on these facts hold. `why` names what changed, for explanations."""

    at: datetime
    facts: dict[str, Any]
    changed: AbstractSet[str]
    why: str


def moments(ticket: Ticket, events: Sequence[Event], fields: Iterable[str], responder: Responder) -> list[Moment]:
    """The moments at which something in `fields` (or a message) changed, oldest first, beginning with the opening.

    `events` are effective events in order. Changes of one instant are one moment. Changes before the opening (a clock
    that was set back) count at the opening.
    """
    wanted = _wanted(frozenset(fields))
    facts = _at_opening(ticket, events, wanted)
    opened = current = ticket.opened_at
    changed: set[str] = set(facts)
    why = "opened"
    found: list[Moment] = []
    for event in events:
        kind = event.kind
        if kind is CHANGED:
            told = _change(event, facts, wanted.names, responder)
        elif kind in TELLING:
            told = _happening(event, facts, ticket, responder)
        elif kind is MAJOR:
            told = _declared(event, facts)
        else:
            continue
        if not told:
            continue
        at = event.at
        if at > current:
            found.append(Moment(current, facts, changed, why))
            facts, current, changed, why = facts | told, at, set(told), _why(event, told)
        else:
            facts.update(told)
            changed.update(told)
            said = _why(event, told)
            why = f"{why}, {said}" if at >= opened and said not in why else why
    found.append(Moment(current, facts, changed, why))
    return found


def before_opening(ticket: Ticket, events: Sequence[Event]) -> Iterator[Event]:
    """Events (in order) that tell of something before the ticket was opened, which cannot be."""
    first = ticket.opened_at - TOLERANCE
    return (event for event in takewhile(lambda event: event.at < first, events) if event.kind in TELLING)


def _at_opening(ticket: Ticket, events: Sequence[Event], wanted: Wanted) -> dict[str, Any]:
    facts: dict[str, Any] = dict(_AT_FIRST)
    facts.update(zip(wanted.plain, wanted.get(ticket), strict=True))
    for name in wanted.custom:
        facts[name] = value_of(ticket, name)
    fields, removed = wanted.fields, False
    for event in reversed(events):  # so that the first change of a field has the last word
        if event.kind is CHANGED:
            if event.field in fields:
                facts[event.field] = event.old
        elif event.kind is DELETED or event.kind is MERGED:
            removed = True
    if removed:
        facts["deleted"] = False
    facts["acknowledged"] = bool(facts["assignee"]) or facts["state"] not in (NEW, None)
    return facts


def _change(event: Event, facts: Mapping[str, Any], wanted: AbstractSet[str], responder: Responder) -> dict[str, Any]:
    """The facts that this change of a field makes new."""
    name, new = event.field, event.new
    if name not in wanted:
        return {}
    old = facts[name]
    told: dict[str, Any] = {} if old == new else {name: new}
    if told and (name == "state" or name == "pending_on"):
        # What a tool tells of our account and is no echo was done by somebody else under our name, and counts.
        ours = event.role is BY_US and event.origin is FROM_US
        if ours is not facts[HELD_BY_US]:
            told[HELD_BY_US] = ours
    if name == "state":
        if not facts["acknowledged"] and new != NEW and _takes(event.role, responder):
            told["acknowledged"] = True
        if old in _DONE and new not in _OVER:
            told["reopenings"] = facts["reopenings"] + 1
    elif name == "assignee" or name == "group":
        if name == "assignee" and new and not facts["acknowledged"] and _takes(event.role, responder):
            told["acknowledged"] = True
        if old and new and old != new:
            told["reassignments"] = facts["reassignments"] + 1
    return told


def _takes(role: Role, responder: Responder) -> bool:
    return role not in _NOBODY or role in responder.roles


def _happening(event: Event, facts: Mapping[str, Any], ticket: Ticket, responder: Responder) -> dict[str, Any]:
    """The facts that a message, a deletion or a restoration makes new."""
    if event.kind is COMMENTED or event.kind is NOTED:
        return _message(event, facts, ticket, responder)
    return {"deleted": event.kind is not RESTORED}


def _declared(event: Event, facts: Mapping[str, Any]) -> dict[str, Any]:
    """A ticket that people or a ladder declared a major incident is one until that is closed or stood down."""
    major = {"declared": True, "closed": False, "stood_down": False}.get(str(event.data.get("what")))
    return {} if major is None or major is facts["major_incident"] else {"major_incident": major}


def _message(event: Event, facts: Mapping[str, Any], ticket: Ticket, responder: Responder) -> dict[str, Any]:
    if event.data.get("auto") and not responder.automatic:
        return {}
    public = event.kind is COMMENTED
    as_agent = responder.requester and event.role is not REQUESTER
    if (event.role is REQUESTER or _is_requester(event.actor, ticket)) and not as_agent:
        return {"awaiting_reply": True} if public and facts["responded"] and not facts["awaiting_reply"] else {}
    if event.role not in responder.roles or not (public or responder.notes):
        return {}
    return {"acknowledged": True, "responded": True, "awaiting_reply": False, "updates": facts["updates"] + 1}


def _is_requester(actor: str, ticket: Ticket) -> bool:
    name = actor.casefold()
    return bool(name) and name in (ticket.requester.casefold(), ticket.requester_email.casefold())


_SAYINGS: Final = {MERGED: "merged", DELETED: "deleted", RESTORED: "restored"}


def _why(event: Event, told: Mapping[str, Any]) -> str:
    if event.kind is CHANGED:
        new: Value = event.new
        return event.field if new is None or new == "" else f"{event.field} {new}"
    if event.kind is MAJOR:
        return "declared a major incident" if told["major_incident"] else "no major incident any more"
    return _SAYINGS.get(event.kind) or ("message from the requester" if told["awaiting_reply"] else "answer")
