"""Somebody takes note of an escalation: said once per person and firing, it ends the chains begun so far."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from connector.domain.errors import NotFound
from connector.domain.escalations.escalated import FIRED
from connector.domain.history import Event, EventKind, Origin, Role
from connector.ports import Deps, Stored

log = structlog.get_logger("connector.acknowledging")


@dataclass(frozen=True, slots=True)
class Standing:
    """A ticket with what is on record of one acknowledgement; `at` is None while it was not given."""

    stored: Stored
    rule: str
    step: str
    at: datetime | None = None
    first: bool = False


def standing(deps: Deps, ticket: int, person: str, what: str = "") -> Standing:
    """Changes nothing. `what` is the key of the firing that told the person ("" for none). Raises NotFound."""
    with deps.store.read() as tx:
        stored = tx.by_key([ticket]).get(ticket)
        events = tx.history([ticket]).get(ticket, []) if stored is not None else []
    if stored is None or stored.ticket.deleted:
        raise NotFound(f"no ticket {ticket}")
    told = next((event.data for event in events if event.key == what and event.kind is EventKind.ESCALATED), {})
    given = next((event.at for event in events if event.key == _key(person, what)), None)
    return Standing(stored, str(told.get("rule", "")), str(told.get("step", "")), given)


def unanswered(events: Sequence[Event]) -> str:
    """Key of the latest firing that nobody acknowledged since; "" when there is none."""
    latest, key = None, ""
    for event in events:
        fired = event.kind is EventKind.ESCALATED and event.data.get("what") == FIRED
        if fired and (latest is None or event.at >= latest):
            latest, key = event.at, event.key
    said = max((event.at for event in events if event.kind is EventKind.ACKNOWLEDGED), default=None)
    return key if latest is not None and (said is None or said < latest) else ""


def acknowledge(deps: Deps, ticket: int, person: str, name: str, what: str = "", by: str = "link",
                actor: str = "") -> Standing:
    """Record it; given again it changes nothing. `by` says how it was given, `actor` who did for the audit trail.

    Raises NotFound.
    """
    before = standing(deps, ticket, person, what)
    if before.at is not None:
        return before
    now = deps.now()
    event = Event(key=_key(person, what), at=now, kind=EventKind.ACKNOWLEDGED, actor=name, role=Role.AGENT,
                  origin=Origin.CONNECTOR, data={"person": person, "rule": before.rule, "step": before.step,
                                                 "what": what, "by": by})
    with deps.store.begin() as tx:
        if not tx.append([(ticket, event)]):
            return standing(deps, ticket, person, what)
        tx.schedule({ticket: now})
        tx.audit(now, actor or f"person:{person}", "acknowledge", str(before.stored.ticket.ref),
                 {"rule": before.rule, "step": before.step, "by": by})
    log.info("acknowledged", ticket=str(before.stored.ticket.ref), person=person, rule=before.rule, step=before.step)
    return Standing(before.stored, before.rule, before.step, now, True)


def _key(person: str, what: str) -> str:
    return f"acknowledged/{hashlib.sha256(f'{person}/{what}'.encode()).hexdigest()[:24]}"
