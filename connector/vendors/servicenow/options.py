"""What can be set for a ServiceNow: how to log in, and how to read and write it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from connector.settings.secret import SecretField
from connector.vendors.servicenow.query import FIELD

TABLES: Final = ("incident", "sc_req_item", "sc_task", "problem", "change_request")
WITH_STATE: Final[dict[str, dict[str, str]]] = {
    "incident/6": {"close_code": "Solution provided", "close_notes": "Resolved (see the work notes)."},
    "incident/7": {"close_code": "Solution provided", "close_notes": "Closed (see the work notes)."},
    "problem/106": {"resolution_code": "fix_applied", "fix_notes": "Resolved (see the work notes)."},
    "change_request/3": {"close_code": "successful", "close_notes": "Closed (see the work notes)."},
}
"""What the base system wants beside a state, in the same request."""
REFERENCES: Final[dict[str, str]] = {
    "assignment_group": "sys_user_group", "assigned_to": "sys_user", "caller_id": "sys_user", "opened_by": "sys_user",
    "requested_for": "sys_user", "requested_by": "sys_user", "resolved_by": "sys_user", "closed_by": "sys_user",
    "company": "core_company", "vendor": "core_company", "location": "cmn_location", "cmdb_ci": "cmdb_ci",
    "business_service": "cmdb_ci_service", "service_offering": "service_offering", "contract": "ast_contract",
    "cat_item": "sc_cat_item", "department": "cmn_department",
}
"""The table behind each reference field of the base system."""
HTML: Final = ("workaround", "cause_notes", "fix_notes")
_TABLE: Final = validate.Regexp(r"^[a-z_][a-z0-9_]*$", error="expected the name of a table, such as incident")
_FIELD: Final = validate.Regexp(rf"^{FIELD.pattern}$", error="expected the name of a field")


def _day(text: str) -> None:
    if text:
        try:
            date.fromisoformat(text)
        except ValueError:
            raise ValidationError("expected a day such as 2025-01-31") from None


class AuthSchema(Schema):
    """`method` says which of the others are needed."""

    NEEDS: Final = {
        "basic": {"user", "password"},
        "oauth_password": {"user", "password", "client_id", "client_secret"},
        "oauth_client": {"client_id", "client_secret"},
        "api_key": {"key"},
    }

    method = fields.String(load_default="basic", validate=validate.OneOf(sorted(NEEDS)))
    user = fields.String(validate=validate.Length(min=1))
    password = SecretField()
    client_id = fields.String(validate=validate.Length(min=1))
    client_secret = SecretField()
    key = SecretField()
    certificate = fields.String()
    """Path of a client certificate with its key (PEM), where the instance wants one."""

    @validates_schema(skip_on_field_errors=True)
    def complete(self, data: Mapping[str, Any], **kwargs: Any) -> None:
        needs = self.NEEDS[data["method"]]
        wrong = {name: [f"needed for method {data['method']}"] for name in sorted(needs - set(data))}
        wrong |= {name: [f"not used by method {data['method']}"]
                  for name in sorted(set(data) - needs - {"method", "certificate"})}
        if wrong:
            raise ValidationError(wrong)


class OptionsSchema(Schema):
    tables = fields.List(fields.String(validate=_TABLE), load_default=list(TABLES), validate=validate.Length(min=1))
    filter = fields.String(load_default="")
    start = fields.String(load_default="", validate=_day)
    overlap_seconds = fields.Integer(load_default=120, validate=validate.Range(min=120, max=86_400))
    parent_probe = fields.Boolean(load_default=True)
    account = fields.String(load_default="")
    display_name = fields.String(load_default="Servicedesk Connector", validate=validate.Length(min=1, max=100))
    with_state = fields.Dict(keys=fields.String(validate=validate.Regexp(r"^[a-z0-9_]+/-?\w+$")),
                             values=fields.Dict(keys=fields.String(validate=_FIELD), values=fields.String()),
                             load_default=dict)
    references = fields.Dict(keys=fields.String(validate=_FIELD), values=fields.String(validate=_TABLE),
                             load_default=dict)
    html_fields = fields.List(fields.String(validate=_FIELD), load_default=list(HTML))
    history = fields.String(load_default="auto", validate=validate.OneOf(("auto", "audit", "metrics", "journals")))
    proxy = fields.String(load_default="", validate=validate.Regexp(
        r"^$|^https?://[^/@\s]+/?$", error="expected http://host:port, without a login"))
    read_seconds = fields.Integer(load_default=60, validate=validate.Range(min=5, max=300))

    @validates_schema(skip_on_field_errors=True)
    def sound(self, data: Mapping[str, Any], **kwargs: Any) -> None:
        tables = data["tables"]
        if len(set(tables)) != len(tables):
            raise ValidationError("a table is named twice", "tables")
        if "task" in tables and len(tables) > 1:
            raise ValidationError("task holds the rows of the others, which would be read twice", "tables")
        starts = ("NQ", "ORDERBY", "GROUPBY", "EQ")
        if "javascript:" in data["filter"] or any(part.startswith(starts) for part in data["filter"].split("^")):
            raise ValidationError("only conditions joined by ^ and ^OR, without scripts", "filter")


AUTH: Final = AuthSchema()
OPTIONS: Final = OptionsSchema()


@dataclass(frozen=True, slots=True)
class Options:
    """The options of one tool, checked. `with_state` and `references` add to what the base system has."""

    tables: tuple[str, ...] = TABLES
    filter: str = ""
    start: datetime | None = None
    overlap: timedelta = timedelta(seconds=120)
    parent_probe: bool = True
    account: str = ""
    display_name: str = "Servicedesk Connector"
    with_state: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: WITH_STATE)
    references: Mapping[str, str] = field(default_factory=lambda: REFERENCES)
    html_fields: frozenset[str] = frozenset(HTML)
    history: str = "auto"
    page: int = 1000

    @classmethod
    def of(cls, data: Mapping[str, Any], page: int | None = None) -> Options:
        """From what OPTIONS loaded. Raises nothing."""
        start = date.fromisoformat(data["start"]) if data["start"] else None
        return cls(
            tables=tuple(data["tables"]), filter=data["filter"],
            start=datetime(start.year, start.month, start.day, tzinfo=UTC) if start else None,
            overlap=timedelta(seconds=data["overlap_seconds"]), parent_probe=data["parent_probe"],
            account=data["account"], display_name=data["display_name"],
            with_state={**WITH_STATE, **data["with_state"]}, references={**REFERENCES, **data["references"]},
            html_fields=frozenset(data["html_fields"]), history=data["history"], page=page or 1000,
        )
