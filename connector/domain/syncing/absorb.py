"""What a new reading of a ticket does to it, and to our own changes on their way ("wishes").

A reading that shows what we wish is an echo; one that shows what the tool showed before is old news; anything else is a
conflict, decided by the owner rule of the field, and the loser is recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from connector.domain.history import Event, EventKind, Origin, Role, effective
from connector.domain.mapping import Owner
from connector.domain.merge import Clash, Context, Side, plan
from connector.domain.syncing.changes import changed_fields, diff
from connector.domain.syncing.memory import conflict, is_exact, reconcile, supersede, superseded
from connector.domain.syncing.wishes import Wish, own_events
from connector.domain.ticket import Ticket, Value, value_of
from connector.domain.values import agrees, empty, fields, put, same, unit, unit_of, units

PATIENCE: Final = 3
"""How often a day a field of ours is written again over the tool's changes before we give way."""
_WHOLE: Final = frozenset({EventKind.DELETED, EventKind.RESTORED})


class Again(Struct, frozen=True, kw_only=True):
    """A value to deliver anew because we won a conflict."""

    fields: dict[str, Value]
    events: dict[str, tuple[str, ...]]
    at: datetime


class Absorbed(Struct, frozen=True, kw_only=True):
    """The ticket after a reading: `base` is set while wishes remain. `conflicts` counts the losers recorded."""

    ticket: Ticket
    base: Ticket | None
    events: list[Event]
    again: Again | None = None
    conflicts: int = 0


def absorb(ticket: Ticket, base: Ticket | None, reading: Ticket, *, revision: int, owner: Callable[[str], Owner],
           now: datetime, wishes: Sequence[Wish] = (), known: Sequence[Event] = (), memory: Iterable[Event] = (),
           me: Collection[str] = (), filling: bool = False) -> Absorbed:
    """Take in a reading of a stored ticket (`base` is what the tool showed before, None if that is `ticket`).

    `known` is the ticket's stored history and `memory` what the tool remembers of it. `now` is by the tool's clock.
    `filling`: the first reading of a ticket we created, where the tool's own defaults are no changes.
    """
    shown = ticket if base is None else base
    work = _Work(shown, reading, revision, owner, max(now, reading.updated_at).replace(microsecond=0), known, memory)
    for name, line in _lines(wishes).items():
        work.wished(name, line)
    work.claim()
    work.decide()
    for wish in wishes:
        if wish.void and wish.written:
            work.overwritten(wish)
    fresh = [_after_last(event, known, work.now) for event in diff(shown, reading, revision=revision)
             if unit_of(event.field) not in work.echoes]
    if filling:
        fresh = [event for event in fresh if not (empty(event.old) or event.field == "opened_at")]
    wished = fields(work.kept).keys()
    new = reconcile([*known, *fresh, *work.events], memory, reading, me, wished)
    return Absorbed(ticket=put(reading, fields(work.kept)), base=reading if work.waiting else None,
                    events=[*_pruned(fresh, new), *work.events], again=work.again(), conflicts=work.conflicts)


def give_up(ticket: Ticket, base: Ticket | None, *, lost: Sequence[Wish], left: Sequence[Wish], revision: int,
            now: datetime, rule: str, delivery: int, reason: str) -> Absorbed:
    """Take wishes back that the tool refused: its values return, and the loss is recorded with its delivery.

    A wish without a name is something said: it has no value that could return.
    """
    shown = ticket if base is None else base
    work = _Work(shown, shown, revision, lambda name: Owner.TOOL, now, (), ())
    work.because = {"delivery": delivery, "reason": reason}
    for wish in lost:
        if not wish.name:
            work.lose("", [wish], None, None, rule)
        elif not wish.void:
            work.lose(wish.name, [wish], wish.value, unit(shown, wish.name), rule)
    kept = {wish.name: wish.value for wish in left if not wish.void}
    return Absorbed(ticket=put(shown, fields(kept)), base=shown if kept else None, events=work.events,
                    conflicts=work.conflicts)


def _after_last(event: Event, known: Iterable[Event], now: datetime) -> Event:
    """A return is never earlier than the deletion, of which only a sweep may have told."""
    if event.kind not in _WHOLE:
        return event
    last = max((e.at for e in known if e.kind in _WHOLE), default=None)
    return event if last is None or event.at > last else replace(event, at=max(now, last))


def _lines(wishes: Iterable[Wish]) -> dict[str, list[Wish]]:
    found: dict[str, list[Wish]] = {}
    for wish in wishes:
        if not wish.void:
            found.setdefault(wish.name, []).append(wish)
    return found


