"""How a ladder tells people: hands what a firing wants said to the planner of notices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from connector.domain.agreements.profile import TargetName
from connector.domain.agreements.registry import Registry
from connector.domain.escalations.actions import Say
from connector.domain.escalations.effects import Telling
from connector.domain.escalations.escalated import Firing
from connector.domain.history import Event
from connector.domain.notices.desk import Desk, facts, requester, thread
from connector.domain.notices.informing import withheld
from connector.domain.notices.notice import Notice, Recipient, of_person
from connector.domain.notices.people import Severity
from connector.domain.notices.phrases import Fact
from connector.domain.notices.phrases import words as in_words
from connector.domain.notices.template import Audience, Template, filled, render, written
from connector.domain.problems import Problems
from connector.domain.ticket import Ticket
from connector.flows.notices import desk, post
from connector.ports import Deps, Stored, Tx

log = structlog.get_logger("connector.telling")
DEFAULT: Final = {Audience.INTERNAL: "escalation", Audience.REQUESTER: "ticket-news"}
NOTES: Final = {Audience.INTERNAL: "escalation-note", Audience.REQUESTER: "ticket-news"}
SEVERITIES: Final = {"P1": Severity.CRITICAL, "P2": Severity.HIGH, "P3": Severity.NORMAL, "P4": Severity.LOW,
                     "P5": Severity.LOW}


@dataclass(frozen=True, slots=True)
class Told:
    """One telling of one firing; `event` records the firing, and its key is unique within the ticket."""

    stored: Stored
    telling: Telling
    firing: Firing
    event: Event


NotTold = tuple[Stored, Event, str]
"""The ticket, the firing, and why somebody was not told."""


def tell(tx: Tx, deps: Deps, told: Sequence[Told], now: datetime) -> list[NotTold]:
    """Into the outbox, in the caller's transaction. What cannot be told of one ticket never stops the others."""
    if deps.registry is None or not told:
        return []
    registry, own = deps.registry(), desk(deps)
    pairs: list[tuple[Notice, Recipient]] = []
    missed: list[NotTold] = []
    for one in told:
        try:
            made, why = _notices(one, registry, own, now)
            pairs += made
            missed += [(one.stored, one.event, why)] if why else []
        except Exception:
            log.exception("telling_failed", ticket=str(one.stored.ticket.ref))
            missed.append((one.stored, one.event, "the message could not be written; the log tells more"))
    post(tx, deps, pairs, now)
    return missed


def _notices(one: Told, registry: Registry, own: Desk, now: datetime) -> tuple[
        list[tuple[Notice, Recipient]], str]:
    """What goes to whom, and why somebody is not told."""
    made: list[tuple[Notice, Recipient]] = []
    ticket, key, how = one.stored.ticket, one.event.key, severity(one.telling.severity, one.stored.ticket)
    recipients, why = _recipients(one, registry, own)
    for recipient in recipients:
        template = _template(registry, one.telling.template, DEFAULT[recipient.audience], recipient.audience, ticket)
        if template is None or not recipient.ways(how):
            what = "template to tell" if template is None else "way to reach"
            why = "; ".join(filter(None, (why, f"there is no {what} {recipient.name}")))
            continue
        known = {**facts(ticket, own), **firing_facts(one.firing), "url": own.links.ticket(one.stored.key)}
        if recipient.person is not None:
            known["ack_url"] = own.links.acknowledge(one.stored.key, recipient.person.id, key, now)
        made.append((Notice(f"{key}/{one.stored.key}", template, how, known, one.stored.key,
                            thread(ticket, one.stored.key), {"escalations": [key]}), recipient))
    return made, why


def _recipients(one: Told, registry: Registry, own: Desk) -> tuple[list[Recipient], str]:
    if not one.telling.requester:
        return [of_person(person) for person in one.telling.people], ""
    ticket = one.stored.ticket
    asked, why = requester(ticket, own, registry.directory), withheld(ticket, own.own)
    if asked is None or why:
        return [], f"the requester is not told: {why}"
    return [asked], ""


def severity(asked: str, ticket: Ticket) -> Severity:
    """As the step says, else as the ticket's priority does."""
    return Severity(asked) if asked in tuple(Severity) else SEVERITIES.get(ticket.priority or "", Severity.NORMAL)


def firing_facts(firing: Firing) -> dict[str, Fact]:
    """What a firing says of its clock, as it stood."""
    values = firing.values
    known: dict[str, Fact] = {"rule": firing.rule, "step": firing.step, "reason": firing.why,
                              "late": firing.moment if firing.late else None}
    parts = str(values.get("clock") or "").rsplit("/", 2)
    if len(parts) == 3 and parts[1] in tuple(TargetName):
        known |= {"agreement": parts[0], "clock": TargetName(parts[1])}
    if values.get("due"):
        known["clock_due"] = datetime.fromisoformat(str(values["due"]))
    target, used = (values.get(name) for name in ("target_s", "used_s"))
    if isinstance(target, (int, float)) and isinstance(used, (int, float)) and target > 0:
        left = timedelta(seconds=target - used)
        known |= {"percent": f"{100 * used / target:.0f} %", "remaining": left if left > timedelta(0) else None,
                  "over": -left if left < timedelta(0) else None}
    return known


def words(deps: Deps, ticket: Ticket, what: Say, firing: Firing, now: datetime) -> str:
    """The text of a note or comment, in the language of the desk."""
    own = desk(deps)
    audience = Audience.REQUESTER if what.public else Audience.INTERNAL
    known = in_words({**facts(ticket, own), **firing_facts(firing)}, own.language, own.timezone)
    if what.text_given:
        return filled(written(what.text_given, audience, Problems()), audience, known)
    registry = deps.registry() if deps.registry is not None else Registry(())
    template = _template(registry, what.template, NOTES[audience], audience, ticket)
    return firing.why if template is None else render(template, own.language, known).text


def _template(registry: Registry, name: str, otherwise: str, audience: Audience, ticket: Ticket) -> Template | None:
    """The template asked for; one that is not there, or not for these readers, gives way to the usual one."""
    found = registry.templates.get(name or otherwise)
    if found is None or found.audience is not audience:
        log.warning("template_not_used", template=name, audience=audience.value, ticket=str(ticket.ref))
        found = registry.templates.get(otherwise)
    return found
