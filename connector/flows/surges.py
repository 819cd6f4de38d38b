"""Many tickets of one kind at once: counted by an index when a ticket is new, told once per surge."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from connector.domain.agreements.registry import Registry
from connector.domain.escalations.escalated import Firing
from connector.domain.escalations.rules import OnSurge, Rule, Step
from connector.domain.ticket import Ref, Ticket, value_of
from connector.ports import Stored, Tx

RECENT: Final = timedelta(hours=4)
"""A ticket first seen later than this after its opening, plus the window, makes no surge."""
SETTLING: Final = timedelta(minutes=15)
"""As long after the window a ticket that was looked at before may still: its history was awaited."""
Reached = tuple[Rule, Step]


def reached(tx: Tx, registry: Registry, tickets: Iterable[tuple[Ticket, bool]], now: datetime) -> dict[
        Ref, list[Reached]]:
    """For new tickets (with whether this is the first look at them), the steps whose number of like tickets is there.
    """
    steps = [(rule, step, step.trigger) for rule in registry.escalations.values() for step in rule.steps
             if isinstance(step.trigger, OnSurge)]
    found: dict[Ref, list[Reached]] = {}
    for ticket, first_look in tickets if steps else ():
        for rule, step, trigger in steps:
            if now - ticket.opened_at > trigger.within + (RECENT if first_look else SETTLING):
                continue
            like = {name: str(value_of(ticket, name) or "") for name in trigger.same}
            if not all(like.values()):
                continue
            opened = tx.opened_alike(str(ticket.kind), like, ticket.opened_at - trigger.within,
                                     ticket.opened_at + trigger.within)
            if crowded(opened, ticket.opened_at, trigger.within, trigger.count):
                found.setdefault(ticket.ref, []).append((rule, step))
    return found


def crowded(opened: Sequence[datetime], at: datetime, within: timedelta, count: int) -> bool:
    """Whether some `within` that holds `at` holds at least `count` openings (given in order)."""
    for first, start in enumerate(opened):
        if at - within <= start <= at:
            last = bisect_left(opened, start + within + timedelta(microseconds=1))
            if last - first >= count:
                return True
    return False


def first(tx: Tx, steps: Iterable[Reached], firing: Firing, stored: Stored, now: datetime) -> bool:
    """Whether a firing may be: of a surge only the first ticket tells, until it may be told again."""
    for rule, step in steps:
        trigger = step.trigger
        if (rule.name, step.name, firing.n) == (firing.rule, firing.step, 1) and isinstance(trigger, OnSurge):
            like = "/".join(f"{name}={value_of(stored.ticket, name)}" for name in trigger.same)
            name = f"surge/{rule.name}/{step.name}/{stored.ticket.kind}/{like}"
            again = max(trigger.again, trigger.within + SETTLING)
            return tx.lease(name, f"ticket/{stored.key}", now, now + again)
    return True
