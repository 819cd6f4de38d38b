"""Encoded queries, built from parts that cannot break out of their place.

There is no escape for `^`, and the server evaluates values that begin with `javascript:`, so a value that holds either
is refused, not cleaned: a cleaned value would find something else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Final

from connector.domain.errors import Refused
from connector.domain.problems import shown

ID: Final = re.compile(r"[0-9A-Za-z_-]{1,40}")
FIELD: Final = re.compile(r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)*")
_OPERATORS: Final = frozenset({"=", "!=", ">", ">=", "<", "<=", "IN", "LIKE", "INSTANCEOF"})
_BREAKS: Final = re.compile(r"[\^\x00-\x1f\x7f\x85\u2028\u2029]")
_SCRIPT: Final = re.compile(r"\s*javascript\s*:", re.IGNORECASE)
_ISO: Final = re.compile(r"\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d)?")


def where(field: str, operator: str, value: str) -> str:
    """One condition. Raises Refused for a value that would not stay a value."""
    return f"{_field(field)}{_operator(operator)}{_value(field, value)}"


def one_of(field: str, values: Iterable[str]) -> str:
    """`field` is one of `values`. Raises Refused for a value with a comma, or for none at all."""
    safe = [_value(field, value) for value in values]
    if not safe or any("," in value for value in safe):
        raise Refused(f"ServiceNow: a list of values for {field} is empty or holds a comma")
    return f"{_field(field)}IN{','.join(safe)}"


def ascending(*fields: str) -> str:
    return "^".join(f"ORDERBY{_field(field)}" for field in fields)


def newest(field: str) -> str:
    return f"ORDERBYDESC{_field(field)}"


def both(*parts: str) -> str:
    """All conditions at once; empty ones are left out."""
    return "^".join(part for part in parts if part)


def either(parts: Sequence[str]) -> str:
    """Any of the conditions. Stands first or is followed by `both` only: `^OR` binds to what is before it."""
    return "^OR".join(parts)


def _field(name: str) -> str:
    if not FIELD.fullmatch(name):
        raise Refused(f"ServiceNow: {shown(name)} is not the name of a field")
    return name


def _operator(operator: str) -> str:
    if operator not in _OPERATORS:
        raise Refused(f"ServiceNow: {shown(operator)} is not an operator we use")
    return operator


def _value(field: str, value: str) -> str:
    if not isinstance(value, str) or not value:
        raise Refused(f"ServiceNow: an empty value was to be searched in {field}")
    if _BREAKS.search(value) or _SCRIPT.match(value):
        raise Refused(f"ServiceNow: {shown(value, 40)} cannot be searched in {field}: it holds `^` or a control "
                      "character, or begins with `javascript:`")
    return value


def is_id(text: object) -> bool:
    """Whether this can be a sys_id (32 hexadecimal digits; base records of old releases have other letters)."""
    return isinstance(text, str) and ID.fullmatch(text) is not None


def stamp(at: datetime) -> str:
    """A time as the API takes it: UTC without a marker, whole seconds. Raises ValueError for a time without a zone."""
    if at.tzinfo is None:
        raise ValueError("a time without a zone")
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def instant(raw: str, zone: tzinfo = UTC) -> datetime | None:
    """A stored date-time (UTC whatever the account's zone) or date (midnight in `zone`); None for "".

    Raises ValueError for anything else, such as a display value.
    """
    if not raw:
        return None
    if not _ISO.fullmatch(raw):
        raise ValueError(f"not a stored date: {raw!r}")
    if len(raw) > 10:
        return datetime.fromisoformat(raw + "+00:00")
    return datetime.fromisoformat(raw).replace(tzinfo=zone).astimezone(UTC)
