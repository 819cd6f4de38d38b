"""Deliveries to the tools: list, try again, drop."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import RAISE

from connector.flows import redeliver
from connector.web import actions
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
    @api.response(200, shape.DeliverySchema)
    @api.alt_response(404, schema=ProblemSchema)
    def get(self, id: int) -> Any:
        """Read one delivery"""
        row = services().queries.delivery(id) if id < 2**53 else None
        if row is None:
            raise Problem(404, "There is no such delivery.")
        return row


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
        row = services().queries.delivery(id) if id < 2**53 else None
        if row is None:
            raise Problem(404, "There is no such delivery.")
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
        row = services().queries.delivery(id) if id < 2**53 else None
        if row is None:
            raise Problem(404, "There is no such delivery.")
        told = {"target": row.target, "verb": row.verb, "lane": row.lane, "payload": row.payload, "ticket": row.ticket}
        if not redeliver.again(services().deps, id, row.key, row.state, told, who().label):
            raise Problem(409, "Only what was sent to a supplier can be sent again.", kind="conflict")
