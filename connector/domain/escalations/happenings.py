"""When what a rule waits for last happened to a ticket, from its history; what the connector did itself is nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from connector.domain.agreements.facts import Moment
from connector.domain.escalations.rules import Happening, OnHandoff, OnState
from connector.domain.history import Event, EventKind, Origin, Role
from connector.domain.ticket import ENDED, PRIORITIES, State, Ticket

_DONE: Final = (State.RESOLVED, State.CLOSED)
_OVER: Final = tuple(ENDED)
_TOUCHES: Final = frozenset({EventKind.CREATED, EventKind.CHANGED, EventKind.COMMENTED, EventKind.NOTED,
                             EventKind.ATTACHED})
THEIR_TURN: Final = frozenset({"offered", "acknowledged", "in_progress", "rejected"})
"""States of a handoff in which its receiver has the word."""


def ours(event: Event) -> bool:
    """Done by the connector's own rules: what it reads back under its account and did not write is somebody else's."""
    return event.role is Role.CONNECTOR and event.origin is Origin.CONNECTOR


def last(what: Happening, times: int, ticket: Ticket, line: Sequence[Event], facts: Sequence[Moment],
         now: datetime) -> datetime | None:
    """When it happened, the last time it did; counted ones when their number was reached."""
    if what is Happening.OPENED:
        return ticket.opened_at
    if what is Happening.REPLIED:
        waiting = [m.at for m in facts if m.at <= now and "awaiting_reply" in m.changed and m.facts["awaiting_reply"]]
        return waiting[-1] if waiting else None
    if what in _OF_REQUESTS:
        told = [event.at for event in line if event.kind is EventKind.REQUEST and event.at <= now
                and event.data.get("what") == what.value]
        return told[-1] if told else None
    found = list(dict.fromkeys(event.at for event in line if event.at <= now and event.kind is EventKind.CHANGED
                               and not ours(event) and _TELLS[what](event)))
    if what is Happening.RAISED:
        return found[-1] if found else None
    return found[times - 1] if len(found) >= times else None


def _reassigned(event: Event) -> bool:
    return event.field in ("assignee", "group") and bool(event.old) and bool(event.new) and event.old != event.new


def _reopened(event: Event) -> bool:
    return event.field == "state" and event.old in _DONE and event.new not in _OVER


def _raised(event: Event) -> bool:
    known = event.field == "priority" and event.old in PRIORITIES and event.new in PRIORITIES
    return known and PRIORITIES.index(str(event.new)) < PRIORITIES.index(str(event.old))


_OF_REQUESTS: Final = frozenset({Happening.APPROVAL_LATE, Happening.TASK_LATE, Happening.TASK_FAILED})
_TELLS: Final[dict[Happening, Callable[[Event], bool]]] = {
    Happening.REASSIGNED: _reassigned, Happening.REOPENED: _reopened, Happening.RAISED: _raised,
}


def last_touch(ticket: Ticket, line: Iterable[Event], now: datetime) -> datetime:
    """When somebody last did something: people, the requester too; no automatic mail, no system, not us."""
    found = ticket.opened_at
    for event in line:
        if event.kind in _TOUCHES and event.at <= now and not ours(event) and event.role is not Role.SYSTEM \
                and not event.data.get("auto"):
            found = max(found, event.at)
    return found


def holding_since(trigger: OnState, facts: Sequence[Moment], now: datetime) -> datetime | None:
    """From when on a condition has held without a break until now; None when it does not hold."""
    return unbroken(trigger.when.holds, facts, now)


def unbroken(holds: Callable[[dict[str, Any]], bool], facts: Sequence[Moment], now: datetime) -> datetime | None:
    since: datetime | None = None
    for moment in reversed(facts):
        if moment.at > now:
            continue
        if not holds(moment.facts):
            break
        since = moment.at
    return since


def handoffs(trigger: OnHandoff, line: Iterable[Event], now: datetime) -> list[tuple[str, datetime]]:
    """Handoffs in the state a trigger waits for, with the moment they came into it (`silent`: the last word of the
    receiver, or the offer). A handoff's events on the ticket name it, its receiver, its state and the side that acted.
    """
    found: dict[str, tuple[datetime, str, datetime]] = {}
    for event in line:
        if str(event.kind) != "handoff" or event.at > now:
            continue
        data = event.data
        if trigger.receiver and data.get("receiver") != trigger.receiver:
            continue
        id, state = str(data.get("handoff", "")), str(data.get("state", ""))
        came, before, word = found.get(id, (event.at, "", event.at))
        came = event.at if state != before else came
        word = event.at if data.get("side") == "theirs" else word
        found[id] = (came, state, word)
    if trigger.state == "silent":
        return [(id, word) for id, (_, state, word) in found.items() if state in THEIR_TURN]
    return [(id, came) for id, (came, state, _) in found.items() if state == trigger.state]
