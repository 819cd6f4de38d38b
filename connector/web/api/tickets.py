"""Tickets: list, read, history, create, change, comment, attachments."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from flask import Response, request, url_for
from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import RAISE

from connector.domain.history import effective
from connector.domain.ticket import Comment, Draft, Kind, Value
from connector.domain.vocabulary import DATES, canonical
from connector.store.views import TicketDetail, TicketFilter
from connector.web import actions, attachments, scope
from connector.web.api import shapes_tickets as shape
from connector.web.api.common import (
    IdempotencyKey,
    IfMatch,
    any_body,
    check_precondition,
    etag_of,
    idempotent,
    page_out,
    paged,
)
from connector.web.api.shapes import ProblemSchema
from connector.web.api.shapes_clocks import ClockList
from connector.web.auth.identity import who
from connector.web.errors import Problem
from connector.web.pages import clocks
from connector.web.rights import Right, door
from connector.web.services import services

api = Blueprint("api-tickets", "tickets", description="Tickets of all tools")

_MANY: Final = ("tool", "kind", "state", "priority", "group", "assignee", "customer", "service", "supplier")
_ONE: Final = (
    "number",
    "text",
    "opened_from",
    "opened_before",
    "updated_from",
    "updated_before",
    "deleted",
    "on_its_way",
)


def found(key: int) -> TicketDetail:
    detail = scope.visible(services().queries.ticket(key), who()) if key < 2**53 else None
    if detail is None:
        raise Problem(404, "There is no such ticket.")
    return detail


def values(given: dict[str, Any]) -> dict[str, Value]:
    """JSON values as canonical ones. Raises 422 with every value that is wrong."""
    out: dict[str, Value] = {}
    wrong: list[dict[str, str]] = []
    for name, value in given.items():
        try:
            out[name] = canonical(
                name, datetime.fromisoformat(value) if name in DATES and isinstance(value, str) else value
            )
        except ValueError as error:
            wrong.append({"in": "json", "pointer": f"/fields/{name}", "detail": str(error)})
    if wrong:
        raise Problem(422, "Some values are not valid.", kind="invalid", errors=wrong)
    return out


@api.route("/tickets")
class Tickets(MethodView):
    @door(Right.TICKETS_READ)
    @api.arguments(shape.TicketQuery, location="query", unknown=RAISE)
    @api.response(200, shape.TicketPage)
    def get(self, args: dict[str, Any]) -> Any:
        """List tickets"""
        chosen: dict[str, Any] = {name: tuple(args[name]) for name in _MANY} | {name: args[name] for name in _ONE}
        where = TicketFilter(**chosen)
        reads, sort = services().queries, args["sort"]
        page = paged(
            lambda: reads.documents(
                scope.narrowed(where, who()),
                sort=sort.removeprefix("-"),
                descending=sort.startswith("-"),
                limit=args["limit"],
                cursor=args["cursor"],
            )
        )
        body, status, headers = page_out(page)
        return {**body, "items": [shape.ticket_out(detail) for detail in page.items]}, status, headers

    @door(Right.TICKETS_WRITE)
    @idempotent
    @api.arguments(shape.DraftIn)
    @api.arguments(IdempotencyKey, location="headers")
    @api.response(202, shape.TicketSchema)
    @api.alt_response(422, schema=ProblemSchema)
    def post(self, draft: dict[str, Any], headers: dict[str, Any]) -> Any:
        """Create a ticket in a tool

        Until the tool has it, the ticket's `id` begins with `~`.
        """
        tool = services().deps.tools.get(draft["tool"])
        if tool is None:
            error = {"in": "json", "pointer": "/tool", "detail": "There is no such tool."}
            raise Problem(422, "Some values are not valid.", kind="invalid", errors=[error])
        wanted = Draft(kind=Kind(draft["kind"]), fields=values(draft["fields_"]))
        made = actions.create(services(), tool.name, wanted, who(), once=headers.get("key") or "")
        detail = found(made.key)
        where = url_for("api-tickets.Ticket", key=made.key)
        return shape.ticket_out(detail), 202, {"Location": where, "ETag": f'"{etag_of(detail)}"'}


@api.route("/tickets/<int:key>")
class Ticket(MethodView):
    @door(Right.TICKETS_READ)
    @api.response(200, shape.TicketSchema)
    @api.alt_response(304, description="Not modified")
    @api.alt_response(404, schema=ProblemSchema)
    def get(self, key: int) -> Any:
        """Read a ticket"""
        detail = found(key)
        headers = {"ETag": f'"{etag_of(detail)}"'}
        if request.if_none_match.contains_weak(etag_of(detail)):
            return Response(status=304, headers=headers)
        return shape.ticket_out(detail), 200, headers

    @door(Right.TICKETS_WRITE)
    @api.arguments(shape.PatchIn)
    @api.arguments(IfMatch, location="headers")
    @api.response(202, shape.TicketSchema)
    @api.alt_response(404, schema=ProblemSchema)
    @api.alt_response(409, schema=ProblemSchema)
    @api.alt_response(412, schema=ProblemSchema)
    @api.alt_response(428, schema=ProblemSchema)
    def patch(self, patch: dict[str, Any], headers: dict[str, Any], key: int) -> Any:
        """Change fields of a ticket

        The answer shows the ticket as we want it; the tool has it once the delivery is done.
        """
        detail = found(key)
        check_precondition(detail)
        actions.edit(services(), detail, values(patch["fields_"]), who(), detail.revision)
        after = found(key)
        return shape.ticket_out(after), 202, {"ETag": f'"{etag_of(after)}"'}


@api.route("/tickets/<int:key>/history")
class History(MethodView):
    @door(Right.TICKETS_READ)
    @api.response(200, shape.HistorySchema)
    @api.alt_response(404, schema=ProblemSchema)
    def get(self, key: int) -> Any:
        """Read a ticket's history, oldest first"""
        detail = found(key)
        return {"complete": not detail.history_due, "items": effective(detail.events)}


