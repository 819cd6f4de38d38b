"""Every allowed move of a handoff, in one table: who may make it, from which states, where it leads."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple


class Side(StrEnum):
    """Who moves: our desk, the receiver, or the clock and the ticket themselves."""

    OURS = "ours"
    THEIRS = "theirs"
    SYSTEM = "system"


class HandoffState(StrEnum):
    DRAFT = "draft"
    OFFERED = "offered"
    ACKNOWLEDGED = "acknowledged"
    DECLINED = "declined"
    IN_PROGRESS = "in_progress"
    WAITING_CUSTOMER = "waiting_customer"
    RESOLVED_PROPOSED = "resolved_proposed"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    HANDED_BACK = "handed_back"
    DISPUTED = "disputed"
    EXPIRED = "expired"
    CLOSED = "closed"


class Move(StrEnum):
    OFFER = "offer"
    ACKNOWLEDGE = "acknowledge"
    DECLINE = "decline"
    START = "start"
    WAIT = "wait_customer"
    RESUME = "resume"
    PROPOSE = "propose_resolution"
    ACCEPT = "accept"
    REJECT = "reject"
    HAND_BACK = "hand_back"
    DISPUTE = "dispute"
    SETTLE = "settle"
    EXPIRE = "expire"
    WITHDRAW = "withdraw"
    CLOSE = "close"


class Rule(NamedTuple):
    """`to` None: back to the state before the dispute. `reason`: words are required."""

    move: Move
    sides: frozenset[Side]
    sources: frozenset[HandoffState]
    to: HandoffState | None
    reason: bool = False
    note: str = ""


_S: Final = HandoffState
_OURS: Final = frozenset({Side.OURS})
_THEIRS: Final = frozenset({Side.THEIRS})
_BOTH: Final = _OURS | _THEIRS
_OPEN: Final = frozenset({_S.ACKNOWLEDGED, _S.IN_PROGRESS, _S.WAITING_CUSTOMER, _S.REJECTED})
UNDONE: Final = frozenset({_S.DECLINED, _S.HANDED_BACK, _S.EXPIRED})
"""The work came back without being done: it may be offered again."""
ANSWERED: Final = _OPEN | UNDONE | {_S.RESOLVED_PROPOSED, _S.ACCEPTED}

TABLE: Final[tuple[Rule, ...]] = (
    Rule(Move.OFFER, _OURS, UNDONE | {_S.DRAFT}, _S.OFFERED, note="from the third return on only after a decision"),
    Rule(Move.ACKNOWLEDGE, _THEIRS, frozenset({_S.OFFERED}), _S.ACKNOWLEDGED),
    Rule(Move.DECLINE, _THEIRS, frozenset({_S.OFFERED, _S.ACKNOWLEDGED}), _S.DECLINED, True),
    Rule(Move.START, _THEIRS, frozenset({_S.OFFERED, _S.ACKNOWLEDGED, _S.REJECTED}), _S.IN_PROGRESS,
         note="from offered it acknowledges too"),
    Rule(Move.WAIT, _THEIRS, frozenset({_S.ACKNOWLEDGED, _S.IN_PROGRESS, _S.REJECTED}), _S.WAITING_CUSTOMER, True),
    Rule(Move.RESUME, _BOTH | {Side.SYSTEM}, frozenset({_S.WAITING_CUSTOMER}), _S.IN_PROGRESS,
         note="the system when the customer answers"),
    Rule(Move.PROPOSE, _THEIRS, _OPEN, _S.RESOLVED_PROPOSED, True, "the words say what was done"),
    Rule(Move.ACCEPT, _OURS, frozenset({_S.RESOLVED_PROPOSED}), _S.ACCEPTED),
    Rule(Move.REJECT, _OURS, frozenset({_S.RESOLVED_PROPOSED}), _S.REJECTED, True),
    Rule(Move.HAND_BACK, _THEIRS, _OPEN, _S.HANDED_BACK, True),
    Rule(Move.DISPUTE, _BOTH, ANSWERED | {_S.OFFERED}, _S.DISPUTED, True),
    Rule(Move.SETTLE, _BOTH, frozenset({_S.DISPUTED}), None, True, "theirs only a dispute they opened themselves"),
    Rule(Move.EXPIRE, frozenset({Side.SYSTEM}), frozenset({_S.OFFERED}), _S.EXPIRED, note="when reply_by has passed"),
    Rule(Move.WITHDRAW, _OURS | {Side.SYSTEM}, _OPEN | {_S.DRAFT, _S.OFFERED, _S.RESOLVED_PROPOSED}, _S.CLOSED, True,
         "the system when the ticket ended"),
    Rule(Move.CLOSE, _OURS | {Side.SYSTEM}, UNDONE | {_S.ACCEPTED}, _S.CLOSED),
)
RULES: Final[Mapping[Move, Rule]] = {rule.move: rule for rule in TABLE}

WITH_THEM: Final = _OPEN - {_S.WAITING_CUSTOMER}
"""The receiver has it and works, or should."""
ENDED: Final = frozenset({_S.CLOSED})

_TURN: Final[Mapping[HandoffState, str]] = {
    _S.DRAFT: "ours", _S.OFFERED: "theirs", _S.ACKNOWLEDGED: "theirs", _S.DECLINED: "ours", _S.IN_PROGRESS: "theirs",
    _S.WAITING_CUSTOMER: "customer", _S.RESOLVED_PROPOSED: "ours", _S.ACCEPTED: "ours", _S.REJECTED: "theirs",
    _S.HANDED_BACK: "ours", _S.DISPUTED: "ours", _S.EXPIRED: "ours", _S.CLOSED: "",
}


def turn(state: HandoffState) -> str:
    """Who has to do something next: ours, theirs, customer, or "" for nobody."""
    return _TURN[state]


def allowed(state: HandoffState, side: Side) -> tuple[Move, ...]:
    """The moves a side may make in a state, in the order of the table."""
    return tuple(rule.move for rule in TABLE if side in rule.sides and state in rule.sources)


def as_markdown() -> str:
    """The table as docs/handoffs.md prints it."""
    lines = ["| move | who | from | to | reason | remark |", "| --- | --- | --- | --- | --- | --- |"]
    for rule in TABLE:
        sides = ", ".join(side for side in Side if side in rule.sides)
        sources = ", ".join(state for state in HandoffState if state in rule.sources)
        lines.append(f"| {rule.move} | {sides} | {sources} | {rule.to or 'the state before'} | "
                     f"{'required' if rule.reason else 'optional'} | {rule.note} |")
    return "\n".join(lines)
