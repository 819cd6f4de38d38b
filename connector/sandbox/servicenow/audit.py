"""What ServiceNow remembers of a ticket: sys_audit, sys_journal_field, attachments."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, Final

from connector.sandbox.model import Change, Comment, File, Ticket
from connector.sandbox.servicenow import words
from connector.sandbox.servicenow.side import ServiceNow, stamp
from connector.sandbox.servicenow.tasks import REFERENCES, WRITES, service_id

_SILENT: Final = frozenset({"state", "pending_since", "taken_at", "trashed", "created", "comment", "file", "hidden"})
_NAMES: Final = {field: name for name, field in WRITES.items() if name != "incident_state"} | {
    field: name for name, (field, _) in REFERENCES.items()
    if name not in ("request_item", "requested_for", "requested_by")} | {
    "pending_on": "hold_reason", "due_at": "due_date", "_category": "category", "_subcategory": "subcategory",
    "service": "business_service"}


def of(side: ServiceNow, ticket: Ticket) -> Iterable[dict[str, str]]:
    for line in ticket.log:
        for at, (field, old, new) in enumerate(_audited(side, ticket, line)):
            yield {"sys_id": side.desk.uid("audit", line.id * 10 + at), "tablename": words.TABLES[ticket.kind],
                   "documentkey": side.id_of(ticket), "fieldname": field, "oldvalue": old, "newvalue": new,
                   "user": side.desk.people[line.by].login, "record_checkpoint": str(line.revision),
                   "sys_created_on": stamp(line.at), "sys_created_by": side.desk.people[line.by].login}


def _audited(side: ServiceNow, ticket: Ticket, line: Change) -> Iterable[tuple[str, str, str]]:
    if line.field == "comment":
        comment = next((c for c in ticket.comments if c.id == line.new), None)
        if comment is not None:
            yield ("comments" if comment.public else "work_notes"), "", comment.text
        return
    if line.field in _SILENT or ":" in line.field:
        return
    if line.field == "category":
        yield "category", "", ""
        return
    name = _NAMES.get(line.field, line.field)
    old, new = (_raw(side, line.field, value) for value in (line.old, line.new))
    if old == new:
        return
    yield name, old, new
    if line.field == "status" and ticket.kind == "incident":
        yield "incident_state", old, new


def _raw(side: ServiceNow, field: str, value: Any) -> str:
    if value is None or value == "":
        return ""
    if field in ("impact", "urgency"):
        return words.SCALE[value]
    if field == "pending_on":
        return words.HOLD.get(value, "")
    if field == "service":
        return service_id(side, value)
    if hasattr(value, "astimezone"):
        return stamp(value)
    kind = next((what for _, (name, what) in REFERENCES.items() if name == field), "")
    if kind:
        return side.desk.uid(kind, value) if value else ""
    return str(value)


def entries(side: ServiceNow, ticket: Ticket) -> Iterable[dict[str, str]]:
    for entry in ticket.comments:
        yield {"sys_id": side.desk.uid("journal", entry.id), "name": words.TABLES[ticket.kind],
               "element": "comments" if entry.public else "work_notes", "element_id": side.id_of(ticket),
               "value": entry.text, "sys_created_on": stamp(entry.at), "sys_created_by": _login(side, entry)}


def _login(side: ServiceNow, thing: Comment | File) -> str:
    return side.desk.people[thing.by].login


def file_row(side: ServiceNow, file: File) -> dict[str, str]:
    ticket, uid = side.desk.tickets[file.ticket], side.desk.uid("file", file.id)
    return {"sys_id": uid, "table_name": words.TABLES[ticket.kind], "table_sys_id": side.id_of(ticket),
            "file_name": file.name, "content_type": file.media_type, "size_bytes": str(len(file.data)),
            "size_compressed": str(len(file.data)), "download_link": f"{side.url}/api/now/attachment/{uid}/file",
            "sys_created_on": stamp(file.at), "sys_updated_on": stamp(file.at), "sys_created_by": _login(side, file),
            "hash": hashlib.sha256(file.data).hexdigest(), "state": "available"}
