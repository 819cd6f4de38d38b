"""Search options of a ticket in GLPI 10.0.12: number, label, table, column, kind of value, name.

Numbers and names are facts recorded from /listSearchOptions (tests hold them against the recording).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

_TEXT: Final = ["contains", "notcontains"]
_DATE: Final = ["equals", "notequals", "lessthan", "morethan", "contains", "notcontains"]
_BOOL: Final = ["equals", "notequals", "contains", "notcontains"]
_DROP: Final = ["contains", "notcontains", "equals", "notequals"]
_TREE: Final = [*_DROP, "under", "notunder"]
_EQ: Final = ["equals"]
_BOTH: Final = ["equals", "notequals"]
_T: Final = "glpi_tickets"

TICKET: Final[dict[int, tuple[str, str, str, str, list[str], str]]] = {
    1: ("Title", _T, "name", "itemlink", _TEXT, "name"),
    21: ("Description", _T, "content", "text", _TEXT, "content"),
    2: ("ID", _T, "id", "number", _TEXT, "id"),
    12: ("Status", _T, "status", "specific", _EQ, "status"),
    10: ("Urgency", _T, "urgency", "specific", _EQ, "urgency"),
    11: ("Impact", _T, "impact", "specific", _EQ, "impact"),
    3: ("Priority", _T, "priority", "specific", _EQ, "priority"),
    15: ("Opening date", _T, "date", "datetime", _DATE, "date"),
    16: ("Closing date", _T, "closedate", "datetime", _DATE, "closedate"),
    18: ("Time to resolve", _T, "time_to_resolve", "datetime", _DATE, "time_to_resolve"),
    151: ("Time to resolve + Progress", _T, "time_to_resolve", "", _TEXT, "time_to_resolve"),
    17: ("Resolution date", _T, "solvedate", "datetime", _DATE, "solvedate"),
    19: ("Last update", _T, "date_mod", "datetime", _DATE, "date_mod"),
    7: ("Category", "glpi_itilcategories", "completename", "dropdown", _TREE, "ITILCategory.completename"),
    80: ("Entity", "glpi_entities", "completename", "dropdown", _TREE, "Entity.completename"),
    45: ("Total duration", _T, "actiontime", "timestamp", _TEXT, "actiontime"),
    64: ("Last edit by", "glpi_users", "name", "dropdown", _DROP, "users_id_lastupdater.User.name"),
    400: ("Pending reason", "glpi_pendingreasons", "name", "dropdown", _BOTH, "PendingReason_Item.PendingReason.name"),
    83: ("Location", "glpi_locations", "completename", "dropdown", _TREE, "Location.completename"),
    155: ("Time to own", _T, "time_to_own", "datetime", _DATE, "time_to_own"),
    158: ("Time to own + Progress", _T, "time_to_own", "", _TEXT, "time_to_own"),
    180: ("Internal time to resolve", _T, "internal_time_to_resolve", "datetime", _DATE, "internal_time_to_resolve"),
    185: ("Internal time to own", _T, "internal_time_to_own", "datetime", _DATE, "internal_time_to_own"),
    14: ("Type", _T, "type", "specific", _EQ, "type"),
    9: ("Request source", "glpi_requesttypes", "name", "dropdown", _DROP, "RequestType.name"),
    4: ("Requester", "glpi_users", "name", "dropdown", _DROP, "Ticket_User.User.name"),
    71: ("Requester group", "glpi_groups", "completename", "dropdown", _TREE, "Group_Ticket.Group.completename"),
    22: ("Writer", "glpi_users", "name", "dropdown", _DROP, "users_id_recipient.User.name"),
    66: ("Watcher", "glpi_users", "name", "dropdown", _DROP, "Ticket_User.User.name"),
    65: ("Watcher group", "glpi_groups", "completename", "dropdown", _TREE, "Group_Ticket.Group.completename"),
    5: ("Technician", "glpi_users", "name", "dropdown", _DROP, "Ticket_User.User.name"),
    6: ("Assigned to a supplier", "glpi_suppliers", "name", "dropdown", _DROP, "Supplier_Ticket.Supplier.name"),
    8: ("Technician group", "glpi_groups", "completename", "dropdown", _TREE, "Group_Ticket.Group.completename"),
    34: ("Email for followup", "glpi_tickets_users", "alternative_email", "email", _TEXT,
         "Ticket_User.alternative_email"),
    35: ("Email followup", "glpi_tickets_users", "use_notification", "bool", _BOOL, "Ticket_User.use_notification"),
}
"""The last part is the name behind `Ticket.`, as uid_cols gives it."""
_UNSEARCHABLE: Final = frozenset({151, 158, 45})
USERS: Final = frozenset({4, 5, 22, 64, 66})
NAMED: Final = frozenset({6, 7, 8, 9, 65, 71, 80, 83, 400})
DEFAULT: Final = (2, 1, 12, 19, 15, 3, 4, 5, 7, 18)
"""Columns of a fresh GLPI when none are asked for."""
OTHERS: Final[dict[str, dict[int, tuple[str, str]]]] = {
    "User": {1: ("Login", "name"), 2: ("ID", "id"), 5: ("Email", "email"), 8: ("Active", "is_active"),
             9: ("First name", "firstname"), 34: ("Last name", "realname")},
    "Document": {1: ("Name", "name"), 2: ("ID", "id"), 3: ("File", "filename"), 16: ("Comments", "comment"),
                 19: ("Last update", "date_mod"), 20: ("SHA1", "sha1sum")},
    "Group": {1: ("Name", "completename"), 2: ("ID", "id")},
    "ITILCategory": {1: ("Name", "completename"), 2: ("ID", "id")},
    "Supplier": {1: ("Name", "name"), 2: ("ID", "id")},
}


FIRST_FIELD: Final = 76_665
"""Number of the first search option of the plugin Fields (its PluginFieldsContainer::getAddSearchOptions)."""


def extra(blocks: Mapping[int, tuple[str, ...]]) -> dict[int, tuple[int, str]]:
    """Block and name of the fields of the plugin Fields, by the number of their search option."""
    fields = [(block, name) for block, names in blocks.items() for name in names]
    return dict(enumerate(fields, FIRST_FIELD))


def listed(itemtype: str, raw: bool, blocks: Mapping[int, tuple[str, ...]] = MappingProxyType({})) -> dict[str, Any]:
    made: dict[str, Any] = {"common": {"name": "Characteristics"}}
    if itemtype != "Ticket":
        table = f"glpi_{itemtype.lower()}s"
        return made | {str(number): _option(label, table, column, "string", _TEXT, f"{itemtype}.{column}", False)
                       for number, (label, column) in OTHERS.get(itemtype, {}).items()}
    for number, (label, table, column, datatype, types, uid) in TICKET.items():
        if number in (4, 66, 5, 35):
            made[_HEADS[number]] = {"name": _HEADS[number].capitalize()}
        if raw:
            made[str(number)] = {"table": table, "field": column, "name": label, "datatype": datatype,
                                 "massiveaction": False, "linkfield": column, "joinparams": []}
        else:
            made[str(number)] = _option(label, table, column, datatype, types, f"Ticket.{uid}",
                                        number in _UNSEARCHABLE)
    for number, (block, name) in extra(blocks).items():
        made[str(number)] = _option(name, f"glpi_plugin_fields_ticketblock{block}s", name, "string", _TEXT,
                                    f"Ticket.PluginFieldsTicketblock{block}.{name}", False)
    return made


_HEADS: Final = {4: "requester", 66: "observer", 5: "assign", 35: "notification"}


def _option(label: str, table: str, column: str, datatype: str, types: list[str], uid: str, nosearch: bool
            ) -> dict[str, Any]:
    return {"name": label, "table": table, "field": column, "datatype": datatype, "nosearch": nosearch,
            "nodisplay": False, "available_searchtypes": types, "uid": uid}
