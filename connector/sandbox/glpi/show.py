"""Items of GLPI as its API shows them: keys and types as recorded from 10.0.12."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from connector.sandbox.glpi.side import SCALE, SOURCES, Glpi, local
from connector.sandbox.model import Actor, Comment, File, Person, Ticket

Item = dict[str, Any]
CHILDREN: Final = ("Document_Item", "TicketTask", "TicketValidation", "TicketCost", "Problem_Ticket", "Change_Ticket",
                   "Item_Ticket", "ITILSolution", "ITILFollowup", "Ticket_User", "Group_Ticket", "Supplier_Ticket")
FOREIGN: Final = {
    "entities_id": "Entity", "users_id_lastupdater": "User", "users_id_recipient": "User", "users_id": "User",
    "users_id_tech": "User", "requesttypes_id": "RequestType", "itilcategories_id": "ITILCategory",
    "slas_id_ttr": "SLA", "slas_id_tto": "SLA", "olas_id_ttr": "OLA", "olas_id_tto": "OLA", "locations_id": "Location",
    "groups_id": "Group", "tickets_id": "Ticket", "suppliers_id": "Supplier", "documents_id": "Document",
    "solutiontypes_id": "SolutionType", "calendars_id": "Calendar", "slms_id": "SLM",
}
ROLE: Final = {"requester": 1, "assigned": 2, "observer": 3}
ROLE_BACK: Final = {number: role for role, number in ROLE.items()}


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks: decides the zone of times and what is visible."""

    person: Person
    zone: str
    entities: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """An itemtype. `text` are the keys that hold what users typed, escaped once by GLPI; `parent` names the key that
    points at the ticket; `one` finds an item by id."""

    name: str
    rows: Callable[[Viewer], Iterable[Any]]
    show: Callable[[Any, Viewer], Item]
    text: frozenset[str] = frozenset({"name", "content"})
    of_ticket: Callable[[Ticket], Iterable[Any]] | None = None
    central: bool = True
    table: str = ""
    children: tuple[str, ...] = field(default=())


def ticket(side: Glpi, t: Ticket, viewer: Viewer) -> Item:
    def at(when: datetime | None) -> str | None:
        return local(when, viewer.zone)

    extra = t.extra
    return {
        "id": t.id, "entities_id": t.company, "name": t.title, "date": at(t.opened_at), "closedate": at(t.closed_at),
        "solvedate": at(t.resolved_at), "takeintoaccountdate": at(t.taken_at), "date_mod": at(t.updated_at),
        "users_id_lastupdater": t.updated_by, "status": int(t.status), "users_id_recipient": t.created_by,
        "requesttypes_id": extra.get("requesttypes_id", 1), "content": t.description, "urgency": SCALE[t.urgency],
        "impact": SCALE[t.impact], "priority": t.priority, "itilcategories_id": t.category or 0,
        "type": 2 if t.kind == "service_request" else 1, "global_validation": 1,
        "slas_id_ttr": extra.get("slas_id_ttr", 0), "slas_id_tto": extra.get("slas_id_tto", 0), "slalevels_id_ttr": 0,
        "time_to_resolve": at(t.due_at), "time_to_own": at(extra.get("time_to_own")),
        "begin_waiting_date": at(t.resolved_at if t.state == "resolved" else t.pending_since),
        "sla_waiting_duration": 0, "ola_waiting_duration": 0, "olas_id_tto": extra.get("olas_id_tto", 0),
        "olas_id_ttr": extra.get("olas_id_ttr", 0), "olalevels_id_ttr": 0, "ola_tto_begin_date": None,
        "ola_ttr_begin_date": at(extra.get("ola_ttr_begin_date")),
        "internal_time_to_resolve": at(extra.get("internal_time_to_resolve")), "internal_time_to_own": None,
        "waiting_duration": 0, "close_delay_stat": _delay(t.opened_at, t.closed_at),
        "solve_delay_stat": _delay(t.opened_at, t.resolved_at),
        "takeintoaccount_delay_stat": max(1, _delay(t.opened_at, t.taken_at)) if t.taken_at else 0,
        "actiontime": sum(c.extra.get("actiontime", 0) for c in t.comments), "is_deleted": int(t.trashed),
        "locations_id": t.site, "validation_percent": 0, "date_creation": at(t.created_at),
    }


def _delay(start: datetime, end: datetime | None) -> int:
    return max(0, int((end - start).total_seconds())) if end is not None else 0


def person(p: Person, viewer: Viewer) -> Item:
    made: Item = {"id": p.id, "name": p.login, "realname": p.last or None, "firstname": p.first or None,
                  "is_active": int(p.active), "timezone": p.zone or None, **USER, "locations_id": p.site,
                  "language": None}
    return made


