"""Major incidents at work: a move is recorded, and what follows from it goes into the outbox, in one transaction.

An event with a key says what was done; a second attempt with the same key changes nothing and tells nobody again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from connector.domain.agreements.registry import Registry
from connector.domain.errors import NotFound, Refused
from connector.domain.escalations.effects import meant
from connector.domain.history import Event, Role, effective
from connector.domain.major import moves
from connector.domain.major.procedure import Process, procedures_for, process_for
from connector.domain.major.record import Record, after, latest
from connector.domain.ticket import FIELDS, Ticket, Value, value_of
from connector.flows.major_effects import Scene, declared, follow
from connector.flows.reading import PLACEHOLDER, retried
from connector.ports import Deps, Stored, Tx

log = structlog.get_logger("connector.majors")
Make = Callable[[Record, Stored, datetime], Event]
"""Makes the event of a move; raises Refused."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A ticket with its record, and the process that holds for it."""

    stored: Stored
    events: Sequence[Event]
    record: Record | None
    process: Process


def standing(deps: Deps, key: int) -> Standing:
    """Changes nothing. Raises NotFound."""
    with deps.store.read() as tx:
        return _standing(tx, deps, key)


def declare(deps: Deps, key: int, actor: str, why: str) -> Record:
    """By hand. Raises NotFound or Refused."""
    def work() -> Record:
        with deps.store.begin() as tx:
            seen, now = _standing(tx, deps, key, lock=True), deps.now()
            found = declare_in(tx, deps, _registry(deps), seen.stored, seen.events, actor, why, now)
            tx.audit(now, actor, "major.declared", str(seen.stored.ticket.ref), {})
            return found

    return retried(work)


def declare_in(tx: Tx, deps: Deps, registry: Registry, stored: Stored, line: Iterable[Event], actor: str, why: str,
               now: datetime, rule: str = "", role: Role = Role.AGENT) -> Record:
    """In the caller's transaction: declared, roles given, procedures attached, and everybody told. Raises Refused."""
    ticket = stored.ticket
    known = ticket_facts(ticket)
    process = process_for(registry.majors, known)
    first = moves.declare(latest(line), now, actor, why, rule, process.name, role)
    events = [first]
    record = latest([*line, first])
    assert record is not None
    for name, to in process.roles.items():
        person = next(iter(meant(to, ticket, registry.people, now)), None)
        if person is not None:
            events.append(moves.name(record, name, person.id, now, actor))
            record = after(record, events[-1])
    for procedure in procedures_for(registry.continuity, known):
        events.append(moves.attach(record, procedure, now, actor, role))
        record = after(record, events[-1])
    if tx.append((stored.key, event) for event in events):
        declared(Scene(tx, deps, registry, stored, process, tuple(line), now), record, first)
        tx.schedule({stored.key: now})
    log.info("major_incident_declared", ticket=str(ticket.ref), rule=rule)
    return record


def act(deps: Deps, key: int, make: Make, actor: str) -> Record:
    """One move of a declared incident, with all that follows from it. Raises NotFound or Refused."""
    def work() -> Record:
        with deps.store.begin() as tx:
            seen, now = _standing(tx, deps, key, lock=True), deps.now()
            if seen.record is None:
                raise Refused("it is no major incident")
            event = make(seen.record, seen.stored, now)
            if not tx.append([(key, event)]):
                return seen.record
            record = after(seen.record, event)
            scene = Scene(tx, deps, _registry(deps), seen.stored, seen.process, seen.events, now)
            follow(scene, record, event, actor)
            tx.schedule({key: now})
            tx.audit(now, actor, f"major.{event.data['what']}", str(seen.stored.ticket.ref), {"key": event.key})
            return record

    return retried(work)


def _standing(tx: Tx, deps: Deps, key: int, *, lock: bool = False) -> Standing:
    stored = tx.by_key([key], lock=lock).get(key)
    if stored is None or stored.ticket.deleted or stored.ticket.id[:1] == PLACEHOLDER:
        raise NotFound(f"no ticket {key}")
    line = effective(tx.history([key]).get(key, []))
    return Standing(stored, line, latest(line), process_for(_registry(deps).majors, ticket_facts(stored.ticket)))


def _registry(deps: Deps) -> Registry:
    return deps.registry() if deps.registry is not None else Registry(())


def ticket_facts(ticket: Ticket) -> dict[str, Value]:
    """A ticket's fields as conditions ask for them."""
    plain = {name: value_of(ticket, name) for name in FIELDS if name != "custom"}
    return {"tool": ticket.tool, **plain, **{f"custom.{name}": value for name, value in ticket.custom.items()}}
