"""JSON Schema of a profile's `receiver` section."""

from __future__ import annotations

from typing import Any, Final

from connector.domain.handoffs.handoff import DisputeEffect
from connector.domain.handoffs.receiver import Comments, Files, ReceiverKind, Tlp
from connector.domain.handoffs.receiver_format import (
    EMAIL,
    KEYS,
    NAME,
    PENALTY_KEYS,
    PER,
    REACH_KEYS,
    SHARES_KEYS,
    THEIR_MOVES,
    VARIABLE,
    WINNERS,
)
from connector.domain.ticket import FIELDS, PRIORITIES

Schema = dict[str, Any]
TEXT: Final[Schema] = {"type": "string"}


def receiver(amount: Schema) -> Schema:
    """`amount` is the schema of a target's amount."""
    webhook = _table({"url": {"type": "string", "pattern": "^https?://"},
                      "secrets": {"type": "array", "minItems": 1, "items": _matching(VARIABLE.pattern)}},
                     ("url", "secrets"))
    reach = {"anyOf": [{"const": "portal"}, {**_table(
        {"webhook": webhook, "email": _matching(EMAIL.pattern), "portal": {"type": "boolean"}}), "minProperties": 1}]}
    plain = [name for name in FIELDS if name != "custom"]
    field = {"anyOf": [{"enum": plain}, {"type": "string", "pattern": r"^custom\."}]}
    shares = _table({"fields": {"type": "array", "items": field}, "comments": _enum(Comments),
                     "attachments": _enum(Files)})
    penalty = _table({"target": TEXT, "amount": {"type": ["number", "string"]}, "currency": TEXT,
                      "per": {"enum": list(PER)}, "text": TEXT}, ("target",))
    told: Schema = {
        "name": _matching(NAME.pattern), "title": TEXT, "kind": _enum(ReceiverKind), "reach": reach, "supplier": TEXT,
        "shares": shares, "tlp": _enum(Tlp), "one_way": {"type": "boolean"},
        "severities": _table(dict.fromkeys(PRIORITIES, TEXT)),
        "statuses": {"type": "object", "additionalProperties": {"enum": [str(one) for one in THEIR_MOVES]}},
        "mirrors": {"type": "object", "additionalProperties": {"enum": list(WINNERS)}},
        "pause_reasons": {"type": "array", "items": TEXT}, "penalties": {"type": "array", "items": penalty},
        "silent_after": amount, "reply_within": amount,
        "bounce_limit": {"type": "integer", "minimum": 1, "maximum": 100}, "dispute_clock": _enum(DisputeEffect),
        "active": {"type": "boolean"},
    }
    assert set(told) == set(KEYS)
    assert set(reach["anyOf"][1]["properties"]) == set(REACH_KEYS)
    assert set(shares["properties"]) == set(SHARES_KEYS)
    assert set(penalty["properties"]) == set(PENALTY_KEYS)
    return _table(told, ("name", "reach"))


def _table(properties: Schema, required: tuple[str, ...] = ()) -> Schema:
    found: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**found, "required": list(required)} if required else found


def _enum(names: Any) -> Schema:
    return {"enum": [str(one) for one in names]}


def _matching(pattern: str) -> Schema:
    return {"type": "string", "pattern": f"^{pattern}$"}
