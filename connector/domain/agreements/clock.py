"""One target running on one ticket: a pure fold over what happened, never a stored counter.

The fold walks stretches of time. In each the clock runs, is paused, is stopped or does not apply, under one plan
(calendar and amount). Only time that runs counts. Met means done at or before due; a breach, once it happened, stays.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import zip_longest
from operator import attrgetter
from typing import Final

from msgspec import Struct

from connector.domain.calendar import ServiceCalendar


class Mode(StrEnum):
    """What the conditions of a profile say at one moment."""

    OFF = "off"
    """Not started yet."""
    RUN = "run"
    PAUSE = "pause"
    STOP = "stop"
    CANCEL = "cancel"


class ClockState(StrEnum):
    RUNNING = "running"
    PAUSED = "paused"
    MET = "met"
    BREACHED = "breached"
    CANCELLED = "cancelled"


OFF: Final = Mode.OFF
RUN: Final = Mode.RUN
PAUSE: Final = Mode.PAUSE
STOP: Final = Mode.STOP
CANCEL: Final = Mode.CANCEL
RUNNING: Final = ClockState.RUNNING
PAUSED: Final = ClockState.PAUSED
MET: Final = ClockState.MET
BREACHED: Final = ClockState.BREACHED
CANCELLED: Final = ClockState.CANCELLED
"""By name: in Python 3.11 looking a member up in its class takes longer than what is done with it."""

NOTHING = timedelta(0)


class Plan(Struct, frozen=True, gc=False):
    """How much time of which calendar. `floor`: after a change of plan, due is not before the change plus this.

    `fixed`: a due time set by hand. It wins over the amount, and neither pauses nor `floor` move it.
    """

    calendar: ServiceCalendar
    amount: timedelta
    floor: timedelta = NOTHING
    rule: str = ""
    fixed: datetime | None = None


class Turn(Struct, frozen=True, gc=False):
    """From `at` on the clock is in `mode` under `plan`; `why` is shown in explanations."""

    at: datetime
    mode: Mode
    plan: Plan
    why: str = ""


class Stretch(Struct, frozen=True, gc=False):
    """One line of the ledger: a time in one mode, and how much business time it held."""

    start: datetime
    end: datetime
    mode: Mode
    business: timedelta
    plan: Plan
    why: str = ""


class Clock(Struct, frozen=True, gc=False):
    """A reading of one cycle at `now`. `due` is None while paused with time left, when cancelled, and never guessed.

    `remaining` is negative once the target is exceeded. `paused` is business time, a stopped time before a
    reopening included, so that active + paused is the business time since `start`. With a due time set by hand
    (`fixed`) `target` and `remaining` are the business time from the start and from the last line until then.
    """

    state: ClockState
    start: datetime
    due: datetime | None
    target: timedelta
    active: timedelta
    paused: timedelta
    remaining: timedelta
    breached_at: datetime | None = None
    stopped_at: datetime | None = None
    cycle: int = 1
    ledger: tuple[Stretch, ...] = ()
    fixed: datetime | None = None

    @property
    def open(self) -> bool:
        """Whether it may still change by the passing of time or by what happens to the ticket."""
        return self.stopped_at is None and self.state in (RUNNING, PAUSED, BREACHED)

    def at_share(self, share: float) -> datetime | None:
        """When `share` of the target (1.0 = all) is or was used up, as known now; None while paused before it."""
        wanted = self.target * share
        if self.fixed is not None and self.ledger:
            return self.ledger[-1].plan.calendar.add(self.start, wanted)
        used = NOTHING
        for line in self.ledger:
            if line.mode is not RUN:
                continue
            if used + line.business >= wanted:
                return line.plan.calendar.add(line.start, wanted - used)
            used += line.business
        if not self.ledger or self.ledger[-1].mode is not RUN or self.stopped_at is not None:
            return None
        last = self.ledger[-1]
        return last.plan.calendar.add(last.end, wanted - used)


class _Cycle(Struct, gc=False):
    """The fold's state within one cycle."""

    start: datetime
    plan: Plan
    number: int
    active: timedelta = NOTHING
    paused: timedelta = NOTHING
    due: datetime | None = None
    breached_at: datetime | None = None
    not_before: datetime | None = None
    ledger: list[Stretch] = []

    def spend(self, turn: Turn, end: datetime) -> None:
        """Account for [turn.at, end) in the turn's mode."""
        at, plan = turn.at, turn.plan
        if plan is not self.plan and plan != self.plan:
            self.not_before = at + plan.floor
            self.plan = plan
        business = plan.calendar.elapsed(at, end)
        if turn.mode is RUN:
            self.due = due = self._due_if_running_from(at)
            if self.breached_at is None and end > due:
                self.breached_at = max(due, at)
            self.active += business
        else:
            self.due = None
            self.paused += business
        self.ledger.append(Stretch(at, end, turn.mode, business, plan, turn.why))

    def stop(self, at: datetime) -> None:
        """What is done after a due time set by hand is late, also when it was paused at that time."""
        if self.plan.fixed is not None and at > self.plan.fixed and self.breached_at is None:
            self.breached_at = at

    def _due_if_running_from(self, at: datetime) -> datetime:
        plan = self.plan
        if plan.fixed is not None:
            return plan.fixed.astimezone(plan.calendar.timezone)
        left = plan.amount - self.active
        used_up = left < NOTHING or (
            not left and self.due is not None and self.due.astimezone(UTC) == at.astimezone(UTC))
        due = at.astimezone(plan.calendar.timezone) if used_up else plan.calendar.add(at, left)
        if self.not_before is not None and self.not_before > due:
            due = self.not_before.astimezone(plan.calendar.timezone)
        return due

    def reading(self, mode: Mode, stopped_at: datetime | None) -> Clock:
        plan, fixed = self.plan, self.plan.fixed
        if mode is CANCEL:
            state, due = CANCELLED, None
        elif self.breached_at is not None:
            state, due = BREACHED, self.breached_at if fixed is None else min(fixed, self.breached_at)
        elif stopped_at is not None:
            state, due = MET, self.due or self._due_if_running_from(stopped_at)
        elif mode is RUN:
            state, due = RUNNING, self.due
        else:
            state, due = PAUSED, fixed
        target, remaining = plan.amount, plan.amount - self.active
        if fixed is not None:
            elapsed, last = plan.calendar.elapsed, self.ledger[-1].end if self.ledger else self.start
            target, remaining = max(NOTHING, elapsed(self.start, fixed)), elapsed(stopped_at or last, fixed)
        return Clock(state, self.start, due, target, self.active, self.paused, remaining, self.breached_at, stopped_at,
                     self.number, tuple(self.ledger), fixed)


