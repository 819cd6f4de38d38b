"""ServiceNow by its REST APIs: tables, journals, audit and attachments. How to connect one: docs/servicenow.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from connector.domain.mapping import Mapping as FieldMapping
from connector.http import CONNECT_SECONDS, Http
from connector.ports import Vendor
from connector.settings import ToolSettings
from connector.vendors.servicenow.adapter import ServiceNow
from connector.vendors.servicenow.client import Client
from connector.vendors.servicenow.desk import Desk
from connector.vendors.servicenow.login import Fixed, Login, OAuth
from connector.vendors.servicenow.options import AUTH, OPTIONS, Options

__all__ = ["AUTH", "OPTIONS", "build"]


def build(tool: ToolSettings, mapping: FieldMapping, now: Callable[[], datetime]) -> Vendor:
    """The adapter of one ServiceNow; nothing is sent yet. Raises ConfigError for an address that is none."""
    options: dict[str, Any] = OPTIONS.load(dict(tool.options))
    auth: dict[str, Any] = AUTH.load(dict(tool.auth))
    http = Http(tool.url, timeout=(CONNECT_SECONDS, float(options["read_seconds"])), verify=tool.verify_tls,
                pool=tool.concurrency, proxy=options["proxy"], cert=auth.get("certificate"),
                wall=lambda: now().timestamp())
    client = Client(http, _login(http, auth), wall=lambda: now().timestamp())
    desk = Desk(tool.name, client, mapping, Options.of(options, tool.page), now, ZoneInfo(tool.timezone))
    return ServiceNow(desk, tool.webhook_secrets)


def _login(http: Http, auth: Mapping[str, Any]) -> Login:
    method = auth["method"]
    if method == "basic":
        return Fixed.basic(auth["user"], auth["password"].reveal())
    if method == "api_key":
        return Fixed.api_key(auth["key"].reveal())
    client = (auth["client_id"], auth["client_secret"].reveal())
    if method == "oauth_client":
        return OAuth(http, "client_credentials", {}, *client)
    return OAuth(http, "password", {"username": auth["user"], "password": auth["password"].reveal()}, *client)
