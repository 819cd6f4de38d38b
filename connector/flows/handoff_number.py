"""The number under which a receiver keeps the work, told by the receiver itself in the portal."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from connector.domain.errors import Refused
from connector.domain.handoffs.chain import EntryKind
from connector.domain.handoffs.handoff import Handoff, IllegalMove, note
from connector.domain.handoffs.moves import Side
from connector.flows.handoff_hand import opened, second
from connector.flows.reading import retried
from connector.ports import Deps

LONGEST: Final = 255


def number_of_theirs(deps: Deps, id: str, theirs: str, actor: str, receiver: str) -> Handoff:
    """Raises NotFound, IllegalMove (409) when the handoff is closed, Refused (422) for what is no number."""
    theirs = theirs.strip()
    if not theirs or len(theirs) > LONGEST or not theirs.isprintable():
        raise Refused(f"theirs: expected one line of at most {LONGEST} characters", 422)

    def work() -> Handoff:
        with deps.store.begin() as tx:
            hand = opened(tx, deps, id, receiver)
            if hand.handoff.ended:
                raise IllegalMove("the handoff is closed", ())
            if hand.handoff.theirs == theirs:
                return hand.handoff
            body = {"theirs": [hand.handoff.theirs, theirs]}
            moved = note(replace(hand.handoff, theirs=theirs), Side.THEIRS, EntryKind.EDITED, second(deps),
                         actor=actor, body=body)
            return hand.keep(moved, actor)

    return retried(work)
