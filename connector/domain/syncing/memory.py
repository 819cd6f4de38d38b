"""Taking a tool's own memory of a ticket (audit, log, thread) into the history.

Exact events replace inferred ones, our own writes are recognised, and what the memory does not explain stays inferred.
The result depends only on what is known in the end, not on the order in which readings arrived.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from connector.domain.history import Event, EventKind, Origin, effective, order
from connector.domain.syncing.changes import CREATED, LATE, digest
from connector.domain.ticket import Ticket, value_of
from connector.domain.values import agrees, same

_SAID = frozenset({EventKind.COMMENTED, EventKind.NOTED, EventKind.ATTACHED})


def superseded(events: Iterable[Event]) -> set[str]:
    """Keys of the events that no longer count."""
    gone: set[str] = set()
    for event in events:
        if event.kind is EventKind.SUPERSEDED:
            keys = event.data.get("keys")
            gone.update(keys if isinstance(keys, (tuple, list)) else ())
    return gone


def supersede(keys: Iterable[str], at: datetime) -> Event:
    """The event that takes others out of the effective history."""
    every = tuple(sorted(keys))
    return Event(key=f"-{digest(*every)}", at=at, kind=EventKind.SUPERSEDED, origin=Origin.CONNECTOR,
                 data={"keys": every})


def conflict(key: str, at: datetime, field: str, lost: Any, kept: Any, rule: str) -> Event:
    """The record of a value that lost."""
    return Event(key=key, at=at, kind=EventKind.CONFLICT, seq=LATE, field=field, old=lost, new=kept,
                 origin=Origin.CONNECTOR, data={"rule": rule})


def is_inferred(event: Event) -> bool:
    return event.inferred or event.key == CREATED


def is_exact(event: Event) -> bool:
    return event.origin is not Origin.CONNECTOR and not is_inferred(event)


def reconcile(known: Sequence[Event], read: Iterable[Event], snapshot: Ticket, me: Collection[str] = (),
              wished: Collection[str] = ()) -> list[Event]:
    """The events to append so that the effective history ends in what `snapshot` shows.

    `known` are the stored events with those inferred for this very snapshot; `read` is the tool's memory, which may be
    older or newer than the snapshot and may have been read before. `me` are the names of our own account. Fields in
    `wished` are on their way to another value than the snapshot's, so they are not held against it.
    """
    fresh = _echoes(known, _unknown(known, read), me)
    gone = superseded(known) | superseded(fresh)
    out = _superseded_creation(known, fresh, gone)
    everything = [*known, *fresh]
    born = any(event.kind is EventKind.CREATED and is_exact(event) for event in everything)
    fixes: list[Event] = []
    for field in sorted({e.field for e in everything if e.kind is EventKind.CHANGED}):
        lines = [e for e in everything if e.kind is EventKind.CHANGED and e.field == field and e.key not in gone]
        if field in wished:
            out |= _replaced(lines, field, snapshot, born)
            continue
        replaced, fix = _settle(lines, field, snapshot, born, known)
        out |= replaced
        fixes += fix
    new = [*fresh, *fixes]
    if out:
        new.append(supersede(out, snapshot.updated_at))
    return new


def _unknown(known: Sequence[Event], read: Iterable[Event]) -> list[Event]:
    have = {event.key for event in known}
    fresh = {event.key: event for event in read if event.key not in have}
    return sorted(fresh.values(), key=order)


def _echoes(known: Sequence[Event], fresh: list[Event], me: Collection[str]) -> list[Event]:
    """The fresh events, those marked that only show what we wrote, with the conflicts that this reveals."""
    gone = superseded(known) | {event.echo for event in known if event.echo}
    own = [e for e in known if e.origin is Origin.CONNECTOR and not e.inferred and e.key not in gone]
    line = [e for e in known if is_exact(e) and e.kind is EventKind.CHANGED]
    explained = {(e.field, e.old) for e in known if e.kind is EventKind.CONFLICT or e.origin is Origin.CONNECTOR}
    found: list[Event] = []
    for event in fresh:
        match = next(iter(sorted((e for e in own if _repeats(event, e, me)),
                                 key=lambda e: (not same(e.old, event.old), order(e)))), None)
        if match is None:
            found.append(event)
            line.append(event)
            continue
        own.remove(match)
        echo = replace(event, echo=match.key)
        hit = _overwritten(line, event, explained)
        if hit is not None:
            found.append(conflict(f"!{event.field}/{event.key}", event.at, event.field, hit.new, event.new,
                                  "overwritten"))
            if order(hit) > order(match):
                # Our decision came before the change it overwrote, so it is the write that tells what happened.
                found.append(supersede([match.key], event.at))
                echo = event
        found.append(echo)
        line.append(echo)
    return found


def _repeats(event: Event, own: Event, me: Collection[str]) -> bool:
    """Whether a tool's event shows our own one: by our marker, or by author and value. Time decides nothing."""
    if event.kind is not own.kind:
        return False
    if event.data.get("key") == own.key or event.kind is EventKind.CREATED:
        return True
    if event.field != own.field or (me and event.actor and event.actor not in me):
        return False
    if event.kind is EventKind.CHANGED:
        return agrees(event.new, own.new)
    if event.kind is EventKind.ATTACHED:
        return event.data.get("name", event.text) == own.data.get("name", own.text)
    if event.kind in _SAID:
        ours, theirs = " ".join(own.text.split()), " ".join(event.text.split())
        return bool(ours) and ours in theirs
    return False


