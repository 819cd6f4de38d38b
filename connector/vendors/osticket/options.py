"""What a tool of make osTicket is told in the settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from marshmallow import Schema, fields, validate

from connector.settings import SecretField

STOCK_PRIORITIES: Final[Mapping[str, int]] = {"low": 1, "normal": 2, "high": 3, "emergency": 4}
"""Rows of a fresh osTicket. An unknown id is stored as "no priority" without an error, so ids are checked here."""


class AuthSchema(Schema):
    api_key = SecretField(required=True)


class OptionsSchema(Schema):
    api = fields.Str(validate=validate.OneOf(["auto", "/api", "/api/http.php"]), load_default="auto")
    plugin = fields.Str(validate=validate.OneOf(["auto", "required", "none"]), load_default="auto")
    alert = fields.Bool(load_default=True)
    autorespond = fields.Bool(load_default=False)
    default_email = fields.Email(load_default="")
    default_name = fields.Str(load_default="")
    priorities = fields.Dict(keys=fields.Str(), values=fields.Int(strict=True), load_default=dict)
    topics = fields.Dict(keys=fields.Str(), values=fields.Int(strict=True), load_default=dict)


@dataclass(frozen=True, slots=True)
class Options:
    """`priorities` and `topics` give the ids of names where the plugin is not there to list them.

    `plugin: required` says that the plugin is known to be installed: its silence is then a fault that passes, and
    writes wait instead of being refused.
    """

    api: str = "auto"
    plugin: str = "auto"
    alert: bool = True
    autorespond: bool = False
    default_email: str = ""
    default_name: str = ""
    priorities: Mapping[str, int] = field(default_factory=lambda: STOCK_PRIORITIES)
    topics: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Options:
        """From options that the schema has checked, or left out."""
        values = {key: value for key, value in given.items() if key in cls.__slots__}
        values["priorities"] = values.get("priorities") or STOCK_PRIORITIES
        return cls(**values)
