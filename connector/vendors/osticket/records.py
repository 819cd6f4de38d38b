"""Tickets of the plugin as flat records, and tool fields back to what the plugin takes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from connector.domain.errors import Refused
from connector.domain.problems import did_you_mean
from connector.domain.text import bmp_only, plain
from connector.domain.vocabulary import When

NAMED: Final = {"status": "name", "priority": "name", "dept": "name", "topic": "name", "sla": "name",
                "staff": "username", "team": "name"}
"""What a ticket points at, and by which of its properties a record shows it; `<name>_id` has the id."""
CATALOG: Final = {"status": ("statuses", "name"), "priority": ("priorities", "name"), "dept": ("departments", "name"),
                  "topic": ("topics", "path"), "sla": ("slas", "name"), "staff": ("staff", "username"),
                  "team": ("teams", "name")}
PLAIN: Final = ("id", "number", "version", "created", "updated", "closed", "reopened", "due", "estimated_due",
                "overdue", "answered", "source", "subject")
MAY_BE_EMPTY: Final = frozenset({"staff", "team", "due"})
_WIRE_KEY: Final = re.compile(r"(?!sha256:)[A-Za-z0-9._:/-]{1,120}")
CREATION_ONLY: Final = frozenset({"message", "user_name", "user_email"})


def zone_reader(zone: str) -> When:
    """Reads the plugin's times (UTC with Z), and the zone-less ones inside osTicket's own event data."""
    try:
        local = ZoneInfo(zone or "UTC")
    except (KeyError, ValueError, OSError):
        local = ZoneInfo("UTC")

    def when(text: str) -> datetime | None:
        if not text or text.startswith("0000-00-00"):
            return None
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo is not None else at.replace(tzinfo=local)).astimezone(UTC)

    return when


def record(ticket: Mapping[str, Any]) -> dict[str, Any]:
    """A ticket as {tool field: raw value}; what is missing or of another shape is empty."""
    out: dict[str, Any] = {name: ticket.get(name) for name in PLAIN}
    for name, shown in NAMED.items():
        out[name] = _part(ticket, name, shown)
        out[f"{name}_id"] = _part(ticket, name, "id")
    out["state"] = _part(ticket, "status", "state")
    out["staff_name"] = _part(ticket, "staff", "name")
    for name in ("id", "name", "email"):
        out[f"user_{name}"] = _part(ticket, "user", name)
    out["org"] = _part(ticket, "org", "name")
    out["parent"] = _part(ticket, "parent", "id") if isinstance(ticket.get("parent"), Mapping) else ticket.get("parent")
    out["message"] = text_of(ticket.get("message"))
    fields = ticket.get("fields")
    for name, value in (fields.items() if isinstance(fields, Mapping) else ()):
        out[f"field.{name}"] = value
    return out


def _part(ticket: Mapping[str, Any], name: str, part: str) -> Any:
    inner = ticket.get(name)
    return inner.get(part) if isinstance(inner, Mapping) else None


def text_of(body: Any) -> str:
    """The text of a message in either format."""
    if not isinstance(body, Mapping) or not isinstance(body.get("body"), str):
        return ""
    return plain(body["body"]) if body.get("format") == "html" else body["body"]


def names(catalog: Mapping[str, Any], field: str) -> dict[str, Any]:
    """Names and ids of what a field can point at."""
    group, shown = CATALOG[field]
    rows = catalog.get(group)
    return {str(row[shown]): row["id"] for row in (rows if isinstance(rows, list) else ())
            if isinstance(row, Mapping) and row.get(shown) and "id" in row}


def changes(raw: Mapping[str, Any], catalog: Mapping[str, Any], bmp: bool, creating: bool = False) -> dict[str, Any]:
    """The body of `update` (or the part of `create` they share) for tool fields. Raises Refused naming all problems."""
    problems: list[str] = []
    body: dict[str, Any] = {}
    fields: dict[str, Any] = {}
    for name, value in raw.items():
        base = name.removesuffix("_id")
        if base in NAMED:
            body[f"{base}_id"] = _pointer(problems, catalog, base, name, value)
        elif name == "due":
            body["due"] = sent(value, bmp) if value not in (None, "") else None
        elif name == "subject":
            subject = " ".join(str(sent(value, bmp)).split())
            (body if creating else fields)["subject"] = subject
            if not subject:
                problems.append("a subject is needed")
        elif name.startswith("field."):
            fields[name.removeprefix("field.")] = sent(value, bmp) if value != "" else None
        elif not (creating and name in CREATION_ONLY):
            problems.append(f"{name} cannot be changed" + (" after creation" if name in CREATION_ONLY else ""))
    if problems:
        raise Refused(f"osTicket: {'; '.join(problems)}")
    if fields:
        body["fields"] = fields
    return body


def _pointer(problems: list[str], catalog: Mapping[str, Any], base: str, name: str, value: Any) -> Any:
    if value in (None, ""):
        if base not in MAY_BE_EMPTY:
            problems.append(f"{name} cannot be emptied")
        return None
    known = names(catalog, base)
    wanted = str(value)
    found = known.get(wanted) if name == base else {str(id): id for id in known.values()}.get(wanted)
    if found is None:
        problems.append(f"no {name} {wanted!r}{did_you_mean(wanted, known)}")
    return found


def sent(value: Any, bmp: bool) -> Any:
    """A value as the plugin takes it: times in UTC with Z, text within what the database can hold."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, (list, tuple)):
        return [sent(item, bmp) for item in value]
    return bmp_only(value) if bmp and isinstance(value, str) else value


def wire_key(key: str, place: str = "") -> str:
    """Our key as the plugin takes it. Ours is unique within its place (`comment/<id>`, `attach/<id>`) and may hold
    anything; theirs is unique for ever, of few characters and short. `own_key` undoes the plain form."""
    plain_form = f"{place}/{key}" if place else key
    if _WIRE_KEY.fullmatch(plain_form):
        return plain_form
    return f"sha256:{hashlib.sha256(plain_form.encode()).hexdigest()}"


def own_key(wire: str, place: str) -> str:
    return wire.removeprefix(f"{place}/")


def numbers(ids: Iterable[str]) -> list[str]:
    """Only ids that osTicket can have; a number without its id (`#468449`) is no id."""
    return [id for id in ids if id.isascii() and id.isdigit() and len(id) <= 18]
