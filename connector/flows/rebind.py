"""Running ladders bound to another version of their rule, because a person says so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from connector.domain.agreements.assess import assess
from connector.domain.agreements.registry import Registry
from connector.domain.escalations.escalated import Record, bound
from connector.domain.escalations.rules import Rule
from connector.domain.history import Event, effective
from connector.domain.ticket import ENDED
from connector.flows.backtest import parts
from connector.ports import Deps, Stored


def rebind(deps: Deps, rule: Rule, actor: str) -> int:
    """Bind the ladders of open tickets that hold another version of a rule, begun or not; how many there were."""
    assert deps.registry is not None
    registry, count = deps.registry(), 0
    for first, last in parts(deps.store):
        with deps.store.begin() as tx:
            living = [s for s in tx.walk(first, last) if s.ticket.state not in ENDED and not s.ticket.deleted]
            histories = tx.history([stored.key for stored in living])
            now = deps.now()
            chosen = [stored for stored in living if _other(stored, histories[stored.key], registry, rule, now)]
            tx.append((stored.key, bound(rule.name, rule.version, now, actor)) for stored in chosen)
            tx.schedule({stored.key: now for stored in chosen})
            for stored in chosen:
                tx.audit(now, actor, "escalation.apply", str(stored.ticket.ref),
                         {"rule": rule.name, "version": rule.version})
        count += len(chosen)
    return count


def _other(stored: Stored, events: Sequence[Event], registry: Registry, rule: Rule, now: datetime) -> bool:
    """Whether a ticket climbs this ladder, or may, in another version."""
    record = Record(effective(events))
    held = record.bound.get(rule.name)
    if held is not None and held[1] == rule.version:
        return False
    versions = {told.version for (name, _, _), chain in record.told.items() if name == rule.name
                for told in chain.values()}
    if held is None and versions == {rule.version}:
        return False
    found = assess(stored.ticket, events, registry, now).result
    climbs = rule.applies_to is not None or any(one.profile.escalate == rule.name for one in found.clocks)
    return climbs and record.first_look is not None