def _overwritten(line: Iterable[Event], echo: Event, explained: Collection[tuple[str, Any]]) -> Event | None:
    """The change by somebody else that our write hit, if we had not seen it: no event of ours starts from its value,
    and no conflict tells of it."""
    before = [e for e in line if e.field == echo.field and order(e) < order(echo)]
    last = max(before, key=order, default=None)
    if echo.kind is not EventKind.CHANGED or last is None or last.echo or same(last.new, echo.new):
        return None
    return None if (last.field, last.new) in explained else last


def _superseded_creation(known: Sequence[Event], fresh: Sequence[Event], gone: set[str]) -> set[str]:
    """Inferred creation, deletion and restoration of which the tool has told."""
    out: set[str] = set()
    for kind in (EventKind.CREATED, EventKind.DELETED, EventKind.RESTORED):
        told = sorted((e for e in (*known, *fresh) if e.kind is kind and is_exact(e)), key=order)
        guessed = sorted((e for e in known if e.kind is kind and is_inferred(e)), key=order)
        if kind is EventKind.CREATED:
            out.update(e.key for e in guessed if told)
            continue
        for event in told:
            match = next((e for e in guessed if e.at >= event.at and e.key not in out), None)
            if match is not None:
                out.add(match.key)
    return out - gone


def _settle(lines: Sequence[Event], field: str, snapshot: Ticket, born: bool,
            known: Sequence[Event]) -> tuple[set[str], list[Event]]:
    """Inferred events of one field that are replaced, and the one that is missing, if any."""
    value = value_of(snapshot, field)
    out = _replaced(lines, field, snapshot, born)
    left = effective(e for e in lines if e.key not in out)
    if _ends_in(left, value, snapshot.updated_at):
        return out, []
    for candidate in sorted((e for e in lines if is_inferred(e) and same(e.new, value)), key=order, reverse=True):
        if _ends_in(effective(e for e in lines if e.key not in out or e is candidate), value, snapshot.updated_at):
            return out - {candidate.key}, []
    return out, [_fix(left, field, value, snapshot, known)]


def _replaced(lines: Sequence[Event], field: str, snapshot: Ticket, born: bool) -> set[str]:
    """Inferred events that the memory covers: all if it explains the snapshot, else those before its last event."""
    exact = sorted((e for e in lines if is_exact(e)), key=order)
    if not exact:
        return set()
    value = value_of(snapshot, field)
    explained = _ends_in(exact, value, snapshot.updated_at)
    pairs = [(e.old, e.new) for e in exact]
    out: set[str] = set()
    for event in lines:
        if not is_inferred(event):
            continue
        told = any(same(event.old, old) and same(event.new, new) for old, new in pairs)
        within = born or event.at >= exact[0].at
        covered = within or told
        if not explained:
            covered = not same(event.new, value) and (told or (within and event.at <= exact[-1].at))
        if covered:
            out.add(event.key)
    return out


def _ends_in(lines: Sequence[Event], value: Any, seen: datetime) -> bool:
    """Whether a sequence of changes ends in `value`, or did before exact events newer than the reading."""
    if not lines:
        return True
    for event in reversed(lines):
        if agrees(event.new, value):
            return True
        if not is_exact(event) or event.at < seen:
            return False
    return agrees(lines[0].old, value)


def _fix(left: Sequence[Event], field: str, value: Any, snapshot: Ticket, known: Sequence[Event]) -> Event:
    """The change that nothing tells of, at the latest moment it can have happened."""
    last = left[-1] if left else None
    at = snapshot.updated_at if last is None else max(snapshot.updated_at, last.at)
    seq = last.seq + 1 if last is not None and last.at == at else LATE
    name = f"~{field}/{digest(last.key if last is not None else '', value)}"
    again = sum(event.key.startswith(name) for event in known)
    return Event(key=f"{name}.{again}", at=at, kind=EventKind.CHANGED, seq=max(seq, LATE), field=field,
                 old=last.new if last is not None else None, new=value, inferred=True)
