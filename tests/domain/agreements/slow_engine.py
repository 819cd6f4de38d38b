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
    resume: Callable[[Facts], bool] = lambda facts: True
    stop: Callable[[Facts], bool] = lambda facts: facts["state"] in ("resolved", "closed")
    cancel: Callable[[Facts], bool] = lambda facts: facts["state"] == "cancelled" or facts["deleted"]
    start: Callable[[Facts], bool] = lambda facts: True
    reset: Callable[[Facts], bool] = lambda facts: False
    fixed: Callable[[Facts], datetime | None] = lambda facts: None
    """A due time set by hand."""
    days: Callable[[Facts], int | None] = lambda facts: None
    """Working days instead of `amount`, counted from where the cycle begins."""
    sla: bool = True
    begins: Callable[[Facts], bool] = lambda facts: True
    """From the first moment this holds, time counts once the agreement applies."""
    pauses_kept: bool = True
    reopen_within: timedelta | None = None
    floor: timedelta = timedelta(0)
    repeats: str = ""
    """"updates": anew at each answer. "awaiting_reply": anew at each message that waits for one."""


Plan = tuple[ServiceCalendar, timedelta, datetime | None]


@dataclass
class Seen:
    """One cycle, as far as the walk has come."""

    start: datetime
    plan: Plan
    active: timedelta = timedelta(0)
    paused: timedelta = timedelta(0)
    reached: datetime | None = None
    """When the target was used up exactly, while nothing happened since."""
    not_before: datetime | None = None
    breached_at: datetime | None = None
    stopped_at: datetime | None = None
    mode: str = ""
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
    begins = next((at for at, facts in line if rules.begins(facts)), None)
    if attached is None or begins is None:
        return []
    walker = _Walker(rules, attached)
    at = line[0][0]
    while at <= now:
        facts = [known for moment, known in line if moment <= at][-1]
        if at >= begins:
            walker.minute(at, facts, now)
        walker.before = facts
        at += MINUTE
    return walker.cycles