def read(turns: Iterable[Turn], now: datetime, *, reopen_within: timedelta | None = None) -> list[Clock]:
    """All cycles of a clock as of `now`, oldest first; empty when it never started.

    `turns` may come in any order; of one instant the last given counts. A stopped clock that runs again goes on where
    it was when that happens within `reopen_within` (None: always), the time between counted as pause; later it begins a
    new cycle. A cancelled clock that applies again goes on as if it had been paused: leaving and coming back gives no
    new time. What was done stays done when the ticket is cancelled or deleted afterwards.
    """
    line = _in_order(turns, now)
    readings: list[Clock] = []
    cycle: _Cycle | None = None
    for turn, following in zip_longest(line, line[1:]):
        at, mode = turn.at, turn.mode
        if cycle is None:
            cycle = _Cycle(at, turn.plan, len(readings) + 1)
        if mode is STOP:
            cycle.stop(at)
        if following is not None and not (mode is STOP and reopen_within is not None
                                          and following.at - at > reopen_within):
            cycle.spend(turn, following.at)
            continue
        if mode is not STOP and mode is not CANCEL:
            cycle.spend(turn, now)
        readings.append(cycle.reading(mode, at if mode is STOP else None))
        cycle = None
    return readings


_AT = attrgetter("at")


def _in_order(turns: Iterable[Turn], now: datetime) -> list[Turn]:
    """By time, from the first that starts the clock to `now`; of one instant the last given; repeats joined."""
    line: list[Turn] = []
    for turn in sorted(turns, key=_AT):
        if turn.at > now:
            break
        if line and line[-1].at == turn.at:
            line.pop()
        if line:
            if _repeats(line[-1], turn):
                continue
        elif turn.mode is OFF:
            continue
        line.append(turn)
    return line


def _repeats(last: Turn, turn: Turn) -> bool:
    mode = turn.mode
    if mode is not last.mode:
        return mode is CANCEL and last.mode is STOP
    return mode is STOP or mode is CANCEL or (turn.why == last.why and turn.plan == last.plan)
