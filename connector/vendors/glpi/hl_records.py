"""Tickets of the high-level API as the same records that apirest.php gives, so that one mapping serves both."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from connector.domain.text import plain
from connector.vendors.glpi.inputs import ACTORS
from connector.vendors.glpi.names import Person
from connector.vendors.glpi.options import EMAIL, SEVERAL
from connector.vendors.glpi.zone import FORM

ROLES: Final = {"requester": 1, "assigned": 2, "observer": 3}
"""Roles of a team member and GLPI's number for them (Glpi\\Team\\Team)."""
KNOWN: Final = frozenset({
    "id", "name", "content", "status", "type", "urgency", "impact", "priority", "date", "date_mod", "date_creation",
    "solvedate", "closedate", "itilcategories_id", "locations_id", "entities_id", "requesttypes_id", "actiontime",
    "external_id", EMAIL, "is_deleted", *ACTORS})
"""What a mapping can read. `solvedate` and `closedate` are empty where GLPI's version does not show them."""
_PLAIN: Final = ("id", "name", "type", "urgency", "impact", "priority", "actiontime", "external_id", "date", "date_mod",
                 "date_creation")
_OBJECTS: Final = {"itilcategories_id": "category", "locations_id": "location", "entities_id": "entity",
                   "requesttypes_id": "request_type"}
_MEMBER: Final = re.compile(r"/(user|group|supplier)\.form\.php\?(?:.*&)?id=(\d+)", re.IGNORECASE)
_KINDS: Final = {"user": "User", "group": "Group", "supplier": "Supplier"}
_FIELDS: Final = {(kind, type): field for field, (kind, type) in ACTORS.items()}


def stamp(item: Mapping[str, Any]) -> str:
    """The last change in GLPI's local time, as its filters compare it; "" when it is not a time."""
    try:
        return datetime.fromisoformat(str(item.get("date_mod") or "")).strftime(FORM)
    except ValueError:
        return ""


def team(item: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Actor field -> id -> name shown. The kind and id of a member are only told by the address of its form."""
    found: dict[str, dict[str, str]] = {}
    for member in item.get("team") or ():
        if not isinstance(member, dict):
            continue
        place = _MEMBER.search(str(member.get("href") or ""))
        role = ROLES.get(str(member.get("role")), member.get("role"))
        field = _FIELDS.get((_KINDS[place.group(1).lower()], role)) if place and isinstance(role, int) else None
        if place and field:
            found.setdefault(field, {})[place.group(2)] = str(member.get("name") or "")
    return found


def user_ids(items: Iterable[Mapping[str, Any]]) -> set[str]:
    return {id for item in items for field, members in team(item).items() if ACTORS[field][0] == "User"
            for id in members}


def record(item: Mapping[str, Any], people: Mapping[str, Person], names: Mapping[str, str]) -> dict[str, Any]:
    """`people` by user id, `names` full names by `column/id`."""
    out: dict[str, Any] = {field: _text(item.get(field)) for field in _PLAIN}
    out["content"] = plain(_text(item.get("content")))
    status = item.get("status")
    out["status"] = _text(status.get("id") if isinstance(status, dict) else status)
    out["is_deleted"] = "1" if item.get("is_deleted") in (True, 1) else "0"
    out["solvedate"] = _text(item.get("date_solve") or item.get("solvedate"))
    out["closedate"] = _text(item.get("date_close") or item.get("closedate"))
    for field, key in _OBJECTS.items():
        inner = item.get(key)
        told: Mapping[str, Any] = inner if isinstance(inner, dict) else {}
        id = _text(told.get("id"))
        out[field] = names.get(f"{field}/{id}") or _text(told.get("completename") or told.get("name"))
    members = team(item)
    for field, (kind, _) in ACTORS.items():
        have = members.get(field, {})
        shown = (people[id].login if kind == "User" and id in people else names.get(f"groups_id/{id}", name)
                 if kind == "Group" else name for id, name in have.items())
        out[field] = SEVERAL.join(sorted(shown))
    out[EMAIL] = next((people[id].email for id in members.get("_users_id_requester", {})
                       if id in people and people[id].email), "")
    return out


def _text(value: Any) -> str:
    return "" if value is None or isinstance(value, (dict, list)) else str(value)
