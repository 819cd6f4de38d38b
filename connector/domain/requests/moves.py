"""What happens to a service request: what comes by itself (`coming`), and what people may do. Each becomes an event."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

from connector.domain.agreements.durations import Amount
from connector.domain.agreements.engine import soon_after
from connector.domain.errors import Refused
from connector.domain.escalations.actions import Who
from connector.domain.history import Event, EventKind, Origin, Role
from connector.domain.requests.catalogue import Approval, Plan, Unanswered
from connector.domain.requests.record import SETTLED, Asked, Record, State, TaskState, What, after
from connector.domain.ticket import Value

Find = Callable[[Who | None, int], tuple[str, ...]]
"""The ids of the people meant; for None the requester's manager so many levels up."""
Due = Callable[[Amount, datetime], datetime]
"""When an amount of time that begins at a moment is over."""
ACTOR: Final = "requests"
LONGEST: Final = 8000


def start(plan: Plan, now: datetime) -> Event:
    """The event that starts a request with a plan."""
    data: dict[str, Value] = {"item": plan.item, "version": plan.version, "plan": plan.written()}
    return _event(What.STARTED, "request/started", now, 0, ACTOR, "", data, Role.CONNECTOR)


def coming(found: Record, now: datetime, find: Find, due: Due) -> tuple[list[Event], Record]:
    """Everything that comes by itself now, in order, and the record after it.

    Asked again with what it gave on record, it gives nothing more.
    """
    events: list[Event] = []
    while (event := _one(found, now, find, due)) is not None:
        events.append(event)
        found = after(found, event)
    return events, found


def next_at(found: Record) -> datetime | None:
    """When the passing of time alone will change something (`coming`, or a task that is late)."""
    if not found.active:
        return None
    moments = [soon_after(doing.due) for doing in found.tasks.values()
               if doing.due is not None and doing.state is TaskState.STARTED and not doing.told_late]
    pending = found.pending() if found.state is State.APPROVING else None
    if pending is not None and pending.id in found.approvals and not found.approvals[pending.id].late:
        due = found.approvals[pending.id].due
        moments += [due] if due is not None else []
    return min(moments, default=None)


def _one(found: Record, now: datetime, find: Find, due: Due) -> Event | None:
    now = max(now, found.last_at or now)
    if found.state is State.APPROVING:
        pending = found.pending()
        return None if pending is None else _approval(found, pending, now, find, due)
    if found.state is not State.FULFILLING:
        return None
    ready = found.ready()
    if ready:
        task = ready[0]
        data: dict[str, Value] = {"task": task.id, "due": _until(task.within, now, due)}
        key = f"request/task/{task.id}/{found.doing(task.id).tries + 1}/started"
        return _event(What.TASK_STARTED, key, now, found.count, ACTOR, "", data, Role.CONNECTOR)
    for id, doing in found.tasks.items():
        if doing.state is TaskState.STARTED and doing.late(now) and not doing.told_late:
            return _event(What.TASK_LATE, f"request/task/{id}/{doing.tries}/late", now, found.count, ACTOR, "",
                          {"task": id}, Role.CONNECTOR)
    if found.finished:
        return _event(What.COMPLETED, "request/completed", now, found.count, ACTOR, "", {}, Role.CONNECTOR)
    return None


def _approval(found: Record, approval: Approval, now: datetime, find: Find, due: Due) -> Event | None:
    asked = found.approvals.get(approval.id)
    if asked is None:
        return _ask(What.ASKED, found, approval, find(approval.by, approval.up), now, due)
    over = asked.due is not None and now >= asked.due
    if approval.substitute is not None and not asked.substituted and (over or not asked.people):
        return _ask(What.SUBSTITUTED, found, approval, find(approval.substitute, 0), now, due)
    if over and approval.unanswered is Unanswered.REFUSED:
        return _event(What.EXPIRED, f"request/approval/{approval.id}/expired", now, found.count, ACTOR,
                      "nobody answered in time", {"approval": approval.id}, Role.CONNECTOR)
    if over and not asked.late:
        return _event(What.APPROVAL_LATE, f"request/approval/{approval.id}/late/{int(asked.substituted)}", now,
                      found.count, ACTOR, "", {"approval": approval.id}, Role.CONNECTOR)
    return None


def _ask(what: What, found: Record, approval: Approval, people: tuple[str, ...], now: datetime, due: Due) -> Event:
    data: dict[str, Value] = {"approval": approval.id, "people": people, "due": _until(approval.within, now, due)}
    return _event(what, f"request/approval/{approval.id}/{what}", now, found.count, ACTOR, "", data, Role.CONNECTOR)


