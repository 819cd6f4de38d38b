"""The shape of connector.yaml, as marshmallow schemas."""

from __future__ import annotations

import re
from datetime import timedelta
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from connector.domain.importing.rows import zone
from connector.domain.retention import Retention
from connector.settings.channels import ChannelsSchema
from connector.settings.secret import Secret, SecretField
from connector.settings.suppliers import SuppliersSchema

TOOL_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}$")
LANGUAGES: Final = ("en", "fr")
_DURATION: Final = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)\s*(ms|s|m|h|d)$")
_UNITS: Final = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_SHORTEST_SECRET: Final = 16


class Text(fields.String):
    """Text; a reference to a secret has no place here."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if isinstance(value, Secret):
            raise ValidationError("expected a text: {env: ...} and {file: ...} are for secrets")
        return super()._deserialize(value, attr, data, **kwargs)


class Duration(fields.Field[timedelta]):
    """`30s`, `5m`, `24h`, `2d`, `500ms`; `least` and `most` bound it."""

    def __init__(self, *, least: str, most: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.least, self.most = duration(least), duration(most)
        self.bounds = f"from {least} to {most}"

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> timedelta:
        try:
            found = duration(value)
        except ValueError as error:
            raise ValidationError(str(error)) from None
        if not self.least <= found <= self.most:
            raise ValidationError(f"expected a duration {self.bounds}")
        return found


def duration(value: Any) -> timedelta:
    """Raises ValueError for what is not a number with a unit."""
    match = _DURATION.match(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError('expected a duration such as "30s", "5m" or "24h"')
    return timedelta(**{_UNITS[match[2]]: float(match[1])})


class Zone(Text):
    """The name of a time zone of the IANA database."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        name = super()._deserialize(value, attr, data, **kwargs)
        try:
            zone(name)
        except ValueError as error:
            raise ValidationError(str(error)) from None
        return name


class Url(Text):
    """An http(s) address without a password in it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs).strip()
        try:
            parts = urlsplit(text)
            port_is_fine = parts.port != 0
        except ValueError:
            raise ValidationError("is not an address") from None
        if parts.username is not None or parts.password is not None:
            raise ValidationError("the address holds a user name or password: put them under `auth`")
        if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_fine:
            raise ValidationError("expected an address such as https://desk.example.com")
        if parts.query or parts.fragment or any(char.isspace() for char in text):
            raise ValidationError("expected an address without `?`, `#` or blanks")
        return text.rstrip("/")


def is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class StoreUrl(Text):
    """`sqlite:///FILE` or `postgresql://USER@HOST/DATABASE`; the password has its own place."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            parts = urlsplit(text)
        except ValueError:
            raise ValidationError("is not an address") from None
        if parts.password is not None:
            raise ValidationError("the address holds a password: put it under `store.password`")
        make = parts.scheme.split("+")[0]
        if make == "sqlite" and text.startswith("sqlite:///"):
            return text
        if make == "postgresql" and parts.path.strip("/"):
            return text
        raise ValidationError("expected sqlite:///FILE or postgresql://USER@HOST/DATABASE")


class LongSecret(SecretField):
    """A secret we sign with: short ones can be guessed."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Secret:
        secret = super()._deserialize(value, attr, data, **kwargs)
        # An unresolved reference is "" and has been reported by then.
        if 0 < len(secret.reveal()) < _SHORTEST_SECRET:
            raise ValidationError(f"is shorter than {_SHORTEST_SECRET} characters")
        return secret


class Tls(fields.Field[Any]):
    """true, false, or the path of a file with the certificates to trust."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool | str:
        if isinstance(value, bool) or (isinstance(value, str) and value):
            return value
        raise ValidationError("expected true, false or the path of a certificate file")


def _about(text: str) -> dict[str, str]:
    return {"description": text}


