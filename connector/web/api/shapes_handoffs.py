"""Shapes of handoffs in the API."""

from __future__ import annotations

from typing import Any, Final

from marshmallow import fields, validate

from connector.domain.handoffs.chain import EntryKind
from connector.domain.handoffs.handoff import Choice, DisputeEffect
from connector.domain.handoffs.moves import HandoffState, Move, Side
from connector.domain.handoffs.receiver import ReceiverKind
from connector.domain.ticket import PRIORITIES
from connector.flows.handoff_offer import LONGEST
from connector.store.handoff_queries import SORTS, VIEWS, HandoffRow
from connector.web.api.shapes import In, Instant, Out, PageQuery, one_of, word

LONGEST_COMMENT: Final = 20_000


def _up_to(most: int, **more: Any) -> fields.String:
    return fields.String(validate=validate.Length(max=most), **more)


class HandoffQuery(PageQuery):
    view = fields.String(load_default="open", validate=validate.OneOf(list(VIEWS)))
    receiver = fields.String(load_default=None, validate=validate.Length(1, 40))
    text = fields.String(load_default="", validate=validate.Length(max=100),
                         metadata={"description": "Beginning of either side's number, or of the id"})
    sort = fields.String(load_default="-changed", validate=validate.OneOf(
        [f"{sign}{name}" for name in SORTS for sign in ("", "-")]))


class HandoffSchema(Out):
    """Work given to a receiver. `turn` says who has to do something next: ours, theirs, customer, or nobody ("")."""

    id = fields.String(required=True)
    ticket = fields.Integer(required=True, metadata={"description": "Our key of the ticket"})
    receiver = fields.String(required=True)
    state = one_of(HandoffState)
    turn = fields.String()
    revision = fields.Integer()
    ours = fields.String()
    theirs = fields.String()
    contract = fields.String()
    version = fields.String()
    reason = fields.String()
    priority = fields.String()
    severity = fields.String()
    tried = fields.String()
    contact = fields.String()
    data_class = fields.String()
    tlp = fields.String()
    owner = fields.String()
    details = fields.Dict(keys=fields.String(), values=fields.String())
    reply_by = Instant(allow_none=True)
    follows = fields.String()
    bounces = fields.Integer()
    rejections = fields.Integer()
    decision_due = fields.Boolean()
    waiting_for = fields.String()
    created_at = Instant()
    offered_at = Instant(allow_none=True)
    changed_at = Instant(allow_none=True)
    heard_at = Instant(allow_none=True)


class HandoffPage(Out):
    items = fields.List(fields.Nested(HandoffSchema))
    next = fields.String(allow_none=True)


class OfferIn(In):
    receiver = fields.String(required=True, validate=validate.Length(1, 40))
    reason = fields.String(required=True, validate=validate.Length(1, LONGEST["reason"]))
    tried = _up_to(LONGEST["tried"])
    contact = _up_to(LONGEST["contact"])
    data_class = _up_to(LONGEST["data_class"])
    owner = _up_to(LONGEST["owner"])
    severity = _up_to(LONGEST["severity"])
    priority = fields.String(validate=validate.OneOf(PRIORITIES))
    details = fields.Dict(keys=word(), values=_up_to(500))
    reply_by = Instant()
    draft = fields.Boolean()


class MoveIn(In):
    move = fields.String(required=True, validate=validate.OneOf([str(move) for move in Move]))
    reason = _up_to(LONGEST["reason"], load_default="")
    effect = fields.String(load_default="", validate=validate.OneOf(["", *(str(effect) for effect in DisputeEffect)]))


class DecisionIn(In):
    choice = fields.String(required=True, validate=validate.OneOf([str(choice) for choice in Choice]))
    reason = fields.String(required=True, validate=validate.Length(1, LONGEST["reason"]))


class HandoffCommentIn(In):
    text = fields.String(required=True, validate=validate.Length(1, LONGEST_COMMENT))


class EntrySchema(Out):
    """One entry of a handoff's history; `hash` seals it and the one before (docs/handoffs.md)."""

    seq = fields.Integer()
    at = Instant()
    side = one_of(Side)
    actor = fields.String()
    kind = one_of(EntryKind)
    body = fields.Dict(keys=fields.String(), values=fields.Raw())
    mark = fields.String()
    prev = fields.String()
    hash = fields.String()


class EntryList(Out):
    whole = fields.Boolean(metadata={"description": "Whether every hash fits"})
    items = fields.List(fields.Nested(EntrySchema))


class ReceiverSchema(Out):
    name = fields.String()
    title = fields.String()
    kind = one_of(ReceiverKind)
    contract = fields.String()
    active = fields.Boolean()


class ReceiverList(Out):
    items = fields.List(fields.Nested(ReceiverSchema))


def out(row: HandoffRow) -> dict[str, Any]:
    handoff = row.handoff
    names = [name for name in HandoffSchema._declared_fields if name != "turn"]
    return {**{name: getattr(handoff, name) for name in names}, "turn": handoff.turn}
