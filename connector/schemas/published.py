"""JSON Schemas of the files people write, for editors that complete and check while typing (`connector schema NAME`).

They say the shape; `connector check` says everything.
"""

from __future__ import annotations

from typing import Any, Final

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin

from connector.domain.mappings.rules import Owner
from connector.domain.mappings.transforms import NAMES as TRANSFORMS
from connector.domain.vocabulary import MAPPED
from connector.schemas.agreements import calendar, profile
from connector.schemas.escalations import escalation
from connector.schemas.people import informing, message, team
from connector.schemas.processes import continuity, item, major
from connector.settings.shape import SettingsSchema

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def settings() -> dict[str, Any]:
    """Of connector.yaml, from the schemas that check it."""
    spec = APISpec(title="", version="", openapi_version="3.1.0", plugins=[MarshmallowPlugin()])
    spec.components.schema("Settings", schema=SettingsSchema)
    components: dict[str, Any] = spec.to_dict()["components"]["schemas"]
    for schema in components.values():
        schema["additionalProperties"] = False
    found: dict[str, Any] = _local(components.pop("Settings"))
    return {"$schema": DIALECT, "title": "connector.yaml", **found, "$defs": _local(components)}


def mapping() -> dict[str, Any]:
    """Of mappings/*.yaml."""
    names = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
    step = {"anyOf": [{"enum": sorted(TRANSFORMS)}, {"type": "object", "maxProperties": 1}]}
    rule = {
        "type": "object",
        "properties": {
            "from": {**names, "description": "The tool's field, or several whose values are joined by /."},
            "values": {"type": "object", "description": "The tool's value: ours."},
            "else": {"description": "What any other value means; null for not known."},
            "write": {"description": "true: back into the same field; a field's name; or our value: the tool's."},
            "owner": {"enum": [str(owner) for owner in Owner]},
            "transform": {"anyOf": [step, {"type": "array", "items": step}]},
        },
    }
    fields = {name: {"anyOf": [{"type": "string"}, rule, {"type": "object"}]} for name in MAPPED if name != "custom"}
    return {
        "$schema": DIALECT, "title": "mapping", "type": "object", "required": ["mapping", "vendor", "id", "fields"],
        "additionalProperties": False,
        "properties": {
            "mapping": {"type": "string"}, "vendor": {"type": "string"}, "id": {"type": "string"},
            "description": {"type": "string"}, "source": {"type": "string"}, "rows": {"type": "object"},
            "clocks": {"type": "object", "additionalProperties": {"type": "string"}},
            "fields": {"type": "object", "properties": fields, "patternProperties": {r"^custom\.\w+$": {}},
                       "additionalProperties": False},
        },
    }


def _local(schema: Any) -> Any:
    """References into this document instead of an OpenAPI one."""
    if isinstance(schema, dict):
        return {key: value.replace("#/components/schemas/", "#/$defs/") if key == "$ref" else _local(value)
                for key, value in schema.items()}
    return [_local(item) for item in schema] if isinstance(schema, list) else schema


SCHEMAS: Final = {"settings": settings, "mapping": mapping, "profile": profile, "calendar": calendar,
                  "escalation": escalation, "team": team, "message": message, "informing": informing,
                  "major": major, "continuity": continuity, "item": item}
"""Name -> how to make it."""
