"""What the moves of a major incident bring outside: people told, comments on its tickets, the link below it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from connector.domain.agreements.registry import Registry
from connector.domain.delivery import Verb
from connector.domain.errors import Refused
from connector.domain.escalations.effects import meant
from connector.domain.history import Event, EventKind, Role
from connector.domain.major.procedure import Process
from connector.domain.major.record import Record, State, What
from connector.domain.notices.desk import facts, thread
from connector.domain.notices.notice import Notice, of_person
from connector.domain.notices.people import Person, Severity
from connector.domain.notices.phrases import words
from connector.domain.notices.template import Audience, Template, render
from connector.domain.values import checked
from connector.flows.editing import allowed, own_time, place, said_event, said_order
from connector.flows.notices import desk, post
from connector.ports import Capability, Deps, Stored, Tx

log = structlog.get_logger("connector.majors")
ENDINGS: Final = frozenset({What.RECOVERED, What.STOOD_DOWN})


@dataclass(frozen=True, slots=True)
class Scene:
    """A major incident, as its effects need it; `line` are its ticket's effective events before the move."""

    tx: Tx
    deps: Deps
    registry: Registry
    stored: Stored
    process: Process
    line: Sequence[Event]
    now: datetime


def declared(scene: Scene, record: Record, event: Event) -> None:
    _tell(scene, record, scene.process.declared, event, Severity.CRITICAL)


def follow(scene: Scene, record: Record, event: Event, actor: str) -> None:
    """What others have to know of a move; `record` is the one after it."""
    what, process = event.data["what"], scene.process
    if what == What.UPDATE:
        _tell(scene, record, process.update, event, Severity.HIGH)
        _inform(scene, [scene.stored, *_there(scene.tx, record.children)], process.requester_update, event, actor)
    elif what in ENDINGS:
        _tell(scene, record, process.ended, event, Severity.HIGH)
        _inform(scene, [scene.stored, *_there(scene.tx, record.children)], process.requester_ended, event, actor)
    elif what in (What.LINKED, What.UNLINKED):
        for child in _there(scene.tx, [str(event.data["child"])]):
            _bind(scene, child, event, what == What.LINKED, actor)
            if what == What.LINKED:
                _catch_up(scene, record, child, actor)
    elif what == What.FOLLOW_UP:
        _give(scene, event)


def _tell(scene: Scene, record: Record, name: str, event: Event, severity: Severity) -> None:
    """Stakeholders and those who hold a role, each once."""
    template = _template(scene, name, Audience.INTERNAL)
    if template is None:
        return
    ticket, key, own = scene.stored.ticket, scene.stored.key, desk(scene.deps)
    told = []
    for person in _audience(scene, record):
        known = {**facts(ticket, own), "comment": event.text, "reason": event.actor, "url": own.links.ticket(key)}
        if event.data["what"] == What.DECLARED:
            known["ack_url"] = own.links.acknowledge(key, person.id, event.key, scene.now)
        told.append((Notice(f"{event.key}/{key}", template, severity, known, key, thread(ticket, key)),
                     of_person(person)))
    post(scene.tx, scene.deps, told, scene.now)


def _template(scene: Scene, name: str, audience: Audience) -> Template | None:
    template = scene.registry.templates.get(name)
    if template is not None and template.audience is audience:
        return template
    log.warning("template_not_used", template=name, ticket=str(scene.stored.ticket.ref))
    return None


def _audience(scene: Scene, record: Record) -> list[Person]:
    people = scene.registry.people
    held = [people.people[id] for id in record.roles.values() if id in people.people]
    wanted = [one for to in scene.process.stakeholders for one in meant(to, scene.stored.ticket, people, scene.now)]
    return list({person.id: person for person in (*held, *wanted)}.values())


def _catch_up(scene: Scene, record: Record, child: Stored, actor: str) -> None:
    """Who joins late reads what was said last."""
    ended = record.state is State.RECOVERED
    last = next((one for one in reversed(scene.line) if one.kind is EventKind.MAJOR and one.data.get("n") == record.n
                 and one.data.get("what") == (What.RECOVERED if ended else What.UPDATE)), None)
    if last is not None:
        name = scene.process.requester_ended if ended else scene.process.requester_update
        _inform(scene, [child], name, last, actor)


