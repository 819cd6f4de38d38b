"""Giving work to a receiver: a new handoff, or the one they had, so that its clock resumes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

from msgspec import Struct
from msgspec.structs import replace

from connector.domain.agreements.durations import Amount
from connector.domain.agreements.profile import SOURCE_FIELDS, Profile
from connector.domain.agreements.registry import Registry
from connector.domain.calendar import CalendarError
from connector.domain.errors import ConfigError, Refused
from connector.domain.handoffs.chain import EntryKind
from connector.domain.handoffs.exchange import begun
from connector.domain.handoffs.handoff import Handoff, IllegalMove, Moved, bounced, move, note
from connector.domain.handoffs.message import VISIT
from connector.domain.handoffs.moves import UNDONE, HandoffState, Move, Side
from connector.domain.handoffs.receiver import Receiver
from connector.domain.history import Role
from connector.domain.problems import did_you_mean
from connector.domain.ticket import ENDED, PRIORITIES, Ticket, value_of
from connector.flows.handoff_hand import Hand, living, registry_of, second
from connector.ports import Deps, Tx

LONGEST: Final = {"reason": 20_000, "tried": 20_000, "contact": 500, "data_class": 100, "owner": 200, "severity": 100}


class Offer(Struct, frozen=True, kw_only=True):
    """What is given to whom. `severity` "" takes the receiver's word for the priority; `priority` "" the ticket's.

    `work` names a piece of the ticket's work that has handoffs of its own. `details` holds a visit's site, access,
    visit_from, visit_to. `draft`: write it down, but do not offer it yet.
    """

    receiver: str
    reason: str = ""
    tried: str = ""
    contact: str = ""
    data_class: str = ""
    owner: str = ""
    severity: str = ""
    priority: str = ""
    work: str = ""
    details: dict[str, str] = {}
    reply_by: datetime | None = None
    draft: bool = False


def offer_in(tx: Tx, deps: Deps, ticket: int, what: Offer, actor: str, once: str = "",
             role: Role = Role.AGENT) -> Handoff:
    """Hand a ticket over, in the caller's transaction. The same `once` twice is one handoff.

    Work the same receiver gave back and that was not closed since is offered to it again; else a handoff begins anew,
    and follows the last one that came back. A piece of work (`what.work`) that the receiver has is not offered twice.
    Raises NotFound, Refused with every mistake, IllegalMove when a decision is due first.
    """
    registry = registry_of(deps)
    stored = living(tx, ticket)
    every = tx.handoffs_of([ticket]).get(ticket, [])
    id = _id(ticket, once or uuid4().hex)
    done = next((one for one in every if one.id == id or once in _offers(tx, one, once)), None)
    if done is not None:
        return done
    receiver, contract = _receiver(registry, what.receiver)
    _check(what, receiver, stored.ticket)
    same = [one for one in every if one.work == what.work]
    lives = next((one for one in same if what.work and one.receiver == receiver.name and not one.returned
                  and one.state not in (HandoffState.ACCEPTED, HandoffState.CLOSED)), None)
    if lives is not None:
        return lives
    before = _last_undone(same)
    if before is not None and before.decision_due:
        raise IllegalMove(f"handoff {before.id} came back {before.bounces} times: decide first what happens to it", ())
    at = second(deps)
    if before is not None and before.receiver == receiver.name and before.state in UNDONE and not what.draft:
        hand = Hand(deps, tx, registry, stored, before, [one for one in every if one.id != before.id])
        moved = _again(before, what, receiver, contract, registry, stored.ticket, at, actor, once)
        return hand.keep(moved, actor, role)
    drafted = Moved(handoff=_drafted(id, stored.ticket, ticket, what, receiver, contract, before, at), entries=())
    hand = Hand(deps, tx, registry, stored, drafted.handoff, every)
    recalled = before is not None and before.withdrawn
    if recalled and (rule := bounced(drafted.handoff, receiver.bounce_limit, at)):
        moved = rule
    elif what.draft:
        moved = note(drafted.handoff, Side.OURS, EntryKind.EDITED, at, actor=actor, body={"state": ["", "draft"]})
        moved = drafted.then(moved)
    else:
        moved = _offered(drafted, receiver, contract, registry, stored.ticket, at, actor, once)
    made = hand.keep(moved, actor, role)
    if before is not None and before.state in UNDONE and not what.draft:
        others = [one for one in (*every, made) if one.id != before.id]
        Hand(deps, tx, registry, hand.stored, before, others).keep(
            move(before, Side.SYSTEM, Move.CLOSE, at, reason=f"followed by {made.id}"))
    return made


def again_in(hand: Hand, actor: str, *, reason: str = "", body: Mapping[str, Any] | None = None) -> Moved:
    """Offer a draft, or what came back, as it stands. Raises IllegalMove, or Refused when the receiver takes nothing.
    """
    receiver, contract = _receiver(hand.registry, hand.handoff.receiver)
    so_far = Moved(handoff=_bound(hand.handoff, contract), entries=())
    return _offered(so_far, receiver, contract, hand.registry, hand.stored.ticket, second(hand.deps), actor, "",
                    reason=reason, body=body)


def _id(ticket: int, once: str) -> str:
    return "ho-" + hashlib.sha256(f"{ticket}/{once}".encode()).hexdigest()[:20]


def _offers(tx: Tx, handoff: Handoff, once: str) -> set[str]:
    """The names under which a handoff was offered again."""
    if not once or handoff.bounces == 0:
        return set()
    return {str(entry.body["once"]) for entry in tx.entries([handoff.id])[handoff.id] if "once" in entry.body}


def _receiver(registry: Registry, name: str) -> tuple[Receiver, Profile]:
    found = registry.receivers.get(name)
    if found is None:
        raise Refused(f"receiver: there is no `{name[:80]}`{did_you_mean(name, registry.receivers)}", 422)
    if not found.active:
        raise Refused(f"receiver: {name} takes no new work", 409)
    return found, next(one for one in registry.profiles if one.name == found.profile)


def _check(what: Offer, receiver: Receiver, ticket: Ticket) -> None:
    problems = [f"{name}: longer than {most} characters" for name, most in LONGEST.items()
                if len(getattr(what, name)) > most]
    if not what.reason.strip():
        problems.append("reason: say why the work is handed over")
    if what.priority and what.priority not in PRIORITIES:
        problems.append(f"priority: expected one of {', '.join(PRIORITIES)}")
    problems += [f"details: `{name}` is unknown{did_you_mean(name, VISIT)}" for name in what.details
                 if name not in VISIT]
    if what.reply_by is not None and what.reply_by.tzinfo is None:
        problems.append("reply_by: has no time zone")
    if ticket.state in ENDED:
        problems.append(f"the ticket is {ticket.state}")
    if problems:
        raise Refused("; ".join(problems), 422)


def _last_undone(every: list[Handoff]) -> Handoff | None:
    """The handoff before: the last that came back, unless another follows it already or it was accepted."""
    followed = {one.follows for one in every}
    back = [one for one in every if (one.state in UNDONE or one.ended) and one.id not in followed]
    return back[-1] if back and back[-1].returned else None


def _drafted(id: str, ticket: Ticket, key: int, what: Offer, receiver: Receiver, contract: Profile,
             before: Handoff | None, at: datetime) -> Handoff:
    priority = what.priority or contract.priority(_facts(ticket)) or ""
    recalled = before is not None and before.withdrawn
    return _bound(Handoff(
        id=id, ticket=key, receiver=receiver.name, work=what.work, ours=ticket.number or ticket.id,
        reason=what.reason.strip(),
        priority=priority, severity=what.severity or receiver.severity(priority), tried=what.tried.strip(),
        contact=what.contact.strip(), data_class=what.data_class.strip(), owner=what.owner.strip() or ticket.group,
        tlp=str(receiver.tlp or ""), details=dict(what.details), reply_by=what.reply_by, created_at=at,
        follows="" if before is None else before.id, bounces=0 if before is None else before.bounces + recalled,
    ), contract)


def _again(before: Handoff, what: Offer, receiver: Receiver, contract: Profile, registry: Registry, ticket: Ticket,
           at: datetime, actor: str, once: str) -> Moved:
    """The receiver gets back what it had, with what is new; its contract's version stays."""
    priority = what.priority or contract.priority(_facts(ticket)) or before.priority
    new = {"priority": priority, "severity": what.severity or receiver.severity(priority),
           "reason": what.reason.strip(), "tried": what.tried.strip() or before.tried,
           "contact": what.contact.strip() or before.contact}
    changed = {name: [getattr(before, name), value] for name, value in new.items() if getattr(before, name) != value}
    so_far = Moved(handoff=before, entries=())
    if changed:
        so_far = note(replace(before, **new), Side.OURS, EntryKind.EDITED, at, actor=actor, body=changed)
    so_far = Moved(handoff=replace(so_far.handoff, reply_by=what.reply_by), entries=so_far.entries)
    return _offered(so_far, receiver, contract, registry, ticket, at, actor, once)


