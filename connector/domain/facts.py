"""What was known about a ticket at each moment: its history walked once, only as far as the profiles ask.

A field's value before its first change is that change's `old`; a field that never changed always had its present value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from connector.domain.history import Event, EventKind, Role
from connector.domain.profile import Responder
from connector.domain.ticket import State, Ticket, Value, value_of

TELLING: Final = frozenset({
    EventKind.CHANGED, EventKind.COMMENTED, EventKind.NOTED, EventKind.DELETED, EventKind.MERGED, EventKind.RESTORED,
})


@dataclass(frozen=True, slots=True)
class Moment:
    """From `at` on these facts hold. `why` names what changed, for explanations."""

    at: datetime
    facts: Mapping[str, Any]
    changed: frozenset[str]
    why: str


def moments(ticket: Ticket, events: Sequence[Event], fields: Iterable[str], responder: Responder) -> list[Moment]:
    """The moments at which something in `fields` (or a message) changed, oldest first, beginning with the opening.

    `events` are effective events in order. Changes of one instant are one moment. Changes before the opening (a clock
    that was set back) count at the opening.
    """
    wanted = set(fields) | {"state", "assignee"}
    facts = _at_opening(ticket, events, wanted)
    opened = ticket.opened_at
    found: list[Moment] = []
    current, changed, whys = opened, set(facts), ["opened"]
    for event in events:
        if event.kind not in TELLING:
            continue
        at = max(event.at, opened)
        before = facts.copy() if at != current else facts
        told = _apply(event, facts, wanted, ticket, responder)
        if told is None:
            continue
        if at != current:
            found.append(Moment(current, before, frozenset(changed), ", ".join(whys)))
            current, changed, whys = at, set(), []
        names, why = told
        changed.update(names)
        if why not in whys:
            whys.append(why)
    found.append(Moment(current, facts, frozenset(changed), ", ".join(whys)))
    return found


Told = tuple[tuple[str, ...], str]
"""Names of the facts that changed, and the change in words."""
_BESIDES: Final = {
    "state": ("state", "acknowledged", "reopenings"),
    "assignee": ("assignee", "acknowledged", "reassignments"),
    "group": ("group", "reassignments"),
}
_MESSAGE: Final = ("acknowledged", "responded", "awaiting_reply", "updates")


def _at_opening(ticket: Ticket, events: Sequence[Event], wanted: set[str]) -> dict[str, Any]:
    first: dict[str, Value] = {}
    for event in events:
        if event.kind is EventKind.CHANGED and event.field in wanted and event.field not in first:
            first[event.field] = event.old
    facts: dict[str, Any] = {
        "acknowledged": False, "responded": False, "awaiting_reply": False, "updates": 0,
        "reassignments": 0, "reopenings": 0, "major_incident": False,
    }
    for name in wanted:
        if name not in facts:
            facts[name] = first[name] if name in first else value_of(ticket, name)
    if any(event.kind is EventKind.DELETED for event in events):
        facts["deleted"] = False
    facts["acknowledged"] = bool(facts["assignee"]) or facts["state"] not in (State.NEW, None)
    return facts


def _apply(event: Event, facts: dict[str, Any], wanted: set[str], ticket: Ticket, responder: Responder) -> Told | None:
    """Put one event into the facts; what changed, or None when nothing the profiles use did."""
    kind = event.kind
    if kind is EventKind.CHANGED:
        return _change(event, facts, wanted)
    if kind is EventKind.COMMENTED or kind is EventKind.NOTED:
        return _message(event, facts, ticket, responder)
    if kind is EventKind.DELETED or kind is EventKind.MERGED:
        facts["deleted"] = True
        return ("deleted",), str(kind)
    if kind is EventKind.RESTORED:
        facts["deleted"] = False
        return ("deleted",), "restored"
    return None


def _change(event: Event, facts: dict[str, Any], wanted: set[str]) -> Told | None:
    field = event.field
    if field not in wanted and field != "group":
        return None
    old = facts.get(field)
    ours = event.role is Role.CONNECTOR
    if field in ("assignee", "group") and event.new != event.old and event.old:
        facts["reassignments"] += 1
    if field == "assignee" and event.new and not ours:
        facts["acknowledged"] = True
    if field == "state":
        if event.new != State.NEW and not ours:
            facts["acknowledged"] = True
        if old in (State.RESOLVED, State.CLOSED) and event.new not in (State.RESOLVED, State.CLOSED, State.CANCELLED):
            facts["reopenings"] += 1
    if field in wanted:
        facts[field] = event.new
    if old == event.new and field != "group":
        return None
    return _BESIDES.get(field, (field,)), f"{field} {'' if event.new is None else event.new}".strip()


def _message(event: Event, facts: dict[str, Any], ticket: Ticket, responder: Responder) -> Told | None:
    if event.data.get("auto") and not responder.automatic:
        return None
    public = event.kind is EventKind.COMMENTED
    from_requester = event.role is Role.REQUESTER or _is_requester(event.actor, ticket)
    if from_requester and not responder.requester:
        if public and facts["responded"] and not facts["awaiting_reply"]:
            facts["awaiting_reply"] = True
            return _MESSAGE, "message from the requester"
        return None
    if event.role not in responder.roles or not (public or responder.notes):
        return None
    facts["acknowledged"] = facts["responded"] = True
    facts["awaiting_reply"] = False
    facts["updates"] += 1
    return _MESSAGE, "answer"


def _is_requester(actor: str, ticket: Ticket) -> bool:
    name = actor.casefold()
    return bool(name) and name in (ticket.requester.casefold(), ticket.requester_email.casefold())
