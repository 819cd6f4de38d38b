"""What the passing of time, and what happens to its ticket, mean for a handoff. Pure; doing it again adds nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from connector.domain.agreements.profile import Profile
from connector.domain.agreements.registry import Registry
from connector.domain.handoffs.chain import Entry, EntryKind
from connector.domain.handoffs.clocks import Reading, reading
from connector.domain.handoffs.handoff import Handoff, Moved, move, note
from connector.domain.handoffs.moves import RULES, HandoffState, Move, Side
from connector.domain.ticket import ENDED, State, Ticket

BREACHED: Final = "breached"
CORRECTED: Final = "corrected"
SILENT: Final = "silent"


@dataclass(frozen=True, slots=True)
class Look:
    """`moved` holds the handoff as it is now, with the entries the look adds."""

    moved: Moved
    reading: Reading
    next_at: datetime | None


def look(handoff: Handoff, entries: Sequence[Entry], contract: Profile | None, registry: Registry, ticket: Ticket,
         now: datetime) -> Look:
    """An offer nobody answered expires, a handoff ends with its ticket, breaches and silence are remembered once."""
    so_far = Moved(handoff=handoff, entries=())
    so_far = so_far.then(_expired(so_far.handoff, now))
    so_far = so_far.then(_ended(so_far.handoff, ticket, now))
    told = reading(so_far.handoff, [*entries, *so_far.entries], contract, registry, ticket, now)
    so_far = so_far.then(_breaches(so_far.handoff, entries, told, now))
    so_far = so_far.then(_silence(so_far.handoff, entries, told, now))
    nexts = [] if told.next_at is None or so_far.handoff.ended else [told.next_at]
    if so_far.handoff.state is HandoffState.OFFERED and so_far.handoff.reply_by is not None:
        nexts.append(max(so_far.handoff.reply_by, now))
    return Look(so_far, told, min(nexts, default=None))


def contract_of(handoff: Handoff, registry: Registry) -> Profile | None:
    """The contract in the version under which the work was offered, else as it is now."""
    found = registry.at(handoff.contract, handoff.version)
    return found or next((one for one in registry.profiles if one.name == handoff.contract), None)


def _unchanged(handoff: Handoff) -> Moved:
    return Moved(handoff=handoff, entries=())


def _expired(handoff: Handoff, now: datetime) -> Moved:
    due = handoff.state is HandoffState.OFFERED and handoff.reply_by is not None and handoff.reply_by <= now
    return move(handoff, Side.SYSTEM, Move.EXPIRE, now) if due else _unchanged(handoff)


def _ended(handoff: Handoff, ticket: Ticket, now: datetime) -> Moved:
    """A ticket that is closed, cancelled or deleted needs nobody's work any more; accepted work ends when it is solved.
    """
    gone = ticket.deleted or ticket.state in (State.CLOSED, State.CANCELLED)
    if (gone or ticket.state in ENDED) and handoff.state in RULES[Move.CLOSE].sources and (
            gone or handoff.state is HandoffState.ACCEPTED):
        return move(handoff, Side.SYSTEM, Move.CLOSE, now)
    if gone and handoff.state in RULES[Move.WITHDRAW].sources:
        what = "deleted" if ticket.deleted else str(ticket.state)
        return move(handoff, Side.SYSTEM, Move.WITHDRAW, now, reason=f"the ticket is {what}")
    return _unchanged(handoff)


def _breaches(handoff: Handoff, entries: Sequence[Entry], told: Reading, now: datetime) -> Moved:
    so_far = _unchanged(handoff)
    recorded: dict[tuple[str, int], list[str]] = {}
    for entry in entries:
        if entry.kind is EntryKind.CLOCK and "cycle" in entry.body:
            recorded.setdefault((entry.body["target"], entry.body["cycle"]), []).append(entry.body["what"])
    for named in told.clocks:
        key = (str(named.target), named.clock.cycle)
        earlier = recorded.pop(key, [])
        was = earlier[-1:] == [BREACHED]
        at = named.clock.breached_at
        if (at is not None) is was:
            continue
        so_far = so_far.then(_clock(so_far.handoff, key, BREACHED if at is not None else CORRECTED, at, len(earlier),
                                    now))
    for key, earlier in recorded.items():
        if earlier[-1:] == [BREACHED] and not told.problems:
            so_far = so_far.then(_clock(so_far.handoff, key, CORRECTED, None, len(earlier), now))
    return so_far


def _clock(handoff: Handoff, key: tuple[str, int], what: str, at: datetime | None, n: int, now: datetime) -> Moved:
    target, cycle = key
    late = [one for one in handoff.late if one != target] + ([target] if what == BREACHED else [])
    handoff = replace(handoff, late=tuple(late))
    body = {"target": target, "cycle": cycle, "what": what, **({} if at is None else {"due": at})}
    return note(handoff, Side.SYSTEM, EntryKind.CLOCK, now, body=body, mark=f"clock/{target}/{cycle}/{n + 1}/{what}")


def _silence(handoff: Handoff, entries: Sequence[Entry], told: Reading, now: datetime) -> Moved:
    since, at = told.silent_since, told.silent_at
    if since is None or at is None or at > now:
        return _unchanged(handoff)
    mark = f"silent/{since.isoformat()}"
    if any(entry.mark == mark for entry in entries):
        return _unchanged(handoff)
    return note(replace(handoff, silent=True), Side.SYSTEM, EntryKind.CLOCK, now, mark=mark,
                body={"what": SILENT, "since": since, "due": at})
