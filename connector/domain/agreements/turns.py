"""From what was known at each moment to the turns of one target's clock: when it runs, pauses, stops, on what plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from connector.domain.agreements.clock import CANCEL, NOTHING, OFF, PAUSE, RUN, STOP, Mode, Plan, Turn
from connector.domain.agreements.durations import Amount
from connector.domain.agreements.facts import Moment
from connector.domain.agreements.profile import Agreement, Profile, StartFrom, Target, TargetName, Verdict
from connector.domain.agreements.registry import Hours, Registry

NO_VERDICT: Final = Verdict(False, False, False, False, False, ())


SLA: Final = Agreement.SLA
UPDATE: Final = TargetName.UPDATE
NEXT_RESPONSE: Final = TargetName.NEXT_RESPONSE
RESOLUTION: Final = TargetName.RESOLUTION
REPEATING: Final = (UPDATE, NEXT_RESPONSE)


class Segment(Struct, gc=False):
    """The turns of one run of a clock: begun by an attachment, a message, an update, a reset or a late reopening."""

    turns: list[Turn] = []
    amount: Amount | None = None
    hours: Hours | None = None
    priority: str | None = None


def segments(
    profile: Profile, target: Target, applies: Sequence[bool], line: Sequence[Moment], registry: Registry
) -> list[Segment]:
    """`applies[i]` tells whether the profile applies at `line[i]`. Segments in the order they began."""
    if target.name is NEXT_RESPONSE and True not in [moment.facts["awaiting_reply"] for moment in line]:
        return []
    found: list[Segment] = []
    for first, last in _spans(profile, applies, line):
        found.extend(_Walk(profile, target, applies, line, registry).span(first, last))
    return [segment for segment in found if segment.turns]


def _spans(profile: Profile, applies: Sequence[bool], line: Sequence[Moment]) -> Iterator[tuple[int, int]]:
    """Stretches of moments that one run of the clock covers, as [first, last).

    An SLA has one, however often it leaves and comes back. An OLA or a supplier's contract has one for each time the
    work was with that team or supplier; only the first of them may begin before it was.
    """
    attached = applies.index(True)
    if profile.agreement is SLA:
        yield _begins(profile, line, attached), len(line)
        return
    i = attached
    while i < len(line):
        end = i
        while end < len(line) and applies[end]:
            end += 1
        first = _begins(profile, line, i)
        yield (first if i == attached else max(first, i)), end
        i = next((j for j in range(end, len(line)) if applies[j]), len(line))


def _begins(profile: Profile, line: Sequence[Moment], attached: int) -> int:
    if profile.start_from is StartFrom.OPENED:
        return 0
    if profile.start_from is StartFrom.ASSIGNED:
        assigned = (i for i, moment in enumerate(line) if moment.facts["assignee"] or moment.facts["group"])
        return next(assigned, len(line))
    return attached


class _Walk:
    """Walks the moments of one span and notes the turns."""

    def __init__(
        self, profile: Profile, target: Target, applies: Sequence[bool], line: Sequence[Moment], registry: Registry
    ) -> None:
        self.profile, self.target, self.applies, self.line, self.registry = profile, target, applies, line, registry
        self.attached = applies.index(True)
        self.pauses = target.conditions.pause or ()
        self.done: list[Segment] = []
        self.verdict = NO_VERDICT
        self._fresh()

    def _fresh(self) -> None:
        """A run of the clock that has not begun."""
        self.segment = Segment()
        self.plan: Plan | None = None
        self.offered: Plan | None = None
        self.outdated = True
        self.started = False
        self.stopped_at: datetime | None = None
        self.rule: int | None = None
        self.since = self.line[0].at
        self.counts = [0] * len(self.pauses)
        self.spent = [NOTHING] * len(self.pauses)

    def span(self, first: int, last: int) -> list[Segment]:
        line, applies, target, plan_fields = self.line, self.applies, self.target, self.profile.plan_fields
        relevant = self.profile.followed[target.name]
        repeating = target.name in REPEATING
        previous: Verdict | None = None
        known: Moment | None = None
        for i in range(first, last):
            moment = line[i]
            if known is not None and applies[i] == applies[i - 1] and relevant.isdisjoint(moment.changed):
                continue
            if self.rule is not None:
                self._use_up(moment.at)
            verdict = target.verdict(moment.facts)
            self.outdated = self.outdated or not plan_fields.isdisjoint(moment.changed)
            # With the plan as it was and no pause that may run out, the same verdict means the same again.
            if (verdict == previous and applies[i] == applies[i - 1] and not self.outdated and self.rule is None
                    and not repeating):
                continue
            if previous is not None and known is not None and self._begins_anew(moment, verdict, known, previous):
                self._hand_on(moment)
            self._turn(i, moment, verdict)
            known, previous = moment, verdict
        end = line[last].at if last < len(line) else None
        if self.rule is not None:
            self._use_up(end)
        if end is not None and not self._called_off:
            self._note(end, STOP, "handed over")
        return [*self.done, self.segment]

    def _begins_anew(self, moment: Moment, verdict: Verdict, known: Moment, previous: Verdict) -> bool:
        if not self.started:
            return False
        if self.target.name is UPDATE and moment.facts["updates"] != known.facts["updates"]:
            return True
        if self.target.name is NEXT_RESPONSE:
            return bool(moment.facts["awaiting_reply"] and not known.facts["awaiting_reply"])
        return verdict.reset and not previous.reset

    def _hand_on(self, moment: Moment) -> None:
        """The run so far ends here: kept by an answer, called off by a reset."""
        if self.stopped_at is None and not self._called_off:
            self._note(moment.at, STOP if self.target.name in REPEATING else CANCEL, moment.why)
        self.done.append(self.segment)
        self._fresh()

    def _turn(self, i: int, moment: Moment, verdict: Verdict) -> None:
        applied = self.applies[i] or i < self.attached
        mode, rule = self._mode(i, verdict) if applied else (CANCEL, None)
        self.verdict = verdict
        if self._reopened_late(moment, mode):
            self.done.append(self.segment)
            self._fresh()
            mode, rule = self._mode(i, verdict)
        if not self.started and (mode in (OFF, CANCEL) or (mode is STOP and not self._may_be_born_done)):
            return
        plan = self._plan(moment)
        if plan is None:
            mode, rule = CANCEL, None
        else:
            self.plan = plan
        if self.plan is None:
            return
        self.started = True
        if mode is STOP:
            self.stopped_at = self.stopped_at or moment.at
        elif mode is not CANCEL:
            self.stopped_at = None
        self._enter(rule, moment.at)
        self._note(moment.at, mode, self._why(i, moment, mode, rule) if applied else "no longer applies")

    @property
    def _called_off(self) -> bool:
        return bool(self.segment.turns) and self.segment.turns[-1].mode is CANCEL

    @property
    def _may_be_born_done(self) -> bool:
        """A ticket written down after it was resolved has met its SLA. Nothing else can be met without having run."""
        sla = self.profile.agreement is SLA
        return sla and not self.done and self.target.name not in REPEATING

    def _mode(self, i: int, verdict: Verdict) -> tuple[Mode, int | None]:
        if verdict.cancel:
            return CANCEL, None
        if not self.started and not verdict.start:
            return OFF, None
        if verdict.stop:
            return STOP, None
        rule = None if self._too_early(i) else self._pausing(verdict)
        return (RUN if rule is None else PAUSE), rule

    def _too_early(self, i: int) -> bool:
        return i < self.attached and not self.profile.pauses_kept

    def _pausing(self, verdict: Verdict) -> int | None:
        """The first rule that holds and is not used up."""
        for i in verdict.pauses:
            if self._allowed(i):
                return i
        held = self.rule is not None and not verdict.resume and self._allowed(self.rule)
        return self.rule if held else None

    def _allowed(self, i: int) -> bool:
        rule = self.pauses[i]
        once_more = rule.times is None or i == self.rule or self.counts[i] < rule.times
        return once_more and (rule.at_most is None or self.spent[i] < rule.at_most)

    def _enter(self, rule: int | None, at: datetime) -> None:
        if rule is not None and rule != self.rule:
            self.counts[rule] += 1
        self.rule, self.since = rule, at

    def _use_up(self, until: datetime | None) -> None:
        """Time passes in a pause up to the next moment (None: none is known). One that runs out gives way."""
        while self.rule is not None:
            limit = self.pauses[self.rule].at_most
            if limit is None:
                return
            left = limit - self.spent[self.rule]
            if until is not None and until - self.since <= left:
                self.spent[self.rule] += until - self.since
                self.since = until
                return
            at, reason = self.since + left, self.pauses[self.rule].reason
            self.spent[self.rule] = limit
            rule = self._pausing(self.verdict)
            self._enter(rule, at)
            if rule is None:
                self._note(at, RUN, f"{reason}: pause used up")
            else:
                self._note(at, PAUSE, self.pauses[rule].reason)

    def _reopened_late(self, moment: Moment, mode: Mode) -> bool:
        within = self.profile.reopen_within
        if self.stopped_at is None or within is None or mode not in (RUN, PAUSE):
            return False
        return moment.at - self.stopped_at > within

    def _why(self, i: int, moment: Moment, mode: Mode, rule: int | None) -> str:
        if rule is not None:
            return self.pauses[rule].reason
        if mode is RUN and self.verdict.pauses:
            if self._too_early(i):
                return "pause before the agreement applied does not count"
            return f"{self.pauses[self.verdict.pauses[0]].reason}: pause used up"
        return moment.why

    def _plan(self, moment: Moment) -> Plan | None:
        """The plan that holds now; None where this priority has no such target."""
        if not self.outdated:
            return self.offered
        self.outdated = False
        profile, facts = self.profile, moment.facts
        priority = profile.priority(facts)
        amount = self.target.amount(priority)
        self.offered = None
        if amount is not None:
            hours = self.registry.hours(profile, facts, amount.calendar)
            start = self.segment.turns[0].at if self.segment.turns else moment.at
            self.segment.amount, self.segment.hours, self.segment.priority = amount, hours, priority
            by_hand = profile.due_by_hand and self.target.name is RESOLUTION
            self.offered = Plan(hours.calendar, amount.from_start(start, hours.calendar), profile.floor, amount.text,
                                facts["due_at"] if by_hand else None)
        return self.offered

    def _note(self, at: datetime, mode: Mode, why: str) -> None:
        if self.plan is None:
            return
        turns = self.segment.turns
        if turns and mode is RUN and turns[-1].mode is RUN and turns[-1].plan is self.plan:
            return  # it simply goes on
        turns.append(Turn(at, mode, self.plan, why))
