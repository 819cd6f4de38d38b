"""The columns of ServiceNow's task tables, read from tickets and written to them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from connector.sandbox.model import Ticket
from connector.sandbox.servicenow import words
from connector.sandbox.servicenow.side import CUSTOM, ServiceNow, moment, stamp
from connector.sandbox.servicenow.table import Column, Get

PLAIN: Final = {
    "made_sla": "true", "caused_by": "", "watch_list": "", "upon_reject": "cancel", "child_incidents": "0",
    "approval_history": "", "user_input": "", "route_reason": "", "knowledge": "false", "order": "",
    "delivery_plan": "", "contract": "", "work_notes_list": "", "business_impact": "", "rfc": "", "time_worked": "",
    "expected_start": "", "group_list": "", "work_end": "", "reopened_time": "", "approval_set": "",
    "universal_request": "", "correlation_display": "", "work_start": "", "additional_assignee_list": "",
    "cause": "", "notify": "1", "service_offering": "", "follow_up": "", "parent_incident": "",
    "contact_type": "phone", "reopened_by": "", "problem_id": "", "activity_due": "", "severity": "3",
    "approval": "not requested", "sla_due": "", "sys_tags": "", "escalation": "0", "upon_approval": "proceed",
    "correlation_id": "", "cmdb_ci": "", "stage": "", "resolution_code": "", "fix_notes": "",
    "type": "", **dict.fromkeys(CUSTOM, ""),
}
"""Columns that only this make has: kept as written, with what a new record holds."""
WRITES: Final[dict[str, str]] = {
    "short_description": "title", "description": "description", "state": "status", "incident_state": "status",
    "close_notes": "resolution", "close_code": "close_code",
}
REFERENCES: Final[dict[str, tuple[str, str]]] = {
    "assigned_to": ("assignee", "person"), "caller_id": ("requester", "person"),
    "requested_for": ("requester", "person"), "requested_by": ("requester", "person"),
    "assignment_group": ("group", "group"), "vendor": ("supplier", "supplier"), "company": ("company", "company"),
    "location": ("site", "site"), "parent": ("parent", "task"), "request_item": ("parent", "task"),
}
"""Reference columns: the field they stand for and what they point at."""
TABLE_OF: Final = {"person": "sys_user", "group": "sys_user_group", "supplier": "core_company",
                   "company": "core_company", "site": "cmn_location", "task": "task", "service": "cmdb_ci_service"}
CUSTOMER_SIDE: Final = ("comments", "work_notes")


def columns(side: ServiceNow) -> dict[str, Column]:
    """All columns of `task` and the tables below it; each table shows those it has."""
    desk = side.desk
    made: dict[str, Column] = {}

    def add(name: str, get: Get, kind: str = "string", ref: str = "", label: Get | None = None) -> None:
        made[name] = Column(name, get, kind, ref, label)

    def reference(name: str, field: str, what: str, shows: Callable[[int], str]) -> None:
        def get(t: Ticket) -> str:
            number = getattr(t, field)
            return desk.uid(what, number) if number else ""
        add(name, get, "reference", TABLE_OF[what],
            lambda t: shows(number) if (number := getattr(t, field)) else "")

    person = _shower(lambda n: desk.people[n].name)
    shows: dict[str, Callable[[int], str]] = {
        "person": person, "group": _shower(lambda n: desk.groups[n].name),
        "supplier": _shower(lambda n: desk.suppliers[n].name), "company": _shower(lambda n: desk.companies[n].name),
        "site": _shower(lambda n: desk.sites[n].name), "task": _shower(lambda n: side.number(desk.tickets[n])),
    }
    add("sys_id", side.id_of)
    add("number", side.number)
    add("sys_class_name", lambda t: words.TABLES[t.kind])
    for name, field in WRITES.items():
        label = (lambda t: words.LABELS[t.kind].get(t.status, t.status)) if field == "status" else None
        add(name, _text(field), "integer" if field == "status" else "string", "", label)
    for name, (field, what) in REFERENCES.items():
        reference(name, field, what, shows[what])
    add("business_service", lambda t: service_id(side, t.service), "reference", "cmdb_ci_service", lambda t: t.service)
    reference("opened_by", "created_by", "person", person)
    add("resolved_by", lambda t: _who(side, t, t.resolved_at), "reference", "sys_user")
    add("closed_by", lambda t: _who(side, t, t.closed_at), "reference", "sys_user")
    add("request", lambda t: desk.uid("request", t.id) if t.kind == "service_request" else "", "reference",
        "sc_request")
    add("cat_item", lambda t: desk.uid("item", t.category) if t.kind == "service_request" and t.category else "",
        "reference", "sc_cat_item", lambda t: desk.categories[t.category].name if t.category else "")
    add("hold_reason", lambda t: words.HOLD.get(t.pending_on or "", "") if t.state == "pending" else "", "integer", "",
        lambda t: words.HOLD_LABELS.get(words.HOLD.get(t.pending_on or "", ""), ""))
    for name in ("impact", "urgency"):
        get = _scale(name)
        add(name, get, "integer", "", lambda t, get=get: words.SCALE_LABELS[get(t)])  # type: ignore[misc]
    add("priority", lambda t: str(t.priority), "integer", "", lambda t: words.PRIORITY_LABELS.get(str(t.priority), ""))
    add("category", lambda t: _category(side, t, 0))
    add("subcategory", lambda t: _category(side, t, 1))
    add("active", lambda t: "false" if t.state in ("closed", "cancelled") else "true", "boolean")
    for name, field in (("opened_at", "opened_at"), ("sys_created_on", "created_at"), ("sys_updated_on", "updated_at"),
                        ("resolved_at", "resolved_at"), ("closed_at", "closed_at"), ("due_date", "due_at")):
        add(name, _date(field), "glide_date_time")
    add("sys_created_by", lambda t: desk.people[t.created_by].login)
    add("sys_updated_by", lambda t: desk.people[t.updated_by].login)
    add("sys_mod_count", lambda t: str(t.revision), "integer")
    add("reassignment_count", lambda t: str(max(0, sum(c.field == "group" for c in t.log))), "integer")
    add("reopen_count", lambda t: str(sum(c.field == "state" and c.old in ("resolved", "closed") for c in t.log)),
        "integer")
    add("calendar_stc", lambda t: str(int((t.resolved_at - t.opened_at).total_seconds())) if t.resolved_at else "",
        "integer")
    add("business_stc", made["calendar_stc"].get, "integer")
    add("calendar_duration", lambda t: stamp(_EPOCH + (t.resolved_at - t.opened_at)) if t.resolved_at else "",
        "glide_duration")
    add("business_duration", made["calendar_duration"].get, "glide_duration")
    for name in (*CUSTOMER_SIDE, "comments_and_work_notes"):
        add(name, lambda t: "", "journal_input", "", _journal(side, name))
    add("task_effective_number", side.number)
    for name, value in (("sys_domain", "global"), ("sys_domain_path", "/"), ("origin_table", ""), ("origin_id", ""),
                        ("delivery_task", "")):
        add(name, lambda t, value=value: value)  # type: ignore[misc]
    for name, value in PLAIN.items():
        if name not in made:
            add(name, lambda t, name=name, value=value: str(t.extra.get(name) or value))  # type: ignore[misc]
    return made


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def service_id(side: ServiceNow, name: str) -> str:
    return next((side.desk.uid("service", n) for n, known in side.desk.services.items() if known == name), "")


def _text(field: str) -> Get:
    return lambda t: str(getattr(t, field))


def _date(field: str) -> Get:
    return lambda t: stamp(getattr(t, field))


def _scale(field: str) -> Get:
    return lambda t: words.SCALE[getattr(t, field)]


def _shower(get: Callable[[int], str]) -> Callable[[int], str]:
    def show(number: int) -> str:
        try:
            return get(number)
        except KeyError:
            return ""
    return show


def _who(side: ServiceNow, ticket: Ticket, at: Any) -> str:
    return side.desk.uid("person", ticket.updated_by) if at is not None else ""


def _category(side: ServiceNow, ticket: Ticket, depth: int) -> str:
    own = ticket.extra.get("_subcategory" if depth else "_category")
    if own is not None:
        return str(own)
    category = side.desk.categories.get(ticket.category or 0)
    parts = category.path.split(" > ") if category else []
    return slug(parts[depth]) if depth < len(parts) else ""


def slug(name: str) -> str:
    return name.lower().replace(" ", "_")


_HEAD: Final = {True: "Additional comments", False: "Work notes"}


def _journal(side: ServiceNow, name: str) -> Get:
    """What a journal field looks like with display values: newest first, each with its head."""
    def show(t: Ticket) -> str:
        both, public = name == "comments_and_work_notes", name == "comments"
        kept = [c for c in reversed(t.comments) if both or public == c.public]
        return "".join(f"{stamp(c.at)} - {side.desk.people[c.by].name} ({_HEAD[c.public]})\n{c.text}\n\n" for c in kept)
    return show


def wanted(side: ServiceNow, body: dict[str, Any]) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Changes and journal entries in a body. Unknown and read-only fields are ignored, as the Table API does."""
    changes: dict[str, Any] = {}
    journals: list[tuple[str, str]] = []
    for name, raw in body.items():
        text = "" if raw is None else str(raw).lower() if isinstance(raw, bool) else str(raw)
        if name in WRITES:
            if text or WRITES[name] != "status":
                changes[WRITES[name]] = text
        elif name in REFERENCES:
            _reference(side, changes, name, text)
        elif name == "business_service":
            known = side.desk.by_uid(text)
            if not text or (known is not None and known[0] == "service"):
                changes["service"] = side.desk.services[known[1]] if known else ""
        elif name in CUSTOMER_SIDE:
            if text:
                journals.append((name, text))
        elif name == "hold_reason":
            changes["pending_on"] = next((who for who, code in words.HOLD.items() if code == text), None)
        elif name in ("impact", "urgency"):
            if text in words.SCALE_BACK:
                changes[name] = words.SCALE_BACK[text]
        elif name in ("opened_at", "due_date", "resolved_at", "closed_at"):
            _when(changes, {"due_date": "due_at"}.get(name, name), text)
        elif name in ("category", "subcategory"):
            changes[f"_{name}"] = text
        elif name in PLAIN:
            changes[name] = text
    return changes, journals


def _reference(side: ServiceNow, changes: dict[str, Any], name: str, text: str) -> None:
    """A reference takes a sys_id; one that is nowhere is stored by the real system, and dropped here."""
    field, what = REFERENCES[name]
    if not text:
        changes[field] = None if field not in ("company", "site") else 0
        return
    known = side.desk.by_uid(text)
    if known is not None and known[0] == what:
        changes[field] = known[1]


def _when(changes: dict[str, Any], field: str, text: str) -> None:
    try:
        at = moment(text)
    except ValueError:
        return  # a date that cannot be read is ignored
    if at is not None or field == "due_at":
        changes[field] = at
