"""JSON Schemas of agreements and calendars (`connector schema profile`, `connector schema calendar`)."""

from __future__ import annotations

from typing import Any, Final

from connector.domain.agreements.conditions import DERIVED
from connector.domain.agreements.profile import SOURCE_FIELDS, Agreement, StartFrom, TargetName
from connector.domain.agreements.profile_format import KEYS as PROFILE_KEYS
from connector.domain.calendars.format import KEYS as CALENDAR_KEYS
from connector.domain.calendars.reader import WEEKDAYS
from connector.domain.history import Role
from connector.domain.ticket import FIELDS, PRIORITIES, Scale
from connector.domain.vocabulary import DATES, NAMES
from connector.schemas.receivers import receiver

Schema = dict[str, Any]
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
TEXT: Final[Schema] = {"type": "string"}
TIME: Final[Schema] = {"type": "string", "pattern": r"^([01]?\d|2[0-4]):[0-5]\d(:[0-5]\d)?$"}
DAY: Final[Schema] = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d$"}
MONTH_DAY: Final[Schema] = {"type": "string", "pattern": r"^\d\d-\d\d$"}
DURATION: Final[Schema] = {
    "type": "string", "pattern": r"^(\d+w)? ?(\d+d)? ?(\d+h)? ?(\d+m)? ?(\d+s)?$|^\d+ (working|business) days?$",
    "description": "15m, 4h, 1h30m; 1d is 24 hours of the calendar; \"3 working days\"",
}


def profile() -> Schema:
    """Of sla_profiles/customers, operations and suppliers."""
    chain = {"anyOf": [TEXT, table({"from": one_or_many({"enum": list(SOURCE_FIELDS)}), "else": TEXT}, ("else",))]}
    amount = {"anyOf": [DURATION, table({"within": DURATION, "calendar": TEXT, "at": {"const": "end of day"}},
                                         ("within",))]}
    conditions: Schema = {name: {"$ref": "#/$defs/condition"}
                          for name in ("start", "resume", "stop", "reset", "cancel")}
    conditions["pause"] = {"anyOf": [{"$ref": "#/$defs/condition"}, {"type": "array", "items": table(
        {"when": {"$ref": "#/$defs/condition"}, "reason": TEXT, "at_most": DURATION,
         "times": {"type": "integer", "minimum": 1}}, ("when",))}]}
    reopening = {"enum": ["resume", "new cycle"]}
    reopen = table({"within": DURATION, "then": reopening, "else": reopening})
    own = {"conditions": table(conditions)}
    target = {"anyOf": [amount, table({"within": DURATION, "calendar": TEXT, "at": {"const": "end of day"}, **own},
                                       ("within",)), table({**dict.fromkeys((*PRIORITIES, "else"), amount), **own})]}
    scale = [str(one) for one in Scale]
    row = table({one: {"enum": list(PRIORITIES)} for one in scale})
    start = {"enum": [*map(str, StartFrom), "created", True, False]}
    told: Schema = {
        "profile": TEXT, "agreement": {"enum": [str(one) for one in Agreement]}, "description": TEXT,
        "party": TEXT,
        "applies_to": {"$ref": "#/$defs/condition"}, "calendar": chain, "timezone": chain,
        "classification": table({"matrix": table(dict.fromkeys(scale, row)),
                                  "major_incident": table({"when": {"$ref": "#/$defs/condition"}})}),
        "targets": {**table(dict.fromkeys(map(str, TargetName), target)), "minProperties": 1},
        "conditions": table({**conditions, "reopen": reopen}), "reopen": reopen,
        "retroactive": table({"start": start, "set_start_to": start, "pauses": {"enum": ["kept", "dropped"]}}),
        "responder": table({"roles": {"type": "array", "items": {
            "enum": [str(Role.AGENT), str(Role.SUPPLIER), str(Role.SYSTEM)]}},
            **{one: {"type": "boolean"} for one in ("internal_notes", "automatic", "requester")}}),
        "on_change": table({"floor": DURATION}), "manual_due": {"enum": ["wins", "ignored"]},
        "children": {"enum": ["own clock", "no clock"]},
        "coverage": table(dict.fromkeys(("included", "excluded", "billed"), TEXT)),
        "nests": {"type": "array", "items": TEXT}, "escalate": TEXT,
        "receiver": receiver(amount),
    }
    assert set(told) == set(PROFILE_KEYS)
    return {"$schema": DIALECT, "title": "profile", **table(told, ("profile", "agreement", "calendar", "targets")),
            "$defs": {"condition": condition_schema()}}


def calendar() -> Schema:
    """Of sla_profiles/calendars."""
    windows = {"type": "array", "items": {"type": "array", "items": TIME, "minItems": 2, "maxItems": 2}}
    days = "|".join(WEEKDAYS)
    named: Schema = {"name": TEXT}
    holiday = {"anyOf": [
        DAY, table({"date": DAY, **named}, ("date",)), table({"from": DAY, "to": DAY, **named}, ("from", "to")),
        table({"every": MONTH_DAY, "until": MONTH_DAY, **named}, ("every",)), table({"ical": TEXT}, ("ical",)),
        table({"country": TEXT, "subdivision": TEXT, "language": TEXT, "categories": {"type": "array", "items": TEXT},
                **named}, ("country",))]}
    plan: Schema = {
        "hours": {"anyOf": [{"enum": ["24x7", "always"]}, {
            "type": "object", "patternProperties": {f"^({days})(-({days}))?$": windows},
            "additionalProperties": False}]},
        "holidays": {"type": "array", "items": holiday},
        "breaks": {"type": "array", "items": table({"date": DAY, "from": TIME, "to": TIME, **named},
                                                    ("date", "from", "to"))},
        "shifts": {"type": "object", "patternProperties": {DAY["pattern"]: windows}, "additionalProperties": False},
        "holiday_rule": {"enum": ["date", "shift"]},
    }
    told = {"calendar": TEXT, "description": TEXT, "timezone": TEXT, "effective_from": DAY, **plan,
            "versions": {"type": "array", "items": table({"effective_from": DAY, "description": TEXT, **plan},
                                                          ("effective_from",))}}
    assert set(told) == set(CALENDAR_KEYS)
    return {"$schema": DIALECT, "title": "calendar", **table(told, ("calendar", "timezone"))}


def condition_schema() -> Schema:
    again = {"$ref": "#/$defs/condition"}
    many = {"type": "array", "items": again, "minItems": 1}
    plain = {"type": ["string", "number", "boolean", "null"]}
    leaf = {"anyOf": [plain, {"type": "array", "items": plain, "minItems": 1}, table({"like": TEXT}, ("like",))]}
    known = {name: leaf for name in ("tool", *FIELDS, *DERIVED) if name not in DATES and name != "custom"}
    for name, values in NAMES.items():
        one = {"enum": [*map(str, values), None]}
        some = {"type": "array", "items": one, "minItems": 1}
        known[name] = {"anyOf": [one, some, table({"like": TEXT}, ("like",))]}
    return {"type": "object", "properties": {"any": many, "all": many, "not": again, **known},
            "additionalProperties": leaf}


def table(properties: Schema, required: tuple[str, ...] = ()) -> Schema:
    found: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**found, "required": list(required)} if required else found


def one_or_many(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "array", "items": schema}]}
