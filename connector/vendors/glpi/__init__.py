"""GLPI: tickets over apirest.php (GLPI 10, and 11 where the old API is on) or over the high-level API of GLPI 11.

See docs/glpi.md for how to connect one, and docs/decisions/0030 to 0039 for why it is done this way.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from connector.domain.mapping import Mapping
from connector.http import Http
from connector.ports import Vendor
from connector.settings import SecretField, ToolSettings
from connector.vendors.glpi.adapter import Glpi
from connector.vendors.glpi.client import Access, Client
from connector.vendors.glpi.reading import PAGE
from connector.vendors.glpi.zone import Zone

__all__ = ["AUTH", "OPTIONS", "build"]


class _Auth(Schema):
    """A user token, or login and password; the application token of the API client where it has one."""

    app_token = SecretField()
    user_token = SecretField()
    login = fields.String(validate=validate.Length(min=1))
    password = SecretField()

    @validates_schema
    def _one_way(self, data: dict[str, Any], **kwargs: Any) -> None:
        if "user_token" in data and ("login" in data or "password" in data):
            raise ValidationError("give `user_token`, or `login` and `password`, not both")
        if "user_token" not in data and not {"login", "password"} <= data.keys():
            raise ValidationError("expected `user_token`, or `login` and `password`")


class _Options(Schema):
    profile = fields.Integer(validate=validate.Range(min=1))
    entity = fields.Raw()
    recursive = fields.Boolean(load_default=True)
    overlap = fields.Integer(load_default=60, validate=validate.Range(min=1, max=3600))
    solution = fields.String(load_default="Resolved.", validate=validate.Length(min=1))

    @validates_schema
    def _entity(self, data: dict[str, Any], **kwargs: Any) -> None:
        entity = data.get("entity", "all")
        if entity != "all" and (isinstance(entity, bool) or not str(entity).isdigit()):
            raise ValidationError("expected the number of an entity, or `all`", "entity")


AUTH: Final[Schema] = _Auth()
OPTIONS: Final[Schema] = _Options()


def build(tool: ToolSettings, mapping: Mapping, now: Callable[[], datetime]) -> Vendor:
    """The adapter; nothing is sent yet. Raises ConfigError for an unusable address."""
    options = tool.options
    http = Http(address(tool.url), verify=tool.verify_tls, pool=tool.concurrency)
    client = Client(http, Access(
        user_token=_reveal(tool, "user_token"), login=str(tool.auth.get("login", "")),
        password=_reveal(tool, "password"), app_token=_reveal(tool, "app_token"),
        profile=str(options.get("profile", "")), entity=str(options.get("entity", "")),
        recursive=bool(options.get("recursive", True)),
    ))
    return Glpi(tool.name, client, mapping, Zone(tool.timezone), now, size=tool.page or PAGE,
                overlap=timedelta(seconds=int(options.get("overlap", 60))),
                solution=str(options.get("solution", "Resolved.")), secrets=tool.webhook_secrets)


def address(url: str) -> str:
    """The address of the API, whether the settings give that or the one of GLPI itself."""
    base = url.rstrip("/")
    return base if base.endswith(("/apirest.php", "/api.php/v1")) else f"{base}/apirest.php"


def _reveal(tool: ToolSettings, name: str) -> str:
    secret = tool.auth.get(name)
    return secret.reveal() if secret is not None else ""
