"""The service desk as its messages show it, and the facts of a ticket that they may tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connector.domain.agreements.clock import ClockState
from connector.domain.agreements.engine import Result
from connector.domain.agreements.profile import Agreement, TargetName
from connector.domain.links import Links
from connector.domain.notices.notice import Recipient, of_requester
from connector.domain.notices.phrases import Fact
from connector.domain.notices.template import LANGUAGES
from connector.domain.ticket import Ticket

Directory = Mapping[str, Mapping[str, Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Desk:
    """`language` and `timezone` are for those of whom nothing else is known; `own` are addresses nobody is told at."""

    name: str = ""
    language: str = LANGUAGES[0]
    timezone: str = "UTC"
    own: tuple[str, ...] = ()
    links: Links = field(default_factory=lambda: Links("", b""))


def facts(ticket: Ticket, desk: Desk, result: Result | None = None) -> dict[str, Fact]:
    """What every message may say of a ticket, each audience its part. A promise is told while it can be kept."""
    promised = {} if result is None else {
        name: named.clock.due for name, target in (("due", TargetName.RESOLUTION),
                                                   ("response_due", TargetName.FIRST_RESPONSE))
        for named in result.clocks if named.target is target and named.profile.agreement is Agreement.SLA
        and named.clock.state is ClockState.RUNNING}
    return {
        "number": ticket.number or ticket.id, "title": ticket.title, "kind": ticket.kind, "state": ticket.state,
        "priority": ticket.priority, "service": ticket.service, "opened": ticket.opened_at, "desk": desk.name,
        "customer": ticket.customer, "site": ticket.site, "category": ticket.category,
        "requester": ticket.requester, "group": ticket.group, "assignee": ticket.assignee,
        "supplier": ticket.supplier, "pending_on": ticket.pending_on, "resolved": ticket.resolved_at, **promised,
    }


def thread(ticket: Ticket, key: int) -> str:
    """What joins the messages of one ticket: our own key, which stays when a tool gives its id late."""
    return f"{ticket.tool}/{key}"


def requester(ticket: Ticket, desk: Desk, directory: Directory) -> Recipient | None:
    """Who asked, in their language (`custom.language`) and the zone of their site or customer; None without address."""
    language = str(ticket.custom.get("language") or "")[:2].lower()
    return of_requester(ticket.requester_email, ticket.requester,
                        language if language in LANGUAGES else desk.language, _zone(ticket, desk, directory))


def _zone(ticket: Ticket, desk: Desk, directory: Directory) -> str:
    for source, name in (("site", ticket.site), ("customer", ticket.customer)):
        entry = directory.get(source, {}).get(name, {})
        if name and entry.get("timezone"):
            return str(entry["timezone"])
    return desk.timezone
