"""The fields and choices a ServiceNow has, by its own dictionary."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

from connector.vendors.servicenow.client import Client
from connector.vendors.servicenow.paging import Pager
from connector.vendors.servicenow.query import both, one_of, where
from connector.vendors.servicenow.records import bare

Row = dict[str, Any]
PARENT: Final = "task"


def choices(client: Client, tables: Sequence[str], fields: Collection[str]) -> dict[tuple[str, str], dict[str, str]]:
    """(table, field) -> stored value -> label, for the tables and what they inherit from `task`.

    Choices of a table stand in place of those of `task`. Raises TryLater, Refused.
    """
    names = [*dict.fromkeys((PARENT, *tables))]
    wanted = sorted(field for field in fields if "." not in field)
    if not wanted:
        return {}
    only = both(one_of("name", names), one_of("element", wanted), where("inactive", "=", "false"),
                where("language", "=", "en"))
    found: dict[tuple[str, str], dict[str, str]] = {}
    for rows in Pager(client, "sys_choice", ("name", "element", "value", "label"), only=only).sweep():
        for row in rows:
            key = (bare(row.get("name")), bare(row.get("element")))
            if key[0] in names and key[1] in wanted:
                found.setdefault(key, {})[bare(row.get("value"))] = bare(row.get("label"))
    for table in tables:
        for field in wanted:
            inherited = found.get((PARENT, field))
            if inherited and (table, field) not in found:
                found[table, field] = inherited
    return found


def labels(client: Client, tables: Sequence[str], fields: Collection[str]) -> dict[tuple[str, str], dict[str, str]]:
    """(table, field) -> label -> stored value. A label that two values share is left out."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for key, own in choices(client, tables, fields).items():
        shown = list(own.values())
        found[key] = {label: value for value, label in own.items() if shown.count(label) == 1}
    return found


def dictionary(client: Client, tables: Sequence[str]) -> dict[tuple[str, str], Row]:
    """(table, field) -> its row in `sys_dictionary`, for the tables and what they inherit from `task`."""
    names = [*dict.fromkeys((PARENT, *tables))]
    fields = ("name", "element", "column_label", "internal_type", "read_only", "reference")
    found: dict[tuple[str, str], Row] = {}
    for rows in Pager(client, "sys_dictionary", fields, only=one_of("name", names)).sweep():
        found.update({(bare(row.get("name")), bare(row.get("element"))): row for row in rows
                      if row.get("element") and row.get("name") in names})
    for table in tables:
        for (name, field), row in list(found.items()):
            if name == PARENT:
                found.setdefault((table, field), row)
    return found
