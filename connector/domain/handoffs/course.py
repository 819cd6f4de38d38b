"""The entries of a handoff, walked once: what was true after each, as its clocks need it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from connector.domain.handoffs.chain import Entry, EntryKind
from connector.domain.handoffs.handoff import DisputeEffect
from connector.domain.handoffs.moves import HandoffState, Move, Side


class Step(NamedTuple):
    """After the entry at `at`: `state` is the one that a dispute interrupts, `frozen` says that the dispute stops it.

    `move` is None for what moves nothing. `waiting_for` is why they wait for the customer.
    """

    at: datetime
    side: Side
    kind: EntryKind
    move: Move | None
    state: HandoffState
    frozen: bool
    waiting_for: str
    priority: str

    @property
    def heard(self) -> bool:
        """Whether the receiver did something that tells how the work goes."""
        if self.side is not Side.THEIRS or self.kind not in (EntryKind.MOVED, EntryKind.COMMENT, EntryKind.FILE,
                                                            EntryKind.REPORT):
            return False
        return self.move not in (Move.ACKNOWLEDGE, Move.DISPUTE, Move.SETTLE)


def steps(entries: Sequence[Entry], priority: str) -> Iterator[Step]:
    """`priority` is the handoff's present one, for histories that do not tell of any."""
    state, frozen, waiting_for = HandoffState.DRAFT, False, ""
    known = _first_priority(entries, priority)
    for i, entry in enumerate(entries):
        move = None
        if entry.kind is EntryKind.EDITED and "priority" in entry.body:
            known = str(entry.body["priority"][1] or "")
        elif entry.kind is EntryKind.MOVED:
            move = Move(entry.body["move"])
            if move is Move.DISPUTE:
                frozen = _effect(entries, i) is not DisputeEffect.RUNS
            else:
                frozen = False
                state = HandoffState(entry.body["to"])
                waiting_for = str(entry.body.get("reason", "")) if move is Move.WAIT else (
                    waiting_for if move is Move.SETTLE else "")
        yield Step(entry.at, entry.side, entry.kind, move, state, frozen, waiting_for, known)


def _first_priority(entries: Sequence[Entry], priority: str) -> str:
    changed = (entry for entry in entries if entry.kind is EntryKind.EDITED and "priority" in entry.body)
    first = next(changed, None)
    return priority if first is None else str(first.body["priority"][0] or "")


def _effect(entries: Sequence[Entry], opened: int) -> DisputeEffect:
    """What a dispute did to the clock: as opened while it lasts, as settled afterwards.

    Time is credited by settling so: until then such a dispute runs.
    """
    settled = next((entry for entry in entries[opened + 1:] if entry.body.get("move") == Move.SETTLE), None)
    effect = DisputeEffect(entries[opened].body.get("effect", DisputeEffect.RUNS))
    if settled is None:
        return DisputeEffect.FROZEN if effect is DisputeEffect.FROZEN else DisputeEffect.RUNS
    return DisputeEffect(settled.body.get("effect", effect))
