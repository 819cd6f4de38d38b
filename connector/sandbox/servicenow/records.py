"""The tables beside the task tables: people, groups, choices, the dictionary, audit, journals, attachments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from connector.sandbox.model import Ticket
from connector.sandbox.servicenow import audit, words
from connector.sandbox.servicenow.side import ServiceNow, stamp
from connector.sandbox.servicenow.table import Column, Table
from connector.sandbox.servicenow.tasks import columns, service_id

NOT_IN: Final[dict[str, frozenset[str]]] = {
    "incident": frozenset({"request", "request_item", "requested_for", "stage", "cat_item", "fix_notes",
                           "resolution_code", "type", "requested_by"}),
    "sc_req_item": frozenset({"incident_state", "hold_reason", "caller_id", "request_item", "close_code", "problem_id",
                              "reopen_count", "severity", "fix_notes", "resolution_code", "type", "subcategory",
                              "requested_by", "category"}),
    "sc_task": frozenset({"incident_state", "hold_reason", "caller_id", "stage", "close_code", "problem_id",
                          "reopen_count", "severity", "fix_notes", "resolution_code", "type", "subcategory",
                          "requested_by", "category"}),
    "problem": frozenset({"incident_state", "hold_reason", "caller_id", "request", "request_item", "requested_for",
                          "stage", "cat_item", "type", "requested_by"}),
    "change_request": frozenset({"incident_state", "hold_reason", "caller_id", "request", "request_item", "stage",
                                 "cat_item", "problem_id", "reopen_count", "severity", "fix_notes"}),
    "task": frozenset({"incident_state", "hold_reason", "caller_id", "request", "request_item", "requested_for",
                       "stage", "cat_item", "close_code", "fix_notes", "resolution_code", "type", "subcategory",
                       "category", "problem_id", "reopen_count", "severity", "vendor", "requested_by", "resolved_at",
                       "resolved_by"}),
}
"""Columns that a table does not have."""


class Row(dict[str, str]):
    """A row of a small table, already in text."""

    __hash__ = object.__hash__  # type: ignore[assignment]


def build(side: ServiceNow) -> dict[str, Table]:
    desk = side.desk
    tables: dict[str, Table] = {}
    every = columns(side)
    for name, missing in NOT_IN.items():
        kind = words.KINDS.get(name)
        own = {key: column for key, column in every.items() if key not in missing}
        tables[name] = Table(name, own, _tasks(side, kind), {"sys_id": _found(side, kind)}, "number")
    small: dict[str, Callable[[], Iterable[Mapping[str, str]]]] = {
        "sys_user": lambda: (_user(side, n) for n in desk.people),
        "sys_user_group": lambda: (
            {"sys_id": desk.uid("group", g.id), "name": g.name, "active": "true", "u_level": str(g.level),
             "manager": desk.uid("person", g.manager) if g.manager else "", "email": "", "description": "",
             "parent": ""}
            for g in desk.groups.values()),
        "core_company": lambda: (*(_named(desk.uid("company", c.id), c.name, customer="true", vendor="false")
                                   for c in desk.companies.values() if c.id),
                                 *(_named(desk.uid("supplier", s.id), s.name, customer="false", vendor="true")
                                   for s in desk.suppliers.values())),
        "cmn_location": lambda: (_named(desk.uid("site", s.id), s.name) for s in desk.sites.values()),
        "cmdb_ci_service": lambda: (_named(service_id(side, n), n) for n in desk.services.values()),
        "sc_cat_item": lambda: (_named(desk.uid("item", c.id), c.name) for c in desk.categories.values()),
        "sys_user_grmember": lambda: (
            {"sys_id": desk.uid("member", p.id * 100 + g), "user": desk.uid("person", p.id),
             "group": desk.uid("group", g)} for p in desk.people.values() for g in p.groups),
        "sys_user_role": lambda: (_named(desk.uid("role", n), name) for n, name in enumerate(ROLES)),
        "sys_user_has_role": lambda: (
            {"sys_id": desk.uid("has role", n), "user": desk.uid("person", side.account().id),
             "role": desk.uid("role", n), "inherited": "false", "state": "active"} for n in range(len(ROLES))),
        "sys_choice": _choices,
        "sys_dictionary": lambda: _dictionary(tables),
        "sys_db_object": lambda: (_named(f"{name:0>32}", name, label=name, super_class="") for name in tables),
        "sys_properties": lambda: (
            _named(f"{name:0>32}"[-32:], name, value=value)
            for name, value in (("glide.war", side.version), ("glide.sys.default.tz", "UTC"),
                                ("glide.ui.autoclose.time", "7"))),
        "sys_audit_delete": lambda: (
            {"tablename": words.TABLES[g.kind], "documentkey": desk.uid("task", g.ticket), "display_value": g.title,
             "sys_id": desk.uid("deletion", g.id), "sys_created_on": stamp(g.at),
             "sys_created_by": desk.people[g.by].login} for g in desk.deletions),
        "sc_request": lambda: (
            {"sys_id": desk.uid("request", t.id), "number": f"REQ{10000 + t.id:07d}",
             "requested_for": desk.uid("person", t.requester) if t.requester else "",
             "request_state": "in_process" if t.closed_at is None else "closed_complete",
             "sys_updated_on": stamp(t.updated_at)} for t in desk.tickets.values() if t.kind == "service_request"),
    }
    for name, rows in small.items():
        tables[name] = _small(name, rows, _COLUMNS[name])
    for name in ("cmdb_ci", "cmn_department", "service_offering", "ast_contract", "metric_definition",
                 "metric_instance"):
        tables[name] = _small(name, tuple, ("sys_id", "name", "active", "sys_created_on", "sys_updated_on",
                                            *_EMPTY[name]))
    tables["sys_audit"] = _of_ticket("sys_audit", _AUDIT, lambda t: audit.of(side, t), side, "documentkey")
    tables["sys_journal_field"] = _of_ticket("sys_journal_field", _JOURNAL, lambda t: audit.entries(side, t),
                                             side, "element_id")
    tables["sys_attachment"] = _of_ticket("sys_attachment", tuple(_FILE),
                                          lambda t: (audit.file_row(side, f) for f in t.files), side, "table_sys_id")
    return tables


ROLES: Final = ("itil", "personalize_dictionary")
"""What the connector's account may do."""
_EMPTY: Final[dict[str, tuple[str, ...]]] = {
    "cmdb_ci": (), "cmn_department": (), "service_offering": (), "ast_contract": ("number",),
    "metric_definition": ("table", "field", "type"), "metric_instance": ("definition", "id", "field", "value", "start",
                                                                         "end", "duration", "calculation_complete"),
}
_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "sys_user": ("sys_id", "user_name", "name", "first_name", "last_name", "email", "active", "time_zone", "company",
                 "location", "preferred_language"),
    "sys_user_group": ("sys_id", "name", "active", "manager", "email", "description", "parent", "u_level"),
    "core_company": ("sys_id", "name", "customer", "vendor"),
    "cmn_location": ("sys_id", "name"),
    "cmdb_ci_service": ("sys_id", "name"),
    "sc_cat_item": ("sys_id", "name"),
    "sys_user_grmember": ("sys_id", "user", "group"),
    "sys_user_role": ("sys_id", "name"),
    "sys_user_has_role": ("sys_id", "user", "role", "inherited", "state"),
    "sys_choice": ("sys_id", "name", "element", "value", "label", "sequence", "inactive", "language"),
    "sys_dictionary": ("sys_id", "name", "element", "internal_type", "reference", "read_only", "mandatory",
                       "max_length", "column_label", "active", "audit"),
    "sys_db_object": ("sys_id", "name", "label", "super_class"),
    "sys_properties": ("sys_id", "name", "value"),
    "sys_audit_delete": ("sys_id", "tablename", "documentkey", "display_value", "sys_created_on", "sys_created_by"),
    "sc_request": ("sys_id", "number", "requested_for", "request_state", "sys_updated_on"),
}
_AUDIT: Final = ("sys_id", "tablename", "documentkey", "fieldname", "oldvalue", "newvalue", "user", "record_checkpoint",
                 "sys_created_on", "sys_created_by")
