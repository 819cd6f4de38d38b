"""JSON Schema of ladders, sla_profiles/escalations/*.yaml (`connector schema escalation`)."""

from __future__ import annotations

from typing import Any, Final

from connector.domain.agreements.profile import SOURCE_FIELDS, Agreement, TargetName
from connector.domain.escalations.actions import Reach
from connector.domain.escalations.actions_format import HIGHEST_MANAGER, LEVELS, PLAIN, SEVERITIES
from connector.domain.escalations.format import KEYS, MOST_REPEATS, STEP_KEYS
from connector.domain.escalations.rules import Happening, Hours
from connector.domain.escalations.triggers_format import HANDOFFS, LIKE
from connector.domain.ticket import PRIORITIES, Kind, PendingOn, State
from connector.schemas.agreements import DIALECT, DURATION, TEXT
from connector.schemas.agreements import profile as profile_schema

Schema = dict[str, Any]
HOURS: Final[Schema] = {"enum": [str(one) for one in Hours]}


def escalation() -> Schema:
    """Of one ladder: a step has one trigger and a list of actions."""
    condition = {"$ref": "#/$defs/condition"}
    actions: Schema = {"type": "array", "items": {"$ref": "#/$defs/action"}, "minItems": 1}
    steps: Schema = {
        "name": TEXT, "clock": _names(TargetName), "at": {"type": "string"}, "on": _names(Happening),
        "times": _number(1, 1000), "no_update": DURATION, "in_state": condition, "for": DURATION,
        "handoff": {"enum": list(HANDOFFS)}, "receiver": TEXT, "tickets": _number(2, 100_000), "within": DURATION,
        "same": _one_or_many({"enum": list(LIKE)}), "again": DURATION, "hours": HOURS, "agreement": _names(Agreement),
        "when": condition, "unless": condition, "during": _chain(), "do": actions, "fallback": actions,
        "then": {"type": "array", "items": _table({"wait": DURATION, "hours": HOURS, "do": actions}, ("wait", "do"))},
        "repeat": _table({"every": DURATION, "at_most": _number(1, MOST_REPEATS), "hours": HOURS,
                          "climb": {"const": "manager"}}, ("every", "at_most")),
        "acknowledgement": {"enum": ["stops", "goes on"]},
    }
    assert set(steps) == set(STEP_KEYS)
    told: Schema = {"escalation": TEXT, "description": TEXT, "applies_to": condition, "calendar": _chain(),
                    "timezone": _chain(), "steps": {"type": "array", "items": _table(steps, ("do",)), "minItems": 1}}
    assert set(told) == set(KEYS)
    return {"$schema": DIALECT, "title": "escalation", **_table(told, ("escalation", "steps")),
            "$defs": {"condition": profile_schema()["$defs"]["condition"], "action": _action(), "who": _who()}}


def _action() -> Schema:
    who: Schema = {"$ref": "#/$defs/who"}
    notify = {"anyOf": [_one_or_many(who), _table({"to": _one_or_many(who), "template": TEXT,
                                                   "severity": {"enum": list(SEVERITIES)}}, ("to",))]}
    state = {"anyOf": [_names(State), _table({"state": _names(State), "pending_on": _names(PendingOn)})]}
    said = {"enum": ["internal", "public"]}
    every: Schema = {
        "notify": notify, "assign": {**who, "type": "object"}, "state": state, "priority": {"enum": list(PRIORITIES)},
        "raise": {"anyOf": [_number(1, len(PRIORITIES) - 1), {"const": "priority"}, {"type": "null"}]},
        "tag": _one_or_many(TEXT), "link": _table({"parent": TEXT}, ("parent",)),
        "comment": {"anyOf": [said, _table({"to": said, "template": TEXT, "text": TEXT}, ("to",))]},
        "handoff": {"anyOf": [TEXT, _table({"to": TEXT, "reason": TEXT}, ("to",))]},
        "open": {"anyOf": [{"enum": [*map(str, Kind), "child"]}, _table(
            {"kind": {"enum": [*map(str, Kind), "child"]}, "title": TEXT, "group": TEXT, "child": {"type": "boolean"}},
            ("kind",))]},
        "declare_major_incident": {"anyOf": [{"const": True}, {"type": "null"}]}, "webhook": TEXT,
    }
    return {"anyOf": [{"enum": ["raise", "declare_major_incident"]},
                      {**_table(every), "minProperties": 1, "maxProperties": 1}]}


def _who() -> Schema:
    level, turn = _number(LEVELS[0], LEVELS[-1]), {"in_turn": {"type": "boolean"}}
    duty = {"anyOf": [{"const": True}, _table({"level": level}, ("level",)), _table({"group": TEXT}, ("group",))]}
    return {"anyOf": [{"enum": [str(one) for one in PLAIN]}, *[
        _table({**given, **turn}, tuple(given)) for given in (
            {str(Reach.MANAGER): _number(1, HIGHEST_MANAGER)}, {str(Reach.ON_DUTY): duty}, {str(Reach.GROUP): TEXT},
            {str(Reach.LEVEL): level}, {str(Reach.PERSON): TEXT}, {str(Reach.ROLE): TEXT},
            {str(Reach.TEAM): {"const": True}})]]}


def _chain() -> Schema:
    return {"anyOf": [TEXT, _table({"from": _one_or_many({"enum": list(SOURCE_FIELDS)}), "else": TEXT}, ("else",))]}


def _number(least: int, most: int) -> Schema:
    return {"type": "integer", "minimum": least, "maximum": most}


def _names(values: Any) -> Schema:
    return {"enum": [str(one) for one in values]}


def _one_or_many(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "array", "items": schema, "minItems": 1}]}


def _table(properties: Schema, required: tuple[str, ...] = ()) -> Schema:
    found: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**found, "required": list(required)} if required else found
