"""JSON Schemas of major incidents, continuity procedures and catalogue items (`connector schema major`, ...)."""

from __future__ import annotations

from typing import Any, Final

from connector.domain.major.format import ALIKE, TEMPLATES
from connector.domain.requests.catalogue import Need, Unanswered
from connector.domain.requests.format import APPROVAL, KEYS, TASK
from connector.schemas.agreements import DIALECT, DURATION, TEXT, condition_schema, one_or_many, table
from connector.schemas.escalations import escalation

Schema = dict[str, Any]
NAME: Final[Schema] = {"type": "string", "pattern": "^[a-z0-9][a-z0-9_-]{0,59}$"}
WITHIN: Final[Schema] = {"type": ["string", "object"], "description": '15m, 4h, "2 working days", or {within, at}'}
_CONDITION: Final[Schema] = {"$ref": "#/$defs/condition"}
_WHO: Final[Schema] = {"$ref": "#/$defs/who"}


def major() -> Schema:
    """Of sla_profiles/major."""
    return _whole("major", {
        "major": NAME, "description": TEXT, "applies_to": _CONDITION,
        "roles": {"type": "object", "additionalProperties": _WHO}, "stakeholders": {"type": "array", "items": _WHO},
        "templates": table(dict.fromkeys(TEMPLATES, TEXT)),
        "children": table({"same": one_or_many({"enum": list(ALIKE)}), "within": DURATION}),
    }, ("major",))


def continuity() -> Schema:
    """Of sla_profiles/continuity."""
    steps = {"type": "array", "items": table({"step": NAME, "do": TEXT, "within": DURATION, "role": TEXT},
                                             ("step", "do"))}
    return _whole("continuity", {"continuity": NAME, "description": TEXT, "applies_to": _CONDITION, "degraded": steps,
                                 "recovery": steps}, ("continuity", "applies_to"))


def item() -> Schema:
    """Of sla_profiles/catalogue."""
    approval: Schema = {"approval": NAME, "by": _WHO, "need": {"enum": [str(one) for one in Need]}, "within": WITHIN,
                        "substitute": _WHO, "unanswered": {"enum": [str(one) for one in Unanswered]}}
    task: Schema = {"task": NAME, "title": TEXT, "group": TEXT,
                    "level": {"type": "integer", "minimum": 1, "maximum": 4}, "handoff": TEXT, "within": WITHIN,
                    "after": {"anyOf": [TEXT, {"type": "array", "items": TEXT}]}}
    told: Schema = {
        "item": NAME, "title": TEXT, "description": TEXT, "applies_to": _CONDITION, "calendar": TEXT,
        "approvals": {"type": "array", "items": table(approval, ("approval", "by"))},
        "tasks": {"type": "array", "items": table(task, ("task", "title")), "minItems": 1}}
    assert (set(told), set(approval), set(task)) == (set(KEYS), set(APPROVAL), set(TASK))
    return _whole("item", told, ("item", "applies_to", "tasks"))


def _whole(title: str, properties: Schema, required: tuple[str, ...]) -> Schema:
    return {"$schema": DIALECT, "title": title, **table(properties, required),
            "$defs": {"condition": condition_schema(), "who": escalation()["$defs"]["who"]}}
