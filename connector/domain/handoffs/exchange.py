"""Fields that both sides hold: what each last said, what has to be told to whom, and what a person has to decide.

A field is compared by value with what both sides agreed on last (`domain.merge`), so an echo of our own message changes
nothing, whenever it comes. A field that goes back and forth too often is held: both sides correct each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from msgspec.structs import replace

from connector.domain.handoffs.chain import EntryKind
from connector.domain.handoffs.handoff import Handoff, Held, Mirrored, Moved, note
from connector.domain.handoffs.moves import Side
from connector.domain.handoffs.receiver import Receiver
from connector.domain.mapping import Owner
from connector.domain.merge import Clash, Context, Plan, Rejection, plan
from connector.domain.merge import Side as Where
from connector.domain.ticket import Ticket, Value, value_of
from connector.domain.values import same
from connector.domain.vocabulary import canonical

MOST_WRITES: Final = 6
WINDOW: Final = timedelta(hours=1)
"""More changes of one field within this time are no work of people."""


class Kept(StrEnum):
    """Whose value a person chose."""

    OURS = "ours"
    THEIRS = "theirs"


@dataclass(frozen=True, slots=True)
class Exchange:
    """`moved` has the handoff and its new entries, `to_tool` is what to write to the ticket."""

    moved: Moved
    to_tool: dict[str, Value]


@dataclass(frozen=True, slots=True)
class Drift:
    """A field on which the sides differ now. `since` is when that was first seen, `held` why nothing is done about it.
    """

    field: str
    ours: Value
    theirs: Value
    since: datetime
    rule: str
    held: Held


def begun(handoff: Handoff, ticket: Ticket, receiver: Receiver, at: datetime) -> Handoff:
    """The state at an offer: what is sent is what both sides know."""
    known = {name: Mirrored(base=_kept(value_of(ticket, name)), theirs=_kept(value_of(ticket, name)), theirs_at=at)
             for name in receiver.mirrors}
    return replace(handoff, mirrored={**handoff.mirrored, **known})


def heard(handoff: Handoff, receiver: Receiver, news: Mapping[str, Any], at: datetime) -> Handoff:
    """The receiver's values, checked. Fields that are not exchanged are ignored. Raises ValueError with every mistake.
    """
    found, mistakes = dict(handoff.mirrored), []
    words = {word.casefold(): priority for priority, word in receiver.severities.items()}
    for name, raw in news.items():
        if name not in found or name not in receiver.mirrors:
            continue
        told = words.get(str(raw).strip().casefold(), raw) if name == "priority" else raw
        try:
            given = canonical(name, tuple(told) if isinstance(told, list) else told)
        except ValueError as error:
            mistakes.append(f"fields.{name}: {error}")
            continue
        if not same(given, value(found[name].theirs)):
            found[name] = replace(found[name], theirs=_kept(given), theirs_at=at)
    if mistakes:
        raise ValueError("; ".join(mistakes))
    return replace(handoff, mirrored=found)


def exchanged(handoff: Handoff, ticket: Ticket, receiver: Receiver, at: datetime, *,
              ours_at: Mapping[str, datetime] | None = None, closed: frozenset[str] = frozenset()) -> Exchange:
    """Bring both sides together, as far as the rules say how. `ours_at` tells when the ticket's fields last changed,
    `closed` names fields that cannot be written to the tool."""
    going = {name: known for name, known in handoff.mirrored.items()
             if name in receiver.mirrors and known.held is Held.NO}
    made = plan(
        {name: value(known.base) for name, known in going.items()},
        {name: value_of(ticket, name) for name in going},
        {name: value(known.theirs) for name, known in going.items()},
        receiver.mirrors,
        Context(times={Where.TOOL: ours_at or {}, Where.PARTNER: {
            name: known.theirs_at for name, known in going.items()}}, closed={Where.TOOL: closed}),
    )
    flapping = {name for name in (*made.tool, *made.partner) if len(_recent(going[name], at)) >= MOST_WRITES}
    after = dict(handoff.mirrored)
    for name in going:
        after[name] = _after(name, going[name], ticket, made, at, flapping)
    moved = _told(replace(handoff, mirrored=after), handoff, ticket, receiver, made, flapping, at)
    return Exchange(moved, {name: value for name, value in made.tool.items() if name not in flapping})


def decided(handoff: Handoff, ticket: Ticket, receiver: Receiver, name: str, kept: Kept, at: datetime, *,
            actor: str) -> Exchange:
    """A person chose whose value stands. Raises KeyError when nothing is held there."""
    known = handoff.mirrored[name]
    if known.held is Held.NO:
        raise KeyError(name)
    ours, theirs = value_of(ticket, name), value(known.theirs)
    stands = ours if kept is Kept.OURS else theirs
    after = Mirrored(base=_kept(stands), theirs=_kept(stands), theirs_at=at)
    handoff = _prioritised(replace(handoff, mirrored={**handoff.mirrored, name: after}), receiver, name, stands)
    moved = note(handoff, Side.OURS, EntryKind.CONFLICT, at, actor=actor, body={
        "field": name, "ours": _entry(ours), "theirs": _entry(theirs), "kept": str(kept)})
    if kept is Kept.OURS:
        moved = moved.then(note(moved.handoff, Side.SYSTEM, EntryKind.EDITED, at,
                                body={name: [_entry(theirs), _entry(ours)]}))
        return Exchange(moved, {})
    return Exchange(moved, {} if same(ours, stands) else {name: stands})


def drift(handoff: Handoff, ticket: Ticket, receiver: Receiver) -> Iterator[Drift]:
    """What differs now, and since when."""
    for name, known in sorted(handoff.mirrored.items()):
        ours, theirs = value_of(ticket, name), value(known.theirs)
        if name in receiver.mirrors and not same(ours, theirs):
            yield Drift(name, ours, theirs, known.since or known.theirs_at, str(receiver.mirrors[name]), known.held)


def _after(name: str, known: Mirrored, ticket: Ticket, made: Plan, at: datetime, flapping: set[str]) -> Mirrored:
    ours, theirs = value_of(ticket, name), value(known.theirs)
    if name in flapping:
        return replace(known, held=Held.FLAPPING, since=known.since or at)
    if any(clash.field == name and clash.rule is Owner.MANUAL for clash in made.conflicts):
        return replace(known, held=Held.CONFLICT, since=known.since or at)
    if name in made.tool or name in made.partner:
        agreed = _kept(made.tool.get(name, made.partner.get(name, ours)))
        return replace(known, base=agreed, theirs=agreed, since=None, writes=(*_recent(known, at), at))
    if same(ours, theirs):
        return replace(known, base=_kept(ours), since=None)
    return replace(known, since=known.since or at)


def _told(after: Handoff, before: Handoff, ticket: Ticket, receiver: Receiver, made: Plan, flapping: set[str],
          at: datetime) -> Moved:
    """Their change, ours, and what could not be passed on, each as an entry."""
    so_far = Moved(handoff=after, entries=())
    theirs = {name: [_entry(value_of(ticket, name)), _entry(value)] for name, value in made.tool.items()
              if name not in flapping}
    ours = {name: [_entry(before.mirrored[name].theirs), _entry(value)] for name, value in made.partner.items()
            if name not in flapping}
    for name, value in {**made.tool, **made.partner}.items():
        if name not in flapping:
            so_far = Moved(handoff=_prioritised(so_far.handoff, receiver, name, value), entries=so_far.entries)
    for side, body in ((Side.THEIRS, theirs), (Side.SYSTEM, ours)):
        if body:
            so_far = so_far.then(note(so_far.handoff, side, EntryKind.EDITED, at, body=body,
                                      actor=before.receiver if side is Side.THEIRS else ""))
    for body in (*map(_clash, made.conflicts), *map(_rejected, _new(made.rejected, before)),
                 *({"field": name, "why": str(Held.FLAPPING)} for name in sorted(flapping))):
        so_far = so_far.then(note(so_far.handoff, Side.SYSTEM, EntryKind.CONFLICT, at, body=body))
    return so_far


def _new(rejections: list[Rejection], before: Handoff) -> Iterator[Rejection]:
    """A change that cannot be passed on is told once: while it stands, the field has differed since."""
    return (one for one in rejections if before.mirrored[one.field].since is None)


def _clash(clash: Clash) -> dict[str, Any]:
    kept = {Where.TOOL: "ours", Where.PARTNER: "theirs"}.get(clash.winner) if clash.winner is not None else (
        "both" if clash.rule is Owner.SET else "")
    return {"field": clash.field, "ours": _entry(clash.tool), "theirs": _entry(clash.partner), "rule": str(clash.rule),
            "kept": kept or ""}


def _rejected(one: Rejection) -> dict[str, Any]:
    return {"field": one.field, "theirs": _entry(one.value), "why": one.reason}


def _prioritised(handoff: Handoff, receiver: Receiver, name: str, value: Any) -> Handoff:
    """The contract's targets follow a priority that is exchanged."""
    if name != "priority" or not value:
        return handoff
    return replace(handoff, priority=str(value), severity=receiver.severity(str(value)))


def _recent(known: Mirrored, at: datetime) -> tuple[datetime, ...]:
    return tuple(one for one in known.writes if at - one <= WINDOW)


def _kept(value: Any) -> Any:
    """As the record holds it: JSON knows no tuples."""
    return list(value) if isinstance(value, tuple) else value


def _entry(value: Any) -> Any:
    """As an entry holds it: without numbers that have a fraction."""
    return str(value) if isinstance(value, float) else _kept(value)


def value(kept: Any) -> Any:
    """The reverse."""
    return tuple(kept) if isinstance(kept, list) else kept