def _until(within: Amount | None, now: datetime, due: Due) -> str:
    return "" if within is None else due(within, now).astimezone(UTC).isoformat()


def answer(found: Record, approval: str, person: str, yes: bool, now: datetime, actor: str, text: str = "",
           by: str = "", instead: bool = False) -> Event:
    """A person's answer to an approval; a refusal says why. `by` says how it was given (link, page, api, command line),
    `instead` that `actor` gave it for the person. Raises Refused."""
    asked = _open(found, approval)
    if person not in asked.everybody:
        raise Refused(f"{person} was not asked for {approval}")
    if asked.answered(person):
        raise Refused(f"{person} has answered {approval} already")
    text = _words(text, "" if yes else "why it is refused")
    what = What.APPROVED if yes else What.REFUSED
    return _event(what, f"request/approval/{approval}/answer/{person}", _now(found, now), found.count, actor, text,
                  {"approval": approval, "person": person, "by": by, **({"instead": True} if instead else {})})


def _open(found: Record, approval: str) -> Asked:
    pending = found.pending()
    if found.state is not State.APPROVING or pending is None:
        raise Refused(f"the request is {found.state}: nothing is to be approved")
    if found.plan.approval(approval) is None:
        expected = ", ".join(one.id for one in found.plan.approvals)
        raise Refused(f"there is no approval {approval}; expected one of {expected}")
    asked = found.approvals.get(approval)
    if asked is None:
        raise Refused(f"{approval} was not asked for yet")
    if pending.id != approval:
        raise Refused(f"{approval} is given already")
    return asked


def settle(found: Record, task: str, done: bool, now: datetime, actor: str, text: str = "",
           role: Role = Role.AGENT) -> Event:
    """A task done, or (with words that say why) failed. Raises Refused."""
    doing = _task(found, task, (TaskState.STARTED,))
    text = _words(text, "" if done else "why it failed")
    return _event(What.TASK_DONE if done else What.TASK_FAILED, f"request/task/{task}/{doing}/settled",
                  _now(found, now), found.count, actor, text, {"task": task}, role)


def again(found: Record, task: str, now: datetime, actor: str, text: str = "", role: Role = Role.AGENT) -> Event:
    """A failed task is started once more. Raises Refused."""
    doing = _task(found, task, (TaskState.FAILED,))
    return _event(What.TASK_AGAIN, f"request/task/{task}/{doing}/again", _now(found, now), found.count, actor, text,
                  {"task": task}, role)


def drop(found: Record, task: str, now: datetime, actor: str, text: str) -> Event:
    """A task is not needed. Raises Refused."""
    _task(found, task, tuple(state for state in TaskState if state not in SETTLED))
    return _event(What.TASK_DROPPED, f"request/task/{task}/dropped", _now(found, now), found.count, actor,
                  _words(text, "why it is not needed"), {"task": task})


def cancel(found: Record, now: datetime, actor: str, text: str, role: Role = Role.AGENT) -> Event:
    """The request ends without being fulfilled. Raises Refused."""
    if not found.active:
        raise Refused(f"the request is {found.state} already")
    return _event(What.CANCELLED, "request/cancelled", _now(found, now), found.count, actor,
                  _words(text, "why it is cancelled"), {}, role)


def _task(found: Record, task: str, states: tuple[TaskState, ...]) -> int:
    if found.plan.task(task) is None:
        expected = ", ".join(one.id for one in found.plan.tasks)
        raise Refused(f"there is no task {task}; expected one of {expected}")
    if found.state is not State.FULFILLING:
        raise Refused(f"the request is {found.state}: no task can be settled")
    doing = found.doing(task)
    if doing.state not in states:
        raise Refused(f"task {task} is {doing.state}")
    return doing.tries


def _now(found: Record, now: datetime) -> datetime:
    return max(now, found.last_at or now)


def _words(text: str, expected: str) -> str:
    text = text.strip()
    if expected and not text:
        raise Refused(f"words are required: {expected}")
    if len(text) > LONGEST:
        raise Refused(f"{len(text)} letters are too many: at most {LONGEST}")
    return text


def _event(what: What, key: str, at: datetime, seq: int, actor: str, text: str, data: Mapping[str, Value],
           role: Role = Role.AGENT) -> Event:
    kept = {name: value for name, value in data.items() if value not in ("", None)}
    return Event(key=key, at=at, kind=EventKind.REQUEST, seq=seq, actor=actor, role=role, origin=Origin.CONNECTOR,
                 text=text, data={"what": what.value, **kept})