_NULL = dict.fromkeys
USER: Final[Item] = {
    **_NULL(("phone", "phone2", "mobile", "list_limit", "comment", "last_login", "date_sync", "date_format",
             "number_format", "names_format", "csv_delimiter", "is_ids_visible", "use_flat_dropdowntree",
             "use_flat_dropdowntree_on_search_result", "show_jobs_at_login", "priority_1", "priority_2", "priority_3",
             "priority_4", "priority_5", "priority_6", "followup_private", "task_private",
             "default_requesttypes_id", "password_forget_token", "password_forget_token_date", "user_dn",
             "user_dn_hash", "registration_number", "show_count_on_tabs", "refresh_views", "set_default_tech",
             "personal_token_date", "api_token_date", "cookie_token_date", "display_count_on_home",
             "notification_to_myself", "duedateok_color", "duedatewarning_color", "duedatecritical_color",
             "duedatewarning_less", "duedatecritical_less", "duedatewarning_unit", "duedatecritical_unit",
             "display_options", "pdffont", "picture", "begin_date", "end_date", "keep_devices_when_purging_item",
             "privatebookmarkorder", "backcreated", "task_state", "palette", "page_layout", "fold_menu", "fold_search",
             "savedsearches_pinned", "timeline_order", "itil_layout", "richtext_layout", "set_default_requester",
             "lock_autolock_mode", "lock_directunlock_notification", "plannings", "sync_field",
             "default_dashboard_central", "default_dashboard_assets", "default_dashboard_helpdesk",
             "default_dashboard_mini_ticket", "nickname")),
    **_NULL(("auths_id", "use_mode", "is_deleted", "profiles_id", "entities_id", "usertitles_id", "usercategories_id",
             "is_deleted_ldap", "highcontrast_css", "groups_id", "users_id_supervisor", "default_central_tab",
             "timeline_action_btn_layout", "timeline_date_format"), 0),
    "authtype": 1, **_NULL(("date_mod", "date_creation", "password_last_update"), "2026-01-01 00:00:00"),
}
TREE: Final[Item] = {"entities_id": 0, "is_recursive": 1, "comment": None, "date_mod": "2026-01-01 00:00:00",
                     "date_creation": "2026-01-01 00:00:00", "sons_cache": None}


def tree(id: int, name: str, path: str, level: int, **more: Any) -> Item:
    return {"id": id, "name": name, "completename": path or name, "level": level, "ancestors_cache": "[]", **TREE,
            **more}


def followup(c: Comment, viewer: Viewer) -> Item:
    return {"id": c.id, "itemtype": "Ticket", "items_id": c.ticket, **_post(c, viewer), "is_private": int(not c.public),
            "requesttypes_id": c.extra.get("requesttypes_id", 0), "timeline_position": 1, "sourceitems_id": 0,
            "sourceof_items_id": 0}


def _post(c: Comment, viewer: Viewer) -> Item:
    made = local(c.extra.get("made_at", c.at), viewer.zone)
    return {"date": local(c.at, viewer.zone), "users_id": c.by, "users_id_editor": 0, "content": c.text,
            "date_mod": local(c.edited_at, viewer.zone) or made, "date_creation": made}


def task(c: Comment, viewer: Viewer) -> Item:
    extra = c.extra
    return {"id": c.id, "uuid": f"00000000-0000-4000-8000-{c.id:012d}", "tickets_id": c.ticket, "taskcategories_id": 0,
            **_post(c, viewer), "is_private": int(extra.get("is_private", 0)), "actiontime": extra.get("actiontime", 0),
            "begin": None, "end": None, "state": extra.get("state", 1), "users_id_tech": extra.get("users_id_tech", 0),
            "groups_id_tech": 0, "tasktemplates_id": 0, "timeline_position": 1, "sourceitems_id": 0,
            "sourceof_items_id": 0}


def solution(c: Comment, viewer: Viewer) -> Item:
    made = local(c.at, viewer.zone)
    return {"id": c.id, "itemtype": "Ticket", "items_id": c.ticket,
            "solutiontypes_id": c.extra.get("solutiontypes_id", 0), "solutiontype_name": None,
            "content": c.text, "date_creation": made, "date_mod": made,
            "date_approval": local(c.extra.get("approved_at"), viewer.zone), "users_id": c.by, "user_name": None,
            "users_id_editor": 0, "users_id_approval": c.extra.get("approver", 0), "user_name_approval": None,
            "status": c.extra.get("status", 2), "itilfollowups_id": None}


def actor(ticket: int, a: Actor) -> Item:
    role = ROLE[a.role]
    if a.kind == "group":
        return {"id": a.id, "tickets_id": ticket, "groups_id": a.who, "type": role}
    key = "suppliers_id" if a.kind == "supplier" else "users_id"
    return {"id": a.id, "tickets_id": ticket, key: a.who, "type": role, "use_notification": 1,
            "alternative_email": a.email}


def document(side: Glpi, f: File, viewer: Viewer) -> Item:
    import hashlib

    digest = hashlib.sha1(f.data, usedforsecurity=False).hexdigest()
    suffix = f.name.rsplit(".", 1)[-1].upper() if "." in f.name else "BIN"
    made = local(f.at, viewer.zone)
    title, _, remark = f.note.partition("\n")
    return {"id": f.id, "entities_id": 0, "is_recursive": 0, "name": title or f.name,
            "filename": f.name or None, "filepath": f"{suffix}/{digest[:2]}/{digest[2:]}.{suffix}" if f.name else None,
            "documentcategories_id": 0, "mime": f.media_type, "date_mod": made, "comment": remark or None,
            "is_deleted": 0, "link": None, "users_id": f.by, "tickets_id": 0, "sha1sum": digest, "is_blacklisted": 0,
            "tag": digest[:36], "date_creation": made}


def document_item(f: File, viewer: Viewer) -> Item:
    made = local(f.at, viewer.zone)
    return {"id": f.id, "documents_id": f.id, "items_id": f.ticket, "itemtype": "Ticket", "entities_id": 0,
            "is_recursive": 0, "date_mod": made, "users_id": f.by, "timeline_position": 1, "date_creation": made,
            "date": None}


def source(at: int) -> Item:
    first = int(at == 1)
    return {"id": at, "name": SOURCES[at - 1], "is_helpdesk_default": first, "is_followup_default": first,
            "is_mail_default": int(at == 2), "is_mailfollowup_default": int(at == 2), "is_active": 1,
            "is_ticketheader": 1, "is_itilfollowup": 1, "comment": None, "date_mod": None, "date_creation": None}


def shown_person(p: Person) -> str:
    """How the log and dropdowns name somebody."""
    return f"{p.last} {p.first}".strip() if p.last else p.login