@api.route("/tickets/<int:key>/clocks")
class Clocks(MethodView):
    @door(Right.TICKETS_READ)
    @api.response(200, ClockList)
    @api.alt_response(404, schema=ProblemSchema)
    def get(self, key: int) -> Any:
        """Read a ticket's clocks as they stand now, each with the ledger behind its due time

        `problems` says why a ticket has no clock, or none of some kind of agreement.
        """
        return clocks.out(clocks.of(found(key), who()), services().now())


@api.route("/tickets/<int:key>/comments")
class Comments(MethodView):
    @door(Right.TICKETS_WRITE)
    @idempotent
    @api.arguments(shape.CommentIn)
    @api.arguments(IdempotencyKey, location="headers")
    @api.response(202, shape.AcceptedSchema)
    @api.alt_response(404, schema=ProblemSchema)
    def post(self, given: dict[str, Any], headers: dict[str, Any], key: int) -> Any:
        """Comment a ticket"""
        comment = Comment(text=given["text"], public=given["public"], author=who().name)
        return {"ticket": key, "key": actions.comment(services(), found(key), comment, who(), headers.get("key") or "")}


@api.route("/tickets/<int:key>/attachments")
class Attachments(MethodView):
    @door(Right.TICKETS_READ)
    @api.response(200, shape.AttachmentList)
    @api.alt_response(404, schema=ProblemSchema)
    @api.alt_response(422, schema=ProblemSchema)
    def get(self, key: int) -> Any:
        """List a ticket's attachments, asked of the tool now"""
        listed = attachments.listed(services(), found(key))
        return {
            "items": [
                {**_fields(item), "href": url_for("api-tickets.Attachment", key=key, id=item.id)} for item in listed
            ]
        }


    @door(Right.TICKETS_WRITE)
    @any_body
    @api.arguments(shape.NewFile, location="query", unknown=RAISE)
    @api.arguments(IdempotencyKey, location="headers")
    @api.response(202, shape.AcceptedSchema)
    @api.alt_response(404, schema=ProblemSchema)
    @api.alt_response(422, schema=ProblemSchema)
    @api.doc(requestBody={"required": True, "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}})
    def post(self, args: dict[str, Any], headers: dict[str, Any], key: int) -> Any:
        """Attach a file to a ticket

        The body is the file itself, `Content-Type` its media type. The same `Idempotency-Key` twice is one file.
        """
        detail = found(key)
        request.max_content_length = attachments.largest(services())
        new = attachments.New(args["name"], request.mimetype, attachments.chunks(request.stream))
        return {"ticket": key, "key": attachments.add(services(), detail, new, who(), headers.get("key") or "")}


def _fields(item: Any) -> dict[str, Any]:
    return {name: getattr(item, name) for name in item.__struct_fields__}


@api.route("/tickets/<int:key>/attachments/<path:id>")
class Attachment(MethodView):
    @door(Right.TICKETS_READ)
    @api.response(200, {"type": "string", "format": "binary"}, content_type="application/octet-stream")
    @api.alt_response(404, schema=ProblemSchema)
    def get(self, key: int, id: str) -> Response:
        """Download an attachment"""
        return attachments.streamed(services(), found(key), id)