class _Walker:
    def __init__(self, rules: Rules, attached: datetime) -> None:
        self.rules, self.attached = rules, attached
        self.cycles: list[Seen] = []
        self.cycle: Seen | None = None
        self.before: Facts | None = None
        self.began_in_span = False

    def minute(self, at: datetime, facts: Facts, now: datetime) -> None:
        applied = self.rules.applies(facts) or at < self.attached
        if not applied and not self.rules.sla:
            self._end(at, "stop")
            self.began_in_span = False
            return
        if self.cycle is not None and self.before is not None and self._anew(facts, self.before):
            self._end(at, "stop" if self.rules.repeats else "cancel")
        mode = self._mode(facts, applied)
        cycle = self._begun(at, facts, mode)
        if cycle is None:
            return
        plan = self._plan(facts, cycle.start)
        if plan is None:
            mode = "cancel"
        rule = self._pausing(at, facts, cycle) if mode == "run" else None
        if rule is not None and rule != cycle.rule:
            cycle.counts[rule] += 1
        cycle.rule = rule
        self._enter(at, cycle, "pause" if rule is not None else mode, plan or cycle.plan)
        if at < now:
            _count(cycle, at)

    def _end(self, at: datetime, mode: str) -> None:
        """The run so far is over."""
        cycle = self.cycle
        if cycle is not None and cycle.mode not in ("stop", "cancel"):
            cycle.mode = mode
            if mode == "stop":
                cycle.stopped_at = at
                if cycle.plan[2] is not None and at > cycle.plan[2] and cycle.breached_at is None:
                    cycle.breached_at = at
        self.cycle = None

    def _anew(self, facts: Facts, before: Facts) -> bool:
        if self.rules.repeats == "updates":
            return bool(facts["updates"] != before["updates"])
        if self.rules.repeats == "awaiting_reply":
            return bool(facts["awaiting_reply"] and not before["awaiting_reply"])
        return self.rules.reset(facts) and not self.rules.reset(before)

    def _mode(self, facts: Facts, applied: bool) -> str:
        if not applied or self.rules.cancel(facts):
            return "cancel"
        if self.cycle is None and not self.rules.start(facts):
            return "off"
        return "stop" if self.rules.stop(facts) else "run"

    def _begun(self, at: datetime, facts: Facts, mode: str) -> Seen | None:
        """The cycle that counts this minute, a new one where one begins."""
        cycle = self.cycle
        if cycle is not None and mode == "run" and self._too_late(at, cycle):
            self.cycle = cycle = None
            if not self.rules.start(facts):
                return None
        if cycle is None:
            plan = self._plan(facts, at)
            if mode in ("cancel", "off") or plan is None:
                return None
            if mode == "stop" and (self.began_in_span or self.rules.repeats or not self.rules.sla):
                return None
            none = [timedelta(0)] * len(self.rules.pauses)
            cycle = self.cycle = Seen(at, plan, counts=[0] * len(none), spent=none)
            self.began_in_span = True
            self.cycles.append(cycle)
        return cycle

    def _too_late(self, at: datetime, cycle: Seen) -> bool:
        within = self.rules.reopen_within
        return within is not None and cycle.stopped_at is not None and at - cycle.stopped_at > within

    def _plan(self, facts: Facts, start: datetime) -> Plan | None:
        calendar, amount, days = self.rules.calendar(facts), self.rules.amount(facts), self.rules.days(facts)
        if days is not None:
            amount = calendar.elapsed(start, calendar.add_days(start, days))
        return None if amount is None else (calendar, amount, self.rules.fixed(facts))

    def _pausing(self, at: datetime, facts: Facts, cycle: Seen) -> int | None:
        if at < self.attached and not self.rules.pauses_kept:
            return None
        held = facts.get("held_by_connector", False)
        for i, (holds, _, _) in enumerate(self.rules.pauses):
            if holds(facts) and not held and self._allowed(i, cycle):
                return i
        rule = cycle.rule
        return rule if rule is not None and not self.rules.resume(facts) and self._allowed(rule, cycle) else None

    def _allowed(self, i: int, cycle: Seen) -> bool:
        _, at_most, times = self.rules.pauses[i]
        return (at_most is None or cycle.spent[i] < at_most) and (
            times is None or i == cycle.rule or cycle.counts[i] < times)

    def _enter(self, at: datetime, cycle: Seen, mode: str, plan: Plan) -> None:
        if cycle.mode == "stop" and mode == "cancel":
            mode = "stop"
        if mode == "stop" and cycle.mode != "stop":
            cycle.stopped_at = at
            if cycle.plan[2] is not None and at > cycle.plan[2] and cycle.breached_at is None:
                cycle.breached_at = at
        elif mode in ("run", "pause"):
            cycle.stopped_at = None
        over = mode in ("stop", "cancel") and cycle.mode == mode
        if plan != cycle.plan and not over:
            cycle.not_before = at + self.rules.floor
            if plan[1] != cycle.plan[1] or plan[2] != cycle.plan[2]:
                cycle.reached = None
            cycle.plan = plan
        cycle.mode = mode


def _count(cycle: Seen, at: datetime) -> None:
    """The minute from `at` on, in the mode and plan the cycle is in."""
    calendar, amount, fixed = cycle.plan
    is_open = calendar.is_open(at)
    if cycle.rule is not None:
        cycle.spent[cycle.rule] += MINUTE
    if cycle.mode != "run":
        cycle.reached = None
        cycle.paused += MINUTE if is_open else timedelta(0)
        return
    if cycle.active == amount and cycle.reached is None and is_open:
        cycle.reached = at
    _breach(cycle, at, fixed)
    if is_open:
        cycle.active += MINUTE
        if cycle.active == amount:
            cycle.reached = at + MINUTE


def _breach(cycle: Seen, at: datetime, fixed: datetime | None) -> None:
    if cycle.breached_at is not None:
        return
    due = fixed
    if fixed is None:
        due = at if cycle.active > cycle.plan[1] else cycle.reached
        if due is not None and cycle.not_before is not None:
            due = max(due, cycle.not_before)
    if due is not None and due <= at:
        cycle.breached_at = at if fixed is not None else due