def _offered(so_far: Moved, receiver: Receiver, contract: Profile, registry: Registry, ticket: Ticket, at: datetime,
             actor: str, once: str, *, reason: str = "", body: Mapping[str, Any] | None = None) -> Moved:
    handoff = so_far.handoff
    reply_by = handoff.reply_by
    if reply_by is None or reply_by <= at:
        if reply_by is not None and handoff.offered_at is None:
            raise Refused("reply_by: has passed already", 422)
        reply_by = _reply_by(receiver.reply_within, contract, registry, ticket, at)
    handoff = begun(handoff, ticket, receiver, at)
    told = {**(body or {}), "receiver": receiver.name, "priority": handoff.priority, "severity": handoff.severity,
            "contract": handoff.contract, "version": handoff.version, **({"once": once} if once else {})}
    return so_far.then(move(replace(handoff, reply_by=reply_by), Side.OURS, Move.OFFER, at, actor=actor, reason=reason,
                            body=told))


def _reply_by(amount: Amount | None, contract: Profile, registry: Registry, ticket: Ticket,
              at: datetime) -> datetime | None:
    if amount is None:
        return None
    try:
        calendar = registry.hours(contract, _facts(ticket), amount.calendar).calendar
        return calendar.add(at, amount.from_start(at, calendar))
    except (CalendarError, ConfigError) as error:
        raise Refused(f"reply_by: cannot be computed: {error}", 409) from None


def _bound(handoff: Handoff, contract: Profile) -> Handoff:
    """The first offer binds it to the contract as it is then."""
    if handoff.offered_at is not None and handoff.contract:
        return handoff
    return replace(handoff, contract=contract.name, version=contract.version)


def _facts(ticket: Ticket) -> dict[str, Any]:
    return {name: value_of(ticket, name) for name in ("priority", "impact", "urgency", *SOURCE_FIELDS.values())}
