"""One target running on one ticket: a pure fold over what happened, never a stored counter.

The fold walks stretches of time. In each the clock runs, is paused, is stopped or does not apply, under one plan
(calendar and amount). Only time that runs counts. Met means done at or before due; a breach, once it happened, stays.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

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


@dataclass(frozen=True, slots=True)
class Plan:
    """How much time of which calendar. `floor`: after a change of plan, due is not before the change plus this."""

    calendar: ServiceCalendar
    amount: timedelta
    floor: timedelta = timedelta(0)
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """From `at` on the clock is in `mode` under `plan`; `why` is shown in explanations."""

    at: datetime
    mode: Mode
    plan: Plan
    why: str = ""


@dataclass(frozen=True, slots=True)
class Stretch:
    """One line of the ledger: a time in one mode, and how much business time it held."""

    start: datetime
    end: datetime
    mode: Mode
    business: timedelta
    plan: Plan
    why: str = ""


@dataclass(frozen=True, slots=True)
class Clock:
    """A reading of one cycle at `now`. `due` is None while paused with time left, when cancelled, and never guessed.

    `remaining` is negative once the target is exceeded. `paused` is business time, a stopped time before a
    reopening included, so that active + paused is the business time since `start`.
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

    @property
    def open(self) -> bool:
        """Whether it may still change by the passing of time or by what happens to the ticket."""
        return self.stopped_at is None and self.state in (ClockState.RUNNING, ClockState.PAUSED, ClockState.BREACHED)

    def at_share(self, share: float) -> datetime | None:
        """When `share` of the target (1.0 = all) is or was used up, as known now; None while paused before it."""
        wanted = self.target * share
        used = timedelta(0)
        for line in self.ledger:
            if line.mode is not Mode.RUN:
                continue
            if used + line.business >= wanted:
                return line.plan.calendar.add(line.start, wanted - used)
            used += line.business
        if not self.ledger or self.ledger[-1].mode is not Mode.RUN or self.stopped_at is not None:
            return None
        last = self.ledger[-1]
        return last.plan.calendar.add(last.end, wanted - used)


@dataclass(slots=True)
class _Cycle:
    """The fold's state within one cycle."""

    start: datetime
    plan: Plan
    number: int
    active: timedelta = timedelta(0)
    paused: timedelta = timedelta(0)
    due: datetime | None = None
    breached_at: datetime | None = None
    not_before: datetime | None = None
    ledger: list[Stretch] = field(default_factory=list)

    def spend(self, turn: Turn, end: datetime) -> None:
        """Account for [turn.at, end) in the turn's mode."""
        if turn.plan is not self.plan and turn.plan != self.plan:
            self.not_before = turn.at + turn.plan.floor
            self.plan = turn.plan
        business = turn.plan.calendar.elapsed(turn.at, end)
        if turn.mode is Mode.RUN:
            self.due = self._due_if_running_from(turn.at)
            if self.breached_at is None and end > self.due:
                self.breached_at = self.due
            self.active += business
        else:
            self.due = None
            self.paused += business
        self.ledger.append(Stretch(turn.at, end, turn.mode, business, turn.plan, turn.why))

    def _due_if_running_from(self, at: datetime) -> datetime:
        left = self.plan.amount - self.active
        used_up = left < timedelta(0) or (not left and self.due == at)
        due = at if used_up else self.plan.calendar.add(at, left)
        if self.not_before is not None and self.not_before > due:
            due = self.not_before
        return due.astimezone(self.plan.calendar.timezone)

    def reading(self, mode: Mode, stopped_at: datetime | None) -> Clock:
        if mode is Mode.CANCEL:
            state, due = ClockState.CANCELLED, None
        elif self.breached_at is not None:
            state, due = ClockState.BREACHED, self.breached_at
        elif stopped_at is not None:
            state, due = ClockState.MET, self.due or self._due_if_running_from(stopped_at)
        elif mode is Mode.RUN:
            state, due = ClockState.RUNNING, self.due
        else:
            state, due = ClockState.PAUSED, None
        return Clock(state, self.start, due, self.plan.amount, self.active, self.paused, self.plan.amount - self.active,
                     self.breached_at, stopped_at, self.number, tuple(self.ledger))


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
    for i, turn in enumerate(line):
        following = line[i + 1] if i + 1 < len(line) else None
        if cycle is None:
            cycle = _Cycle(turn.at, turn.plan, len(readings) + 1)
        if turn.mode not in (Mode.STOP, Mode.CANCEL):
            cycle.spend(turn, following.at if following else now)
            if following is None:
                readings.append(cycle.reading(turn.mode, None))
        elif following is None:
            readings.append(cycle.reading(turn.mode, turn.at if turn.mode is Mode.STOP else None))
        elif turn.mode is Mode.STOP and reopen_within is not None and following.at - turn.at > reopen_within:
            readings.append(cycle.reading(turn.mode, turn.at))
            cycle = None
        else:
            cycle.spend(turn, following.at)
    return readings


def _in_order(turns: Iterable[Turn], now: datetime) -> list[Turn]:
    """By time, from the first that starts the clock to `now`; of one instant the last given; repeats joined."""
    line: list[Turn] = []
    for turn in sorted(turns, key=lambda turn: turn.at):
        if turn.at > now:
            break
        if line and line[-1].at == turn.at:
            line.pop()
        if not line and turn.mode is Mode.OFF:
            continue
        last = line[-1] if line else None
        ended = turn.mode in (Mode.STOP, Mode.CANCEL)
        if last and last.mode is Mode.STOP and turn.mode is Mode.CANCEL:
            continue
        if last and last.mode is turn.mode and (ended or (last.plan == turn.plan and last.why == turn.why)):
            continue
        line.append(turn)
    return line