def _inform(scene: Scene, tickets: Iterable[Stored], name: str, event: Event, actor: str) -> None:
    """As a public comment on each, once: the tool tells the requester in its own way."""
    template, own = _template(scene, name, Audience.REQUESTER), desk(scene.deps)
    for stored in tickets:
        language = str(stored.ticket.custom.get("language") or "")[:2].lower() or own.language
        known = words({**facts(stored.ticket, own), "comment": event.text}, language, own.timezone)
        text = event.text if template is None else render(template, language, known).text
        _say(scene, stored, event, text, actor, public=True)


def _say(scene: Scene, stored: Stored, event: Event, text: str, actor: str, *, public: bool) -> None:
    tool = scene.deps.tools.get(stored.ticket.tool)
    wanted = {Capability.COMMENT} if public else {Capability.COMMENT, Capability.NOTE}
    if tool is None or not tool.vendor.capabilities() & wanted or not text:
        log.warning("major_incident_not_told", ticket=str(stored.ticket.ref), reason="the tool takes no comments")
        return
    once = hashlib.sha256(f"{event.key}/{scene.stored.key}/{stored.key}".encode()).hexdigest()[:32]
    order = said_order(Verb.COMMENT, tool, stored, {"key": once, "text": text, "public": public, "author": ""})
    if scene.tx.enqueue([order], scene.now):
        kind = EventKind.COMMENTED if public else EventKind.NOTED
        at = own_time(scene.deps, tool, stored)
        scene.tx.append([(stored.key, said_event(kind, once, at, stored, actor, text, Role.AGENT))])
        scene.tx.schedule({stored.key: scene.now})


def _bind(scene: Scene, child: Stored, event: Event, on: bool, actor: str) -> None:
    """The tool's own link to the ticket above where its mapping writes one; else a note says so."""
    ticket, above, tool = child.ticket, scene.stored.ticket, scene.deps.tools.get(child.ticket.tool)
    if not on and ticket.parent and ticket.parent != above.id:
        return
    try:
        if tool is None or ticket.tool != above.tool:
            raise Refused("they are in different tools")
        patch = {"parent": above.id if on else ""}
        allowed(tool, ticket, patch)
        wanted = checked(ticket, patch)
    except Refused as error:
        log.info("child_linked_by_a_note", ticket=str(ticket.ref), reason=error.reason)
        template, own = _template(scene, f"major-{event.data['what']}", Audience.INTERNAL), desk(scene.deps)
        if template is not None:
            text = render(template, own.language, words(facts(above, own), own.language, own.timezone)).text
            _say(scene, child, event, text, actor, public=False)
        return
    if wanted:
        place(scene.tx, scene.deps, tool, child, wanted, actor, f"{event.key}/{scene.stored.key}/{child.key}",
              Role.AGENT)


def _give(scene: Scene, event: Event) -> None:
    """The owner of a follow-up hears of it, where they are one of the people."""
    person = scene.registry.people.people.get(str(event.data.get("owner", "")))
    template = _template(scene, "major-follow-up", Audience.INTERNAL) if person is not None else None
    if person is None or template is None:
        return
    ticket, key, own = scene.stored.ticket, scene.stored.key, desk(scene.deps)
    due = str(event.data.get("due") or "")
    known = {**facts(ticket, own), "comment": event.text, "reason": event.actor, "url": own.links.ticket(key),
             "reply_by": _end_of(due, own.timezone) if due else None}
    post(scene.tx, scene.deps, [(Notice(f"{event.key}/{key}", template, Severity.NORMAL, known, key,
                                        thread(ticket, key)), of_person(person))], scene.now)


def _end_of(day: str, zone: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), time(23, 59), ZoneInfo(zone)).astimezone(UTC)


def _there(tx: Tx, refs: Iterable[str]) -> list[Stored]:
    """Those that are still there."""
    by_tool: dict[str, list[str]] = {}
    for ref in refs:
        tool, _, id = ref.partition("/")
        by_tool.setdefault(tool, []).append(id)
    found = [stored for tool, ids in by_tool.items() for stored in tx.tickets(tool, ids).values()]
    return [stored for stored in found if not stored.ticket.deleted and stored.missing_since is None]