class ToolSchema(Schema):
    vendor = Text(required=True, metadata=_about("Make of the tool: servicenow, glpi, osticket."))
    url = Url(required=True, metadata=_about("Address of the tool. https, except on this machine."))
    mapping = Text(required=True, validate=validate.Length(min=1),
                   metadata=_about("File of the mapping, relative to this file."))
    timezone = Zone(metadata=_about("Zone of the tool's times, where it sends them without one (default UTC)."))
    auth = fields.Dict(metadata=_about("How to sign in; what it holds depends on the vendor."))
    options = fields.Dict(metadata=_about("What else the vendor's adapter can be told."))
    poll_every = Duration(least="1s", most="24h", metadata=_about("Pause between two polls (default 30s)."))
    sweep_every = Duration(least="1m", most="60d",
                           metadata=_about("Pause between two sweeps over all ids, to find deletions (default 24h)."))
    page = fields.Integer(strict=True, validate=validate.Range(1, 10_000), metadata=_about("Tickets per request."))
    concurrency = fields.Integer(strict=True, validate=validate.Range(1, 64),
                                 metadata=_about("Writes at the same time (default 4)."))
    per_minute = fields.Integer(strict=True, validate=validate.Range(1, 100_000),
                                metadata=_about("Most writes per minute (default: no limit)."))
    webhook_secrets = fields.List(LongSecret(), metadata=_about("Secrets of the tool's webhooks; all are valid."))
    verify_tls = Tls(metadata=_about("Check the tool's certificate (default true), or a file of certificates."))
    allow_http = fields.Boolean(metadata=_about("Accept an address without TLS on another machine (default false)."))

    @validates_schema(skip_on_field_errors=False)
    def _encrypted(self, data: dict[str, Any], **kwargs: Any) -> None:
        url = data.get("url", "")
        if url.startswith("http://") and not is_loopback(url) and not data.get("allow_http"):
            raise ValidationError("passwords would travel in the open: use https, or say `allow_http: true`", "url")


class StoreSchema(Schema):
    url = StoreUrl(metadata=_about("sqlite:///FILE (relative to this file) or postgresql://USER@HOST/DATABASE."))
    password = SecretField(metadata=_about("Password of the database user."))


class WebSchema(Schema):
    public_url = Url(metadata=_about("Address under which people and tools reach this service."))
    host = Text(validate=validate.Length(min=1), metadata=_about("Address to listen on (default 127.0.0.1)."))
    port = fields.Integer(strict=True, validate=validate.Range(0, 65535),
                          metadata=_about("Port to listen on (default 8080; 0 takes a free one)."))
    session_secret = LongSecret(metadata=_about("Signs the cookies; made and kept beside the file if absent."))


class RetentionSchema(Schema):
    deliveries = Duration(least="7d", most="3660d", metadata=_about(
        "How long finished deliveries are kept once their ticket has ended (default 180d)."))
    inbox = Duration(least="4d", most="3660d", metadata=_about(
        "How long messages are remembered, so that a repeat is recognised: senders repeat for days (default 30d)."))
    audit = Duration(least="30d", most="3660d", metadata=_about("How long the audit trail is kept (default 730d)."))

    @validates_schema
    def _audit_longest(self, data: dict[str, Any], **kwargs: Any) -> None:
        """Who did it must be known as long as what was done."""
        kept = Retention(**data)
        if kept.audit < max(kept.deliveries, kept.inbox):
            raise ValidationError("expected the audit trail to be kept at least as long as the rest", "audit")


class SettingsSchema(Schema):
    name = Text(validate=validate.Length(1, 60), metadata=_about("Name of this service, shown on its pages."))
    timezone = Zone(metadata=_about("Zone in which pages show times (default UTC)."))
    languages = fields.List(Text(validate=validate.OneOf(LANGUAGES)), validate=validate.Length(min=1),
                            metadata=_about("Languages of the pages, the first is the default."))
    web = fields.Nested(WebSchema)
    store = fields.Nested(StoreSchema)
    channels = fields.Nested(ChannelsSchema)
    suppliers = fields.Nested(SuppliersSchema)
    retention = fields.Nested(RetentionSchema)
    tools = fields.Dict(
        keys=Text(validate=validate.Regexp(TOOL_NAME, error="expected a short name of a-z, 0-9, - and _")),
        values=fields.Nested(ToolSchema), metadata=_about("The tools to connect, by a name of your choice."))
