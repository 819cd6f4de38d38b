"""Handoffs of the tickets that are looked at: offers expire, clocks breach, silence is noticed, customers answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from connector.domain.agreements.registry import Registry
from connector.domain.handoffs.chain import Entry, EntryKind
from connector.domain.handoffs.handoff import Handoff, Moved, move, note
from connector.domain.handoffs.look import contract_of, look
from connector.domain.handoffs.moves import HandoffState, Move, Side
from connector.domain.handoffs.receiver import Comments
from connector.domain.history import Event, EventKind, Role, effective
from connector.flows.handoff_fields import settle
from connector.flows.handoff_hand import Hand
from connector.flows.reading import log
from connector.ports import Deps, Stored, Tx

AGAIN = timedelta(hours=1)
"""When a handoff that could not be looked at is tried again."""


def look_at(tx: Tx, deps: Deps, registry: Registry, due: Sequence[Stored],
            histories: Mapping[int, Sequence[Event]], now: datetime) -> dict[int, datetime]:
    """Look at the living handoffs of these tickets, in the caller's transaction.

    Gives, by ticket, when to look again. A handoff that cannot be looked at is told in the log and tried again later.
    """
    moments: dict[int, datetime] = {}
    # In the order of their keys, as everybody locks tickets: two transactions cannot wait for each other.
    for key, every in sorted(tx.handoffs_of([stored.key for stored in due]).items()):
        living = [one for one in every if not one.ended and one.state is not HandoffState.DRAFT]
        if not living:
            continue
        entries = tx.entries([one.id for one in living])
        for handoff in living:
            at = _look(tx, deps, registry, key, handoff.id, entries[handoff.id], histories.get(key, ()), now)
            if at is not None:
                moments[key] = min(at, moments.get(key, at))
    return moments


def _look(tx: Tx, deps: Deps, registry: Registry, key: int, id: str, entries: Sequence[Entry],
          history: Sequence[Event], now: datetime) -> datetime | None:
    stored = tx.by_key([key], lock=True)[key]
    every = tx.handoffs_of([key])[key]
    handoff = next(one for one in every if one.id == id)
    hand = Hand(deps, tx, registry, stored, handoff, [one for one in every if one.id != id])
    try:
        moved, at = _judged(hand, entries, history, now)
    except Exception:
        log.exception("handoff_not_looked_at", handoff=id, ticket=str(stored.ticket.ref))
        return now + AGAIN
    hand.keep(moved)
    return now if moved.entries else at


def _judged(hand: Hand, entries: Sequence[Entry], history: Sequence[Event],
            now: datetime) -> tuple[Moved, datetime | None]:
    """What the look leads to, and when to look again. Writes nothing."""
    line = effective(history)
    so_far = _shared(hand, entries, line)
    so_far = so_far.then(settle(hand, so_far.handoff, line))
    so_far = so_far.then(_answered(hand, so_far.handoff, line, now))
    contract = contract_of(hand.handoff, hand.registry)
    told = look(so_far.handoff, [*entries, *so_far.entries], contract, hand.registry, hand.stored.ticket, now)
    for problem in told.reading.problems:
        log.warning("handoff_clock_failed", handoff=hand.handoff.id, reason=problem)
    return so_far.then(told.moved), told.next_at


def _tools_clock(hand: Hand, at: datetime) -> datetime:
    """A time of ours by the clock of the ticket's tool, which stamps the ticket's history."""
    tool = hand.deps.tools.get(hand.stored.ticket.tool)
    return at + (tool.vendor.skew() or timedelta(0)) if tool is not None else at


def _answered(hand: Hand, handoff: Handoff, line: Sequence[Event], now: datetime) -> Moved:
    """The customer wrote after the receiver began to wait for them: the work goes on."""
    since = handoff.waiting_since
    if handoff.state is not HandoffState.WAITING_CUSTOMER or since is None:
        return Moved(handoff=handoff, entries=())
    since = _tools_clock(hand, since)
    if not any(event.kind is EventKind.COMMENTED and event.role is Role.REQUESTER and event.at > since
               for event in line):
        return Moved(handoff=handoff, entries=())
    return move(handoff, Side.SYSTEM, Move.RESUME, now.replace(microsecond=0), reason="the customer answered")


def _shared(hand: Hand, entries: Sequence[Entry], history: Sequence[Event]) -> Moved:
    """Comments the requester can see go to the receiver too, where its list says so; not those that came from it."""
    handoff, receiver = hand.handoff, hand.receiver
    so_far = Moved(handoff=handoff, entries=())
    offered_at = handoff.first_offered_at
    if receiver is None or receiver.shares.comments is not Comments.PUBLISHED or offered_at is None:
        return so_far
    offered_at = _tools_clock(hand, offered_at)
    marks = {entry.mark for entry in entries}
    for event in history:
        mark = f"ticket/{event.key}"
        own = event.key.startswith(f"handoff/{handoff.id}/")
        if event.kind is EventKind.COMMENTED and event.at >= offered_at and not own and mark not in marks:
            so_far = so_far.then(note(
                so_far.handoff, Side.OURS, EntryKind.COMMENT, hand.deps.now().replace(microsecond=0),
                actor=event.actor, mark=mark, body={"text": event.text, "id": mark, "author": event.actor,
                                                    "from": "ticket"}))
    return so_far
