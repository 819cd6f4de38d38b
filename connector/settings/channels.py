"""Section `channels` of connector.yaml: how people are reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parseaddr
from typing import Any, Final

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from connector.domain.notices.mail_address import usable
from connector.settings.secret import Secret, SecretField

SECURITY: Final = ("starttls", "tls", "none")
PORTS: Final = {"starttls": 587, "tls": 465, "none": 25}
SERVICES: Final = {
    "chat": ("discord", "gchat", "msteams", "ntfys", "slack", "tgram", "webexteams", "workflows", "wxteams"),
    "sms": ("clicksend", "d7sms", "msg91", "nexmo", "plivo", "sinch", "twilio", "vonage"),
}
"""Apprise's names of services that live at an address of their own: what they are sent goes to no other."""


@dataclass(frozen=True, slots=True)
class MailSettings:
    """`sender` is (name, address). `own`: addresses that the tools read, to which nothing is ever sent."""

    host: str
    sender: tuple[str, str]
    port: int = PORTS["starttls"]
    security: str = "starttls"
    user: str = ""
    password: Secret | None = None
    reply_to: str = ""
    own: tuple[str, ...] = ()
    trust: str = ""
    """File of certificates to trust besides the machine's own."""
    concurrency: int = 4
    per_minute: int | None = None


@dataclass(frozen=True, slots=True)
class AppriseSettings:
    services: tuple[str, ...]
    concurrency: int = 2
    per_minute: int | None = None


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """A channel that is not set up is None: what is meant for it waits."""

    mail: MailSettings | None = None
    chat: AppriseSettings | None = None
    sms: AppriseSettings | None = None

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> ChannelSettings:
        """From checked data."""
        mail = data.get("mail")
        return cls(None if mail is None else _mail(mail), *(
            None if data.get(name) is None else _apprise(name, data[name]) for name in ("chat", "sms")))

    @property
    def own(self) -> tuple[str, ...]:
        """Addresses of ours: a mail to one of them would come back as a ticket."""
        mail = self.mail
        return () if mail is None else tuple(one for one in (mail.sender[1], mail.reply_to, *mail.own) if one)


def _mail(data: Mapping[str, Any]) -> MailSettings:
    given = {name: data[name] for name in ("host", "user", "password", "reply_to", "trust", "concurrency", "per_minute")
             if name in data}
    security = data.get("security", "starttls")
    return MailSettings(sender=parseaddr(data["from"]), security=security, port=data.get("port", PORTS[security]),
                        own=tuple(data.get("own_addresses", ())), **given)


def _apprise(name: str, data: Mapping[str, Any]) -> AppriseSettings:
    given = {key: data[key] for key in ("concurrency", "per_minute") if key in data}
    return AppriseSettings(tuple(data.get("services", SERVICES[name])), **given)


def _address(text: str) -> None:
    if not usable(text):
        raise ValidationError("expected an e-mail address")


def _sender(text: str) -> None:
    if any(ord(letter) < 32 for letter in text) or not usable(parseaddr(text)[1]):
        raise ValidationError("expected an address such as Service desk <desk@example.com>")


def _about(text: str) -> dict[str, str]:
    return {"description": text}


class _Paced(Schema):
    concurrency = fields.Integer(strict=True, validate=validate.Range(1, 32), metadata=_about("Messages at once."))
    per_minute = fields.Integer(strict=True, validate=validate.Range(1, 100_000),
                                metadata=_about("Most messages per minute (default: no limit)."))


class MailSchema(_Paced):
    host = fields.String(required=True, validate=validate.Length(1, 253), metadata=_about("SMTP server."))
    port = fields.Integer(strict=True, validate=validate.Range(1, 65535),
                          metadata=_about("Port (default 587 with starttls, 465 with tls, 25 with none)."))
    security = fields.String(validate=validate.OneOf(SECURITY), metadata=_about(
        "starttls (default), tls, or none; none only to this machine, or with allow_plain."))
    allow_plain = fields.Boolean(metadata=_about("Send without TLS to another machine (default false)."))
    trust = fields.String(metadata=_about("File of certificates to trust besides the machine's own."))
    user = fields.String(metadata=_about("Name to sign in with (default: without signing in)."))
    password = SecretField(metadata=_about("Its password."))
    sender = fields.String(required=True, data_key="from", attribute="from", validate=_sender,
                           metadata=_about("Who writes, such as Service desk <desk@example.com>."))
    reply_to = fields.String(validate=_address, metadata=_about("Where answers go (default: to the sender)."))
    own_addresses = fields.List(fields.String(validate=_address), metadata=_about(
        "Addresses the tools make tickets of: nothing is ever sent to them."))

    @validates_schema(skip_on_field_errors=True)
    def _safe(self, data: dict[str, Any], **kwargs: Any) -> None:
        here = data.get("host") in ("localhost", "127.0.0.1", "::1")
        if data.get("security") == "none" and not here and not data.get("allow_plain"):
            raise ValidationError("messages would travel in the open: use starttls, or say `allow_plain: true`",
                                  "security")
        if ("user" in data) != ("password" in data):
            raise ValidationError("goes together with `password`", "user")
        if data.get("security") == "none" and "user" in data and not here:
            raise ValidationError("a password is never sent without TLS to another machine", "user")


class AppriseSchema(_Paced):
    services = fields.List(fields.String(validate=validate.Regexp(r"[a-z0-9]{2,20}$")), validate=validate.Length(min=1),
                           metadata=_about("Apprise's names of the services that people's addresses may use."))


class ChannelsSchema(Schema):
    mail = fields.Nested(MailSchema, metadata=_about("E-mail over SMTP."))
    chat = fields.Nested(AppriseSchema, metadata=_about("Chat, by Apprise."))
    sms = fields.Nested(AppriseSchema, metadata=_about("Text messages, by Apprise."))
