"""Requesters are told what happens to their tickets: decided and put into the outbox in the look's transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from connector.domain.agreements.registry import Registry
from connector.domain.delivery import Order, Verb
from connector.domain.history import Event, EventKind, Role, effective
from connector.domain.notices.desk import Desk, facts, requester, thread
from connector.domain.notices.informing import By, Informing, News, What, applying, news, withheld
from connector.domain.notices.notice import Notice, Recipient
from connector.domain.notices.people import Severity
from connector.domain.notices.phrases import words
from connector.domain.notices.template import Template, render
from connector.domain.ticket import value_of
from connector.flows.editing import own_time, said_event, said_order
from connector.flows.escalate_ticket import Looked
from connector.flows.notices import desk, post
from connector.flows.reading import PLACEHOLDER
from connector.ports import Capability, Deps, Tool, Tx

log = structlog.get_logger("connector.informing")
ACTOR: Final = "informing"
SENT: Final = "sent"
TOO_MANY: Final = "too many tickets of this address within an hour"
NO_MAIL: Final = "e-mail is not set up"
NO_COMMENTS: Final = "the tool takes no comments"
NO_TEMPLATE: Final = "its template is gone"
HOUR: Final = timedelta(hours=1)
MOST: Final = 10
"""Receptions one address is told of in an hour: what opens more tickets than that is a program that answers us."""


@dataclass(slots=True)
class _Work:
    """What a batch writes. Every key is unique for ever, so written twice it is told once."""

    events: list[tuple[int, Event]] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    told: list[tuple[Notice, Recipient]] = field(default_factory=list)


def inform(tx: Tx, deps: Deps, registry: Registry, looked: Sequence[Looked], now: datetime) -> int:
    """How much was told. One bad ticket never stops the rest."""
    if not registry.informing:
        return 0
    work, own = _Work(), desk(deps)
    since: dict[str, datetime] = {}
    for one in looked:
        tool = deps.tools.get(one.stored.ticket.tool)
        if tool is None or one.stored.missing_since is not None or one.stored.ticket.id[:1] == PLACEHOLDER:
            continue
        if tool.name not in since:
            since[tool.name] = _watched_since(tx, tool.name, now)
        try:
            for each in _of(one, registry, since[tool.name], now):
                _tell(tx, deps, work, own, registry, one, tool, *each, now=now)
        except Exception:
            log.exception("informing_failed", ticket=str(one.stored.ticket.ref))
    tx.append(work.events)
    return len(tx.enqueue(work.orders, now)) + post(tx, deps, work.told, now)


def _watched_since(tx: Tx, tool: str, now: datetime) -> datetime:
    """Since when requesters of a tool are informed: what it already held then is nobody's news."""
    kept = tx.cursor("", f"informing/{tool}")
    if not kept:
        tx.move_cursor("", f"informing/{tool}", {"since": now.isoformat()}, now)
        return now
    return datetime.fromisoformat(kept["since"])


def _of(one: Looked, registry: Registry, since: datetime, now: datetime) -> Iterator[tuple[Informing, News]]:
    ticket = one.stored.ticket
    rule = applying(registry.informing, _Facts(one))
    if rule is not None:
        for found in news(ticket, effective(one.events), since, now):
            if found.what in rule.tell:
                yield rule, found


class _Facts(dict[str, Any]):
    """What conditions ask for, read from the ticket when asked."""

    def __init__(self, one: Looked) -> None:
        super().__init__(major_incident=one.result.major_incident)
        self._ticket = one.stored.ticket

    def get(self, key: str, default: Any = None) -> Any:
        if key in self:
            return self[key]
        return value_of(self._ticket, key) if key.startswith("custom.") or hasattr(self._ticket, key) else default


def _tell(tx: Tx, deps: Deps, work: _Work, own: Desk, registry: Registry, one: Looked, tool: Tool, rule: Informing,
          found: News, *, now: datetime) -> None:
    stored = one.stored
    template = registry.templates.get(rule.tell[found.what])
    who = requester(stored.ticket, own, registry.directory)
    why = withheld(stored.ticket, own.own) if rule.by is By.MAIL else ""
    if not why and rule.by is By.MAIL and who is not None and found.what is What.RECEIVED:
        why = _flood(tx, who, now)
    if rule.by is By.MAIL and By.MAIL not in deps.channels:
        why = NO_MAIL
    if template is None:
        why = NO_TEMPLATE
    if rule.by is By.COMMENT and Capability.COMMENT not in tool.vendor.capabilities():
        why = NO_COMMENTS
    work.events.append((stored.key, found.event(now, why or SENT, rule.name)))
    if why or template is None:
        log.info("requester_not_informed", ticket=str(stored.ticket.ref), what=found.what.value, reason=why)
        return
    known = {**facts(stored.ticket, own, one.result), "comment": found.comment}
    if found.what is What.RESOLVED:
        known["resolved"] = found.since
    if rule.by is By.COMMENT:
        _comment(deps, work, one, tool, template, found, known, own)
    elif who is not None:
        work.told.append((Notice(f"{found.key}/{stored.key}", template, Severity.NORMAL, known, stored.key,
                                 thread(stored.ticket, stored.key)), who))


def _flood(tx: Tx, who: Recipient, now: datetime) -> str:
    stream = f"received/{who.id}"
    tx.alone(stream)
    kept = [at for at in tx.cursor("", stream).get("at", ()) if now - HOUR < datetime.fromisoformat(at) <= now]
    if len(kept) >= MOST:
        return TOO_MANY
    tx.move_cursor("", stream, {"at": [*kept, now.isoformat()]}, now)
    return ""


def _comment(deps: Deps, work: _Work, one: Looked, tool: Tool, template: Template, found: News,
             known: Mapping[str, Any], own: Desk) -> None:
    """By a public comment: the tool tells the requester in its own way."""
    stored = one.stored
    language = str(stored.ticket.custom.get("language") or "")[:2] or own.language
    said = render(template, language, words({**known, "comment": ""}, language, own.timezone)).text
    once = found.key.replace("/", "-").replace(":", "").replace("+", "-")
    order = said_order(Verb.COMMENT, tool, stored, {"key": f"{once}-{stored.key}", "text": said, "public": True,
                                                    "author": ""})
    work.orders.append(order)
    work.events.append((stored.key, said_event(EventKind.COMMENTED, f"{once}-{stored.key}",
                                               own_time(deps, tool, stored), stored, ACTOR, said, Role.CONNECTOR)))
