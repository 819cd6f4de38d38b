"""Shapes of a ticket's clocks in the API. Times are ISO 8601 in the calendar's zone, amounts seconds."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from connector.domain.agreements.clock import ClockState, Mode
from connector.domain.agreements.profile import Agreement, TargetName
from connector.web.api.shapes import Instant, Out, one_of


def time(**kwargs: Any) -> fields.String:
    return fields.String(metadata={"format": "date-time"}, **kwargs)


def seconds(text: str = "") -> fields.Float:
    return fields.Float(metadata={"description": text} if text else {})


class LineSchema(Out):
    """One stretch of the ledger."""

    start = time()
    end = time()
    mode = one_of(Mode)
    business = seconds("Business time of this stretch")
    why = fields.String()
    windows = fields.List(fields.List(time(), validate=validate.Length(2, 2)))
    more_windows = fields.Integer(metadata={"description": "Opening windows that are not listed"})
    closed = fields.List(
        fields.List(fields.String(), validate=validate.Length(2, 2)),
        metadata={"description": "Dates on which the calendar was closed, and why"},
    )


class ClockSchema(Out):
    profile = fields.String(required=True)
    version = fields.String(required=True)
    agreement = one_of(Agreement)
    target = one_of(TargetName)
    cycle = fields.Integer(required=True)
    state = one_of(ClockState)
    due = time(allow_none=True)
    rule = fields.String(metadata={"description": "The condition under which the agreement applies"})
    priority = fields.String(allow_none=True)
    amount = fields.String(metadata={"description": "The target as it is written in the profile"})
    target_time = seconds("The target as business time")
    active = seconds("Business time used")
    paused = seconds("Business time paused")
    remaining = seconds("Negative once the target is exceeded")
    calendar = fields.String()
    calendar_source = fields.String()
    zone = fields.String()
    zone_source = fields.String()
    start = time()
    breached_at = time(allow_none=True)
    stopped_at = time(allow_none=True)
    manual_due = fields.Boolean(metadata={"description": "The due time was set by hand in the tool"})
    lines = fields.List(fields.Nested(LineSchema))
    ahead = fields.Nested(LineSchema, allow_none=True)
    shares = fields.List(
        fields.List(fields.Raw(metadata={"type": ["integer", "string", "null"]}), validate=validate.Length(2, 2)),
        metadata={"description": "Percent of the target, and when it is used up (null while paused before it)"},
    )
    coverage = fields.Dict(keys=fields.String(), values=fields.String())


class ClockList(Out):
    as_of = Instant(required=True)
    problems = fields.List(fields.String(), required=True)
    items = fields.List(fields.Nested(ClockSchema), required=True)
