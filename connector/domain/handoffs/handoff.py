"""A handoff: work of a ticket given to a supplier, an operations centre, a security team or a field service.

The record is frozen; `move` and `note` give the next one together with the entries of its history.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from connector.domain.errors import Refused
from connector.domain.handoffs.chain import GENESIS, Entry, EntryKind, plain, sealed
from connector.domain.handoffs.moves import RULES, UNDONE, HandoffState, Move, Side, allowed, turn

LONGEST_REASON: Final = 20_000
_DECISIVE: Final = (Move.OFFER, Move.CLOSE)
"""Moves of ours that wait for the decision when the work came back too often."""


class DisputeEffect(StrEnum):
    """What a dispute does to the contract's resolution clock."""

    RUNS = "runs"
    FROZEN = "frozen"
    CREDITED = "credited"
    """It runs while the dispute lasts; if it is settled so, that time is given back."""


class Held(StrEnum):
    """Why a field that both sides hold is not exchanged."""

    NO = ""
    CONFLICT = "conflict"
    """Both changed it, and a person has to decide."""
    FLAPPING = "flapping"
    """It went back and forth too often."""


class Mirrored(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A field that both sides hold: the value they agreed on last, and theirs. `since` is when they were first seen to
    differ, `writes` when it was last passed on."""

    base: Any = None
    theirs: Any = None
    theirs_at: datetime
    since: datetime | None = None
    writes: tuple[datetime, ...] = ()
    held: Held = Held.NO


class Handoff(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """`ticket` is our key of it, `ours` and `theirs` are the numbers each side calls the work by.

    `severity` is in the receiver's words, `priority` in ours. `reply_by`: an offer not answered then expires.
    `bounces`: how often the work came back undone, all receivers together; `decision_due`: too often, so a person has
    to decide before it is offered again. `follows` is the handoff before this one. `seq` and `head` are number and
    hash of the last entry.
    """

    id: str
    ticket: int
    receiver: str
    state: HandoffState = HandoffState.DRAFT
    work: str = ""
    """The piece of the ticket's work it is about (a task of a request); "" for all of it. Pieces do not share one."""
    ours: str = ""
    theirs: str = ""
    contract: str = ""
    version: str = ""
    reason: str = ""
    priority: str = ""
    severity: str = ""
    tried: str = ""
    contact: str = ""
    data_class: str = ""
    tlp: str = ""
    owner: str = ""
    """Who is accountable on our side, through all moves."""
    details: dict[str, str] = {}
    """Further fields of the ticket chosen to travel, and of a visit: site, access, visit_from, visit_to."""
    reply_by: datetime | None = None
    follows: str = ""
    bounces: int = 0
    rejections: int = 0
    decision_due: bool = False
    before: HandoffState | None = None
    """The state a dispute interrupted."""
    disputed_by: Side | None = None
    dispute_effect: DisputeEffect | None = None
    ended_by: Move | None = None
    """How it ended undone: withdrawn, or closed after it came back. None while it lives and when it was accepted."""
    waiting_for: str = ""
    """Why they wait for the customer."""
    waiting_since: datetime | None = None
    created_at: datetime
    offered_at: datetime | None = None
    first_offered_at: datetime | None = None
    changed_at: datetime | None = None
    heard_at: datetime | None = None
    """When the receiver last did anything."""
    mirrored: dict[str, Mirrored] = {}
    """Fields that are exchanged, by name."""
    late: tuple[str, ...] = ()
    """Targets broken and not corrected since."""
    silent: bool = False
    """Nothing was heard for longer than the contract allows."""
    seq: int = 0
    head: str = GENESIS
    revision: int = 0

    @property
    def lane(self) -> str:
        """Deliveries of one handoff are done in order."""
        return f"handoff/{self.id}"

    @property
    def turn(self) -> str:
        """Who has to do something next: ours, theirs, customer, or "" for nobody."""
        return "ours" if self.decision_due and self.state is not HandoffState.CLOSED else turn(self.state)

    @property
    def returned(self) -> bool:
        """Whether the work came back undone, given back by them or called back by us."""
        return self.state in UNDONE or self.ended_by in (Move.WITHDRAW, Move.CLOSE)

    @property
    def withdrawn(self) -> bool:
        return self.ended_by is Move.WITHDRAW

    @property
    def ended(self) -> bool:
        return self.state is HandoffState.CLOSED


class IllegalMove(Refused):
    """The state machine does not allow this now; `allowed` are the moves this side may make instead. Status 409."""

    def __init__(self, reason: str, allowed: tuple[Move, ...]) -> None:
        super().__init__(reason, 409)
        self.allowed = allowed


class Moved(Struct, frozen=True, kw_only=True):
    handoff: Handoff
    entries: tuple[Entry, ...]

    def then(self, other: Moved) -> Moved:
        """Both, one after the other; `other` was made from this one's handoff."""
        return Moved(handoff=other.handoff, entries=(*self.entries, *other.entries))


def move(handoff: Handoff, side: Side, what: Move, at: datetime, *, actor: str = "", reason: str = "",
         body: Mapping[str, Any] | None = None) -> Moved:
    """Make a move. `body` is kept with the entry (what was said besides).

    Raises IllegalMove (status 409) when this side may not do that now, Refused (status 422) when required words lack.
    """
    rule = RULES[what]
    can = may(handoff, side)
    if what not in can:
        raise IllegalMove(_why_not(handoff, side, what, can), can)
    reason = reason.strip()
    if rule.reason and not reason:
        raise Refused(f"reason: {what} needs one", 422)
    if len(reason) > LONGEST_REASON:
        raise Refused(f"reason: longer than {LONGEST_REASON} characters", 422)
    to = rule.to or handoff.before or HandoffState.IN_PROGRESS
    told = {**(body or {}), "move": str(what), "from": str(handoff.state), "to": str(to)}
    if reason:
        told["reason"] = reason
    return note(replace(handoff, state=to, **_changes(handoff, side, what, at, reason, told)), side,
                EntryKind.MOVED, at, actor=actor, body=told)


def may(handoff: Handoff, side: Side) -> tuple[Move, ...]:
    """The moves a side may make now, in the order of the table."""
    can = allowed(handoff.state, side)
    if Move.SETTLE in can and side is Side.THEIRS and handoff.disputed_by is not Side.THEIRS:
        can = tuple(one for one in can if one is not Move.SETTLE)
    if handoff.decision_due and side is Side.OURS:
        can = tuple(one for one in can if one not in _DECISIVE)
    return can


def _why_not(handoff: Handoff, side: Side, what: Move, can: tuple[Move, ...]) -> str:
    if what in _DECISIVE and handoff.decision_due and side is Side.OURS:
        return f"the work came back {handoff.bounces} times: decide first what happens to it"
    choices = ", ".join(can) or "nothing"
    who = "they" if side is Side.THEIRS else "we" if side is Side.OURS else "the system"
    return f"a handoff that is {handoff.state} does not take {what}; {who} may: {choices}"


def _changes(handoff: Handoff, side: Side, what: Move, at: datetime, reason: str,
             body: Mapping[str, Any]) -> dict[str, Any]:
    """What a move changes besides the state."""
    if what is Move.OFFER:
        return {"offered_at": at, "first_offered_at": handoff.first_offered_at or at, "heard_at": None,
                "silent": False}
    if what in RETURNS:
        return {"bounces": handoff.bounces + 1, "waiting_for": ""}
    if what is Move.WAIT:
        return {"waiting_for": reason, "waiting_since": at}
    if what in (Move.RESUME, Move.PROPOSE):
        return {"waiting_for": ""}
    if what is Move.REJECT:
        return {"rejections": handoff.rejections + 1}
    if what is Move.DISPUTE:
        return {"before": handoff.state, "disputed_by": side, "dispute_effect": _effect(body)}
    if what is Move.WITHDRAW or (what is Move.CLOSE and handoff.state in UNDONE):
        return {"ended_by": what, "waiting_for": ""}
    if what is Move.SETTLE:
        return {"before": None, "disputed_by": None, "dispute_effect": None}
    return {}


def _effect(body: Mapping[str, Any]) -> DisputeEffect:
    told = body.get("effect", DisputeEffect.RUNS)
    try:
        return DisputeEffect(told)
    except ValueError:
        raise Refused(f"effect: expected one of {', '.join(DisputeEffect)}", 422) from None


def note(handoff: Handoff, side: Side, kind: EntryKind, at: datetime, *, actor: str = "",
         body: Mapping[str, Any] | None = None, mark: str = "") -> Moved:
    """Add an entry that moves nothing: a comment, a file, a reading of a clock. Time never goes back in the chain."""
    at = max(at, handoff.changed_at or handoff.created_at)
    entry = Entry(seq=handoff.seq + 1, at=at, side=side, actor=plain(actor), kind=kind, body=plain(body or {}),
                  mark=plain(mark), prev=handoff.head)
    entry = replace(entry, hash=sealed(handoff.id, entry))
    heard = {"heard_at": at, "silent": False} if side is Side.THEIRS else {}
    return Moved(handoff=replace(handoff, seq=entry.seq, head=entry.hash, changed_at=at, **heard), entries=(entry,))


class Choice(StrEnum):
    """What a person may decide when the work came back too often."""

    OFFER_AGAIN = "offer_again"
    REROUTE = "reroute"
    KEEP = "keep"
    """We do it ourselves."""


RETURNS: Final = (Move.DECLINE, Move.HAND_BACK, Move.EXPIRE)
"""Moves by which work comes back undone."""


def bounced(handoff: Handoff, limit: int, at: datetime) -> Moved | None:
    """The bounce rule: work that came back `limit` times or more waits for a decision. None when it does not hold.

    To be asked when it comes back, or (a draft) when it is offered after it was called back from somebody else.
    """
    if handoff.state not in (*UNDONE, HandoffState.DRAFT) or handoff.bounces < limit or handoff.decision_due:
        return None
    return note(replace(handoff, decision_due=True), Side.SYSTEM, EntryKind.BOUNCED, at,
                body={"bounces": handoff.bounces, "limit": limit})


def decide(handoff: Handoff, choice: Choice, at: datetime, *, actor: str, reason: str) -> Moved:
    """The integrator's decision. Raises IllegalMove when none is due, Refused (422) without a reason."""
    if not handoff.decision_due:
        raise IllegalMove("no decision is due", allowed(handoff.state, Side.OURS))
    if not reason.strip():
        raise Refused("reason: a decision needs one", 422)
    decided = note(replace(handoff, decision_due=False), Side.OURS, EntryKind.DECIDED, at, actor=actor,
                   body={"choice": str(choice), "reason": reason.strip()})
    if choice is Choice.OFFER_AGAIN:
        return decided
    return decided.then(move(decided.handoff, Side.OURS, Move.CLOSE, at, actor=actor, reason=str(choice)))
