"""ServiceNow's rows and values, flattened for a mapping and made ready for a write."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from connector.domain.errors import Refused
from connector.domain.text import html, plain
from connector.vendors.servicenow.query import stamp

TABLE: Final = "_table"
"""Pseudo field of a record: the configured table it was read from (`sys_class_name` may be a table below it)."""
DISPLAY: Final = "@display"
"""`category@display` in a mapping asks for the shown value of `category` beside the stored one."""
ALWAYS: Final = ("sys_updated_on", "sys_mod_count", "sys_class_name", "number")
_CODE: Final = re.compile(r"\[(/?)(code)\]", re.IGNORECASE)
_CODED: Final = re.compile(r"\[code\](.*?)(?:\[/code\]|\Z)", re.IGNORECASE | re.DOTALL)
_SHORTENED: Final = 20


def asked_fields(reads: Iterable[str]) -> list[str]:
    """The fields to ask the API for, so that a mapping gets all it reads."""
    names = {name.removesuffix(DISPLAY) for name in reads} - {TABLE}
    return sorted(names | {"sys_id", *ALWAYS})


def shows(reads: Iterable[str]) -> bool | str:
    """`sysparm_display_value` for a mapping: both values cost look-ups, so only where one is asked for."""
    return "all" if any(name.endswith(DISPLAY) for name in reads) else False


def spread(row: dict[str, Any]) -> dict[str, Any]:
    """A row with plain values, whatever form the instance gave them: a reference comes as a link and a value, or with
    both values of a field; an empty one as ""."""
    if dict not in map(type, row.values()):
        return row
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, dict):
            flat[name] = value.get("value", "")
            if "display_value" in value:
                flat[name + DISPLAY] = value["display_value"]
        else:
            flat[name] = value
    return flat


def flatten(row: Mapping[str, Any], table: str, html_fields: Collection[str] = ()) -> dict[str, Any]:
    """A row as a record for the mapping."""
    record: dict[str, Any] = {**row, TABLE: table}
    for name in html_fields:
        if record.get(name):
            record[name] = plain(str(record[name]))
    return record


def change_stamp(row: Mapping[str, Any]) -> str:
    """What moves whenever a row changes."""
    return f"{bare(row.get('sys_updated_on'))} {bare(row.get('sys_mod_count'))}"


def bare(value: Any) -> str:
    """A value as the plain text it is stored as."""
    return "" if value is None else str(value)


def encoded(value: Any) -> str:
    """A raw value of a mapping as the API takes it: everything is text, times are UTC, nothing is "". """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, (list, tuple)):
        return ",".join(encoded(item) for item in value)
    return str(value)


def for_field(name: str, value: str, html_fields: Collection[str]) -> str:
    return html(value) if name in html_fields else value


def neutral(text: str) -> str:
    """Text from outside for a journal, where `[code]` would be rendered as HTML."""
    return _CODE.sub(r"[\1 \2]", text)


def readable(text: str) -> str:
    """A journal entry as plain text: what stands between `[code]` marks is HTML."""
    return _CODED.sub(lambda found: plain(found.group(1)), text).strip() if "[" in text else text


def ignored(sent: Mapping[str, str], kept: Mapping[str, Any]) -> list[str]:
    """Fields of a write that the record does not show afterwards: the API says 200 and drops what may not be written.

    A field that is absent from the answer cannot be read by us, and may well have been taken.
    """
    return sorted(name for name, value in sent.items() if name in kept and not _took(value, bare(kept[name])))


def _took(sent: str, kept: str) -> bool:
    a, b = sent.replace("\r\n", "\n").strip(), kept.replace("\r\n", "\n").strip()
    if a == b or (len(b) >= _SHORTENED and a.startswith(b)):  # cut to the length of the field
        return True
    if {a, b} <= {"true", "false", "1", "0"}:
        return (a in ("true", "1")) == (b in ("true", "1"))
    try:
        return float(a) == float(b)
    except ValueError:
        return False


def check_plain(raw: Mapping[str, Any]) -> None:
    """Raises Refused for fields of a mapping's write that are not fields of the tool."""
    wrong = sorted(name for name in raw if name == TABLE or name.endswith(DISPLAY) or name.startswith("sys_"))
    if wrong:
        raise Refused(f"ServiceNow: {', '.join(wrong)} cannot be written")
