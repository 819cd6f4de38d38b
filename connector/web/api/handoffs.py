"""Handoffs: list, read, offer, move, decide, comment. What suppliers may do themselves comes by webhook or portal."""

from __future__ import annotations

from typing import Any

from flask import request, url_for
from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import RAISE

from connector.domain.errors import NotFound, Refused
from connector.domain.handoffs.chain import broken
from connector.domain.handoffs.handoff import Choice, Handoff, IllegalMove
from connector.domain.handoffs.moves import Move
from connector.domain.handoffs.receiver import ReceiverKind
from connector.flows import handoffs as flow
from connector.store.handoff_queries import HandoffRow
from connector.web.actions import own_key
from connector.web.api import shapes_handoffs as shape
from connector.web.api.common import IdempotencyKey, IfMatch, idempotent, page_out, paged
from connector.web.api.shapes import ProblemSchema
from connector.web.api.tickets import found as ticket_of
from connector.web.auth.identity import who
from connector.web.errors import Problem
from connector.web.rights import Right, door
from connector.web.services import services

api = Blueprint("api-handoffs", "handoffs", description="Work given to suppliers and operations")


def found(id: str) -> HandoffRow:
    row = services().handoffs.one(id[:100])
    if row is None:
        raise Problem(404, "There is no such handoff.")
    return row


def answered(handoff: Handoff) -> tuple[dict[str, Any], int, dict[str, str]]:
    return shape.out(found(handoff.id)), 200, {"ETag": f'"{handoff.id}-{handoff.revision}"'}


def revision(headers: dict[str, Any], id: str) -> int | None:
    """The revision a caller insists on; None without If-Match. Raises 412 for another one than there is."""
    if not headers.get("if_match"):
        return None
    now = found(id).handoff
    if not request.if_match.contains(f"{now.id}-{now.revision}"):
        raise Problem(412, "The handoff has changed since you read it.", kind="changed")
    return now.revision


def told(error: Refused) -> Problem:
    if isinstance(error, NotFound):
        return Problem(404, "There is no such handoff.")
    if isinstance(error, IllegalMove):
        choices = ", ".join(error.allowed) or "nothing"
        return Problem(409, error.reason, kind="illegal-move", errors=[
            {"in": "json", "pointer": "/move", "detail": f"allowed now: {choices}"}])
    status = error.status if error.status in (409, 412) else 422
    return Problem(status, error.reason, kind={409: "conflict", 412: "changed"}.get(status, "refused"))


@api.route("/handoffs")
class Handoffs(MethodView):
    @door(Right.HANDOFFS_READ)
    @api.arguments(shape.HandoffQuery, location="query", unknown=RAISE)
    @api.response(200, shape.HandoffPage)
    def get(self, args: dict[str, Any]) -> Any:
        """List handoffs"""
        reads, sort = services().handoffs, args["sort"]
        only = None if args["receiver"] is None else [args["receiver"]]
        page = paged(lambda: reads.board(
            args["view"], only=only, text=args["text"], sort=sort.removeprefix("-"), descending=sort.startswith("-"),
            limit=args["limit"], cursor=args["cursor"]))
        body, status, headers = page_out(page)
        return {**body, "items": [shape.out(row) for row in page.items]}, status, headers


@api.route("/tickets/<int:key>/handoffs")
class Offers(MethodView):
    @door(Right.HANDOFFS_WRITE)
    @idempotent
    @api.arguments(shape.OfferIn)
    @api.arguments(IdempotencyKey, location="headers")
    @api.response(201, shape.HandoffSchema)
    @api.alt_response(404, schema=ProblemSchema)
    @api.alt_response(409, schema=ProblemSchema)
    @api.alt_response(422, schema=ProblemSchema)
    def post(self, given: dict[str, Any], headers: dict[str, Any], key: int) -> Any:
        """Hand a ticket over

        Work the same receiver gave back is offered to it again: the same handoff, whose clock goes on.
        """
        ticket_of(key)
        try:
            made = flow.offer(services().deps, key, flow.Offer(**given), who().label,
                              own_key(who(), headers.get("key") or ""))
        except Refused as error:
            raise told(error) from None
        body, _, tag = answered(made)
        return body, 201, {**tag, "Location": url_for("api-handoffs.One", id=made.id)}


