"""Shapes of tools, deliveries, quarantine, audit trail and the token itself in the API."""

from __future__ import annotations

from marshmallow import fields, validate

from connector.web.api.shapes import In, Instant, Out, PageQuery, any_of


class StreamSchema(Out):
    stream = fields.String()
    moved_at = Instant()


class SendingSchema(Out):
    state = fields.String(
        metadata={"description": "closed: all goes out; open: nothing until `until`; half-open: one probe; "
                  "disabled: nothing until enabled"}
    )
    until = Instant(allow_none=True)
    reason = fields.String()


class ToolSchema(Out):
    tool = fields.String(required=True)
    vendor = fields.String()
    reachable = fields.Boolean(allow_none=True)
    version = fields.String()
    account = fields.String()
    plugin = fields.String()
    capabilities = fields.List(fields.String())
    remarks = fields.List(fields.String())
    skew_seconds = fields.Float(allow_none=True, metadata={"description": "The tool's clock minus ours"})
    ok_at = Instant(allow_none=True)
    failed_at = Instant(allow_none=True)
    reason = fields.String()
    error_rate = fields.Float(allow_none=True, metadata={"description": "Of the last 24 hours"})
    streams = fields.List(fields.Nested(StreamSchema))
    sending = fields.Nested(SendingSchema, allow_none=True)
    waiting = fields.Integer()
    leased = fields.Integer()
    dead = fields.Integer()
    oldest_waiting = Instant(allow_none=True)
    hints = fields.Integer()
    quarantined = fields.Integer()
    history_due = fields.Integer(metadata={"description": "Tickets whose history is still to be read (first load)"})
    tickets = fields.Integer()


class ToolList(Out):
    items = fields.List(fields.Nested(ToolSchema), required=True)


class ImportSchema(Out):
    tool = fields.String(required=True)
    tickets = fields.Integer()
    history_due = fields.Integer(metadata={"description": "Tickets whose history is still to be read"})
    quarantined = fields.Integer()
    last_read_at = Instant(allow_none=True)


class ImportList(Out):
    items = fields.List(fields.Nested(ImportSchema), required=True)


class DeliveryQuery(PageQuery):
    state = any_of(fields.String(validate=validate.OneOf(["waiting", "leased", "done", "dead", "dropped"])))
    target = fields.String(load_default=None, validate=validate.Length(1, 100))
    ticket = fields.Integer(load_default=None, validate=validate.Range(1, 2**53))


class DeliverySchema(Out):
    id = fields.Integer(required=True)
    key = fields.String(required=True)
    target = fields.String()
    verb = fields.String()
    ticket = fields.Integer(allow_none=True)
    state = fields.String()
    attempts = fields.Integer()
    created_at = Instant()
    ready_at = Instant()
    finished_at = Instant(allow_none=True)
    reason = fields.String()


class ExchangeSchema(Out):
    """One request and its answer."""

    method = fields.String(required=True, metadata={"description": "SMTP for mail, NOTIFY for chat and SMS"})
    address = fields.String(required=True, metadata={"description": "Host and path, without login and query"})
    content_type = fields.String()
    size = fields.Integer(allow_none=True, metadata={"description": "Bytes of the body"})
    sha256 = fields.String(metadata={"description": "Of the body"})
    headers = fields.Dict(keys=fields.String(), values=fields.String())
    ms = fields.Integer(allow_none=True, metadata={"description": "Until the answer began"})
    status = fields.Integer(allow_none=True)
    answer_headers = fields.Dict(keys=fields.String(), values=fields.String())
    answer = fields.String(metadata={"description": "The beginning of what was said, without secrets"})
    error = fields.String(metadata={"description": "Why there was no answer"})


class TrySchema(Out):
    n = fields.Integer(required=True)
    started_at = Instant(required=True)
    ms = fields.Integer(allow_none=True, metadata={"description": "Time of the whole try; null when it is lost"})
    outcome = fields.String(
        required=True, validate=validate.OneOf(["done", "retry", "refused", "lost"]),
        metadata={"description": "lost: the process ended before it knew an answer"})
    reason = fields.String()
    calls = fields.Integer(metadata={"description": "Requests of the try; the last of them are listed"})
    exchanges = fields.List(fields.Nested(ExchangeSchema))


class DeliveryWithTriesSchema(DeliverySchema):
    tries = fields.List(fields.Nested(TrySchema), required=True)


class SentSchema(Out):
    id = fields.Integer(required=True)
    content = fields.Dict(required=True, metadata={"description": "The message, or the fields, comment or file"})


class DeliveryPage(Out):
    items = fields.List(fields.Nested(DeliverySchema), required=True)
    next = fields.String(allow_none=True, required=True)


class RetryIn(In):
    """Which dead deliveries to try again: by id, or all of one target."""

    ids = fields.List(fields.Integer(strict=True, validate=validate.Range(1, 2**53)), validate=validate.Length(1, 1000))
    target = fields.String(validate=validate.Length(1, 100))


class CountSchema(Out):
    count = fields.Integer(required=True)


class QuarantineQuery(PageQuery):
    tool = fields.String(load_default=None, validate=validate.Length(1, 100))


class QuarantineSchema(Out):
    tool = fields.String(required=True)
    ticket = fields.String(required=True)
    problems = fields.List(fields.String())
    tries = fields.Integer()
    first_at = Instant()
    last_at = Instant()
    next_at = Instant()


class QuarantinePage(Out):
    items = fields.List(fields.Nested(QuarantineSchema), required=True)
    next = fields.String(allow_none=True, required=True)


class ReadAgainIn(In):
    tool = fields.String(required=True, validate=validate.Length(1, 100))
    tickets = fields.List(
        fields.String(validate=validate.Length(1, 255)), required=True, validate=validate.Length(1, 1000)
    )


class AuditQuery(PageQuery):
    actor = fields.String(load_default=None, validate=validate.Length(1, 255))
    action = fields.String(load_default=None, validate=validate.Length(1, 255))
    subject = fields.String(
        load_default=None,
        validate=validate.Length(1, 255),
        metadata={"description": "Exact, or a beginning that ends with /"},
    )
    since = Instant(load_default=None)
    before = Instant(load_default=None)


class AuditSchema(Out):
    id = fields.Integer(required=True)
    at = Instant(required=True)
    actor = fields.String()
    action = fields.String()
    subject = fields.String()
    detail = fields.Dict(keys=fields.String(), values=fields.Raw())


class AuditPage(Out):
    items = fields.List(fields.Nested(AuditSchema), required=True)
    next = fields.String(allow_none=True, required=True)


class MeSchema(Out):
    token = fields.String(required=True)
    scopes = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "What it may do now: its rights, as far as its owner has them"},
    )
    expires_at = Instant(allow_none=True)
    user = fields.String(allow_none=True)
    role = fields.String(allow_none=True)
    service = fields.String()
    version = fields.String()
