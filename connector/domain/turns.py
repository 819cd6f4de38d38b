"""From what was known at each moment to the turns of one target's clock: when it runs, pauses, stops, on what plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connector.domain.clock import Mode, Plan, Turn
from connector.domain.conditions import Facts
from connector.domain.durations import Amount
from connector.domain.facts import Moment
from connector.domain.profile import Agreement, Profile, StartFrom, Target, TargetName
from connector.domain.registry import Hours, Registry


@dataclass(slots=True)
class Segment:
    """The turns of one run of a clock: begun by an attachment, a customer's message, an update or a reset."""

    turns: list[Turn] = field(default_factory=list)
    amount: Amount | None = None
    hours: Hours | None = None
    priority: str | None = None


def segments(
    profile: Profile, target: Target, applies: Sequence[bool], line: Sequence[Moment], registry: Registry
) -> list[Segment]:
    """`applies[i]` tells whether the profile applies at `line[i]`. Segments in the order they began."""
    if target.name is TargetName.NEXT_RESPONSE and not any(moment.facts["awaiting_reply"] for moment in line):
        return []
    found: list[Segment] = []
    for first, last in _spans(profile, applies, line):
        found.extend(_Walk(profile, target, applies, line, registry).span(first, last))
    return [segment for segment in found if segment.turns]


def _spans(profile: Profile, applies: Sequence[bool], line: Sequence[Moment]) -> Iterator[tuple[int, int]]:
    """Stretches of moments that one run of the clock covers, as [first, last).

    An SLA has one, however often it leaves and comes back. An OLA or a supplier's contract has one for each time the
    work was with that team or supplier.
    """
    attached = applies.index(True)
    start = attached
    if profile.start_from is StartFrom.OPENED:
        start = 0
    elif profile.start_from is StartFrom.ASSIGNED:
        assigned = (i for i, m in enumerate(line) if m.facts.get("assignee") or m.facts.get("group"))
        start = next(assigned, len(line))
    if profile.agreement is Agreement.SLA:
        yield start, len(line)
        return
    i = attached
    while i < len(line):
        if not applies[i]:
            i += 1
            continue
        end = i
        while end < len(line) and applies[end]:
            end += 1
        yield (min(start, i) if i == attached else i), end
        i = end


