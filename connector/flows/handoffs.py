"""What people do with handoffs: each in one transaction with its history, messages and the ticket's next look.

`side` is Side.THEIRS for a supplier that works in our portal; `receiver` then binds it to its own handoffs. Suppliers'
messages come in through `answer`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from msgspec.structs import replace

from connector.domain.errors import Refused
from connector.domain.handoffs.chain import EntryKind
from connector.domain.handoffs.handoff import Choice, DisputeEffect, Handoff, Moved, move, note
from connector.domain.handoffs.handoff import decide as decided
from connector.domain.handoffs.message import VISIT
from connector.domain.handoffs.moves import Move, Side
from connector.domain.handoffs.receiver import ReceiverKind
from connector.domain.ticket import PRIORITIES
from connector.flows.handoff_hand import Hand, change, require_open, second
from connector.flows.handoff_inbox import Answer, answer
from connector.flows.handoff_offer import LONGEST, Offer, again_in, offer_in
from connector.flows.handoff_thread import LONGEST_TEXT, attach, comment, file_name, publish, report, share
from connector.flows.reading import retried
from connector.ports import Deps

__all__ = ["LONGEST_TEXT", "Answer", "Offer", "act", "answer", "attach", "comment", "decide", "edit", "file_name",
           "looked", "offer", "offer_in", "publish", "report", "share"]
EDITABLE: Final = (*LONGEST, "priority", "reply_by", "theirs", *VISIT)


def offer(deps: Deps, ticket: int, what: Offer, actor: str, once: str = "") -> Handoff:
    """Hand a ticket (our key) over. See `handoff_offer.offer_in`."""
    def work() -> Handoff:
        with deps.store.begin() as tx:
            return offer_in(tx, deps, ticket, what, actor, once)

    return retried(work)


def act(deps: Deps, id: str, what: Move, actor: str, *, side: Side = Side.OURS, reason: str = "", effect: str = "",
        receiver: str | None = None, only_at: int | None = None, once: str = "") -> Handoff:
    """Make a move. `effect` is what a dispute does to the clock: ours to say, when it is opened or settled. The same
    `once` twice is one move.

    Raises NotFound, IllegalMove (409), Refused (422: words lack; 412: not at that revision any more).
    """
    def work(hand: Hand) -> Moved:
        if once and any(entry.body.get("once") == once for entry in hand.tx.entries([id])[id]):
            return Moved(handoff=hand.handoff, entries=())
        if only_at is not None and hand.handoff.revision != only_at:
            raise Refused("the handoff has changed since it was read", 412)
        body = _effect(hand, what, side, effect) | ({"once": once} if once else {})
        if what is Move.OFFER and side is Side.OURS:
            return again_in(hand, actor, reason=reason, body=body)
        return move(hand.handoff, side, what, second(deps), actor=actor, reason=reason, body=body)

    return change(deps, id, work, actor, receiver)


def decide(deps: Deps, id: str, choice: Choice, actor: str, reason: str) -> Handoff:
    """The integrator's decision about work that came back too often."""
    def work(hand: Hand) -> Moved:
        moved = decided(hand.handoff, choice, second(deps), actor=actor, reason=reason)
        if choice is not Choice.OFFER_AGAIN:
            return moved
        return moved.then(again_in(dataclasses.replace(hand, handoff=moved.handoff), actor))

    return change(deps, id, work, actor)


def edit(deps: Deps, id: str, values: Mapping[str, Any], actor: str) -> Handoff:
    """Change what a handoff says: see EDITABLE. A new priority brings the receiver's word for it, and a new plan for
    its clocks. Raises Refused with every mistake."""
    def work(hand: Hand) -> Moved:
        require_open(hand)
        new = _checked(values)
        if "priority" in new and "severity" not in new and hand.receiver is not None:
            new["severity"] = hand.receiver.severity(new["priority"])
        visit: dict[str, Any] = {name: new.pop(name) for name in VISIT if name in new}
        old: dict[str, Any] = {name: getattr(hand.handoff, name) for name in new}
        old |= {name: hand.handoff.details.get(name, "") for name in visit}
        changed = {name: [old[name], value] for name, value in {**new, **visit}.items() if old[name] != value}
        if not changed:
            return Moved(handoff=hand.handoff, entries=())
        after = replace(hand.handoff, **new, details={**hand.handoff.details, **visit})
        return note(after, Side.OURS, EntryKind.EDITED, second(deps), actor=actor, body=changed)

    return change(deps, id, work, actor)


def looked(deps: Deps, id: str, actor: str) -> Handoff:
    """Note that somebody looked at a handoff of a security team: its access log. Others keep none."""
    def work(hand: Hand) -> Moved:
        if hand.receiver is None or hand.receiver.kind is not ReceiverKind.SECURITY:
            return Moved(handoff=hand.handoff, entries=())
        return note(hand.handoff, Side.OURS, EntryKind.ACCESS, second(deps), actor=actor)

    return change(deps, id, work, actor)


def _effect(hand: Hand, what: Move, side: Side, effect: str) -> dict[str, str]:
    if what not in (Move.DISPUTE, Move.SETTLE):
        return {}
    if effect and side is Side.THEIRS:
        raise Refused("effect: what a dispute does to the clock is not yours to say", 422)
    if effect and effect not in list(DisputeEffect):
        raise Refused(f"effect: expected one of {', '.join(DisputeEffect)}", 422)
    if not effect and what is Move.DISPUTE and hand.receiver is not None:
        effect = str(hand.receiver.dispute_clock)
    return {"effect": effect} if effect else {}


def _checked(values: Mapping[str, Any]) -> dict[str, Any]:
    problems: list[str] = []
    for name, value in values.items():
        if name not in EDITABLE:
            problems.append(f"{name} cannot be edited")
        elif name == "reply_by":
            if value is not None and not (isinstance(value, datetime) and value.tzinfo is not None):
                problems.append("reply_by: expected a time with its zone")
        elif not isinstance(value, str) or len(value) > LONGEST.get(name, 500):
            problems.append(f"{name}: expected a text of at most {LONGEST.get(name, 500)} characters")
        elif name == "priority" and value not in PRIORITIES:
            problems.append(f"priority: expected one of {', '.join(PRIORITIES)}")
    if problems:
        raise Refused("; ".join(problems), 422)
    return {name: value.strip() if isinstance(value, str) else value for name, value in values.items()}
