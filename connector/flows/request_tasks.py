"""A task of a service request where it is done: a handoff of its own, or a ticket below the request."""

from __future__ import annotations

import hashlib
from datetime import datetime

from connector.domain.handoffs.handoff import Handoff, move
from connector.domain.handoffs.moves import UNDONE, HandoffState, Move, Side
from connector.domain.handoffs.moves import allowed as moves_allowed
from connector.domain.history import Event, Role
from connector.domain.requests import moves
from connector.domain.requests.catalogue import Task
from connector.domain.requests.record import Record, State, TaskState
from connector.domain.ticket import ENDED
from connector.domain.ticket import State as TicketState
from connector.flows.handoff_hand import opened, second
from connector.flows.reading import PLACEHOLDER
from connector.ports import Deps, Stored, Tx


def once_of(stored: Stored, task: str, tries: int) -> str:
    return hashlib.sha256(f"request/{stored.key}/{task}/{tries}".encode()).hexdigest()[:32]


def child_of(tx: Tx, stored: Stored, once: str) -> Stored | None:
    """The ticket of a task, before and after its tool gave it an id."""
    tool = stored.ticket.tool
    ids = [f"{PLACEHOLDER}{once}", *tx.links(tool, [once]).values()]
    known = tx.tickets(tool, ids)
    return next((known[id] for id in reversed(ids) if id in known), None)


def handoff_of(tx: Tx, stored: Stored, task: str) -> Handoff | None:
    """The latest handoff of a task; other tasks with the same receiver have others."""
    every = [one for one in tx.handoffs_of([stored.key]).get(stored.key, []) if one.work == task]
    return every[-1] if every else None


def elsewhere(tx: Tx, stored: Stored, found: Record, task: Task, now: datetime) -> Event | None:
    """What became of a task that is with a receiver or a ticket of its own."""
    doing = found.doing(task.id)
    if found.state is not State.FULFILLING or doing.state not in (TaskState.STARTED, TaskState.FAILED):
        return None
    if task.receiver:
        return _handed(tx, stored, found, task, now)
    if doing.state is TaskState.FAILED:
        return None
    child = child_of(tx, stored, once_of(stored, task.id, doing.tries))
    if child is None or not (child.ticket.state in ENDED or child.ticket.deleted):
        return None
    done = child.ticket.state in (TicketState.RESOLVED, TicketState.CLOSED) and not child.ticket.deleted
    why = "" if done else f"its ticket was {'deleted' if child.ticket.deleted else child.ticket.state}"
    return _settled(found, task, done, now, why)


def _handed(tx: Tx, stored: Stored, found: Record, task: Task, now: datetime) -> Event | None:
    handoff = handoff_of(tx, stored, task.id)
    if handoff is None:
        return None
    if found.doing(task.id).state is TaskState.FAILED:
        lives = not handoff.returned and handoff.state not in (HandoffState.ACCEPTED, HandoffState.CLOSED)
        return moves.again(found, task.id, now, moves.ACTOR, "offered again", Role.CONNECTOR) if lives else None
    if handoff.state is HandoffState.ACCEPTED or (handoff.ended and handoff.ended_by is None):
        return _settled(found, task, True, now, "")
    if handoff.state in UNDONE or handoff.ended:
        return _settled(found, task, False, now, _why(tx, handoff))
    return None


def _settled(found: Record, task: Task, done: bool, now: datetime, why: str) -> Event:
    return moves.settle(found, task.id, done, now, moves.ACTOR, why, Role.CONNECTOR)


def _why(tx: Tx, handoff: Handoff) -> str:
    """How the work came back, in the words given with it."""
    said = str(handoff.state if handoff.state in UNDONE else handoff.ended_by or handoff.state).replace("_", " ")
    for entry in reversed(tx.entries([handoff.id])[handoff.id]):
        if entry.body.get("reason") and entry.body.get("move"):
            return f"{said}: {entry.body['reason']}"
    return said


def recall(tx: Tx, deps: Deps, stored: Stored, task: str, actor: str, why: str) -> None:
    """A receiver does not go on with a task that is settled."""
    handoff = handoff_of(tx, stored, task)
    if handoff is not None and Move.WITHDRAW in moves_allowed(handoff.state, Side.OURS):
        hand = opened(tx, deps, handoff.id)
        hand.keep(move(hand.handoff, Side.OURS, Move.WITHDRAW, second(deps), actor=actor, reason=why), actor)
