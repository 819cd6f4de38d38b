"""The review of a receiver over a period, from the histories and clocks of its handoffs: figures that can be checked.

Every figure carries what it was made of. Definitions (docs/handoffs.md prints them too):

- a target counts in the period in which it was decided: met, or breached for the first time;
- an offer counts in the period of its answer, a decision on a resolution in that of the decision;
- minutes in dispute are those inside the period.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from statistics import median
from typing import Any, Final

from connector.domain.agreements.clock import ClockState
from connector.domain.agreements.engine import NamedClock
from connector.domain.agreements.profile import TargetName
from connector.domain.handoffs.chain import Entry, EntryKind
from connector.domain.handoffs.handoff import Handoff
from connector.domain.handoffs.moves import ENDED, HandoffState, Move

LONGEST_REASON: Final = 80


class Unit(StrEnum):
    SHARE = "share"
    DURATION = "duration"
    MINUTES = "minutes"


@dataclass(frozen=True, slots=True)
class Case:
    """A handoff with its whole history and its clocks as they are now."""

    handoff: Handoff
    entries: Sequence[Entry]
    clocks: Sequence[NamedClock] = ()


@dataclass(frozen=True, slots=True)
class Period:
    """`end` is not in it."""

    start: datetime
    end: datetime

    def holds(self, at: datetime | None) -> bool:
        return at is not None and self.start <= at < self.end

    def overlap(self, start: datetime, end: datetime) -> timedelta:
        first, last = max(start, self.start), min(end, self.end)
        return max(timedelta(), last.astimezone(UTC) - first.astimezone(UTC))


@dataclass(frozen=True, slots=True)
class Measure:
    """`n` is how many cases were looked at; `censored` of them were not decided yet, `excluded` do not count.

    A share is numerator / denominator; a duration is the median of `denominator` values; minutes are the numerator.
    """

    name: str
    unit: Unit
    numerator: int
    denominator: int
    n: int
    censored: int = 0
    excluded: int = 0
    typical: timedelta | None = None
    by: Mapping[str, int] = field(default_factory=dict)

    @property
    def share(self) -> float | None:
        return self.numerator / self.denominator if self.unit is Unit.SHARE and self.denominator else None

    @property
    def known(self) -> bool:
        """Whether there was anything to measure."""
        return self.unit is Unit.MINUTES or self.denominator > 0


@dataclass(frozen=True, slots=True)
class Review:
    receiver: str
    period: Period
    handoffs: int
    """Those that were open at any time of the period."""
    measures: tuple[Measure, ...]

    def __getitem__(self, name: str) -> Measure:
        return next(one for one in self.measures if one.name == name)


def review(receiver: str, cases: Iterable[Case], period: Period, now: datetime) -> Review:
    """`now` ends what is still going on."""
    mine = [case for case in cases if case.handoff.receiver == receiver and _was_open(case, period)]
    measures = [_target(f"{name}_in_time", mine, name, period) for name in
                (TargetName.ACKNOWLEDGE, TargetName.FIRST_RESPONSE, TargetName.RESOLUTION, TargetName.HAND_BACK)]
    measures += [_declined(mine, period), _handed_back(mine, period), _rejected(mine, period), _transfer(mine, period),
                 _disputed(mine, period, now), _silent(mine, period)]
    return Review(receiver, period, len(mine), tuple(measures))


def month_of(year: int, month: int, zone: Any) -> Period:
    """A calendar month of a time zone. Raises ValueError."""
    later = (year + month // 12, month % 12 + 1)
    return Period(datetime(year, month, 1, tzinfo=zone), datetime(*later, 1, tzinfo=zone))


def _moves(case: Case, *which: Move) -> Iterator[Entry]:
    return (entry for entry in case.entries if entry.kind is EntryKind.MOVED and entry.body.get("move") in which)


def _was_open(case: Case, period: Period) -> bool:
    """Offered before the period's end, and not ended before its start."""
    offered = next(_moves(case, Move.OFFER), None)
    if offered is None or offered.at >= period.end:
        return False
    over = [entry.at for entry in _moves(case, Move.CLOSE, Move.WITHDRAW)]
    return case.handoff.state not in ENDED or not over or over[-1] >= period.start


def _target(name: str, cases: Sequence[Case], target: TargetName, period: Period) -> Measure:
    met = decided = censored = excluded = n = 0
    for named in (one for case in cases for one in case.clocks if one.target == target):
        clock = named.clock
        if clock.state is ClockState.CANCELLED and clock.breached_at is None:
            excluded, n = excluded + 1, n + 1
            continue
        at = clock.breached_at or clock.stopped_at
        if at is None:
            censored, n = censored + 1, n + 1
        elif period.holds(at):
            met, decided, n = met + (clock.breached_at is None), decided + 1, n + 1
    return Measure(name, Unit.SHARE, met, decided, n, censored, excluded)


_ANSWERS: Final = (Move.ACKNOWLEDGE, Move.DECLINE, Move.START)


