"""What is on record of a service request: its events, folded in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from connector.domain.history import Event, EventKind
from connector.domain.requests.catalogue import Approval, Need, Plan, Task, revived
from connector.domain.requests.states import ENDED, SETTLED, State, TaskState, What

__all__ = ["ENDED", "SETTLED", "Answer", "Asked", "Doing", "Record", "State", "TaskState", "What", "after", "record"]


@dataclass(frozen=True, slots=True)
class Answer:
    """`instead`: given for the person by `actor`, who may answer for others."""

    person: str
    yes: bool
    at: datetime
    text: str = ""
    actor: str = ""
    instead: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """An approval on its way. `people` and `substitutes` are ids; `due` is when nobody is waited for any longer."""

    at: datetime
    people: tuple[str, ...] = ()
    due: datetime | None = None
    substitutes: tuple[str, ...] = ()
    substituted_at: datetime | None = None
    answers: tuple[Answer, ...] = ()
    late: bool = False
    """That it is late was said."""

    @property
    def substituted(self) -> bool:
        return self.substituted_at is not None

    @property
    def everybody(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.people, *self.substitutes)))

    def answered(self, person: str) -> bool:
        return any(answer.person == person for answer in self.answers)

    def granted(self, need: Need) -> bool:
        """A substitute stands for everybody who did not answer."""
        yes = {answer.person for answer in self.answers if answer.yes}
        if yes & set(self.substitutes) - set(self.people):
            return True
        return bool(yes) if need is Need.ANY else bool(self.people) and yes >= set(self.people)


@dataclass(frozen=True, slots=True)
class Doing:
    """A task so far. `tries` counts how often it was started; `began`, `due` and `ended` are of the last time."""

    state: TaskState = TaskState.WAITING
    tries: int = 0
    began: datetime | None = None
    due: datetime | None = None
    ended: datetime | None = None
    by: str = ""
    text: str = ""
    told_late: bool = False
    """That it is late was said."""

    def late(self, now: datetime) -> bool:
        if self.due is None or self.state in (TaskState.WAITING, TaskState.DROPPED):
            return False
        return (self.ended or now) > self.due


@dataclass(frozen=True, slots=True)
class Record:
    plan: Plan
    started_at: datetime
    state: State = State.APPROVING
    approvals: Mapping[str, Asked] = field(default_factory=dict)
    tasks: Mapping[str, Doing] = field(default_factory=dict)
    ended_at: datetime | None = None
    why: str = ""
    """Why it was refused or cancelled."""
    last_at: datetime | None = None
    count: int = 0
    """Place of the next event: of one instant they are told apart by it."""

    @property
    def active(self) -> bool:
        return self.state not in ENDED

    def doing(self, task: str) -> Doing:
        return self.tasks.get(task, Doing())

    def pending(self) -> Approval | None:
        """The first approval that is not given."""
        for approval in self.plan.approvals:
            asked = self.approvals.get(approval.id)
            if asked is None or not asked.granted(approval.need):
                return approval
        return None

    def ready(self) -> tuple[Task, ...]:
        """Tasks that wait for nothing any more."""
        if self.state is not State.FULFILLING:
            return ()
        settled = {task.id for task in self.plan.tasks if self.doing(task.id).state in SETTLED}
        return tuple(task for task in self.plan.tasks
                     if self.doing(task.id).state is TaskState.WAITING and settled.issuperset(task.after))

    @property
    def finished(self) -> bool:
        return all(self.doing(task.id).state in SETTLED for task in self.plan.tasks)


def record(line: Iterable[Event]) -> Record | None:
    """The request of a ticket, from its effective events in order; None when none was started.

    What cannot be at its place (two people settling one task: the second) changes nothing.
    """
    found: Record | None = None
    for event in line:
        if event.kind is not EventKind.REQUEST:
            continue
        if found is not None:
            found = after(found, event)
        elif event.data.get("what") == What.STARTED:
            found = _next(Record(revived(str(event.data["plan"])), event.at, last_at=event.at, count=1))
    return found


def after(found: Record, event: Event) -> Record:
    """The record after one more event."""
    change = _CHANGES.get(What(str(event.data["what"])))
    if not found.active or change is None:
        return found
    changed = change(found, event)
    return found if changed is None else _next(replace(changed, last_at=event.at, count=found.count + 1))


def _next(found: Record) -> Record:
    """With the last approval the fulfilment begins."""
    if found.state is State.APPROVING and found.pending() is None:
        return replace(found, state=State.FULFILLING)
    return found


def _moment(event: Event) -> datetime | None:
    due = str(event.data.get("due") or "")
    return datetime.fromisoformat(due) if due else None


def _ids(event: Event) -> tuple[str, ...]:
    given = event.data.get("people", ())
    return tuple(str(one) for one in given) if isinstance(given, (tuple, list)) else ()


def _asked(found: Record, event: Event) -> Record | None:
    pending, id = found.pending(), str(event.data["approval"])
    if pending is None or pending.id != id or id in found.approvals:
        return None
    return replace(found, approvals={**found.approvals, id: Asked(event.at, _ids(event), _moment(event))})


def _substituted(found: Record, event: Event) -> Record | None:
    id = str(event.data["approval"])
    asked = found.approvals.get(id)
    if asked is None or asked.substituted:
        return None
    changed = replace(asked, substitutes=_ids(event), due=_moment(event), substituted_at=event.at, late=False)
    return replace(found, approvals={**found.approvals, id: changed})


def _answered(found: Record, event: Event) -> Record | None:
    id, person = str(event.data["approval"]), str(event.data["person"])
    asked, yes, pending = found.approvals.get(id), event.data["what"] == What.APPROVED, found.pending()
    if found.state is not State.APPROVING or asked is None or pending is None or pending.id != id:
        return None
    if person not in asked.everybody or asked.answered(person):
        return None
    given = Answer(person, yes, event.at, event.text, event.actor, bool(event.data.get("instead")))
    changed = {**found.approvals, id: replace(asked, answers=(*asked.answers, given))}
    found = replace(found, approvals=changed)
    return found if yes else replace(found, state=State.REFUSED, ended_at=event.at, why=event.text)


def _expired(found: Record, event: Event) -> Record | None:
    pending = found.pending()
    if found.state is not State.APPROVING or pending is None or pending.id != event.data["approval"]:
        return None
    return replace(found, state=State.REFUSED, ended_at=event.at, why=event.text)


def _approval_late(found: Record, event: Event) -> Record | None:
    id = str(event.data["approval"])
    asked = found.approvals.get(id)
    return None if asked is None else replace(found, approvals={**found.approvals, id: replace(asked, late=True)})


def _task_late(found: Record, event: Event) -> Record | None:
    id = str(event.data["task"])
    started = found.doing(id).state is TaskState.STARTED
    return _task(found, id, replace(found.doing(id), told_late=True)) if started else None


def _task_started(found: Record, event: Event) -> Record | None:
    id = str(event.data["task"])
    if id not in {task.id for task in found.ready()}:
        return None
    doing = Doing(TaskState.STARTED, found.doing(id).tries + 1, event.at, _moment(event))
    return _task(found, id, doing)


def _task_settled(found: Record, event: Event) -> Record | None:
    id, done = str(event.data["task"]), event.data["what"] == What.TASK_DONE
    if found.doing(id).state is not TaskState.STARTED:
        return None
    state = TaskState.DONE if done else TaskState.FAILED
    return _task(found, id, replace(found.doing(id), state=state, ended=event.at, by=event.actor, text=event.text))


def _task_again(found: Record, event: Event) -> Record | None:
    id = str(event.data["task"])
    if found.doing(id).state is not TaskState.FAILED:
        return None
    return _task(found, id, Doing(tries=found.doing(id).tries))


def _task_dropped(found: Record, event: Event) -> Record | None:
    id = str(event.data["task"])
    if found.state is not State.FULFILLING or found.doing(id).state in SETTLED or found.plan.task(id) is None:
        return None
    changed = replace(found.doing(id), state=TaskState.DROPPED, ended=event.at, by=event.actor, text=event.text)
    return _task(found, id, changed)


def _task(found: Record, id: str, doing: Doing) -> Record:
    return replace(found, tasks={**found.tasks, id: doing})


def _cancelled(found: Record, event: Event) -> Record:
    return replace(found, state=State.CANCELLED, ended_at=event.at, why=event.text)


def _completed(found: Record, event: Event) -> Record | None:
    if found.state is not State.FULFILLING or not found.finished:
        return None
    return replace(found, state=State.COMPLETED, ended_at=event.at)


_CHANGES: Final[Mapping[What, Callable[[Record, Event], Record | None]]] = {
    What.ASKED: _asked, What.SUBSTITUTED: _substituted, What.APPROVED: _answered, What.REFUSED: _answered,
    What.EXPIRED: _expired, What.APPROVAL_LATE: _approval_late, What.TASK_STARTED: _task_started,
    What.TASK_LATE: _task_late, What.TASK_DONE: _task_settled, What.TASK_FAILED: _task_settled,
    What.TASK_AGAIN: _task_again, What.TASK_DROPPED: _task_dropped, What.CANCELLED: _cancelled,
    What.COMPLETED: _completed,
}
