"""Which steps of which ladders are due on a ticket, what comes next, and why nothing comes: a pure fold.

The same history and the same clocks that pages show, so a step can be explained, rehearsed and replayed. What was acted
upon is an event with a key, and is never acted upon again, undone or moved, whatever is read late.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any, Final

from connector.domain.agreements.engine import NamedClock, Result
from connector.domain.agreements.facts import Moment, moments
from connector.domain.agreements.profile import Chain, Responder
from connector.domain.agreements.registry import Registry
from connector.domain.calendar import CalendarError, ServiceCalendar
from connector.domain.errors import ConfigError
from connector.domain.escalations import happenings
from connector.domain.escalations.coming import NOTHING, Coming, Outlook, Standing
from connector.domain.escalations.course import CalendarCourse, ClockCourse, Course, after, moment
from connector.domain.escalations.escalated import FALLBACK, Firing, Record, Told
from connector.domain.escalations.passed import ON_TIME, Passed, settled
from connector.domain.escalations.rules import OnClock, OnHandoff, OnHappening, OnSilence, OnState, OnSurge, Rule, Step
from connector.domain.escalations.turning import stop, stopped, turning
from connector.domain.history import Event
from connector.domain.ticket import ENDED, Ticket

FRESH: Final = timedelta(hours=4)
"""A ticket first seen so long after its opening, or later, is an old one: what passed before is not acted upon."""
TICKET: Final = "ticket"
FAR: Final = timedelta(days=8)


def outlook(ticket: Ticket, line: Sequence[Event], result: Result, registry: Registry, now: datetime,
            surges: AbstractSet[tuple[str, str]] = frozenset()) -> Outlook:
    """The ladders of a ticket as of `now`, from its effective events in order and its clocks of the same moment.

    `surges` are the (rule, step) whose number of tickets is reached by this one. Doing it again with the firings
    recorded gives no firings.
    """
    if not registry.escalations:
        return NOTHING
    return _Look(ticket, line, result, registry, now, surges).whole()


@dataclass(slots=True)
class _Look:
    ticket: Ticket
    line: Sequence[Event]
    result: Result
    registry: Registry
    now: datetime
    surges: AbstractSet[tuple[str, str]]
    record: Record = field(init=False)
    facts: list[Moment] = field(default_factory=list)
    asked: frozenset[str] = frozenset()
    coming: list[Coming] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.record = Record(self.line)

    def whole(self) -> Outlook:
        firings: list[Firing] = []
        for rule in self.registry.escalations.values():
            try:
                firings += self._rule(rule)
            except (CalendarError, ConfigError) as error:
                self.problems.append(f"escalation {rule.name} cannot be computed: {error}")
        firings += self._fallbacks()
        nexts = [one.at for one in self.coming if one.standing in (Standing.AHEAD, Standing.CLOSED) and one.at]
        # What the tool tells for a time its clock has reached and ours has not.
        nexts += [event.at for event in takewhile(lambda event: event.at > self.now, reversed(self.line))]
        return Outlook(tuple(firings), tuple(self.coming), min(nexts, default=None), tuple(self.problems))

    def _rule(self, rule: Rule) -> Iterator[Firing]:
        """All that is due of one rule; a rule speaks for the clocks of profiles that name it, and where it applies."""
        named = [one for one in self.result.clocks if one.profile.escalate == rule.name]
        everywhere = rule.applies_to is not None and rule.applies_to.holds(self._now_facts(rule))
        if not named and not everywhere:
            return
        for one in self.result.clocks if everywhere else named:
            if one.clock.open and one.clock.ledger:
                yield from self._climb(self._version(rule, one.key, one.clock.start), one)
        held = self._version(rule, TICKET, self.ticket.opened_at)
        if any(not isinstance(step.trigger, OnClock) for step in held.steps):
            attached = [self.record.agreed.get(one.profile.name, self.now) for one in named]
            floor = max(self._floor(held), min(attached)) if not everywhere and self._later(attached) \
                else self._floor(held)
            for step in held.steps:
                if not isinstance(step.trigger, OnClock):
                    yield from self._happened(held, step, floor)

    def _later(self, attached: list[datetime]) -> bool:
        """Whether the agreement came to apply some time after the first look at the ticket."""
        return bool(attached) and self.record.first_look is not None and min(attached) > self.record.first_look

    def _version(self, rule: Rule, subject: str, start: datetime) -> Rule:
        """A chain keeps the version it began with; one that has not begun takes that in force when its clock began."""
        version = self.record.version(rule.name, subject)
        return self.registry.escalation(rule.name, version, start) or rule

    def _floor(self, rule: Rule) -> datetime:
        """What came before this moment is not acted upon: the ticket, or the rule, was not known here."""
        first = self.record.first_look or self.now
        old = self.record.imported or first - self.ticket.opened_at > FRESH
        return max(rule.since, first if old else self.ticket.opened_at)

    def _fallbacks(self) -> Iterator[Firing]:
        """What is done instead of what was refused, once."""
        for key, event in self.record.refused.items():
            data = event.data
            name, version = str(data["rule"]), str(data["version"])
            rule = self.registry.escalation(name, version, self.now)
            step = next((one for one in rule.steps if one.name == data["step"]), None) if rule else None
            if key.endswith(f"/{FALLBACK}") or step is None or not step.fallback:
                continue
            firing = Firing(name, version, step.name, str(data["subject"]), int(str(data["n"])), event.at,
                            what=FALLBACK, actions=step.fallback, why=f"{step.text}: {event.text}")
            if firing.key not in self.record.fallen:
                yield firing

    # clocks

    def _climb(self, rule: Rule, one: NamedClock) -> list[Firing]:
        course = ClockCourse(one.clock)
        floor = self._floor(rule)
        if one.profile.escalate == rule.name and self._later([self.record.agreed.get(one.profile.name, floor)]):
            floor = max(floor, self.record.agreed[one.profile.name])
        passed: list[Passed] = []
        for step in rule.steps:
            trigger = step.trigger
            if not isinstance(trigger, OnClock) or trigger.target != one.target or \
                    (step.agreement and step.agreement != one.profile.agreement):
                continue
            chain = self.record.told.get((rule.name, step.name, one.key), {})
            passed += self._chain(rule, step, one.key, chain, course, moment(course, trigger), floor, _values(one))
        return list(settled(passed))

    # the ticket

    def _happened(self, rule: Rule, step: Step, floor: datetime) -> Iterator[Firing]:
        if self.ticket.deleted or self.ticket.state in ENDED:
            return
        calendar = self._calendar(rule, rule.calendar)
        for prefix, came, since in self._subjects(rule, step, calendar):
            known = self.record.subjects(rule.name, step.name, f"{prefix}/")
            chain = self.record.told.get((rule.name, step.name, known[-1]), {}) if known else {}
            decided = chain[min(chain)].at if chain else None
            if decided is None or came > decided:
                # Another one than that on record. Earlier ones that are read late are covered by what was decided.
                subject, chain = f"{prefix}/{len(known) + 1}", {}
                if turning(self.record, rule, step, known, self.now):
                    if floor <= came <= self.now and not stopped(self.record, rule, step, known[-1]):
                        yield stop(rule, step, subject, came)
                    continue
            else:
                subject, came = known[-1], min(came, chain[min(chain)].moment)
            course = CalendarCourse(calendar, since)
            yield from settled(self._chain(rule, step, subject, chain, course, came, floor, {}))

    def _subjects(
        self, rule: Rule, step: Step, calendar: ServiceCalendar | None
    ) -> Iterator[tuple[str, datetime, datetime]]:
        """(subject, when it came or will come, since when it holds) of what a step waits for."""
        trigger, now = step.trigger, self.now
        facts = self._facts(rule)
        if isinstance(trigger, OnHappening):
            at = happenings.last(trigger.what, trigger.times, self.ticket, self.line, facts, now)
            if at is not None:
                yield TICKET, at, at
        elif isinstance(trigger, OnSilence):
            touch = happenings.last_touch(self.ticket, self.line, now)
            yield from after(TICKET, touch, trigger.amount.from_start, calendar, trigger, touch)
        elif isinstance(trigger, OnState):
            since = happenings.holding_since(trigger, facts, now)
            if since is not None:
                yield from after(TICKET, since, trigger.amount.from_start, calendar, trigger, since)
        elif isinstance(trigger, OnHandoff):
            for id, at in happenings.handoffs(trigger, self.line, now):
                yield from after(f"handoff {id}", at, trigger.amount.from_start, calendar, trigger, at)
        elif isinstance(trigger, OnSurge) and (
                (rule.name, step.name) in self.surges or self.record.subjects(rule.name, step.name, f"{TICKET}/")):
            # On record it goes on, though the ticket is no longer the one that made the number full.
            yield TICKET, self.ticket.opened_at, self.ticket.opened_at

    # one chain

    def _chain(self, rule: Rule, step: Step, subject: str, chain: dict[int, Told], course: Course,
               came: datetime | None, floor: datetime, values: dict[str, Any]) -> list[Passed]:
        """The occurrences of a step that have passed and are not on record; notes what comes next."""
        n = max(chain, default=0) + 1
        note = Coming(rule, step, subject, n, Standing.DONE)
        if n > step.length:
            return self._note(note)
        if step.silenced and self.record.silenced(chain):
            return self._note(replace(note, standing=Standing.SILENCED))
        at = came
        if n > 1:
            # A chain goes on from its last occurrence, as long as what began it is still so by today's reading.
            wait = step.link(n)
            at = None if came is None or came > self.now else course.add(chain[n - 1].moment, wait.wait, wait.hours)
        elif came is not None and came < floor and came <= self.now:
            return self._note(replace(note, standing=Standing.MISSED, at=came))
        passed: list[Passed] = []
        since, standing, opening = self._allowed(rule, step, course)
        while at is not None and at <= self.now and since is not None and n <= step.length:
            begins = at if self._free(rule, step, course, at) else max(at, since)
            passed.append(Passed(self._firing(rule, step, subject, n, begins, values), at))
            note = replace(note, n=n, standing=Standing.DUE, at=begins)
            n += 1
            if n <= step.length:
                link = step.link(n)
                at = course.add(begins, link.wait, link.hours)
        if n > step.length:
            return self._note(note) + passed
        if at is None:
            standing = Standing.PAUSED
        elif at > self.now:
            standing = Standing.AHEAD if course.since is not None else Standing.PAUSED
        elif standing is Standing.CLOSED:
            at = opening
        self._note(replace(note, n=n, standing=standing, at=at))
        return passed

    def _note(self, coming: Coming) -> list[Passed]:
        self.coming.append(coming)
        return []

    def _allowed(self, rule: Rule, step: Step, course: Course) -> tuple[datetime | None, Standing, datetime | None]:
        """Since when a step may act (None: it may not now), what is in the way, and when that ends if time ends it."""
        since = course.since
        if since is None:
            return None, Standing.PAUSED, None
        if step.when.fields or step.unless.fields:
            facts = self._facts(rule)
            held = happenings.unbroken(lambda one: step.when.holds(one) and not step.unless.holds(one), facts, self.now)
            if held is None:
                return None, Standing.UNMET, None
            since = max(since, held)
        if step.during is not None:
            calendar = self._calendar(rule, step.during)
            if calendar is not None and not calendar.is_open(self.now):
                return None, Standing.CLOSED, calendar.add(self.now, timedelta(0))
            if calendar is not None:
                window = list(calendar.windows(self.now - FAR, self.now + timedelta(microseconds=1)))[-1]
                since = max(since, window[0])
        return since, Standing.DUE, None

    def _free(self, rule: Rule, step: Step, course: Course, at: datetime) -> bool:
        """Whether nothing was in a step's way at a moment of the past."""
        if not course.ran(at):
            return False
        if step.when.fields or step.unless.fields:
            facts = next((one.facts for one in reversed(self._facts(rule)) if one.at <= at), None)
            if facts is None or not step.when.holds(facts) or step.unless.holds(facts):
                return False
        calendar = self._calendar(rule, step.during)
        return calendar is None or calendar.is_open(at)

    def _firing(self, rule: Rule, step: Step, subject: str, n: int, at: datetime, values: dict[str, Any]) -> Firing:
        late = self.now - at
        return Firing(rule.name, rule.version, step.name, subject, n, at, actions=step.link(n).actions,
                      climbed=step.climbed(n), late=late if late > ON_TIME else timedelta(0), why=step.text,
                      values=values)

    # what is known

    def _facts(self, rule: Rule | None = None) -> list[Moment]:
        """The ticket's moments, read once for all rules in force."""
        wanted = self.registry.escalation_fields | (rule.fields if rule else frozenset())
        if not self.facts or not wanted <= self.asked:
            self.asked = self.asked | wanted
            self.facts = moments(self.ticket, self.line, self.asked, Responder())
            if self.result.major_incident:
                self.facts[-1].facts["major_incident"] = True
        return self.facts

    def _now_facts(self, rule: Rule) -> dict[str, Any]:
        return next((one.facts for one in reversed(self._facts(rule)) if one.at <= self.now), self._facts()[0].facts)

    def _calendar(self, rule: Rule, chain: Chain | None) -> ServiceCalendar | None:
        return None if chain is None else self.registry.chained(rule, chain, self._now_facts(rule))


def _values(one: NamedClock) -> dict[str, Any]:
    """The clock as it stood, for whoever asks why."""
    clock = one.clock
    return {"clock": one.key, "due": clock.due.isoformat() if clock.due else None, "state": str(clock.state),
            "used_s": int(clock.active.total_seconds()), "target_s": int(clock.target.total_seconds())}
