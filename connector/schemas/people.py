"""JSON Schemas of teams, messages and informing (`connector schema team`, `message`, `informing`)."""

from __future__ import annotations

from typing import Any, Final

from connector.domain.calendars.reader import WEEKDAYS
from connector.domain.notices.informing import By, What
from connector.domain.notices.people import Severity, Way
from connector.domain.notices.people_format import GROUP, LANGUAGES, LEVELS, PERSON
from connector.domain.notices.roster_format import KEYS as ROSTER
from connector.domain.notices.template import PARTS, VARIABLES, Audience
from connector.schemas.agreements import DAY, DIALECT, TEXT, TIME, condition_schema, one_or_many, table

Schema = dict[str, Any]
MOMENT: Final[Schema] = {"type": "string", "pattern": DAY["pattern"].rstrip("$") + r"[ T]\d\d?:\d\d$"}
_DAYS: Final[Schema] = {"type": "string", "pattern": f"^({'|'.join(WEEKDAYS)})(-({'|'.join(WEEKDAYS)}))?$"}


def team() -> Schema:
    """Of sla_profiles/teams."""
    secret = {"anyOf": [table({"env": TEXT}, ("env",)), table({"file": TEXT}, ("file",))],
              "description": "An Apprise address; it holds a secret, so only where it is found stands here."}
    ways = one_or_many({"enum": [way.value for way in Way]})
    names = {"type": "object", "additionalProperties": TEXT}
    quiet = table({"from": TIME, "to": TIME, "days": one_or_many(_DAYS)}, ("from", "to"))
    person: Schema = {
        "name": TEXT, "email": {"type": "string", "format": "email"}, "chat": secret, "sms": secret, "logins": names,
        "language": {"enum": list(LANGUAGES)}, "timezone": TEXT, "quiet": one_or_many(quiet),
        "notify": {"anyOf": [ways, table(dict.fromkeys((*map(str, Severity), "else"), ways))]}, "manager": TEXT,
    }
    who = {"person": TEXT, "people": {"type": "array", "items": TEXT, "minItems": 1}}
    roster: Schema = {
        "timezone": TEXT, "covers": TEXT,
        "rotation": table({"people": who["people"], "from": MOMENT, "every": {
            "type": "string", "pattern": r"^\d{1,3} ?(d|days?|w|weeks?)$"}}, ("people", "from")),
        "weekly": {"type": "array", "items": table(
            {"days": one_or_many(_DAYS), "from": TIME, "to": TIME, **who}, ("from", "to"))},
        "dates": {"type": "array", "items": table({"from": MOMENT, "to": MOMENT, **who}, ("from", "to"))},
    }
    group: Schema = {"name": TEXT, "level": {"enum": list(LEVELS)}, "members": {"type": "array", "items": TEXT},
                     "lead": TEXT, "tools": names, "on_duty": table(roster, ("timezone",))}
    assert (set(person), set(group), set(roster)) == (set(PERSON), set(GROUP), set(ROSTER))
    return {"$schema": DIALECT, "title": "team", **table({
        "people": {"type": "object", "additionalProperties": {**table(person), "anyOf": [
            {"required": [way]} for way in ("email", "chat", "sms")]}},
        "groups": {"type": "object", "additionalProperties": table(group)}})}


def message() -> Schema:
    """Of sla_profiles/messages."""
    told = "; ".join(f"{audience.value}: {', '.join(names)}" for audience, names in VARIABLES.items())
    texts = table({part: {"type": "string", "minLength": 1, "description": told} for part in PARTS}, PARTS)
    return {"$schema": DIALECT, "title": "message", **table(
        {"template": {"type": "string", "pattern": "^[a-z][a-z0-9-]{0,59}$"},
         "audience": {"enum": [audience.value for audience in Audience]}, "description": TEXT, "en": texts,
         "fr": texts}, ("template", "audience", "en", "fr"))}


def informing() -> Schema:
    """Of sla_profiles/informing."""
    things = [what.value for what in What]
    tell = {"anyOf": [{"type": "array", "items": {"enum": things}, "minItems": 1},
                      table({thing: {"type": ["boolean", "string"]} for thing in things})]}
    return {"$schema": DIALECT, "title": "informing", **table(
        {"informing": TEXT, "description": TEXT, "applies_to": {"$ref": "#/$defs/condition"}, "tell": tell,
         "by": {"enum": [by.value for by in By]}}, ("informing", "tell")), "$defs": {"condition": condition_schema()}}
