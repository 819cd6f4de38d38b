"""Who is told what, how and when: notices become orders for the outbox. Pure.

Nothing is lost on the way: what must not come now (quiet hours, too many at once) waits in the outbox under the target
`HELD`, and goes out later, several in one (connector/flows/digests.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from connector.domain.delivery import Order
from connector.domain.notices.fallback import chained
from connector.domain.notices.mail_address import usable
from connector.domain.notices.people import Person, Severity, Way
from connector.domain.notices.phrases import Fact, words
from connector.domain.notices.template import Audience, Message, Template, render

NOTIFY: Final = "notify"
HELD: Final = "digest"
"""Target of what waits to be sent together; no channel has this name."""
WINDOW: Final = timedelta(minutes=10)
MOST: Final = 5
"""Messages to one recipient within `WINDOW`; what is more comes as one digest at its end."""
MOST_CRITICAL: Final = 20
"""The same for critical ones, which are held for no other reason."""
PATIENCE: Final[Mapping[Severity, timedelta]] = {
    Severity.CRITICAL: timedelta(minutes=2), Severity.HIGH: timedelta(minutes=10),
    Severity.NORMAL: timedelta(hours=1), Severity.LOW: timedelta(hours=4),
}
"""How long one way is tried before the next one is."""
_ORDER: Final = tuple(Severity)


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who is told. `person` is None for a requester, who has nothing but an address."""

    id: str
    name: str
    email: str
    language: str
    timezone: str
    audience: Audience
    person: Person | None = None

    def ways(self, severity: Severity) -> tuple[Way, ...]:
        return (Way.MAIL,) if self.person is None else self.person.ways(severity)

    def quiet_until(self, at: datetime) -> datetime | None:
        return None if self.person is None else self.person.quiet_until(at)


def of_person(person: Person) -> Recipient:
    return Recipient(f"person/{person.id}", person.name, person.email, person.language, person.timezone,
                     Audience.INTERNAL, person)


