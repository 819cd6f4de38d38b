"""Section `suppliers` of connector.yaml: which addresses may be called, and how much suppliers may send."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from dataclasses import fields as members
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final

from marshmallow import Schema, ValidationError, fields, validate

from connector.domain.address import AddressPolicy

PER_MINUTE: Final = 600


@dataclass(frozen=True, slots=True)
class SupplierSettings:
    """`per_minute` is how many webhooks one supplier may send; `trust` a file of certificates, "" for none."""

    policy: AddressPolicy = field(default_factory=AddressPolicy)
    per_minute: int = PER_MINUTE
    trust: str = ""

    @classmethod
    def of(cls, data: Mapping[str, Any], folder: Path) -> SupplierSettings:
        known = {member.name for member in members(AddressPolicy)}
        policy: dict[str, Any] = {key: value for key, value in data.items() if key in known}
        trust = str(folder / data["trust"]) if data.get("trust") else ""
        return cls(AddressPolicy(**policy), data.get("per_minute", PER_MINUTE), trust)


def _network(text: str) -> None:
    try:
        ip_network(text, strict=False)
    except ValueError:
        raise ValidationError("expected a network such as 10.20.0.0/16") from None


class SuppliersSchema(Schema):
    allow_http = fields.Boolean(truthy={True}, falsy={False}, metadata={
        "description": "Call suppliers without TLS too (default false)."})
    ports = fields.List(fields.Integer(strict=True, validate=validate.Range(1, 65535)),
                        validate=validate.Length(min=1),
                        metadata={"description": "Ports that may be called (default 443 and 8443)."})
    allow_hosts = fields.List(fields.String(validate=validate.Length(1, 253)), metadata={
        "description": "The only hosts that may be called, `*` for one label (default: any public one)."})
    allow_cidrs = fields.List(fields.String(validate=_network), metadata={
        "description": "Networks that may be called although they are not public. Never this machine or its link."})
    max_url = fields.Integer(strict=True, validate=validate.Range(64, 8192), metadata={
        "description": "Longest address of a supplier in characters (default 2048)."})
    per_minute = fields.Integer(strict=True, validate=validate.Range(1, 1_000_000), metadata={
        "description": f"Webhooks one supplier may send in a minute (default {PER_MINUTE})."})
    trust = fields.String(validate=validate.Length(min=1), metadata={
        "description": "File of certificates to trust besides the usual ones, relative to this file."})
