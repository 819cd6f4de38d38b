"""Deliveries to the tools: list, try again, drop."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import RAISE

from connector.store.views import DeliveryRow
from connector.web import actions, tries
from connector.web.api import shapes_operations as shape
from connector.web.api.common import page_out, paged
from connector.web.api.shapes import ProblemSchema
from connector.web.auth.identity import who
from connector.web.errors import Problem
from connector.web.rights import Right, door
from connector.web.services import services

api = Blueprint("api-deliveries", "deliveries", description="What is on its way to the tools")


@api.route("/deliveries")
class Deliveries(MethodView):
    @door(Right.DELIVERIES_READ)
    @api.arguments(shape.DeliveryQuery, location="query", unknown=RAISE)
    @api.response(200, shape.DeliveryPage)
    def get(self, args: dict[str, Any]) -> Any:
        """List deliveries, newest first"""
        reads = services().queries
        return page_out(
            paged(
                lambda: reads.deliveries(
                    state=tuple(args["state"]),
                    target=args["target"],
                    ticket=args["ticket"],
                    limit=args["limit"],
                    cursor=args["cursor"],
                )
            )
        )


@api.route("/deliveries/<int:id>")
class Delivery(MethodView):
    @door(Right.DELIVERIES_READ)
    @api.response(200, shape.DeliveryWithTriesSchema)
    @api.alt_response(404, schema=ProblemSchema)
    def get(self, id: int) -> Any:
        """Read one delivery with its tries

        The first and the latest tries are kept, with what was asked and what was answered, without secrets. What the
        other side said is told to whoever may read what it is about (`handoffs:read` for suppliers, else
        `tickets:read`).
        """
        row = _row(id)
        told = {name: getattr(row, name) for name in shape.DeliverySchema().fields}
        return {**told, "tries": tries.of(services(), row, who())}


@api.route("/deliveries/<int:id>/sent")
class Sent(MethodView):
    @door(Right.DELIVERIES_READ)
    @api.response(200, shape.SentSchema)
    @api.alt_response(403, schema=ProblemSchema)
    @api.alt_response(404, schema=ProblemSchema)
    def get(self, id: int) -> Any:
        """Read what a delivery sends

        Asks for `handoffs:read` besides for suppliers, else for `tickets:read`. A look at what a security team was told
        is recorded.
        """
        row = _row(id)
        if not tries.may_read(row, who()):
            raise Problem(403, "What was sent may be read by who may read what it is about.", kind="forbidden")
        return {"id": row.id, "content": tries.look(services(), row, who())}


@api.route("/deliveries/retry")
class Retry(MethodView):
    @door(Right.DELIVERIES_RETRY)
    @api.arguments(shape.RetryIn)
    @api.response(200, shape.CountSchema)
    def post(self, given: dict[str, Any]) -> Any:
        """Try dead deliveries again"""
        if len(given) != 1:
            raise Problem(422, "Send either `ids` or `target`.", kind="invalid")
        return {"count": actions.retry(services(), who(), ids=given.get("ids"), target=given.get("target"))}


@api.route("/deliveries/<int:id>/drop")
class Drop(MethodView):
    @door(Right.DELIVERIES_DROP)
    @api.response(204)
    @api.alt_response(404, schema=ProblemSchema)
    @api.alt_response(409, schema=ProblemSchema)
    def post(self, id: int) -> None:
        """Decide that a delivery need not happen"""
        _row(id)
        if not actions.drop(services(), who(), id):
            raise Problem(409, "It is being delivered or already finished.", kind="conflict")


@api.route("/deliveries/<int:id>/redeliver")
class Redeliver(MethodView):
    @door(Right.DELIVERIES_RETRY)
    @api.response(202)
    @api.alt_response(404, schema=ProblemSchema)
    @api.alt_response(409, schema=ProblemSchema)
    def post(self, id: int) -> None:
        """Send a supplier a message again that was already sent

        A new delivery with the same message id: who acted on the first does not act again.
        """
        if not actions.repeat(services(), who(), _row(id)):
            raise Problem(409, "Only what was sent to a supplier can be sent again.", kind="conflict")


def _row(id: int) -> DeliveryRow:
    row = services().queries.delivery(id) if id < 2**53 else None
    if row is None:
        raise Problem(404, "There is no such delivery.")
    return row