@api.route("/handoffs/<id>")
class One(MethodView):
    @door(Right.HANDOFFS_READ)
    @api.response(200, shape.HandoffSchema)
    @api.alt_response(404, schema=ProblemSchema)
    def get(self, id: str) -> Any:
        """Read a handoff

        Looking at one of a security team is recorded in its history.
        """
        return answered(_looked(found(id)))


@api.route("/handoffs/<id>/history")
class History(MethodView):
    @door(Right.HANDOFFS_READ)
    @api.response(200, shape.EntryList)
    @api.alt_response(404, schema=ProblemSchema)
    def get(self, id: str) -> Any:
        """Read a handoff's history, oldest first"""
        _looked(found(id))
        with services().deps.store.read() as tx:
            handoff, entries = tx.handoffs([id])[id], tx.entries([id])[id]
        return {"whole": not broken(id, entries, handoff.head), "items": entries}


@api.route("/handoffs/<id>/moves")
class Moves(MethodView):
    @door(Right.HANDOFFS_WRITE)
    @idempotent
    @api.arguments(shape.MoveIn)
    @api.arguments(IdempotencyKey, location="headers")
    @api.arguments(IfMatch, location="headers")
    @api.response(200, shape.HandoffSchema)
    @api.alt_response(404, schema=ProblemSchema)
    @api.alt_response(409, schema=ProblemSchema)
    @api.alt_response(412, schema=ProblemSchema)
    @api.alt_response(422, schema=ProblemSchema)
    def post(self, given: dict[str, Any], key: dict[str, Any], match: dict[str, Any], id: str) -> Any:
        """Make a move of ours: offer, accept, reject, dispute, settle, withdraw, close, resume"""
        only_at = revision(match, found(id).handoff.id)
        try:
            return answered(flow.act(services().deps, id, Move(given["move"]), who().label, reason=given["reason"],
                                     effect=given["effect"], only_at=only_at,
                                     once=own_key(who(), key["key"]) if key.get("key") else ""))
        except Refused as error:
            raise told(error) from None


@api.route("/handoffs/<id>/decision")
class Decision(MethodView):
    @door(Right.HANDOFFS_WRITE)
    @idempotent
    @api.arguments(shape.DecisionIn)
    @api.arguments(IdempotencyKey, location="headers")
    @api.response(200, shape.HandoffSchema)
    @api.alt_response(404, schema=ProblemSchema)
    @api.alt_response(409, schema=ProblemSchema)
    @api.alt_response(422, schema=ProblemSchema)
    def post(self, given: dict[str, Any], key: dict[str, Any], id: str) -> Any:
        """Decide what happens to work that came back too often"""
        found(id)
        try:
            return answered(flow.decide(services().deps, id, Choice(given["choice"]), who().label, given["reason"]))
        except Refused as error:
            raise told(error) from None


@api.route("/handoffs/<id>/comments")
class Comments(MethodView):
    @door(Right.HANDOFFS_WRITE)
    @idempotent
    @api.arguments(shape.HandoffCommentIn)
    @api.arguments(IdempotencyKey, location="headers")
    @api.response(200, shape.HandoffSchema)
    @api.alt_response(404, schema=ProblemSchema)
    @api.alt_response(409, schema=ProblemSchema)
    @api.alt_response(422, schema=ProblemSchema)
    def post(self, given: dict[str, Any], headers: dict[str, Any], id: str) -> Any:
        """Write to the receiver, in the handoff's private thread"""
        found(id)
        try:
            return answered(flow.comment(services().deps, id, given["text"], who().label,
                                         once=own_key(who(), headers.get("key") or "")))
        except Refused as error:
            raise told(error) from None


@api.route("/receivers")
class Receivers(MethodView):
    @door(Right.HANDOFFS_READ)
    @api.response(200, shape.ReceiverList)
    def get(self) -> Any:
        """List who can be given work"""
        registry = services().deps.registry
        known = registry().receivers.values() if registry is not None else ()
        return {"items": [{"name": one.name, "title": one.title, "kind": str(one.kind), "contract": one.profile,
                           "active": one.active} for one in known]}


def _looked(row: HandoffRow) -> Handoff:
    """The handoff, after the look at it was recorded where looks are."""
    registry = services().deps.registry
    receiver = registry().receivers.get(row.handoff.receiver) if registry is not None else None
    if receiver is None or receiver.kind is not ReceiverKind.SECURITY:
        return row.handoff
    return flow.looked(services().deps, row.handoff.id, who().label)
