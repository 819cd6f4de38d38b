"""Major incidents and service requests: read, declared, moved, approved and settled by programs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint

from connector.domain.agreements.explain import as_dict, explain
from connector.domain.agreements.registry import Registry
from connector.domain.errors import NotFound, Refused
from connector.domain.history import Event
from connector.domain.major.checklist import lines
from connector.domain.major.closing import durations
from connector.domain.requests import moves
from connector.domain.requests.clocks import reading
from connector.domain.requests.record import Record
from connector.flows import majors, requests
from connector.web import approvers, major_moves
from connector.web.actions import own_key
from connector.web.api import shapes_processes as shape
from connector.web.api.common import IdempotencyKey, idempotent
from connector.web.api.shapes import ProblemSchema
from connector.web.api.tickets import found as ticket_of
from connector.web.auth.identity import who
from connector.web.errors import Problem
from connector.web.rights import Right, door
from connector.web.services import services

api = Blueprint("api-processes", "processes", description="Major incidents and service requests")


def _refused(error: Refused) -> Problem:
    if isinstance(error, NotFound):
        return Problem(404, "There is no such ticket.")
    return Problem(error.status if error.status == 403 else 422, error.reason, kind="refused")


def _visible(key: int) -> None:
    ticket_of(key)
    if who().supplier is not None:
        raise Problem(404, "There is no such ticket.")


def _major(key: int) -> dict[str, Any]:
    parts = services()
    seen, now = majors.standing(parts.deps, key), parts.now()
    if seen.record is None:
        raise Problem(404, "This ticket never was a major incident.")
    steps = [{"step": line.path, "text": line.step.text, "phase": str(line.phase),
              "state": str(line.mark.what) if line.mark else "open", "late": line.late,
              "due": line.due.isoformat() if line.due else None,
              "took": line.took.total_seconds() if line.took is not None else None}
             for line in lines(seen.record, now)]
    return shape.major_out(seen.record, durations(seen.stored.ticket, seen.record, now), steps)


@api.route("/tickets/<int:key>/major")
class Major(MethodView):
    @door(Right.TICKETS_READ)
    @api.response(200, shape.MajorSchema)
    @api.alt_response(404, schema=ProblemSchema)
    def get(self, key: int) -> Any:
        """Read a ticket as a major incident"""
        _visible(key)
        return _major(key)

    @door(Right.TICKETS_WRITE)
    @idempotent
    @api.arguments(shape.DeclareIn)
    @api.arguments(IdempotencyKey, location="headers")
    @api.response(201, shape.MajorSchema)
    @api.alt_response(404, schema=ProblemSchema)
    @api.alt_response(409, schema=ProblemSchema)
    @api.alt_response(422, schema=ProblemSchema)
    def post(self, given: dict[str, Any], headers: dict[str, Any], key: int) -> Any:
        """Declare a major incident"""
        _visible(key)
        try:
            majors.declare(services().deps, key, who().label, given["why"])
        except Refused as error:
            raise _refused(error) from None
        return _major(key)


@api.route("/tickets/<int:key>/major/moves")
class MajorMoves(MethodView):
    @door(Right.TICKETS_WRITE)
    @idempotent
    @api.arguments(shape.MajorMoveIn)
    @api.arguments(IdempotencyKey, location="headers")
    @api.response(200, shape.MajorSchema)
    @api.alt_response(404, schema=ProblemSchema)
    @api.alt_response(409, schema=ProblemSchema)
    @api.alt_response(422, schema=ProblemSchema)
    def post(self, given: dict[str, Any], headers: dict[str, Any], key: int) -> Any:
        """Move it: update, decision, steps, roles, children, follow-ups, recovered, closed"""
        _visible(key)
        by = who().label
        try:
            once = own_key(who(), headers.get("key") or "")
            majors.act(services().deps, key, major_moves.make({**given, "once": once}, by), by)
        except Refused as error:
            raise _refused(error) from None
        return _major(key)


def _request(key: int) -> dict[str, Any]:
    parts = services()
    try:
        _stored, found = requests.standing(parts.deps, key)
    except Refused:
        raise Problem(404, "No item of the catalogue was requested with this ticket.") from None
    registry, now = parts.deps.registry() if parts.deps.registry is not None else Registry(()), parts.now()
    told = reading(found, registry, now)
    return shape.request_out(found, [as_dict(explain(one, now))
                                     for one in (*told.approvals.values(), *told.tasks.values())])


def _act(key: int, make: requests.Make) -> dict[str, Any]:
    try:
        requests.act(services().deps, key, make, who().label)
    except Refused as error:
        raise _refused(error) from None
    return _request(key)


@api.route("/tickets/<int:key>/request")
class Request(MethodView):
    @door(Right.TICKETS_READ)
    @api.response(200, shape.RequestSchema)
    @api.alt_response(404, schema=ProblemSchema)
    def get(self, key: int) -> Any:
        """Read a service request: approvals, tasks and their clocks"""
        _visible(key)
        return _request(key)


@api.route("/tickets/<int:key>/request/approvals/<approval>")
class Approvals(MethodView):
    @door(Right.TICKETS_WRITE)
    @idempotent
    @api.arguments(shape.ApprovalIn)
    @api.arguments(IdempotencyKey, location="headers")
    @api.response(200, shape.RequestSchema)
    @api.alt_response(404, schema=ProblemSchema)
    @api.alt_response(409, schema=ProblemSchema)
    @api.alt_response(422, schema=ProblemSchema)
    def post(self, given: dict[str, Any], headers: dict[str, Any], key: int, approval: str) -> Any:
        """Answer an approval

        Only for who was asked, known by the token's owner; with the right `approvals:answer` for anybody.
        """
        _visible(key)
        _request(key)
        person = given["person"] or approvers.me()
        try:
            instead = approvers.checked(person)
        except Refused as error:
            raise _refused(error) from None
        return _act(key, lambda found, now: moves.answer(found, approval, person, given["answer"] == "approve", now,
                                                         who().label, given["text"], "api", instead))


@api.route("/tickets/<int:key>/request/tasks/<task>")
class Tasks(MethodView):
    @door(Right.TICKETS_WRITE)
    @idempotent
    @api.arguments(shape.TaskIn)
    @api.arguments(IdempotencyKey, location="headers")
    @api.response(200, shape.RequestSchema)
    @api.alt_response(404, schema=ProblemSchema)
    @api.alt_response(409, schema=ProblemSchema)
    @api.alt_response(422, schema=ProblemSchema)
    def post(self, given: dict[str, Any], headers: dict[str, Any], key: int, task: str) -> Any:
        """Say that a task is done or failed, start it again, or drop it"""
        _visible(key)
        _request(key)
        by, text, move = who().label, given["text"], given["move"]

        def make(found: Record, now: datetime) -> Event:
            if move == "again":
                return moves.again(found, task, now, by, text)
            if move == "drop":
                return moves.drop(found, task, now, by, text)
            return moves.settle(found, task, move == "done", now, by, text)

        return _act(key, make)


@api.route("/tickets/<int:key>/request/cancel")
class Cancel(MethodView):
    @door(Right.TICKETS_WRITE)
    @idempotent
    @api.arguments(shape.CancelIn)
    @api.arguments(IdempotencyKey, location="headers")
    @api.response(200, shape.RequestSchema)
    @api.alt_response(404, schema=ProblemSchema)
    @api.alt_response(409, schema=ProblemSchema)
    @api.alt_response(422, schema=ProblemSchema)
    def post(self, given: dict[str, Any], headers: dict[str, Any], key: int) -> Any:
        """Cancel a service request"""
        _visible(key)
        _request(key)
        return _act(key, lambda found, now: moves.cancel(found, now, who().label, given["why"]))
