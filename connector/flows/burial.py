"""Deliveries that end without being done: refused by the target, or dropped by a person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Final

from msgspec.structs import replace

from connector.domain.attempt import Attempt
from connector.domain.delivery import Delivery, Verb
from connector.domain.handoffs.message import VERB
from connector.domain.history import Event, EventKind, Origin, Role
from connector.domain.notices.fallback import spare
from connector.domain.syncing.absorb import give_up
from connector.domain.syncing.changes import LATE, PER_REVISION
from connector.domain.syncing.memory import superseded
from connector.domain.syncing.wishes import Wish, wishes_of
from connector.flows import escalate
from connector.flows.editing import own_time
from connector.flows.handoff_hand import undelivered
from connector.flows.reading import PLACEHOLDER, change_of, log, retried
from connector.flows.writes import locked
from connector.ports import Change, Deps, Stored, Tool, Tx

REFUSED: Final = "refused"
DROPPED: Final = "dropped"


def refuse(deps: Deps, delivery: Delivery, reason: str, tried: Attempt | None = None) -> None:
    """Bury a delivery: what it wished in a tool is taken back in the history, a message goes another way if it can."""
    retried(partial(_refuse, deps, delivery, reason, tried))
    log.warning("delivery_dead", target=delivery.target, delivery=delivery.id, verb=delivery.verb, reason=reason)


def _refuse(deps: Deps, delivery: Delivery, reason: str, tried: Attempt | None) -> None:
    now, tool = deps.now(), deps.tools.get(delivery.target)
    with deps.store.begin() as tx:
        if not tx.bury(delivery, now, reason, tried):
            return
        tx.audit(now, deps.owner, "bury", delivery.lane, {"delivery": delivery.id, "verb": delivery.verb,
                                                          "reason": reason})
        tx.enqueue(spare(delivery), now)
        if delivery.verb == VERB:
            undelivered(tx, deps, delivery, reason)
        if tool is not None and delivery.verb != Verb.CREATE:
            _take_back(tx, deps, tool, delivery, REFUSED, reason)
        if delivery.ticket is not None:
            escalate.refused(tx, deps, delivery.ticket, delivery.payload, delivery.id, reason)


def pass_on(tx: Tx, deliveries: Sequence[Delivery], now: datetime, reason: str) -> None:
    """Waiting messages that go another way instead."""
    tx.drop([delivery.id for delivery in deliveries], now, reason)
    tx.enqueue([order for delivery in deliveries for order in spare(delivery)], now)


def drop(deps: Deps, id: int, ticket: int | None, actor: str) -> bool:
    """Let a delivery, waiting or dead, not happen: what it wished is taken back. Says whether there was one."""
    return retried(partial(_drop, deps, id, ticket, actor))


def _drop(deps: Deps, id: int, ticket: int | None, actor: str) -> bool:
    now = deps.now()
    with deps.store.begin() as tx:
        if ticket is not None:
            tx.by_key([ticket], lock=True)
        waiting = next((d for d in tx.pending(ticket) if d.id == id), None) if ticket is not None else None
        if not tx.drop([id], now, f"dropped by {actor}"):
            return False
        tx.audit(now, actor, "delivery dropped", f"delivery/{id}", {})
        tool = deps.tools.get(waiting.target) if waiting is not None else None
        if waiting is not None and tool is not None:
            if waiting.verb == Verb.CREATE:
                _not_created(tx, deps, tool, waiting, actor)
            else:
                _take_back(tx, deps, tool, waiting, DROPPED, f"dropped by {actor}")
    return True


def _take_back(tx: Tx, deps: Deps, tool: Tool, delivery: Delivery, rule: str, reason: str) -> None:
    if delivery.ticket is None:
        return
    stored, known = locked(tx, tool, delivery)
    lost = wishes_of([delivery], known)
    if delivery.verb != Verb.UPDATE:
        key = str(delivery.payload["key"])
        lost = [Wish(name="", value=None, events=(key,), at=deps.now())] if key not in superseded(known) else []
    left = wishes_of(tx.pending(stored.key), known)
    done = give_up(stored.ticket, stored.base, lost=lost, left=left, revision=stored.revision,
                   now=own_time(deps, tool, stored), rule=rule, delivery=delivery.id, reason=reason)
    if done.events or stored.base is not None:
        tx.save([change_of(stored, done, missing=stored.missing_since)])


def _not_created(tx: Tx, deps: Deps, tool: Tool, delivery: Delivery, actor: str) -> None:
    """A ticket of ours that its tool will never have; if an answer was lost it may have it all the same, and then the
    next reading brings it as a ticket of the tool's own."""
    stored: Stored = tx.by_key([delivery.ticket or 0], lock=True)[delivery.ticket or 0]
    if stored.ticket.id[:1] != PLACEHOLDER or stored.ticket.deleted:
        return
    event = Event(key=f"own/{stored.revision}/deleted", at=own_time(deps, tool, stored), kind=EventKind.DELETED,
                  seq=LATE + stored.revision * PER_REVISION, actor=actor, role=Role.CONNECTOR, origin=Origin.CONNECTOR)
    tx.save([Change(ticket=replace(stored.ticket, deleted=True), before=stored, events=[event])])