class _Work:
    def __init__(self, shown: Ticket, reading: Ticket, revision: int, owner: Callable[[str], Owner], now: datetime,
                 known: Sequence[Event], memory: Iterable[Event]) -> None:
        self.shown, self.reading, self.revision, self.owner, self.now = shown, reading, revision, owner, now
        self.known, self.memory = known, memory
        self.kept: dict[str, Any] = {}
        self.echoes: set[str] = set()
        self.events: list[Event] = []
        self.open: dict[str, list[Wish]] = {}
        self.again_fields: dict[str, Value] = {}
        self.again_events: dict[str, tuple[str, ...]] = {}
        self.waiting = False
        self.conflicts = 0
        self.because: dict[str, Value] = {}

    def wished(self, name: str, line: list[Wish]) -> None:
        """What the reading means for one field with wishes, the last of which counts."""
        last, now = line[-1], unit(self.reading, name)
        if agrees(now, last.value) or any(agrees(now, wish.value) for wish in line[:-1]):
            self.echoes.add(name)
            if not agrees(now, last.value):
                self.kept[name] = last.value
            self.waiting = self.waiting or not last.written
        elif last.written:
            self.lose(name, line, last.value, now, "not kept")
        elif same(now, unit(self.shown, name)) or line[0].written:
            self.kept[name] = last.value
            self.waiting = True
        else:
            self.open[name] = line

    def claim(self) -> None:
        """Fields that are ours by rule and that the tool has changed since we last set them."""
        for field in changed_fields(self.shown, self.reading):
            name = unit_of(field)
            if field == "deleted" or name in self.open or name in self.echoes or name in self.kept:
                continue
            if self.owner(name) is Owner.CONNECTOR and self._ours(field):
                if self._tries(name) < PATIENCE:
                    self.open[name] = []
                else:
                    self._record(name, unit(self.shown, name), unit(self.reading, name), "gave way")

    def _ours(self, field: str) -> bool:
        changes = [e for e in effective(self.known) if e.kind is EventKind.CHANGED and e.field == field]
        return bool(changes) and changes[-1].origin is Origin.CONNECTOR

    def _tries(self, name: str) -> int:
        since = self.now - timedelta(days=1)
        return sum(e.kind is EventKind.CONFLICT and e.field == name and e.at > since
                   and e.data.get("rule") == Owner.CONNECTOR for e in self.known)

    def decide(self) -> None:
        """Hold both sides' changes against each other."""
        if not self.open:
            return
        base = fields({name: unit(self.shown, name) for name in self.open})
        tool = fields({name: unit(self.reading, name) for name in self.open})
        ours = fields({name: line[-1].value if line else unit(self.shown, name) for name, line in self.open.items()})
        times = {Side.TOOL: {name: self._told(name) for name in self.open},
                 Side.PARTNER: {name: line[-1].at for name, line in self.open.items() if line}}
        claimed = frozenset(name for name, line in self.open.items() if not line)
        decided = plan(base, tool, ours, self.owner, Context(times=times, claimed=claimed))
        wins = units(decided.tool)
        for clash in decided.conflicts:
            if clash.field in wins:
                self._win(clash, wins[clash.field])
            else:
                self.lose(clash.field, self.open[clash.field], clash.lost, clash.kept, clash.rule)

    def _told(self, name: str) -> datetime:
        """When the tool's value was set: as its memory says, else the stamp of the reading."""
        value = value_of(self.reading, name)
        told = [e.at for e in (*self.known, *self.memory) if e.kind is EventKind.CHANGED and e.field == name
                and is_exact(e) and same(e.new, value)]
        return max(told, default=self.reading.updated_at)

    def _win(self, clash: Clash, value: Any) -> None:
        name = clash.field
        self._void(self.open[name])
        if not same(clash.lost, clash.kept):
            self._record(name, clash.lost, clash.kept, clash.rule)
        patch = fields({name: value})
        actor, role = self._who(self.open[name])
        events, keys = own_events(self.reading, patch, self.now, self.revision, actor, first=128 + len(self.events),
                                  role=role)
        self.events += events
        self.kept[name] = value
        self.again_fields.update(patch)
        self.again_events.update(keys)
        self.waiting = True

    def _who(self, line: Sequence[Wish]) -> tuple[str, Role]:
        """Whose wish it is: told again it stays the same person's."""
        keys = {key for wish in line for key in wish.events}
        return next(((e.actor, e.role) for e in reversed(self.known) if e.key in keys), ("", Role.CONNECTOR))

    def lose(self, name: str, line: Sequence[Wish], lost: Any, kept: Any, rule: str) -> None:
        self._void(line)
        if not same(lost, kept):
            self._record(name, lost, kept, rule)

    def overwritten(self, wish: Wish) -> None:
        """A value we had given up was already on the wire, and arrived over the one that was to stay."""
        now, before = unit(self.reading, wish.name), unit(self.shown, wish.name)
        if agrees(now, wish.value) and not same(now, before):
            self._record(wish.name, before, now, "overwritten")

    def _void(self, line: Iterable[Wish]) -> None:
        keys = [key for wish in line for key in wish.events]
        if keys:
            self.events.append(supersede(keys, self.now))

    def _record(self, name: str, lost: Any, kept: Any, rule: str) -> None:
        event = conflict(f"!{name}/{self.revision}", self.now, name, _told(name, lost), _told(name, kept), str(rule))
        self.events.append(replace(event, data={**event.data, **self.because}) if self.because else event)
        self.conflicts += 1

    def again(self) -> Again | None:
        if not self.again_fields:
            return None
        return Again(fields=self.again_fields, events=self.again_events, at=self.now)


def _told(name: str, value: Any) -> Any:
    """A value as an event shows it: the pair of state and reason as "pending/customer"."""
    return "/".join(str(part) for part in value if part is not None) if name == "state" else value


def _pruned(fresh: Sequence[Event], new: Sequence[Event]) -> list[Event]:
    """What was inferred and at once replaced need not be stored at all."""
    replaced = superseded(new) & {event.key for event in fresh}
    out = [event for event in fresh if event.key not in replaced]
    for event in new:
        keys = event.data.get("keys")
        if event.kind is not EventKind.SUPERSEDED or not isinstance(keys, (tuple, list)):
            out.append(event)
            continue
        left = [key for key in keys if key not in replaced]
        if left:
            out.append(event if len(left) == len(keys) else supersede(left, event.at))
    return out


