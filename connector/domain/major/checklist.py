"""The steps of an incident's procedures, each with its time: since when it is next, until when, how long it took."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.domain.major.procedure import Phase, Step
from connector.domain.major.record import Attached, Mark, Record, State, What


@dataclass(frozen=True, slots=True)
class Line:
    """`began` is None while the step's phase has not begun. `due` is None for a step without a target."""

    path: str
    procedure: str
    phase: Phase
    step: Step
    began: datetime | None = None
    due: datetime | None = None
    mark: Mark | None = None
    late: bool = False

    @property
    def open(self) -> bool:
        return self.mark is None

    @property
    def took(self) -> timedelta | None:
        """How long it took once it was next; None for a step not done."""
        if self.mark is None or self.mark.what is not What.DONE or self.began is None:
            return None
        return self.mark.at - self.began


def lines(record: Record, now: datetime) -> tuple[Line, ...]:
    """Every step in order: first all degraded modes, then all recoveries."""
    every = [line for attached in record.attached for line in _lines(record, attached, now)]
    return tuple(sorted(every, key=lambda line: line.phase is Phase.RECOVERY))


def following(every: Sequence[Line], state: State) -> Line | None:
    """The step to do next: in recovery those that bring the service back come first."""
    if state is not State.DEGRADED:
        every = sorted(every, key=lambda line: line.phase is not Phase.RECOVERY)
    return next((line for line in every if line.open and line.began is not None), None)


def missing(every: Sequence[Line]) -> tuple[Line, ...]:
    """Steps of the recovery that were neither done nor skipped: before the incident is closed, none may be."""
    return tuple(line for line in every if line.open and line.phase is Phase.RECOVERY)


def _lines(record: Record, attached: Attached, now: datetime) -> Iterator[Line]:
    procedure = attached.procedure
    ended = min(now, record.ended_at or now)
    for phase, steps in procedure.phases():
        begun = attached.at
        if phase is Phase.RECOVERY:
            if record.recovering_at is None:
                yield from (Line(procedure.path(step), procedure.name, phase, step) for step in steps)
                continue
            begun = max(begun, record.recovering_at)
        before: list[datetime] = []
        for step in steps:
            path = procedure.path(step)
            mark = record.marks.get(path)
            # Steps done out of order: one counts from the last that was done before it.
            limit = mark.at if mark is not None else now
            began = max([begun, *(at for at in before if at <= limit)])
            due = began + step.within if step.within is not None else None
            yield Line(path, procedure.name, phase, step, began, due, mark,
                       due is not None and (mark.at if mark is not None else ended) > due)
            if mark is not None:
                before.append(mark.at)
