"""The messages that pass between us and suppliers, as JSON Schema (draft 2020-12) and as parts of the API description.

Readers ignore members they do not know: within one version members are only ever added.
"""

from __future__ import annotations

from typing import Any, Final

from connector.domain.handoffs.moves import HandoffState, Move
from connector.domain.handoffs.receiver import STATUSES, Tlp
from connector.domain.handoffs.supplier_envelope import SCHEMA_PATH, TYPES, VERSION
from connector.domain.handoffs.supplier_message import (
    LARGEST_FILE,
    LONGEST_LINE,
    LONGEST_TEXT,
    LONGEST_TYPE,
    MOST_FIELDS,
    MOST_FILES,
    MessageType,
)

DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"


def _line(about: str, **more: Any) -> dict[str, Any]:
    return {"type": "string", "maxLength": LONGEST_LINE, "description": about, **more}


def _text(about: str) -> dict[str, Any]:
    return {"type": "string", "maxLength": LONGEST_TEXT, "description": about}


def _time(about: str) -> dict[str, Any]:
    return {"type": "string", "format": "date-time", "description": about}


_FILE: Final[dict[str, Any]] = {
    "name": _line("Name of the file, without a path."),
    "sha256": {"type": "string", "pattern": "^[0-9a-fA-F]{64}$"},
    "size": {"type": "integer", "minimum": 0, "maximum": LARGEST_FILE, "description": "Bytes."},
    "media_type": _line("Such as text/plain."),
}


def message() -> dict[str, Any]:
    """What a supplier receives."""
    data = {
        "handoff_id": {"type": "string", "description": "Our id of the handoff; every answer names it."},
        "ticket": {"type": "string", "description": "Number of our ticket."},
        "supplier_ticket": {"type": "string", "description": "Your number, once you told it."},
        "status": {"enum": [str(state) for state in HandoffState]},
        "move": {"enum": [str(move) for move in Move], "description": "What happened, for messages of a change."},
        "sequence": {"type": "integer", "minimum": 0, "description": "Grows by one or more with each message."},
        "hash": {"type": "string", "description": "Seal of the entry in the handoff's history."},
        "reason": {"type": "string"},
        "severity": {"type": "string", "description": "In your own words, as the contract maps our priorities."},
        "tried": {"type": "string", "description": "What was tried before."},
        "contact": {"type": "string"},
        "data_class": {"type": "string"},
        "tlp": {"enum": [str(label) for label in Tlp]},
        "reply_by": _time("Answer by then, or the offer expires."),
        "visit": {"type": "object", "description": "For a field service: site, access, visit_from, visit_to."},
        "fields": {"type": "object", "description": "The fields of our ticket that the contract lets travel."},
        "changed": {"type": "object", "description": "New values, by name."},
        "comment_id": {"type": "string"},
        "comment": {"type": "string"},
        "author": {"type": "string"},
        "attachments": {"type": "array", "items": {"type": "object", "properties": {
            **_FILE, "url": {"type": "string", "format": "uri", "description": "Where to fetch it, for 30 days."}}}},
    }
    return {
        "$schema": DRAFT,
        "title": f"Message of Servicedesk Connector to a supplier, version {VERSION}",
        "type": "object",
        "required": ["specversion", "id", "source", "type", "subject", "time", "data"],
        "properties": {
            "specversion": {"const": "1.0", "description": "Of CloudEvents."},
            "id": {"type": "string", "description": "The same in every repeat: act on it once. Also in webhook-id."},
            "source": {"type": "string"},
            "type": {"enum": list(TYPES)},
            "subject": {"type": "string", "description": "The handoff's id."},
            "time": _time("When it happened."),
            "datacontenttype": {"const": "application/json"},
            "dataschema": {"type": "string"},
            "data": {"type": "object", "properties": data},
        },
    }


def answer() -> dict[str, Any]:
    """What a supplier sends."""
    file = {"type": "object", "required": ["name", "sha256", "size"], "properties": {
        **_FILE, "url": {"type": "string", "description": "Where we fetch it."},
        "content": {"type": "string", "contentEncoding": "base64"}},
        "oneOf": [{"required": ["url"]}, {"required": ["content"]}]}
    data = {
        "handoff_id": _line("As we sent it."),
        "supplier_ticket": _line("Your own number."),
        "status": _line(f"{', '.join(STATUSES)}, or a word of your own that the contract maps."),
        "reason": _text("Why: required to decline, wait, hand back, dispute, and to propose a resolution."),
        "comment": _text("Words for us; the customer sees them only when we publish them."),
        "comment_id": _line("Your id of the comment: the same twice is one comment."),
        "author": _line("Who wrote it."),
        "attachments": {"type": "array", "maxItems": MOST_FILES, "items": file},
        "fields": {"type": "object", "maxProperties": MOST_FIELDS,
                   "description": "New values of fields that the contract lets both sides change, by our name."},
    }
    needs = {MessageType.STATUS: "status", MessageType.COMMENT: "comment", MessageType.ATTACHMENT: "attachments",
             MessageType.DISPUTE: "reason"}
    return {
        "$schema": DRAFT,
        "title": "Message of a supplier to Servicedesk Connector",
        "type": "object",
        "required": ["type"],
        "properties": {
            "type": {"type": "string", "minLength": 1, "maxLength": LONGEST_TYPE, "description":
                     f"{', '.join(MessageType)}; others are recorded and change nothing."},
            "timestamp": _time("When it happened at your side."),
            "data": {"description": "An object in every type that is known."},
        },
        "allOf": [
            {"if": {"properties": {"type": {"const": str(kind)}}, "required": ["type"]},
             "then": {"required": ["data"], "properties": {
                 "data": {"type": "object", "required": ["handoff_id", need], "properties": data}}}}
            for kind, need in needs.items()],
    }


def headers() -> list[dict[str, Any]]:
    """Of Standard Webhooks, for the API description."""
    told = {"webhook-id": "Unique id of the message, the same in every repeat; no full stop in it.",
            "webhook-timestamp": "Seconds since 1970, when it was sent; at most five minutes from now.",
            "webhook-signature": "v1,<base64 of HMAC-SHA256 over id.timestamp.body>; several are separated by blanks."}
    return [{"in": "header", "name": name, "required": True, "schema": {"type": "string"}, "description": text}
            for name, text in told.items()]


def webhooks() -> dict[str, Any]:
    """Section `webhooks` of an OpenAPI 3.1 description: what we send."""
    return {"supplierMessage": {"post": {
        "summary": "Message about a handoff, sent to a supplier",
        "description": "Signed after Standard Webhooks. Any 2xx is success; 410 ends the sending until a person "
                       "enables it again; everything else is repeated for about three days, Retry-After is obeyed. "
                       "Messages of one handoff come in order.",
        "tags": ["suppliers"], "parameters": headers(), "security": [],
        "requestBody": {"required": True, "content": {"application/json": {"schema": {
            "$ref": "#/components/schemas/SupplierMessage"}}}},
        "responses": {"2XX": {"description": "Taken"}, "410": {"description": "Never send here again"}},
    }}}


PATHS: Final = {SCHEMA_PATH: message, "/api/v1/schemas/supplier-answer-1.json": answer}
"""Where the service shows them."""
