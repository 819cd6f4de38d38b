"""Shapes of tickets in the API."""

from __future__ import annotations

from typing import Any, Final

from marshmallow import fields, validate

from connector.domain.ticket import PRIORITIES, Kind, PendingOn, Scale, State
from connector.store.views import TicketDetail
from connector.web.api.shapes import SCALAR_SCHEMA, In, Instant, Out, PageQuery, Scalar, any_of, one_of, word

LONGEST_COMMENT: Final = 60_000


class TicketQuery(PageQuery):
    tool = any_of(word())
    kind = any_of(one_of(Kind))
    state = any_of(one_of(State))
    priority = any_of(one_of(PRIORITIES))
    group = any_of(word())
    assignee = any_of(word())
    customer = any_of(word())
    service = any_of(word())
    supplier = any_of(word())
    number = fields.String(load_default="", validate=validate.Length(max=255))
    text = fields.String(
        load_default="", validate=validate.Length(max=200), metadata={"description": "Words in number or title"}
    )
    opened_from = Instant(load_default=None)
    opened_before = Instant(load_default=None)
    updated_from = Instant(load_default=None)
    updated_before = Instant(load_default=None)
    deleted = fields.Boolean(load_default=False)
    on_its_way = fields.Boolean(load_default=None)
    sort = fields.String(
        load_default="-updated",
        validate=validate.OneOf(
            [f"{sign}{name}" for name in ("updated", "opened", "priority", "number") for sign in ("", "-")]
        ),
        metadata={"description": "A leading minus turns the order round"},
    )


class TicketSchema(Out):
    """A ticket as we want it to be: what the tool last showed, with our changes that are on their way."""

    key = fields.Integer(required=True, metadata={"description": "Our own id, never reused"})
    tool = fields.String(required=True)
    id = fields.String(required=True, metadata={"description": "The tool's id"})
    revision = fields.Integer(required=True)
    kind = one_of(Kind)
    state = one_of(State)
    pending_on = fields.String(allow_none=True, validate=validate.OneOf([item.value for item in PendingOn]))
    number = fields.String()
    title = fields.String()
    description = fields.String()
    impact = fields.String(allow_none=True, validate=validate.OneOf([item.value for item in Scale]))
    urgency = fields.String(allow_none=True, validate=validate.OneOf([item.value for item in Scale]))
    priority = fields.String(allow_none=True, validate=validate.OneOf(PRIORITIES))
    category = fields.String()
    service = fields.String()
    customer = fields.String()
    site = fields.String()
    contract = fields.String()
    supplier = fields.String()
    requester = fields.String()
    requester_email = fields.String()
    assignee = fields.String()
    group = fields.String()
    level = fields.Integer(allow_none=True)
    parent = fields.String()
    opened_at = Instant()
    updated_at = Instant()
    resolved_at = Instant(allow_none=True)
    closed_at = Instant(allow_none=True)
    due_at = Instant(allow_none=True)
    tags = fields.List(fields.String())
    custom = fields.Dict(keys=fields.String(), values=fields.Raw())
    deleted = fields.Boolean()
    on_its_way = fields.Boolean(metadata={"description": "A change of ours is not yet shown by the tool"})


def ticket_out(detail: TicketDetail) -> dict[str, Any]:
    ticket = detail.ticket
    values = {name: getattr(ticket, name) for name in ticket.__struct_fields__ if name != "version"}
    return {**values, "key": detail.key, "revision": detail.revision, "on_its_way": detail.base is not None}


class TicketPage(Out):
    items = fields.List(fields.Nested(TicketSchema), required=True)
    next = fields.String(allow_none=True, required=True)


class EventSchema(Out):
    key = fields.String(required=True)
    at = Instant(required=True)
    kind = fields.String(required=True)
    field = fields.String()
    old = Scalar(allow_none=True, metadata=SCALAR_SCHEMA)
    new = Scalar(allow_none=True, metadata=SCALAR_SCHEMA)
    actor = fields.String()
    role = fields.String()
    origin = fields.String()
    inferred = fields.Boolean(
        metadata={"description": "Seen by comparing two readings: `at` is the latest possible moment"}
    )
    text = fields.String()


class HistorySchema(Out):
    complete = fields.Boolean(
        required=True, metadata={"description": "False while the tool's own history is still to be read"}
    )
    items = fields.List(fields.Nested(EventSchema), required=True)


class PatchIn(In):
    """Fields to change, by canonical name; own fields are written `custom.<name>`."""

    fields_ = fields.Dict(
        keys=fields.String(validate=validate.Length(1, 100)),
        values=Scalar(allow_none=True, metadata=SCALAR_SCHEMA),
        required=True,
        data_key="fields",
        validate=validate.Length(1, 100),
    )


class DraftIn(PatchIn):
    tool = fields.String(required=True, validate=validate.Length(1, 100))
    kind = fields.String(required=True, validate=validate.OneOf([item.value for item in Kind]))


class CommentIn(In):
    text = fields.String(required=True, validate=validate.Length(1, LONGEST_COMMENT))
    public = fields.Boolean(load_default=False, metadata={"description": "Seen by the requester"})


class AcceptedSchema(Out):
    """What was accepted: it is in the tool once its delivery is done."""

    ticket = fields.Integer(required=True)
    key = fields.String(required=True, metadata={"description": "Names the comment or file in the ticket's history"})


class NewFile(In):
    name = fields.String(
        required=True, validate=validate.Length(1, 255), metadata={"description": "Name of the file, with its ending"}
    )


class AttachmentSchema(Out):
    id = fields.String(required=True)
    name = fields.String(required=True)
    media_type = fields.String()
    size = fields.Integer(allow_none=True)
    created_at = Instant(allow_none=True)
    href = fields.String(required=True)


class AttachmentList(Out):
    items = fields.List(fields.Nested(AttachmentSchema), required=True)