def of_requester(email: str, name: str, language: str, timezone: str) -> Recipient | None:
    """None for an address that nothing can be sent to. The id does not show the address."""
    address = usable(email)
    if not address:
        return None
    id = hashlib.sha256(address.casefold().encode()).hexdigest()[:24]
    return Recipient(f"requester/{id}", name, address, language, timezone, Audience.REQUESTER)


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to be told. `key` is unique for ever; `thread` joins what belongs to one ticket.

    `more` goes into the payload of the last way tried: when it is refused, nobody was told.
    """

    key: str
    template: Template
    severity: Severity
    facts: Mapping[str, Fact]
    ticket: int | None = None
    thread: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Load:
    """What a recipient was sent lately, and until when more is held."""

    sent: tuple[datetime, ...] = ()
    until: datetime | None = None

    @classmethod
    def load(cls, kept: Mapping[str, Any]) -> Load:
        until = kept.get("until")
        return cls(tuple(datetime.fromisoformat(at) for at in kept.get("sent", ())),
                   None if until is None else datetime.fromisoformat(until))

    def dump(self) -> dict[str, Any]:
        return {"sent": [at.isoformat() for at in self.sent], "until": self.until and self.until.isoformat()}

    def take(self, severity: Severity, now: datetime) -> tuple[Load, datetime | None]:
        """The load with one more message, and until when that one is held (None: it goes now)."""
        sent = tuple(at for at in self.sent if now - WINDOW < at <= now)
        # Longer than a while it never is, unless the clock was set back.
        until = self.until if self.until is not None and now < self.until <= now + WINDOW else None
        most = MOST_CRITICAL if severity is Severity.CRITICAL else MOST
        held = until is not None and severity is not Severity.CRITICAL
        if held or len(sent) >= most:
            until = until or now + WINDOW
            return Load(sent, until), until
        return Load((*sent, now), until), None


@dataclass(slots=True)
class Plan:
    orders: list[Order] = field(default_factory=list)
    loads: dict[str, Load] = field(default_factory=dict)
    """Recipient -> their load after this plan, where it changed."""


def plan(
    told: Sequence[tuple[Notice, Recipient]], loads: Mapping[str, Load], channels: Collection[str], now: datetime
) -> Plan:
    """Orders for all of `told`. `channels` are the names of those that are set up.

    Raises ValueError for a template that is not meant for its recipient: what is internal stays so.
    """
    made = Plan()
    for notice, recipient in told:
        if notice.template.audience is not recipient.audience:
            raise ValueError(f"template `{notice.template.name}` is not for a {recipient.audience}")
        message = said(notice, recipient)
        quiet = None if notice.severity is Severity.CRITICAL else recipient.quiet_until(now)
        if quiet is not None:
            made.orders.append(_held(notice, recipient, message, quiet))
            continue
        load = made.loads.get(recipient.id, loads.get(recipient.id, Load()))
        made.loads[recipient.id], until = load.take(notice.severity, now)
        made.orders.append(sent(notice, recipient, message, channels) if until is None
                           else _held(notice, recipient, message, until))
    return made


def said(notice: Notice, recipient: Recipient) -> Message:
    """The message in the language and zone of who gets it."""
    facts = {**notice.facts, "recipient": recipient.name}
    return render(notice.template, recipient.language, words(facts, recipient.language, recipient.timezone))


def sent(notice: Notice, recipient: Recipient, message: Message, channels: Collection[str]) -> Order:
    """The order for the best way, the others behind it. A way nobody has set up is tried only when all are such."""
    ways = recipient.ways(notice.severity)
    there = tuple(way for way in ways if way.value in channels) or ways[:1]
    orders = [_order(notice, recipient, message, way) for way in there]
    last = orders[-1]
    orders[-1] = Order(key=last.key, target=last.target, verb=last.verb, lane=last.lane, ticket=last.ticket,
                       payload={**last.payload, **notice.more})
    return chained(orders, PATIENCE[notice.severity])


def _order(notice: Notice, recipient: Recipient, message: Message, way: Way) -> Order:
    payload = {**_addressed(recipient), **_worded(message), "severity": notice.severity.value, "thread": notice.thread}
    return Order(key=f"{notice.key}/{recipient.id}/{way.value}", target=way.value, verb=NOTIFY,
                 lane=f"{way.value}/{recipient.id}/{notice.thread or notice.key}", payload=payload,
                 ticket=notice.ticket)


def _held(notice: Notice, recipient: Recipient, message: Message, until: datetime) -> Order:
    key = f"{notice.key}/{recipient.id}/{HELD}"
    payload = {**_addressed(recipient), **_worded(message), "severity": notice.severity.value, "thread": notice.thread,
               "more": dict(notice.more)}
    return Order(key=key, target=HELD, verb=NOTIFY, lane=key, payload=payload, ticket=notice.ticket, not_before=until)


def _addressed(recipient: Recipient) -> dict[str, Any]:
    return {"recipient": recipient.id, "person": "" if recipient.person is None else recipient.person.id,
            "to": recipient.email, "name": recipient.name, "language": recipient.language,
            "timezone": recipient.timezone, "audience": recipient.audience.value}


def _worded(message: Message) -> dict[str, Any]:
    return {"subject": message.subject, "short": message.short, "text": message.text, "links": list(message.links)}


@dataclass(frozen=True, slots=True)
class Held:
    """A message that waited."""

    key: str
    ticket: int | None
    payload: Mapping[str, Any]

    @property
    def severity(self) -> Severity:
        return Severity(self.payload["severity"])


def digest(held: Sequence[Held], recipient: Recipient, template: Template, channels: Collection[str]) -> Order:
    """One order for all that waited for one recipient: itself if it is one, else a digest. Names every message."""
    worst = min((one.severity for one in held), key=_ORDER.index)
    first = min(held, key=lambda one: one.key)
    if len(held) == 1:
        notice = Notice(f"{first.key}/out", template, worst, {}, first.ticket, str(first.payload["thread"]),
                        first.payload.get("more", {}))
        return sent(notice, recipient, _message(first.payload), channels)
    facts: dict[str, Fact] = {"count": len(held), "messages": "\n".join(f"- {one.payload['short']}" for one in held)}
    notice = Notice(f"{first.key}/{len(held)}", template, worst, facts)
    message = said(notice, recipient)
    links = tuple(dict.fromkeys(link for one in held for link in one.payload["links"]))
    return sent(notice, recipient, Message(message.subject, message.short, message.text, links), channels)


def _message(payload: Mapping[str, Any]) -> Message:
    return Message(str(payload["subject"]), str(payload["short"]), str(payload["text"]), tuple(payload["links"]))


def by_recipient(held: Sequence[Held]) -> Iterator[tuple[str, list[Held]]]:
    """What waited, recipient by recipient, oldest first."""
    found: dict[str, list[Held]] = {}
    for one in held:
        found.setdefault(str(one.payload["recipient"]), []).append(one)
    yield from found.items()
