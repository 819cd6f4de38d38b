"""A slow, obvious second opinion of the engine: walks the minutes, and asks of each only what holds then.

It knows nothing of segments, folds, grids or plans: at every minute it looks up the fields in the history, evaluates
the written rules by hand, and adds a minute here or there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from connector.domain.calendar import ServiceCalendar

MINUTE = timedelta(minutes=1)
Facts = dict[str, Any]


@dataclass
class Rules:
    """The rules of one profile with one target, as plain functions of the facts."""

    applies: Callable[[Facts], bool]
    calendar: Callable[[Facts], ServiceCalendar]
    amount: Callable[[Facts], timedelta | None]
    pauses: Sequence[tuple[Callable[[Facts], bool], timedelta | None, int | None]] = ()
    stop: Callable[[Facts], bool] = lambda facts: facts["state"] in ("resolved", "closed")
    cancel: Callable[[Facts], bool] = lambda facts: facts["state"] == "cancelled" or facts["deleted"]
    start: Callable[[Facts], bool] = lambda facts: True
    sla: bool = True
    from_opening: bool = True
    pauses_kept: bool = True
    reopen_within: timedelta | None = None
    repeats: str = ""
    """"updates": anew at each answer. "awaiting_reply": anew at each message that waits for one."""


@dataclass
class Seen:
    """One cycle, as far as the walk has come."""

    start: datetime
    amount: timedelta
    active: timedelta = timedelta(0)
    paused: timedelta = timedelta(0)
    reached: datetime | None = None
    """When the target was used up exactly, while nothing happened since."""
    breached_at: datetime | None = None
    stopped_at: datetime | None = None
    mode: str = "run"
    counts: list[int] = field(default_factory=list)
    spent: list[timedelta] = field(default_factory=list)
    rule: int | None = None

    @property
    def state(self) -> str:
        if self.mode == "cancel":
            return "cancelled"
        if self.breached_at is not None:
            return "breached"
        return {"stop": "met", "run": "running", "pause": "paused"}[self.mode]


def walk(line: Sequence[tuple[datetime, Facts]], rules: Rules, now: datetime) -> list[Seen]:
    """`line`: from each moment on these facts hold. All moments and `now` are whole minutes."""
    attached = next((at for at, facts in line if rules.applies(facts)), None)
    if attached is None:
        return []
    cycles: list[Seen] = []
    cycle: Seen | None = None
    before: Facts | None = None
    begins = line[0][0] if rules.from_opening else attached
    at = line[0][0]
    while at <= now:
        facts = [known for moment, known in line if moment <= at][-1]
        had = rules.applies(facts) or (at < attached and (rules.sla or rules.from_opening))
        if at >= begins:
            if cycle is not None and not rules.sla and not had:
                if cycle.mode not in ("stop", "cancel"):
                    cycle.mode, cycle.stopped_at = "stop", at
                cycle = None
            if cycle is not None and before is not None and _anew(rules, facts, before):
                if cycle.mode not in ("stop", "cancel"):
                    cycle.mode, cycle.stopped_at = "stop", at
                cycle = None
            cycle = _minute(cycle, cycles, facts, rules, at, attached, had, now)
        before = facts
        at += MINUTE
    return cycles


def _anew(rules: Rules, facts: Facts, before: Facts) -> bool:
    if rules.repeats == "updates":
        return bool(facts["updates"] != before["updates"])
    return rules.repeats == "awaiting_reply" and facts["awaiting_reply"] and not before["awaiting_reply"]


def _too_late(cycle: Seen, rules: Rules, at: datetime) -> bool:
    return (cycle.stopped_at is not None and rules.reopen_within is not None
            and at - cycle.stopped_at > rules.reopen_within)


def _minute(cycle: Seen | None, cycles: list[Seen], facts: Facts, rules: Rules, at: datetime, attached: datetime,
            had: bool, now: datetime) -> Seen | None:
    amount = rules.amount(facts)
    mode = "run"
    if not had or rules.cancel(facts):
        mode = "cancel"
    elif cycle is None and not rules.start(facts):
        return None
    elif rules.stop(facts):
        mode = "stop"
    if cycle is not None and mode == "run" and _too_late(cycle, rules, at):
        cycle = None
        if not rules.start(facts):
            return None
    if cycle is None:
        if mode == "cancel" or amount is None:
            return None
        if mode == "stop" and (cycles or rules.repeats or not rules.sla):
            return None
        cycle = Seen(at, amount, counts=[0] * len(rules.pauses), spent=[timedelta(0)] * len(rules.pauses))
        cycles.append(cycle)
    if amount is None:
        mode = "cancel"
    else:
        if amount != cycle.amount:
            cycle.reached = at if cycle.active == amount else None
            if cycle.active == amount and not rules.calendar(facts).is_open(at):
                cycle.reached = None
        cycle.amount = amount
    rule = None
    if mode == "run" and (at >= attached or rules.pauses_kept):
        for i, (holds, at_most, times) in enumerate(rules.pauses):
            if holds(facts) and (at_most is None or cycle.spent[i] < at_most) and (
                    times is None or i == cycle.rule or cycle.counts[i] < times):
                rule = i
                break
    if rule is not None:
        mode = "pause"
        if rule != cycle.rule:
            cycle.counts[rule] += 1
    cycle.rule = rule
    if mode == "stop":
        cycle.stopped_at = cycle.stopped_at or at
    elif mode == "cancel" and cycle.mode == "stop":
        mode = "stop"
    elif mode != "cancel":
        cycle.stopped_at = None
    cycle.mode = mode
    if at < now:
        _count(cycle, mode, rule, rules.calendar(facts).is_open(at), at)
    return cycle


def _count(cycle: Seen, mode: str, rule: int | None, is_open: bool, at: datetime) -> None:
    if rule is not None:
        cycle.spent[rule] += MINUTE
    if mode != "run":
        cycle.reached = None
        cycle.paused += MINUTE if is_open else timedelta(0)
        return
    if cycle.active > cycle.amount and cycle.breached_at is None:
        cycle.breached_at = at
    if cycle.active == cycle.amount:
        if cycle.reached is None and is_open:
            cycle.reached = at
        if cycle.reached is not None and cycle.breached_at is None:
            cycle.breached_at = cycle.reached
    if is_open:
        cycle.active += MINUTE
        if cycle.active == cycle.amount:
            cycle.reached = at + MINUTE
