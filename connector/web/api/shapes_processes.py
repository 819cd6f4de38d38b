"""Shapes of major incidents and service requests."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from connector.domain.major.closing import Durations
from connector.domain.major.record import Record as Major
from connector.domain.major.record import What
from connector.domain.requests.record import Record as Request
from connector.web.api.shapes import In, Out

LONGEST = 8000
ANSWERS = ("approve", "refuse")
TASK_MOVES = ("done", "failed", "again", "drop")


def _text(**more: Any) -> fields.String:
    return fields.String(load_default="", validate=validate.Length(0, LONGEST), **more)


class DeclareIn(In):
    why = fields.String(required=True, validate=validate.Length(1, LONGEST))


class MajorMoveIn(In):
    what = fields.String(required=True, validate=validate.OneOf(
        [one.value for one in What if one is not What.DECLARED]))
    text = _text()
    step = _text(metadata={"description": "procedure/step, of done, skipped and undone"})
    role = _text()
    person = _text(metadata={"description": "Id of a person; empty takes the role away"})
    child = _text(metadata={"description": "Number of a ticket, or TOOL/ID"})
    owner = _text()
    due = _text(metadata={"description": "Day, as 2026-03-20"})
    item = _text(metadata={"description": "Key of a follow-up"})
    impact = _text()
    cause = _text()
    resolution = _text()
    lessons = _text()


class MajorSchema(Out):
    """A ticket as a major incident; durations in seconds."""

    state = fields.String(required=True)
    n = fields.Integer(required=True)
    declared_at = fields.AwareDateTime(required=True)
    declared_by = fields.String(required=True)
    why = fields.String(required=True)
    recovered_at = fields.AwareDateTime(allow_none=True)
    ended_at = fields.AwareDateTime(allow_none=True)
    roles = fields.Dict(keys=fields.String(), values=fields.String())
    children = fields.List(fields.String())
    updates = fields.List(fields.Dict())
    decisions = fields.List(fields.Dict())
    steps = fields.List(fields.Dict())
    follow_ups = fields.List(fields.Dict())
    report = fields.Dict(keys=fields.String(), values=fields.String())
    durations = fields.Dict(keys=fields.String(), values=fields.Float(allow_none=True))


class ApprovalIn(In):
    answer = fields.String(required=True, validate=validate.OneOf(ANSWERS))
    person = _text(metadata={"description": "Whose answer it is; empty: that of the token's owner"})
    text = _text(metadata={"description": "Why; required for a refusal"})


class TaskIn(In):
    move = fields.String(required=True, validate=validate.OneOf(TASK_MOVES))
    text = _text(metadata={"description": "Why; required for failed and drop"})


class CancelIn(In):
    why = fields.String(required=True, validate=validate.Length(1, LONGEST))


class RequestSchema(Out):
    """A service request with its approvals and tasks."""

    item = fields.String(required=True)
    title = fields.String(required=True)
    state = fields.String(required=True)
    started_at = fields.AwareDateTime(required=True)
    ended_at = fields.AwareDateTime(allow_none=True)
    why = fields.String()
    approvals = fields.List(fields.Dict())
    tasks = fields.List(fields.Dict())
    clocks = fields.List(fields.Dict())


def major_out(found: Major, durations: Durations, steps: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "state": str(found.state), "n": found.n, "declared_at": found.declared_at, "declared_by": found.declared_by,
        "why": found.why, "recovered_at": found.recovered_at, "ended_at": found.ended_at, "roles": dict(found.roles),
        "children": list(found.children), "updates": [_said(one) for one in found.updates],
        "decisions": [_said(one) for one in found.decisions], "steps": steps,
        "follow_ups": [{"item": one.said.key, **_said(one.said), "owner": one.owner,
                        "due": one.due.isoformat() if one.due else None,
                        "done": _said(one.done) if one.done else None} for one in found.follow_ups],
        "report": dict(found.report),
        "durations": {name: None if (value := getattr(durations, name)) is None else value.total_seconds()
                      for name in Durations.__slots__},
    }


def _said(one: Any) -> dict[str, Any]:
    return {"at": one.at.isoformat(), "by": one.by, "text": one.text}


def request_out(found: Request, clocks: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "item": found.plan.item, "title": found.plan.title, "state": str(found.state), "started_at": found.started_at,
        "ended_at": found.ended_at, "why": found.why, "clocks": clocks,
        "approvals": [{"approval": one.id, "asked": list(asked.everybody) if asked else [],
                       "due": asked.due.isoformat() if asked and asked.due else None,
                       "given": bool(asked and asked.granted(one.need)),
                       "answers": [{"person": answer.person, "yes": answer.yes, "at": answer.at.isoformat(),
                                    "text": answer.text, "by": answer.actor, "instead": answer.instead}
                                   for answer in (asked.answers if asked else ())]}
                      for one in found.plan.approvals for asked in [found.approvals.get(one.id)]],
        "tasks": [{"task": task.id, "title": task.title, "state": str(doing.state), "receiver": task.receiver,
                   "after": list(task.after), "due": doing.due.isoformat() if doing.due else None,
                   "ended": doing.ended.isoformat() if doing.ended else None, "text": doing.text}
                  for task in found.plan.tasks for doing in [found.doing(task.id)]],
    }
