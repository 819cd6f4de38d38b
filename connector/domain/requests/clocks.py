"""The clocks of a request's approvals and tasks: read by the engine that reads all others, and so explained alike.

A clock runs from when something was asked or started until it was answered or settled; what failed or was dropped has
none any more. What it says of due is what the request recorded, for both count in the same calendar.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from connector.domain.agreements.clock import Mode, Plan, Turn, read
from connector.domain.agreements.conditions import ALWAYS
from connector.domain.agreements.durations import Amount
from connector.domain.agreements.engine import NamedClock
from connector.domain.agreements.profile import Agreement, Chain, Profile, TargetName
from connector.domain.agreements.registry import Registry
from connector.domain.agreements.turns import Segment
from connector.domain.calendar import CalendarError
from connector.domain.errors import ConfigError
from connector.domain.requests.record import Asked, Doing, Record, State, TaskState


@dataclass(frozen=True, slots=True)
class Reading:
    """Clocks by the id of their approval or task, and why some could not be read."""

    approvals: dict[str, NamedClock]
    tasks: dict[str, NamedClock]
    problems: tuple[str, ...] = ()


def reading(found: Record, registry: Registry, now: datetime) -> Reading:
    """As of `now`. What has no target has no clock."""
    told, problems = Reading({}, {}), list[str]()
    for into, id, within, target, marks in _all(found):
        profile = Profile(f"{found.plan.item}/{id}", Agreement.OLA, ALWAYS, Chain(found.plan.calendar), (),
                          version=found.plan.version)
        try:
            clock = _clock(profile, registry, within, target, marks, now)
        except (CalendarError, ConfigError) as error:
            problems.append(f"{profile.name}/{target} cannot be computed: {error}")
            continue
        if clock is not None:
            (told.approvals if into == "approvals" else told.tasks)[id] = clock
    return Reading(told.approvals, told.tasks, tuple(problems))


Marks = list[tuple[datetime, Mode, str]]


def _all(found: Record) -> Iterator[tuple[str, str, Amount, TargetName, Marks]]:
    for approval in found.plan.approvals:
        asked = found.approvals.get(approval.id)
        if asked is not None and approval.within is not None:
            yield "approvals", approval.id, approval.within, TargetName.APPROVAL, _asked(found, asked, approval.id)
    for task in found.plan.tasks:
        doing = found.doing(task.id)
        if task.within is not None and doing.began is not None:
            yield "tasks", task.id, task.within, TargetName.RESOLUTION, _doing(found, doing)


def _asked(found: Record, asked: Asked, id: str) -> Marks:
    """Anew when the substitute is asked, who has as long."""
    begins = asked.substituted_at or asked.at
    pending = found.pending()
    marks: Marks = [(begins, Mode.RUN, "asked")]
    if (pending is None or pending.id != id or found.state is State.REFUSED) and asked.answers:
        marks.append((asked.answers[-1].at, Mode.STOP, "answered"))
    elif not found.active and found.ended_at is not None:
        marks.append((found.ended_at, Mode.CANCEL, str(found.state)))
    return marks


def _doing(found: Record, doing: Doing) -> Marks:
    assert doing.began is not None
    marks: Marks = [(doing.began, Mode.RUN, "started")]
    if doing.ended is not None:
        marks.append((doing.ended, Mode.STOP if doing.state is TaskState.DONE else Mode.CANCEL, str(doing.state)))
    elif not found.active and found.ended_at is not None:
        marks.append((found.ended_at, Mode.CANCEL, str(found.state)))
    return marks


def _clock(profile: Profile, registry: Registry, within: Amount, target: TargetName, marks: Marks,
           now: datetime) -> NamedClock | None:
    hours = registry.hours(profile, {}, within.calendar)
    plan = Plan(hours.calendar, within.from_start(marks[0][0], hours.calendar), rule=within.text)
    segment = Segment(turns=[Turn(at, mode, plan, why) for at, mode, why in marks], amount=within, hours=hours)
    read_ = read(segment.turns, now)
    return NamedClock(profile, target, read_[-1], segment) if read_ else None