_JOURNAL: Final = ("sys_id", "name", "element", "element_id", "value", "sys_created_on", "sys_created_by")
_FILE: Final = ("sys_id", "table_name", "table_sys_id", "file_name", "content_type", "size_bytes", "size_compressed",
                "download_link", "sys_created_on", "sys_created_by", "sys_updated_on", "hash", "state")
_REFERENCES: Final = {"role": "sys_user_role", "requested_for": "sys_user", "manager": "sys_user", "user": "sys_user",
                      "group": "sys_user_group", "company": "core_company",
                      "location": "cmn_location"}


_POINTING: Final = frozenset({"sys_user", "sys_user_group", "sys_user_grmember", "sc_request", "sys_user_has_role"})
"""Small tables whose columns may be references."""


def _cell(name: str, reference: bool) -> Column:
    date = name.startswith("sys_") and name.endswith("_on")
    ref = _REFERENCES.get(name, "") if reference else ""
    kind = "reference" if ref else "glide_date_time" if date else "integer" if name == "record_checkpoint" else "string"
    return Column(name, lambda row, name=name: row.get(name, ""), kind, ref)  # type: ignore[misc]


def _small(name: str, rows: Callable[[], Iterable[Mapping[str, str]]], names: Sequence[str]) -> Table:
    def all_rows() -> list[Row]:
        return [Row(row) for row in rows()]

    def by_id(ids: Sequence[str]) -> list[Row]:
        wanted = set(ids)
        return [row for row in all_rows() if row["sys_id"] in wanted]

    own = {key: _cell(key, name in _POINTING) for key in names}
    return Table(name, own, all_rows, {"sys_id": by_id})