def _answers(case: Case, period: Period) -> Iterator[tuple[Entry, Entry]]:
    """Offers with their answer, for answers within the period."""
    offered: Entry | None = None
    for entry in _moves(case, Move.OFFER, Move.EXPIRE, Move.WITHDRAW, *_ANSWERS):
        if entry.body["move"] == Move.OFFER:
            offered = entry
        elif offered is not None:
            if entry.body["move"] in _ANSWERS and period.holds(entry.at):
                yield offered, entry
            offered = None


def _waiting(cases: Iterable[Case]) -> int:
    return sum(case.handoff.state is HandoffState.OFFERED for case in cases)


def _declined(cases: Sequence[Case], period: Period) -> Measure:
    answers = [answer for case in cases for _, answer in _answers(case, period)]
    declined = [answer for answer in answers if answer.body["move"] == Move.DECLINE]
    waiting = _waiting(cases)
    return Measure("declined", Unit.SHARE, len(declined), len(answers), len(answers) + waiting, waiting,
                   by=_reasons(declined))


def _handed_back(cases: Sequence[Case], period: Period) -> Measure:
    """Of the handoffs they had taken over, how many came back undone at least once in the period."""
    taken = [case for case in cases if any(entry.at < period.end for entry in
                                           _moves(case, Move.ACKNOWLEDGE, Move.START, Move.PROPOSE))]
    backs = [[entry for entry in _moves(case, Move.HAND_BACK) if period.holds(entry.at)] for case in taken]
    return Measure("handed_back", Unit.SHARE, sum(bool(one) for one in backs), len(taken), len(cases),
                   excluded=len(cases) - len(taken), by=_reasons(entry for one in backs for entry in one))


def _reasons(entries: Iterable[Entry]) -> dict[str, int]:
    """How often each reason was given, the most frequent first. A reason is its first line."""
    found = Counter((str(entry.body.get("reason", "")).strip().splitlines() or [""])[0][:LONGEST_REASON]
                    for entry in entries)
    return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))


def _rejected(cases: Sequence[Case], period: Period) -> Measure:
    decisions = [entry for case in cases for entry in _moves(case, Move.ACCEPT, Move.REJECT) if period.holds(entry.at)]
    rejected = [entry for entry in decisions if entry.body["move"] == Move.REJECT]
    open_ = sum(case.handoff.state is HandoffState.RESOLVED_PROPOSED for case in cases)
    return Measure("rejected", Unit.SHARE, len(rejected), len(decisions), len(decisions) + open_, open_,
                   by=_reasons(rejected))


def _transfer(cases: Sequence[Case], period: Period) -> Measure:
    """Real time from an offer to its answer."""
    times = [answer.at - offer.at for case in cases for offer, answer in _answers(case, period)]
    waiting = _waiting(cases)
    typical = timedelta(seconds=median(one.total_seconds() for one in times)) if times else None
    return Measure("transfer_time", Unit.DURATION, 0, len(times), len(times) + waiting, waiting, typical=typical)


def _disputed(cases: Sequence[Case], period: Period, now: datetime) -> Measure:
    total, n, open_ = timedelta(), 0, 0
    for case in cases:
        began: datetime | None = None
        for entry in (one for one in case.entries if one.kind is EntryKind.MOVED):
            if entry.body["to"] == HandoffState.DISPUTED:
                began = entry.at
            elif began is not None:
                spent, began = period.overlap(began, entry.at), None
                total, n = total + spent, n + (spent > timedelta())
        if began is not None:
            spent = period.overlap(began, now)
            total, n, open_ = total + spent, n + (spent > timedelta()), open_ + 1
    return Measure("disputed_minutes", Unit.MINUTES, int(total / timedelta(minutes=1)), len(cases), n, open_)


def _silent(cases: Sequence[Case], period: Period) -> Measure:
    quiet = sum(any(entry.kind is EntryKind.CLOCK and entry.body.get("what") == "silent" and period.holds(entry.at)
                    for entry in case.entries) for case in cases)
    return Measure("silent", Unit.SHARE, quiet, len(cases), len(cases))


def as_dict(found: Review, made_by: str, now: datetime) -> dict[str, Any]:
    """JSON without fractions: shares as numerator and denominator, durations in whole seconds."""
    return {
        "format": "servicedesk-connector/supplier-review/1",
        "made_at": now.astimezone(UTC).isoformat(), "made_by": made_by, "receiver": found.receiver,
        "from": found.period.start.isoformat(), "to": found.period.end.isoformat(), "handoffs": found.handoffs,
        "measures": [{
            "name": one.name, "unit": str(one.unit), "numerator": one.numerator, "denominator": one.denominator,
            "n": one.n, "censored": one.censored, "excluded": one.excluded, "by": dict(one.by),
            "median_seconds": None if one.typical is None else round(one.typical.total_seconds()),
        } for one in found.measures],
    }
