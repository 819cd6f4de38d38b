"""Tickets that could not be understood, and the audit trail."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import RAISE

from connector.web import actions
from connector.web.api import shapes_operations as shape
from connector.web.api.common import page_out, paged
from connector.web.auth.identity import who
from connector.web.errors import Problem
from connector.web.rights import Right, door
from connector.web.services import services

api = Blueprint("api-quarantine", "quarantine", description="What was set aside, and who did what")


@api.route("/quarantine")
class Quarantine(MethodView):
    @door(Right.QUARANTINE_READ)
    @api.arguments(shape.QuarantineQuery, location="query", unknown=RAISE)
    @api.response(200, shape.QuarantinePage)
    def get(self, args: dict[str, Any]) -> Any:
        """List what was set aside"""
        return page_out(paged(lambda: services().queries.quarantine(**args)))


@api.route("/quarantine/retry")
class ReadAgain(MethodView):
    @door(Right.QUARANTINE_RETRY)
    @api.arguments(shape.ReadAgainIn)
    @api.response(202, shape.CountSchema)
    def post(self, given: dict[str, Any]) -> Any:
        """Read tickets again"""
        if not actions.read_again(services(), who(), given["tool"], given["tickets"]):
            error = {"in": "json", "pointer": "/tool", "detail": "There is no such tool."}
            raise Problem(422, "Some values are not valid.", kind="invalid", errors=[error])
        return {"count": len(set(given["tickets"]))}


@api.route("/audit")
class Audit(MethodView):
    @door(Right.AUDIT_READ)
    @api.arguments(shape.AuditQuery, location="query", unknown=RAISE)
    @api.response(200, shape.AuditPage)
    def get(self, args: dict[str, Any]) -> Any:
        """Read the audit trail, newest first"""
        return page_out(paged(lambda: services().queries.audit(**args)))
