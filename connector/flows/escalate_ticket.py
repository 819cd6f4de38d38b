"""The firings of one ticket, made into what is written: events, orders, and one update of the ticket."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import structlog
from msgspec.structs import replace

from connector.domain.agreements.engine import Result
from connector.domain.agreements.registry import Registry
from connector.domain.delivery import Order, Verb
from connector.domain.errors import Refused
from connector.domain.escalations.actions import Call, HandOff, Open, Say
from connector.domain.escalations.effects import Effects, Telling, effects
from connector.domain.escalations.escalated import FIRED, SKIPPED, Firing, refusal
from connector.domain.history import Event, EventKind, Role
from connector.domain.major.record import latest
from connector.domain.ticket import Draft, Kind, Ticket, Value
from connector.domain.values import checked, put
from connector.flows import majors, telling
from connector.flows.editing import allowed, create_in, own_time, placed, said_event, said_order
from connector.ports import Capability, Change, Deps, Stored, Tool, Tx

log = structlog.get_logger("connector.escalate")
ACTOR: Final = "escalation"


@dataclass(frozen=True, slots=True)
class Looked:
    """A ticket with what a look at it told; `events` are all on record, those of this look included."""

    stored: Stored
    events: Sequence[Event]
    result: Result


@dataclass(slots=True)
class Climbed:
    """What came of a batch. `next_at`: ticket key -> when its ladders matter again."""

    fired: int = 0
    skipped: int = 0
    refused: int = 0
    next_at: dict[int, datetime] = field(default_factory=dict)
    touched: set[int] = field(default_factory=set)
    """Tickets that were written, to be looked at again at once."""


@dataclass(slots=True)
class Work:
    """Everything that a batch writes, at the end and all at once."""

    events: list[tuple[int, Event]] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    told: list[telling.Told] = field(default_factory=list)
    offers: list[tuple[Stored, HandOff, Event, str]] = field(default_factory=list)
    """With a short name for each; made last, since they write tickets themselves."""

    def take(self, other: Work) -> None:
        self.events += other.events
        self.orders += other.orders
        self.changes += other.changes
        self.told += other.told
        self.offers += other.offers


@dataclass(slots=True)
class Firings:
    """The firings of one ticket, as writes."""

    tx: Tx
    deps: Deps
    tool: Tool
    looked: Looked
    line: Sequence[Event]
    """The effective events, in order."""
    registry: Registry
    now: datetime
    done: Climbed
    work: Work
    patch: dict[str, Value] = field(default_factory=dict)
    behind: list[str] = field(default_factory=list)
    """Keys of the firings that want something of the ticket."""

    @property
    def stored(self) -> Stored:
        return self.looked.stored

    def act(self, firings: Iterable[Firing]) -> None:
        for firing in firings:
            event = firing.event(self.now)
            self.work.events.append((self.stored.key, event))
            if firing.what == SKIPPED:
                self.done.skipped += 1
                if firing.stopped:
                    self._refuse(event, firing.stopped)
                continue
            self.done.fired += firing.what == FIRED
            found = effects(firing, self._wanted(), self.registry.people, self.now, self._turn, self._roles())
            if found.declares:
                self._declare(firing)
            problems = [*found.unable, *self._fields(found, event), *self._others(found, firing, event)]
            if problems:
                self._refuse(event, "; ".join(problems))
            log.info("escalated", ticket=str(self.stored.ticket.ref), rule=firing.rule, step=firing.step, n=firing.n,
                     what=firing.what, late_s=int(firing.late.total_seconds()))
        if self.patch:
            self._place()

    def _roles(self) -> Mapping[str, str]:
        record = latest(self.line)
        return record.roles if record is not None and record.active else {}

    def _declare(self, firing: Firing) -> None:
        """One that is a major incident already stays the one it is."""
        record = latest(self.line)
        if record is None or not record.active:
            majors.declare_in(self.tx, self.deps, self.registry, self.stored, self.line, ACTOR,
                              firing.why or firing.rule, self.now, firing.rule, Role.CONNECTOR)
            self.done.touched.add(self.stored.key)

    def _wanted(self) -> Ticket:
        """The ticket as the firings before want it."""
        return put(self.stored.ticket, self.patch) if self.patch else self.stored.ticket

    def _turn(self, name: str, count: int) -> int:
        self.tx.alone(f"turn/{name}")
        place = int(self.tx.cursor("", f"turn/{name}").get("next", 0))
        self.tx.move_cursor("", f"turn/{name}", {"next": (place + 1) % 1_000_000}, self.now)
        return place % count

    def _refuse(self, event: Event, reason: str) -> None:
        self.done.refused += 1
        self.work.events.append((self.stored.key, refusal(event, reason, self.now, 0)))
        self.done.touched.add(self.stored.key)
        log.warning("escalation_refused", ticket=str(self.stored.ticket.ref), step=event.data["step"], reason=reason)

    def _fields(self, found: Effects, event: Event) -> list[str]:
        """Take the fields into the ticket's patch; says why not."""
        if found.declares:
            found.fields.setdefault("tags", tuple(dict.fromkeys([*self._wanted().tags, "major-incident"])))
        if not found.fields:
            return []
        try:
            wanted = checked(self._wanted(), found.fields)
            allowed(self.tool, self.stored.ticket, wanted)
        except Refused as error:
            return [error.reason]
        if wanted:
            self.patch |= wanted
            self.behind.append(event.key)
        return []

    def _place(self) -> None:
        """One update for all that this look wants of the ticket."""
        key = f"{self.behind[0]}/{self.stored.key}"
        change, order = placed(self.deps, self.tool, self.stored, self.patch, ACTOR, key)
        self.work.changes.append(change)
        self.work.orders.append(replace(order, payload={**order.payload, "escalations": list(self.behind)}))
        self.done.touched.add(self.stored.key)

    def _others(self, found: Effects, firing: Firing, event: Event) -> list[str]:
        problems: list[str] = []
        parts = [*((self._say, one) for one in found.says), *((self._open, one) for one in found.opens),
                 *((self._offer, one) for one in found.offers), *((self._call, one) for one in found.calls)]
        for n, (work, what) in enumerate(parts):
            try:
                work(what, firing, event, n)  # type: ignore[operator]
            except Refused as error:
                problems.append(error.reason)
        self.work.told += [self._told(one, firing, event) for one in found.tells]
        return problems

    def _told(self, one: Telling, firing: Firing, event: Event) -> telling.Told:
        return telling.Told(self.stored, one, firing, event)

    def _say(self, what: Say, firing: Firing, event: Event, n: int) -> None:
        verb = Capability.COMMENT if what.public else Capability.NOTE
        if not self.tool.vendor.capabilities() & {verb, Capability.COMMENT}:
            raise Refused(f"{self.tool.name} takes no {what.text}")
        text = telling.words(self.deps, self.stored.ticket, what, firing, self.now)
        once = _once(event.key, n)
        said = {"key": once, "text": text, "public": what.public, "author": ""}
        order = said_order(Verb.COMMENT, self.tool, self.stored, said)
        self.work.orders.append(replace(order, payload={**order.payload, "escalations": [event.key]}))
        kind = EventKind.COMMENTED if what.public else EventKind.NOTED
        self.work.events.append((self.stored.key, said_event(
            kind, once, own_time(self.deps, self.tool, self.stored), self.stored, ACTOR, text, Role.CONNECTOR)))

    def _open(self, what: Open, firing: Firing, event: Event, n: int) -> None:
        if Capability.CREATE not in self.tool.vendor.capabilities():
            raise Refused(f"{self.tool.name} cannot create tickets")
        ticket = self.stored.ticket
        fields: dict[str, Any] = {
            "title": what.title or ticket.title or ticket.number, "priority": ticket.priority,
            "service": ticket.service, "customer": ticket.customer, "group": what.group,
            "parent": ticket.id if what.child else ""}
        writes = self.tool.mapping.writable
        given = {name: value for name, value in fields.items() if value and (name == "title" or writes(name))}
        create_in(self.tx, self.deps, self.tool, Draft(kind=Kind(what.kind), fields=given),
                  _once(f"{self.stored.key}/{event.key}", n), ACTOR, Role.CONNECTOR)

    def _offer(self, what: HandOff, firing: Firing, event: Event, n: int) -> None:
        self.work.offers.append((self.stored, what, event, _once(f"{self.stored.key}/{event.key}", n)))

    def _call(self, what: Call, firing: Firing, event: Event, n: int) -> None:
        target = f"supplier:{what.receiver}"
        if target not in self.deps.channels:
            raise Refused(f"there is no webhook of {what.receiver}")
        self.work.orders.append(Order(
            key=f"{event.key}/{self.stored.key}/{n}", target=target, verb="call", ticket=self.stored.key,
            lane=f"{target}/{self.stored.key}", payload=_envelope(self.stored.ticket, firing, event, self.now)))


def _once(key: str, n: int) -> str:
    """A short name for something done once: tools keep it in a mark."""
    return hashlib.sha256(f"{key}/{n}".encode()).hexdigest()[:32]


def _envelope(ticket: Ticket, firing: Firing, event: Event, now: datetime) -> dict[str, Any]:
    """What a called webhook is told: no free text of the ticket."""
    data: Mapping[str, Any] = {
        "ticket": str(ticket.ref), "number": ticket.number, "priority": ticket.priority, "state": str(ticket.state),
        "rule": firing.rule, "step": firing.step, "n": firing.n, "moment": event.data["moment"],
        "due": event.data.get("due"), "escalations": [event.key]}
    return {"type": "ticket.escalated", "time": now.isoformat(), "handoff": str(ticket.ref), "data": dict(data),
            "escalations": [event.key]}