def _of_ticket(name: str, names: Sequence[str], rows: Callable[[Ticket], Iterable[Mapping[str, str]]],
               side: ServiceNow, key: str) -> Table:
    """A table of things that belong to tickets: found by the ticket without looking at all of them."""
    def all_rows() -> list[Row]:
        return [Row(row) for ticket in side.desk.tickets.values() for row in rows(ticket)]

    def of(ids: Sequence[str]) -> list[Row]:
        return [Row(row) for uid in ids if (ticket := side.find(uid)) for row in rows(ticket)]

    def by_id(ids: Sequence[str]) -> list[Row]:
        wanted = set(ids)
        return [row for row in all_rows() if row["sys_id"] in wanted]

    return Table(name, {key: _cell(key, False) for key in names}, all_rows, {"sys_id": by_id, key: of})


def _tasks(side: ServiceNow, kind: str | None) -> Callable[[], list[Ticket]]:
    return lambda: [t for t in side.desk.tickets.values() if kind in (None, t.kind)]


def _found(side: ServiceNow, kind: str | None) -> Callable[[Sequence[str]], list[Ticket]]:
    return lambda ids: [t for uid in ids if (t := side.find(uid)) is not None and kind in (None, t.kind)]


def _named(uid: str, name: str, **more: str) -> dict[str, str]:
    return {"sys_id": uid, "name": name, **more}


def _user(side: ServiceNow, number: int) -> dict[str, str]:
    desk, person = side.desk, side.desk.people[number]
    return {"sys_id": desk.uid("person", number), "user_name": person.login, "name": person.name,
            "first_name": person.first, "last_name": person.last, "email": person.email,
            "active": str(person.active).lower(), "time_zone": person.zone,
            "company": desk.uid("company", person.company) if person.company else "",
            "location": desk.uid("site", person.site) if person.site else "", "preferred_language": person.language}


class _Choice(NamedTuple):
    table: str
    element: str
    values: Mapping[str, str]


def _choices() -> Iterable[dict[str, str]]:
    lists = [_Choice("task" if kind == "service_request" else words.TABLES[kind], "state", labels)
             for kind, labels in words.LABELS.items()]
    lists += [_Choice("incident", "hold_reason", words.HOLD_LABELS), _Choice("task", "impact", words.SCALE_LABELS),
              _Choice("task", "urgency", words.SCALE_LABELS), _Choice("task", "priority", words.PRIORITY_LABELS),
              _Choice("incident", "close_code", {code: code for code in words.CLOSE_CODES})]
    for choice in lists:
        for at, (value, label) in enumerate(choice.values.items()):
            yield {"sys_id": f"{choice.table}{choice.element}{value}".replace(" ", "")[:32].rjust(32, "0"),
                   "name": choice.table, "element": choice.element, "value": value, "label": label,
                   "sequence": str(at), "inactive": "false", "language": "en"}


_READ_ONLY: Final = frozenset({"number", "priority", "active", "reassignment_count", "reopen_count", "calendar_stc",
                               "business_stc", "made_sla", "sys_class_name", "task_effective_number"})


def _dictionary(tables: Mapping[str, Table]) -> Iterable[dict[str, str]]:
    """Columns are described where they are defined: on `task` where it has them, else on the table itself."""
    above = tables["task"].columns
    for name in NOT_IN:
        for column in tables[name].columns.values():
            if name != "task" and column.name in above:
                continue
            fixed = column.name in _READ_ONLY or column.name.startswith("sys_")
            yield {"sys_id": f"{name}{column.name}"[:32].rjust(32, "0"), "name": name, "element": column.name,
                   "internal_type": column.kind, "reference": column.ref, "read_only": str(fixed).lower(),
                   "mandatory": "false", "max_length": "160" if column.name == "short_description" else "4000",
                   "column_label": column.name.replace("_", " ").capitalize(), "active": "true", "audit": "true"}
