"""What GLPI takes from a body: columns of a ticket, actors, and the traps of its lax reading."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from connector.sandbox.glpi.show import ROLE_BACK, Item
from connector.sandbox.glpi.side import SCALE_BACK, Glpi, instant

TITLE: Final = 255
_NUMBERS: Final = {"entities_id": "company", "locations_id": "site", "itilcategories_id": "category"}
_DATES: Final = {"date": "opened_at", "solvedate": "resolved_at", "closedate": "closed_at", "time_to_resolve": "due_at",
                 "time_to_own": "time_to_own"}
_EXTRA: Final = ("requesttypes_id", "slas_id_ttr", "slas_id_tto", "olas_id_ttr", "olas_id_tto")
_PEOPLE: Final = {"_users_id_requester": ("requester", "person"), "_users_id_assign": ("assigned", "person"),
                  "_users_id_observer": ("observer", "person"), "_groups_id_requester": ("requester", "group"),
                  "_groups_id_assign": ("assigned", "group"), "_groups_id_observer": ("observer", "group"),
                  "_suppliers_id_assign": ("assigned", "supplier")}
_ACTOR_ROLES: Final = {"requester": "requester", "assign": "assigned", "observer": "observer"}
_ITEMTYPES: Final = {"User": "person", "Group": "group", "Supplier": "supplier"}


class Fatal(Exception):
    """A PHP fatal error: status 200 with an empty body."""


def columns(given: Item, side: Glpi, zone: str) -> dict[str, Any]:
    """Changes of the desk. Unknown keys are ignored, values out of range become the middle. Raises Fatal."""
    made: dict[str, Any] = {}
    if "name" in given:
        made["title"] = str(given["name"] or "")[:TITLE]
    if "content" in given:
        made["description"] = str(given["content"] or "")
    if "status" in given:
        made["status"] = str(_int(given["status"]))
    if "type" in given:
        made["kind"] = "service_request" if _int(given["type"]) == 2 else "incident"
    for key in ("urgency", "impact"):
        if key in given:
            made[key] = SCALE_BACK.get(_int(given[key]), "medium")
    if "priority" in given:
        made["priority"] = _int(given["priority"])
    for key, field in _NUMBERS.items():
        if key in given:
            number = _int(given[key], fatal=key == "itilcategories_id")
            made[field] = number or (None if field == "category" else 0)
    for key, field in _DATES.items():
        if given.get(key):
            try:
                made[field] = instant(str(given[key]), zone)
            except ValueError:
                continue
        elif key in given and key != "date":
            made[field] = None
    made.update({key: _int(given[key]) for key in _EXTRA if key in given})
    return made


def _int(value: Any, fatal: bool = False) -> int:
    try:
        return int(value or 0)
    except (TypeError, ValueError):
        if fatal:
            raise Fatal from None
        return 0


def actors(given: Item) -> Iterator[tuple[str, str, int, str]]:
    """Role, kind, id and address of the actors in a body."""
    for key, (role, kind) in _PEOPLE.items():
        if key in given:
            values = given[key] if isinstance(given[key], list) else [given[key]]
            for value in values:
                if _int(value):
                    yield role, kind, _int(value), ""
    for name, entries in (given.get("_actors") or {}).items():
        for entry in entries if name in _ACTOR_ROLES else ():
            who, mail = _int(entry.get("items_id")), str(entry.get("alternative_email") or "")
            if who or mail:
                yield _ACTOR_ROLES[name], _ITEMTYPES.get(str(entry.get("itemtype")), "person"), who, mail
    for name, role in (("_itil_requester", "requester"), ("_itil_assign", "assigned"), ("_itil_observer", "observer")):
        entry = given.get(name)
        if isinstance(entry, dict):
            kind = {"user": "person", "group": "group", "supplier": "supplier"}.get(str(entry.get("_type")), "person")
            key = {"person": "users_id", "group": "groups_id", "supplier": "suppliers_id"}[kind]
            if _int(entry.get(key)):
                yield role, kind, _int(entry.get(key)), ""


def link(itemtype: str, given: Item) -> tuple[str, str, int, str]:
    """The actor a Ticket_User, Group_Ticket or Supplier_Ticket stands for."""
    kind, key = {"Ticket_User": ("person", "users_id"), "Group_Ticket": ("group", "groups_id"),
                 "Supplier_Ticket": ("supplier", "suppliers_id")}[itemtype]
    return (ROLE_BACK.get(_int(given.get("type")) or 1, "requester"), kind, _int(given.get(key)),
            str(given.get("alternative_email") or ""))