class _Walk:
    """Walks the moments of one span and notes the turns."""

    def __init__(
        self, profile: Profile, target: Target, applies: Sequence[bool], line: Sequence[Moment], registry: Registry
    ) -> None:
        self.profile, self.target, self.applies, self.line, self.registry = profile, target, applies, line, registry
        self.attached = applies.index(True)
        self.done: list[Segment] = []
        self.segment = Segment()
        self.plan: Plan | None = None
        self.started = False
        self.rule = -1
        self.relevant = profile.plan_fields | target.fields
        self.counts = [0] * len(target.conditions.pause or ())
        self.spent = [timedelta(0)] * len(self.counts)

    def span(self, first: int, last: int) -> list[Segment]:
        previous = None
        relevant, applies, capped = self.relevant, self.applies, self.target.capped
        for i in range(first, last):
            moment = self.line[i]
            if (
                previous is not None and relevant.isdisjoint(moment.changed) and applies[i] == applies[i - 1]
                and not capped
            ):
                continue  # nothing this clock depends on changed; a pause that may run out is looked at each time
            if self._begins_anew(moment, previous):
                self._new_segment(moment)
            self._turn(i, moment)
            previous = moment
        if last < len(self.line) and self.plan is not None:
            self._note(self.line[last].at, Mode.STOP, "handed over")
        return [*self.done, self.segment]

    def _begins_anew(self, moment: Moment, previous: Moment | None) -> bool:
        if previous is None or not self.started:
            return False
        if self.target.name is TargetName.UPDATE and moment.facts["updates"] != previous.facts["updates"]:
            return True
        if self.target.name is TargetName.NEXT_RESPONSE:
            return bool(moment.facts["awaiting_reply"] and not previous.facts["awaiting_reply"])
        reset = self.target.conditions.reset
        return reset is not None and reset.holds(moment.facts) and not reset.holds(previous.facts)

    def _new_segment(self, moment: Moment) -> None:
        if self.segment.turns and self.segment.turns[-1].mode is not Mode.STOP:
            kept = self.target.name in (TargetName.UPDATE, TargetName.NEXT_RESPONSE)
            self._note(moment.at, Mode.STOP if kept else Mode.CANCEL, moment.why)
        self.done.append(self.segment)
        self.segment = Segment()
        self.plan, self.started, self.rule = None, False, -1

    def _turn(self, i: int, moment: Moment) -> None:
        applied = self.applies[i] or i < self.attached
        mode = self._mode(moment) if applied else Mode.CANCEL
        if mode is Mode.OFF or (mode is Mode.CANCEL and not self.started):
            return
        plan = self._plan_at(moment)
        if plan is None:
            mode = Mode.CANCEL
        else:
            self.plan = plan
        if self.plan is None:
            return
        self.started = True
        why = moment.why
        if mode is Mode.PAUSE:
            mode, why = self._paused(i, moment)
        elif mode is not Mode.RUN:
            self.rule = -1
        self._note(moment.at, mode, why if applied else "no longer applies")
        if mode is Mode.PAUSE:
            self._foresee(i, moment)

    def _mode(self, moment: Moment) -> Mode:
        c, facts = self.target.conditions, moment.facts
        if c.cancel is not None and c.cancel.holds(facts):
            return Mode.CANCEL
        if not self.started and c.start is not None and not c.start.holds(facts):
            return Mode.OFF
        if c.stop is not None and c.stop.holds(facts):
            return Mode.STOP
        return Mode.PAUSE if self._pausing(facts) else Mode.RUN

    def _pausing(self, facts: Facts) -> bool:
        c = self.target.conditions
        for i, rule in enumerate(c.pause or ()):
            if rule.when.holds(facts):
                if i != self.rule:
                    self.rule = i
                    self.counts[i] += 1
                return rule.times is None or self.counts[i] <= rule.times
        if self.rule >= 0 and c.resume is not None and not c.resume.holds(facts):
            return True
        self.rule = -1
        return False

    def _paused(self, i: int, moment: Moment) -> tuple[Mode, str]:
        rule = (self.target.conditions.pause or ())[self.rule]
        if i < self.attached and not self.profile.pauses_kept:
            return Mode.RUN, "pause before the agreement applied does not count"
        if rule.at_most is not None and self.spent[self.rule] >= rule.at_most:
            return Mode.RUN, f"{rule.reason}: pause used up"
        return Mode.PAUSE, rule.reason

    def _foresee(self, i: int, moment: Moment) -> None:
        """A pause that may only last so long: the clock runs again when that is used up."""
        rule = (self.target.conditions.pause or ())[self.rule]
        if rule.at_most is None:
            return
        left = rule.at_most - self.spent[self.rule]
        until = self.line[i + 1].at if i + 1 < len(self.line) else None
        if until is not None and until - moment.at <= left:
            self.spent[self.rule] += until - moment.at
            return
        self.spent[self.rule] = rule.at_most
        self._note(moment.at + left, Mode.RUN, f"{rule.reason}: pause used up")

    def _plan_at(self, moment: Moment) -> Plan | None:
        if self.plan is not None and self.profile.plan_fields.isdisjoint(moment.changed):
            return self.plan
        priority = self.profile.priority(moment.facts)
        amount = self.target.amount(priority)
        if amount is None:
            return None
        hours = self.registry.hours(self.profile, moment.facts, amount.calendar)
        time = amount.from_start(self._start(moment), hours.calendar)
        self.segment.amount, self.segment.hours, self.segment.priority = amount, hours, priority
        return Plan(hours.calendar, time, self.profile.floor, amount.text)

    def _start(self, moment: Moment) -> datetime:
        return self.segment.turns[0].at if self.segment.turns else moment.at

    def _note(self, at: datetime, mode: Mode, why: str) -> None:
        if self.plan is None:
            return
        turns = self.segment.turns
        if turns and mode is Mode.RUN and turns[-1].mode is Mode.RUN and turns[-1].plan is self.plan:
            return  # it simply goes on
        turns.append(Turn(at, mode, self.plan, why))
