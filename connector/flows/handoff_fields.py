"""Fields that a receiver and the ticket both hold: exchanged in the transaction that changed one of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connector.domain.errors import Refused
from connector.domain.handoffs.exchange import Drift, Kept, decided, drift, exchanged, heard, value
from connector.domain.handoffs.handoff import Handoff, Moved
from connector.domain.history import Event, EventKind, effective
from connector.domain.mapping import Mapping as FieldMapping
from connector.domain.mapping import Owner
from connector.domain.ticket import Kind, Value
from connector.flows.handoff_hand import Hand, opened, second
from connector.flows.reading import retried
from connector.ports import Deps


def take(hand: Hand, so_far: Moved, news: Mapping[str, Any]) -> Moved:
    """What a message says of fields. Raises Refused (422) with every mistake."""
    receiver = hand.receiver
    if not news or receiver is None or not receiver.mirrors:
        return Moved(handoff=so_far.handoff, entries=())
    try:
        known = heard(so_far.handoff, receiver, news, second(hand.deps))
    except ValueError as error:
        raise Refused(str(error), 422) from None
    history = effective(hand.tx.history([hand.stored.key]).get(hand.stored.key, ()))
    return settle(hand, known, history)


def settle(hand: Hand, handoff: Handoff, history: Sequence[Event]) -> Moved:
    """Bring both sides together; what is to be written to the ticket goes with the hand."""
    receiver = hand.receiver
    if receiver is None or not handoff.mirrored or not receiver.mirrors or handoff.ended:
        return Moved(handoff=handoff, entries=())
    changed = {event.field: event.at for event in history if event.kind is EventKind.CHANGED}
    made = exchanged(handoff, hand.stored.ticket, receiver, second(hand.deps), ours_at=changed,
                     closed=_closed(hand, handoff))
    hand.patch |= made.to_tool
    return made.moved


def decide_field(deps: Deps, id: str, field: str, kept: Kept, actor: str) -> Handoff:
    """A person decides about a field on which both sides differ. Raises Refused (409) when nothing waits there."""
    def once() -> Handoff:
        with deps.store.begin() as tx:
            hand = opened(tx, deps, id)
            receiver = hand.receiver
            try:
                if receiver is None:
                    raise KeyError(field)
                made = decided(hand.handoff, hand.stored.ticket, receiver, field, kept, second(deps), actor=actor)
            except KeyError:
                raise Refused(f"{field}: nothing waits for a decision", 409) from None
            hand.patch |= made.to_tool
            return hand.keep(made.moved, actor)

    return retried(once)


def drifts(deps: Deps, handoffs: Sequence[Handoff]) -> Iterator[tuple[Handoff, Drift]]:
    """Of these handoffs, what differs now between our tickets and what receivers hold."""
    registry = deps.registry() if deps.registry is not None else None
    with deps.store.read() as tx:
        tickets = tx.by_key(sorted({one.ticket for one in handoffs if one.mirrored}))
    for handoff in handoffs:
        receiver = registry.receivers.get(handoff.receiver) if registry is not None else None
        if receiver is not None and handoff.ticket in tickets:
            for one in drift(handoff, tickets[handoff.ticket].ticket, receiver):
                yield handoff, one


def _closed(hand: Hand, handoff: Handoff) -> frozenset[str]:
    """Fields that we cannot write to the ticket's tool, or not with the receiver's value."""
    tool = hand.deps.tools.get(hand.stored.ticket.tool)
    return frozenset(name for name, known in handoff.mirrored.items()
                     if tool is None or not _writes(tool.mapping, hand.stored.ticket.kind, name, value(known.theirs)))


def _writes(mapping: FieldMapping, kind: Kind, name: str, wanted: Value) -> bool:
    if mapping.owner(name) is Owner.TOOL or not mapping.writable(name):
        return False
    try:
        mapping.write({name: wanted}, kind)
    except Refused:
        return False
    return True
