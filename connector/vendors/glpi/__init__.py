"""GLPI: tickets over apirest.php (GLPI 10, and 11 where the old API is on) or over the high-level API of GLPI 11.

See docs/glpi.md for how to connect one, and docs/decisions/0030 to 0039 for why it is done this way.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final, TypedDict

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from connector.domain.errors import ConfigError, Problem
from connector.domain.mapping import Mapping
from connector.http import Http
from connector.ports import Vendor
from connector.settings import Secret, SecretField, ToolSettings
from connector.vendors.glpi.adapter import Glpi
from connector.vendors.glpi.client import Access, Client
from connector.vendors.glpi.hl_adapter import PAGE as HIGH_PAGE
from connector.vendors.glpi.hl_adapter import HighGlpi
from connector.vendors.glpi.hl_client import HighClient, OAuth
from connector.vendors.glpi.reading import PAGE
from connector.vendors.glpi.zone import Zone

__all__ = ["AUTH", "OPTIONS", "build"]


class _Auth(Schema):
    """A user token, or login and password; with the client_id and client_secret of an OAuth client, GLPI 11's
    high-level API is used."""

    app_token = SecretField()
    user_token = SecretField()
    login = fields.String(validate=validate.Length(min=1))
    password = SecretField()
    client_id = fields.String(validate=validate.Length(min=1))
    client_secret = SecretField()

    @validates_schema
    def _one_way(self, data: dict[str, Any], **kwargs: Any) -> None:
        if "user_token" in data and ("login" in data or "password" in data):
            raise ValidationError("give `user_token`, or `login` and `password`, not both")
        if "user_token" not in data and not {"login", "password"} <= data.keys():
            raise ValidationError("expected `user_token`, or `login` and `password`")
        if ("client_id" in data) != ("client_secret" in data):
            raise ValidationError("`client_id` and `client_secret` belong together")
        if "client_id" in data and "user_token" in data:
            raise ValidationError("an OAuth client needs `login` and `password` (a user token is for the old API)")


class _Options(Schema):
    api = fields.String(load_default="auto", validate=validate.OneOf(["auto", "v1", "v2"]))
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


class _Chosen(TypedDict):
    """What both adapters take alike."""

    overlap: timedelta
    solution: str
    secrets: tuple[Secret, ...]


def build(tool: ToolSettings, mapping: Mapping, now: Callable[[], datetime]) -> Vendor:
    """The adapter; nothing is sent yet. Raises ConfigError for an unusable address or missing credentials."""
    options = tool.options
    chosen: _Chosen = {"overlap": timedelta(seconds=int(options.get("overlap", 60))),
                       "solution": str(options.get("solution", "Resolved.")), "secrets": tool.webhook_secrets}
    where: dict[str, Any] = {"profile": str(options.get("profile", "")), "entity": str(options.get("entity", "")),
                             "recursive": bool(options.get("recursive", True))}
    zone, login, password = Zone(tool.timezone), str(tool.auth.get("login", "")), _reveal(tool, "password")

    def wall() -> float:
        return now().timestamp()

    if _high_level(tool):
        http = Http(root(tool.url) + "/api.php", verify=tool.verify_tls, pool=tool.concurrency, wall=wall)
        high = HighClient(http, OAuth(str(tool.auth["client_id"]), _reveal(tool, "client_secret"), login, password,
                                      **where))
        return HighGlpi(tool.name, high, mapping, zone, now, size=tool.page or HIGH_PAGE, **chosen)
    http = Http(address(tool.url), verify=tool.verify_tls, pool=tool.concurrency, wall=wall)
    client = Client(http, Access(user_token=_reveal(tool, "user_token"), login=login, password=password,
                                 app_token=_reveal(tool, "app_token"), **where))
    return Glpi(tool.name, client, mapping, zone, now, size=tool.page or PAGE, **chosen)


def _high_level(tool: ToolSettings) -> bool:
    """The two APIs take different credentials, so what was given tells which is meant, unless `api` says it."""
    api, has = tool.options.get("api", "auto"), "client_id" in tool.auth
    if api == "v2" and not has:
        raise ConfigError([Problem("`api: v2` needs `client_id` and `client_secret`", path=f"tools.{tool.name}.auth")])
    return api == "v2" or (api == "auto" and has)


def root(url: str) -> str:
    """The address of GLPI itself, whether the settings give that or the one of an API."""
    return re.sub(r"/(apirest\.php|api\.php(/v[\d.]+)?)/*$", "", url.rstrip("/"))


def address(url: str) -> str:
    """The address of the old API. One given as .../api.php/v1 is kept."""
    return url.rstrip("/") if url.rstrip("/").endswith("/api.php/v1") else root(url) + "/apirest.php"


def _reveal(tool: ToolSettings, name: str) -> str:
    secret = tool.auth.get(name)
    return secret.reveal() if secret is not None else ""
