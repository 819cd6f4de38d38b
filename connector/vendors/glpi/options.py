"""GLPI's fields under the numbers its search engine knows them by (`search options`), and rows turned into records.

Records use the names of GLPI's own columns and inputs: `name`, `status`, `itilcategories_id`, `_groups_id_assign`.
Foreign keys hold names, people their login, several values of one field are joined by ` | `. Numbers are those of
CommonITILObject::rawSearchOptions (GLPI 10.0.12); they are verified against the tool before the first use, because a
wrong number would read another field without any error.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from connector.domain.errors import Refused
from connector.domain.text import plain, unescape_once

SEVERAL: Final = " | "

TICKET: Final[dict[str, int]] = {
    "id": 2, "name": 1, "content": 21, "status": 12, "type": 14, "urgency": 10, "impact": 11, "priority": 3,
    "date": 15, "date_mod": 19, "solvedate": 17, "closedate": 16, "time_to_resolve": 18, "time_to_own": 155,
    "internal_time_to_resolve": 180, "internal_time_to_own": 185, "actiontime": 45,
    "itilcategories_id": 7, "entities_id": 80, "locations_id": 83, "requesttypes_id": 9, "pendingreasons_id": 400,
    "_users_id_requester": 4, "_groups_id_requester": 71, "_users_id_observer": 66, "_groups_id_observer": 65,
    "_users_id_assign": 5, "_groups_id_assign": 8, "_suppliers_id_assign": 6,
    "users_id_recipient": 22, "users_id_lastupdater": 64, "_alternative_email": 34,
}
USERS: Final = frozenset({"_users_id_requester", "_users_id_observer", "_users_id_assign"})
"""Cells that hold user ids; every other cell holds names or values."""
HTML: Final = frozenset({"content"})
DATES: Final = frozenset({"date", "date_mod", "solvedate", "closedate", "time_to_resolve", "time_to_own",
                          "internal_time_to_resolve", "internal_time_to_own"})
EMAIL: Final = "_requester_email"
"""Not a search option of a ticket: taken from the requester, or from the address of an unknown one."""
ALTERNATIVE: Final = "_alternative_email"
FREE: Final = "option."
"""`option.76665` reads any other search option by its number, such as those that plugins add."""

_EXPECTED: Final[dict[str, tuple[str, str]]] = {
    "itilcategories_id": ("glpi_itilcategories", "completename"), "entities_id": ("glpi_entities", "completename"),
    "locations_id": ("glpi_locations", "completename"), "requesttypes_id": ("glpi_requesttypes", "name"),
    "pendingreasons_id": ("glpi_pendingreasons", "name"),
    "_users_id_requester": ("glpi_users", "name"), "_users_id_observer": ("glpi_users", "name"),
    "_users_id_assign": ("glpi_users", "name"), "users_id_recipient": ("glpi_users", "name"),
    "users_id_lastupdater": ("glpi_users", "name"), "_groups_id_requester": ("glpi_groups", "completename"),
    "_groups_id_observer": ("glpi_groups", "completename"), "_groups_id_assign": ("glpi_groups", "completename"),
    "_suppliers_id_assign": ("glpi_suppliers", "name"),
    "_alternative_email": ("glpi_tickets_users", "alternative_email"),
}


def numbers(fields: Collection[str]) -> dict[str, int]:
    """The search options to ask for. Raises Refused naming the fields GLPI has no option for."""
    wanted = {"id", "date_mod", *fields} - {EMAIL, "is_deleted"}
    if EMAIL in fields:
        wanted |= {"_users_id_requester", ALTERNATIVE}
    found, unknown = {}, []
    for field in sorted(wanted):
        own = field[len(FREE):] if field.startswith(FREE) else ""
        if field in TICKET:
            found[field] = TICKET[field]
        elif own.isdigit():
            found[field] = int(own)
        else:
            unknown.append(field)
    if unknown:
        raise Refused(f"the mapping reads fields GLPI's search does not give: {', '.join(unknown)} "
                      f"(known: {', '.join(sorted(TICKET))}, {EMAIL}, {FREE}<number>)")
    return found


def verify(asked: Mapping[str, int], listed: Any) -> None:
    """Hold the numbers against /listSearchOptions. Raises Refused naming every one that means something else there."""
    options = listed if isinstance(listed, dict) else {}
    wrong = []
    for field, number in asked.items():
        option = options.get(str(number))
        if not isinstance(option, dict) or "table" not in option:
            wrong.append(f"{field} ({number} is not there)")
            continue
        have = (option.get("table"), option.get("field"))
        if not field.startswith(FREE) and have != _EXPECTED.get(field, ("glpi_tickets", field)):
            wrong.append(f"{field} ({number} is {have[0]}.{have[1]})")
    if wrong:
        raise Refused(f"GLPI's search options differ from what is known: {', '.join(wrong)}")


def values(cell: Any, escaped: bool = False) -> list[str]:
    """The values of a cell: none for null, one for a scalar, several for a list; each unescaped once if escaped."""
    if cell is None or cell == "":
        return []
    found = [str(value) for value in (cell if isinstance(cell, list) else [cell]) if value is not None and value != ""]
    return [unescape_once(value) for value in found] if escaped else found


def user_ids(rows: Iterable[Mapping[str, Any]], asked: Mapping[str, int]) -> set[str]:
    keys = [str(asked[field]) for field in USERS if field in asked]
    return {value for row in rows for key in keys for value in values(row.get(key)) if value.isdigit()}


def record(row: Mapping[str, Any], asked: Mapping[str, int], people: Mapping[str, tuple[str, str]],
           escaped: bool) -> dict[str, Any]:
    """A row of a search as a record. `people` gives login and address of each user id."""
    out: dict[str, Any] = {}
    for field, number in asked.items():
        found = values(row.get(str(number)), escaped)
        if field in USERS:
            found = [people.get(value, (f"#{value}", ""))[0] for value in found if value != "0"]
        elif field in HTML:
            found = [plain(found[0])] if found else []
        # Sorted: GLPI gives several values in no order, and a mere change of order is no change.
        out[field] = SEVERAL.join(sorted(found))
    addresses = [people.get(value, ("", ""))[1] for value in values(row.get(str(TICKET["_users_id_requester"])))]
    out[EMAIL] = next((address for address in addresses if address), out.get(ALTERNATIVE, "").split(SEVERAL)[0])
    return out
