"""What a requester is told of a ticket without anybody asking: received, taken on, waiting for them, resolved. Pure.

Everything follows from the history, and what was told is an event of it, so that each is told once. What happened
before we watched, long ago, or to an imported ticket is never told; nor is a program.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from connector.domain.agreements.conditions import ALWAYS, Condition, condition
from connector.domain.history import Event, EventKind, Origin, Role
from connector.domain.notices.mail_address import looks_automatic, of_program, same, usable
from connector.domain.notices.template import Audience, Templates
from connector.domain.problems import Problems, did_you_mean, missing, shown
from connector.domain.saying import Saying
from connector.domain.ticket import ENDED, PendingOn, State, Ticket

FRESH: Final = timedelta(hours=24)
"""What happened longer ago is no news."""
NEAR: Final = timedelta(hours=1)
"""How far from a change of state the comment lies that goes with it."""


class What(StrEnum):
    RECEIVED = "received"
    TAKEN = "taken"
    WAITING = "waiting"
    RESOLVED = "resolved"


class By(StrEnum):
    MAIL = "mail"
    COMMENT = "comment"
    """A public comment in the tool, which tells the requester in its own way."""


TEMPLATES: Final = {what: f"ticket-{what}" for what in What}


@dataclass(frozen=True, slots=True)
class Informing:
    """A rule: which tickets, what is told by which template, and how."""

    name: str
    applies_to: Condition
    tell: Mapping[What, str]
    by: By = By.MAIL
    file: str = ""


@dataclass(frozen=True, slots=True)
class News:
    """Something to tell. `since` is when it began; `comment` is what was said to the requester with it."""

    what: What
    since: datetime
    comment: str = ""

    @property
    def key(self) -> str:
        """Unique within the ticket: reception and take-over come once, the others each time anew."""
        once = self.what in (What.RECEIVED, What.TAKEN)
        return f"informed/{self.what}" if once else f"informed/{self.what}/{self.since.isoformat()}"

    def event(self, now: datetime, outcome: str, rule: str) -> Event:
        return Event(key=self.key, at=now, kind=EventKind.INFORMED, role=Role.CONNECTOR, origin=Origin.CONNECTOR,
                     data={"what": self.what.value, "since": self.since.isoformat(), "outcome": outcome, "rule": rule})


def rule(data: Any, problems: Problems) -> Informing | None:
    """A rule from its table (docs/notifications.md); what is wrong goes to `problems`."""
    if not isinstance(data, Mapping):
        problems.add((), "expected informing, applies_to, tell and by")
        return None
    problems.keys((), data, ("informing", "description", "applies_to", "tell", "by"))
    name = data.get("informing")
    if not isinstance(name, str) or not name:
        problems.add(("informing",), "is required: the name of this rule")
    asked = condition(data["applies_to"], problems, ("applies_to",)) if "applies_to" in data else ALWAYS
    by = data.get("by", By.MAIL.value)
    if by not in tuple(By):
        problems.add(("by",), Saying("%(value)s is unknown; expected mail or comment", value=shown(by)))
    tell = _tell(data.get("tell"), problems)
    return None if problems.errors else Informing(str(name), asked, tell, By(by), problems.file)


def _tell(data: Any, problems: Problems) -> dict[What, str]:
    if isinstance(data, (list, tuple)):
        data = {str(one): True for one in data}
    if not isinstance(data, Mapping) or not data:
        problems.add(("tell",), Saying("expected what is told: %(names)s", names=", ".join(What)))
        return {}
    found: dict[What, str] = {}
    for key, value in data.items():
        if key not in tuple(What):
            problems.add(("tell", key), Saying("unknown `%(key)s`%(hint)s", key=key, hint=did_you_mean(str(key), What)))
        elif value is True:
            found[What(key)] = TEMPLATES[What(key)]
        elif isinstance(value, str) and value:
            found[What(key)] = value
        elif value is not False:
            problems.add(("tell", key), Saying(
                "%(value)s: expected true, false or the name of a template", value=shown(value)))
    return found


def unknown_templates(rules: Sequence[Informing], templates: Templates) -> Iterator[tuple[Informing, What, str]]:
    """Templates that are not there, or not for requesters: rule, what, and the mistake in words."""
    for one in rules:
        for what, name in one.tell.items():
            found = templates.get(name)
            if found is None:
                yield one, what, missing(Saying("template"), name, templates.names)
            elif found.audience is not Audience.REQUESTER:
                yield one, what, Saying("template `%(name)s` is for %(audience)s, not for %(wanted)s", name=name,
                                        audience=found.audience, wanted=Audience.REQUESTER)


def applying(rules: Sequence[Informing], facts: Mapping[str, Any]) -> Informing | None:
    """The most specific rule that applies; of equals the first."""
    held = [one for one in rules if one.applies_to.holds(facts)]
    return max(held, key=lambda one: one.applies_to.weight) if held else None


def news(ticket: Ticket, line: Sequence[Event], since: datetime, now: datetime) -> Iterator[News]:
    """What is news of a ticket, from its effective events in order, that nobody was told yet."""
    if ticket.deleted or any(event.origin is Origin.IMPORT for event in line):
        return
    told = [event for event in line if event.kind is EventKind.INFORMED]
    earliest = max(since, now - FRESH)
    for one in _happened(ticket, line):
        fresh = earliest <= one.since
        known = any(event.key == one.key or (event.data.get("what") == one.what and one.what in _ANEW and
                    datetime.fromisoformat(str(event.data["since"])) >= one.since) for event in told)
        if fresh and not known:
            yield one


_ANEW: Final = (What.WAITING, What.RESOLVED)


def _happened(ticket: Ticket, line: Sequence[Event]) -> Iterator[News]:
    """What is so now, with when it began."""
    if ticket.state not in ENDED:
        if not any(event.kind is EventKind.CREATED and event.role is Role.CONNECTOR for event in line):
            yield News(What.RECEIVED, ticket.opened_at)
        taken = _taken(line)
        if taken is not None:
            yield News(What.TAKEN, taken)
    if ticket.state is State.PENDING and ticket.pending_on is PendingOn.CUSTOMER:
        begun = _begun(line, {("state", State.PENDING), ("pending_on", PendingOn.CUSTOMER)})
        if begun is not None:
            yield News(What.WAITING, begun, _comment(line, begun))
    if ticket.state in (State.RESOLVED, State.CLOSED):
        begun = _ended(line)
        if begun is not None:
            yield News(What.RESOLVED, begun, _comment(line, begun))


def _taken(line: Sequence[Event]) -> datetime | None:
    """When a person first was on it: assigned, or at work."""
    for event in line:
        if event.kind is EventKind.CHANGED and event.role not in (Role.CONNECTOR, Role.REQUESTER):
            assigned = event.field == "assignee" and bool(event.new)
            if assigned or (event.field == "state" and event.new == State.IN_PROGRESS):
                return event.at
    return None


def _begun(line: Sequence[Event], values: set[tuple[str, Any]]) -> datetime | None:
    """When the last of these values was taken."""
    return max((event.at for event in line if event.kind is EventKind.CHANGED and (event.field, event.new) in values),
               default=None)


def _ended(line: Sequence[Event]) -> datetime | None:
    """When the ticket last went from not ended to resolved or closed; closing what is resolved is no news."""
    for event in reversed(line):
        if event.kind is EventKind.CHANGED and event.field == "state" and event.old not in ENDED:
            return event.at if event.new in (State.RESOLVED, State.CLOSED) else None
    return None


def _comment(line: Sequence[Event], near: datetime) -> str:
    """The last thing said to the requester around that time."""
    said = [event for event in line if event.kind is EventKind.COMMENTED and abs(event.at - near) <= NEAR
            and event.role not in (Role.REQUESTER, Role.CONNECTOR)]
    return said[-1].text if said else ""


def withheld(ticket: Ticket, own: Sequence[str]) -> str:
    """Why the requester of a ticket is told nothing, in words; "" when they can be told."""
    address = usable(ticket.requester_email)
    if not address:
        return "no address of the requester that can be written to"
    if same(address, own):
        return "the requester's address is one of ours"
    if of_program(address):
        return "a program lives at the requester's address"
    if looks_automatic(ticket.title):
        return "the ticket comes from an automatic mail"
    return ""
