"""What the events of a service request bring outside: approvals asked for, tasks started, requesters told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import structlog

from connector.domain.agreements.registry import Registry
from connector.domain.delivery import Verb
from connector.domain.errors import NotFound, Refused
from connector.domain.history import Event, EventKind, Role
from connector.domain.notices.desk import facts, requester, thread
from connector.domain.notices.informing import withheld
from connector.domain.notices.notice import Notice, Recipient, of_person
from connector.domain.notices.people import People, Severity
from connector.domain.notices.phrases import Fact
from connector.domain.requests import moves
from connector.domain.requests.catalogue import Task
from connector.domain.requests.record import Record, TaskState, What
from connector.domain.ticket import ENDED, Draft, Kind, State, Ticket
from connector.domain.values import checked
from connector.flows.editing import allowed, create_in, own_time, place, said_event, said_order
from connector.flows.handoff_offer import Offer, offer_in
from connector.flows.notices import desk, post
from connector.flows.request_tasks import child_of, once_of, recall
from connector.ports import Capability, Deps, Stored, Tx

log = structlog.get_logger("connector.requests")
TEMPLATES: Final = {What.COMPLETED: "request-completed", What.REFUSED: "request-refused",
                    What.EXPIRED: "request-refused", What.STARTED: "request-started"}
ENDINGS: Final = {What.COMPLETED: State.RESOLVED, What.REFUSED: State.CANCELLED, What.EXPIRED: State.CANCELLED,
                  What.CANCELLED: State.CANCELLED}


SETTLING: Final = {What.TASK_DONE: State.RESOLVED, What.TASK_FAILED: State.CANCELLED,
                   What.TASK_DROPPED: State.CANCELLED}
"""What people said of a task, where the connector did not read it off its ticket or handoff."""


def effect(tx: Tx, deps: Deps, registry: Registry, stored: Stored, found: Record, event: Event,
            now: datetime) -> bool:
    """What an event brings outside; true when something failed at once, so that the request is looked at again."""
    what = What(str(event.data["what"]))
    if what in (What.ASKED, What.SUBSTITUTED):
        _ask(tx, deps, registry, stored, found, event, now)
    elif what is What.TASK_STARTED:
        return _begin(tx, deps, registry, stored, found, event, now)
    elif what in SETTLING and event.role is not Role.CONNECTOR:
        _stop(tx, deps, stored, found, str(event.data["task"]), SETTLING[what], event)
    if what in ENDINGS:
        _end(tx, deps, stored, ENDINGS[what], event)
    if what is What.CANCELLED:
        _recall(tx, deps, stored, found, event)
    if what in TEMPLATES:
        _inform(tx, deps, registry, stored, found, event, TEMPLATES[what], now)
    return False


def _begin(tx: Tx, deps: Deps, registry: Registry, stored: Stored, found: Record, event: Event,
           now: datetime) -> bool:
    """A task starts: a handoff, a ticket below, or where the tool has none a note. True when it was refused."""
    task = found.plan.task(str(event.data["task"]))
    assert task is not None
    once = once_of(stored, task.id, found.doing(task.id).tries)
    try:
        if task.receiver:
            offer_in(tx, deps, stored.key, Offer(receiver=task.receiver, reason=task.title, work=task.id),
                     moves.ACTOR, once,
                     Role.CONNECTOR)
        else:
            _open(tx, deps, registry, stored, found, task, once, now)
    except (Refused, NotFound) as error:
        failed = moves.settle(found, task.id, False, now, moves.ACTOR, str(error), Role.CONNECTOR)
        tx.append([(stored.key, failed)])
        log.warning("task_refused", ticket=str(stored.ticket.ref), task=task.id, reason=str(error))
        return True
    return False


def _open(tx: Tx, deps: Deps, registry: Registry, stored: Stored, found: Record, task: Task, once: str,
          now: datetime) -> None:
    """Where the tool knows no tasks, or refuses this one, a note says what is to be done."""
    tool, ticket = deps.tools[stored.ticket.tool], stored.ticket
    group = _group(registry.people, ticket, task)
    if Capability.CREATE not in tool.vendor.capabilities():
        _note(tx, deps, stored, found, task, once, group, now)
        return
    fields: dict[str, Any] = {"title": f"{task.title} ({ticket.number or ticket.id})", "group": group,
                              "parent": ticket.id, "priority": ticket.priority, "customer": ticket.customer,
                              "service": ticket.service}
    writes = tool.mapping.writable
    given = {name: value for name, value in fields.items() if value and (name == "title" or writes(name))}
    try:
        create_in(tx, deps, tool, Draft(kind=Kind.TASK, fields=given), once, moves.ACTOR, Role.CONNECTOR)
    except Refused as error:
        log.info("task_as_a_note", ticket=str(ticket.ref), task=task.id, reason=error.reason)
        _note(tx, deps, stored, found, task, once, group, now)


def _note(tx: Tx, deps: Deps, stored: Stored, found: Record, task: Task, once: str, group: str, now: datetime) -> None:
    tool, due = deps.tools[stored.ticket.tool], found.doing(task.id).due
    text = f"{task.title} ({group or 'nobody yet'})" + (f", until {due:%Y-%m-%d %H:%M} UTC" if due else "")
    order = said_order(Verb.COMMENT, tool, stored, {"key": once, "text": text, "public": False, "author": ""})
    if tx.enqueue([order], now):
        at = own_time(deps, tool, stored)
        tx.append([(stored.key, said_event(EventKind.NOTED, once, at, stored, moves.ACTOR, text, Role.CONNECTOR))])


def _group(people: People, ticket: Ticket, task: Task) -> str:
    """What the tool calls the group that does a task."""
    if task.to is None:
        return ""
    if task.to.number:
        return next((group.name_in(ticket.tool) for group in people.of_level(task.to.number)), "")
    known = people.groups.get(task.to.name)
    return known.name_in(ticket.tool) if known is not None else task.to.name


def _ask(tx: Tx, deps: Deps, registry: Registry, stored: Stored, found: Record, event: Event, now: datetime) -> None:
    template, own = registry.templates.get("request-approval"), desk(deps)
    given = event.data.get("people", ())
    ids = [str(one) for one in given] if isinstance(given, (tuple, list)) else []
    people = [registry.people.people[id] for id in ids if id in registry.people.people]
    if template is None or not people:
        log.warning("nobody_to_approve", ticket=str(stored.ticket.ref), approval=event.data["approval"])
        return
    due = event.data.get("due")
    known: Mapping[str, Fact] = {
        **facts(stored.ticket, own), "comment": found.plan.title or found.plan.item,
        "reason": str(event.data["approval"]), "reply_by": datetime.fromisoformat(str(due)) if due else None,
        "url": own.links.ticket(stored.key)}
    told = [(Notice(f"{event.key}/{stored.key}", template, Severity.NORMAL,
                    {**known, "answer_url": own.links.approve(stored.key, person.id, event.key, now)}, stored.key,
                    thread(stored.ticket, stored.key)), of_person(person)) for person in people]
    post(tx, deps, told, now)


def _inform(tx: Tx, deps: Deps, registry: Registry, stored: Stored, found: Record, event: Event, name: str,
            now: datetime) -> None:
    """The requester hears of it, by mail."""
    own, template = desk(deps), registry.templates.get(name)
    who: Recipient | None = requester(stored.ticket, own, registry.directory)
    if who is None or template is None or withheld(stored.ticket, own.own) or "mail" not in deps.channels:
        return
    known: Mapping[str, Fact] = {**facts(stored.ticket, own), "comment": event.text or found.plan.title}
    notice = Notice(f"{event.key}/{stored.key}", template, Severity.NORMAL, known, stored.key,
                    thread(stored.ticket, stored.key))
    post(tx, deps, [(notice, who)], now)


def _stop(tx: Tx, deps: Deps, stored: Stored, found: Record, task: str, state: State, event: Event) -> None:
    """Nobody goes on with a task that a person settled."""
    child = child_of(tx, stored, once_of(stored, task, found.doing(task).tries))
    if child is not None:
        _end(tx, deps, child, state, event)
    recall(tx, deps, stored, task, event.actor, event.text or str(event.data["what"]).replace("_", " "))


def _recall(tx: Tx, deps: Deps, stored: Stored, found: Record, event: Event) -> None:
    """Nobody works on tasks of a cancelled request."""
    for id, doing in found.tasks.items():
        if doing.state is TaskState.STARTED:
            _stop(tx, deps, stored, found, id, State.CANCELLED, event)


def _end(tx: Tx, deps: Deps, stored: Stored, state: State, event: Event) -> None:
    """The ticket follows, where its tool lets us say so; one that knows no `resolved` for this kind is closed."""
    tool = deps.tools.get(stored.ticket.tool)
    if tool is None or stored.ticket.state in ENDED or stored.ticket.deleted:
        return
    for wished in (state, State.CLOSED) if state is State.RESOLVED else (state,):
        try:
            wanted = checked(stored.ticket, {"state": wished})
            allowed(tool, stored.ticket, wanted)
        except Refused as error:
            log.info("request_ends_without_its_ticket", ticket=str(stored.ticket.ref), reason=error.reason)
            continue
        if wanted:
            place(tx, deps, tool, stored, wanted, moves.ACTOR, f"{event.key}/{stored.key}")
        return
