"""Major incidents at work: a move is recorded, and what follows from it goes into the outbox, in one transaction.

An event with a key says what was done; a second attempt with the same key changes nothing and tells nobody again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from connector.domain.agreements.registry import Registry
from connector.domain.delivery import Verb
from connector.domain.errors import NotFound, Refused
from connector.domain.escalations.effects import meant
from connector.domain.history import Event, EventKind, Role, effective
from connector.domain.major import moves
from connector.domain.major.procedure import Process, procedures_for, process_for
from connector.domain.major.record import Record, What, after, latest
from connector.domain.notices.desk import facts
from connector.domain.notices.notice import Notice, of_person
from connector.domain.notices.people import Person, Severity
from connector.domain.notices.template import Audience
from connector.domain.ticket import FIELDS, Ticket, Value, value_of
from connector.flows.editing import own_time, said_event, said_order
from connector.flows.notices import desk, post
from connector.flows.reading import PLACEHOLDER, retried
from connector.ports import Capability, Deps, Stored, Tx

log = structlog.get_logger("connector.majors")
ENDINGS: Final = frozenset({What.RECOVERED, What.STOOD_DOWN})
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
        _tell(tx, deps, registry, stored, record, process, process.declared, first, Severity.CRITICAL, now)
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
            _follow(tx, deps, seen, record, event, actor, now)
            tx.schedule({key: now})
            tx.audit(now, actor, f"major.{event.data['what']}", str(seen.stored.ticket.ref), {"key": event.key})
            return record

    return retried(work)


def _follow(tx: Tx, deps: Deps, seen: Standing, record: Record, event: Event, actor: str, now: datetime) -> None:
    """What others have to know of a move."""
    what, registry = event.data["what"], _registry(deps)
    if what == What.UPDATE:
        _tell(tx, deps, registry, seen.stored, record, seen.process, seen.process.update, event, Severity.HIGH, now)
        _say(tx, deps, seen.stored, event, actor, now)
        for child in _children(tx, record.children):
            _say(tx, deps, child, event, actor, now)
    elif what in ENDINGS:
        _tell(tx, deps, registry, seen.stored, record, seen.process, seen.process.ended, event, Severity.HIGH, now)
    elif what == What.LINKED and record.updates:
        last = next(one for one in reversed(seen.events) if one.key == record.updates[-1].key)
        for child in _children(tx, [str(event.data["child"])]):
            _say(tx, deps, child, last, actor, now)


def _tell(tx: Tx, deps: Deps, registry: Registry, stored: Stored, record: Record, process: Process, name: str,
          event: Event, severity: Severity, now: datetime) -> None:
    """Stakeholders and those who hold a role, each once."""
    template = registry.templates.get(name)
    if template is None or template.audience is not Audience.INTERNAL:
        log.warning("template_not_used", template=name, ticket=str(stored.ticket.ref))
        return
    own = desk(deps)
    told = []
    for person in _audience(registry, stored.ticket, record, process, now):
        known = {**facts(stored.ticket, own), "comment": event.text, "reason": event.actor,
                 "url": own.links.ticket(stored.key)}
        if event.data["what"] == What.DECLARED:
            known["ack_url"] = own.links.acknowledge(stored.key, person.id, event.key, now)
        told.append((Notice(f"{event.key}/{stored.key}", template, severity, known, stored.key,
                            f"{stored.ticket.tool}/{stored.key}"), of_person(person)))
    post(tx, deps, told, now)


def _audience(registry: Registry, ticket: Ticket, record: Record, process: Process, now: datetime) -> list[Person]:
    people = registry.people
    held = [people.people[id] for id in record.roles.values() if id in people.people]
    found = [*held, *(one for to in process.stakeholders for one in meant(to, ticket, people, now))]
    return list({person.id: person for person in found}.values())


def _say(tx: Tx, deps: Deps, stored: Stored, event: Event, actor: str, now: datetime) -> None:
    """The words of an update as a public comment: the tool tells the requester in its own way."""
    tool = deps.tools.get(stored.ticket.tool)
    if tool is None or Capability.COMMENT not in tool.vendor.capabilities():
        log.warning("update_not_said", ticket=str(stored.ticket.ref), reason="the tool takes no comments")
        return
    once = hashlib.sha256(f"{event.key}/{stored.key}".encode()).hexdigest()[:32]
    order = said_order(Verb.COMMENT, tool, stored, {"key": once, "text": event.text, "public": True, "author": ""})
    if tx.enqueue([order], now):
        at = own_time(deps, tool, stored)
        tx.append([(stored.key, said_event(EventKind.COMMENTED, once, at, stored, actor, event.text, Role.AGENT))])
        tx.schedule({stored.key: now})


def _children(tx: Tx, refs: Iterable[str]) -> list[Stored]:
    """Those that are still there."""
    by_tool: dict[str, list[str]] = {}
    for ref in refs:
        tool, _, id = ref.partition("/")
        by_tool.setdefault(tool, []).append(id)
    found = [stored for tool, ids in by_tool.items() for stored in tx.tickets(tool, ids).values()]
    return [stored for stored in found if not stored.ticket.deleted and stored.missing_since is None]


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
