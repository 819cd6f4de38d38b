"""The itemtypes of the GLPI stand-in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from connector.sandbox.glpi import logs, show
from connector.sandbox.glpi.show import CHILDREN, Item, Kind, Viewer
from connector.sandbox.glpi.side import SOURCES, Glpi, local
from connector.sandbox.model import Actor, Comment, File, Ticket

EMPTY: Final = ("TicketValidation", "TicketCost", "Problem_Ticket", "Change_Ticket", "Item_Ticket", "Contract",
                "Problem", "Change", "Calendar_Holiday", "PendingReason")
_NAME: Final = frozenset({"name"})


def build(side: Glpi) -> dict[str, Kind]:
    desk = side.desk
    kinds: dict[str, Kind] = {}

    def add(name: str, rows: Callable[[Viewer], Iterable[Any]], shown: Callable[[Any, Viewer], Item], *,
            text: frozenset[str] = _NAME, **more: Any) -> None:
        kinds[name] = Kind(name, rows, shown, text, **more)

    def of(name: str, parts: Callable[[Ticket], Iterable[Any]], shown: Callable[[Any, Viewer], Item],
           text: frozenset[str] = frozenset({"content"}), children: tuple[str, ...] = ()) -> None:
        def rows(viewer: Viewer) -> Iterator[Any]:
            for ticket in desk.tickets.values():
                yield from parts(ticket)
        add(name, rows, shown, text=text, of_ticket=parts, children=children)

    def posts(*wanted: str) -> Callable[[Ticket], list[Comment]]:
        return lambda t: [c for c in t.comments if c.kind in wanted]

    def actors(kind: str) -> Callable[[Ticket], list[tuple[int, Actor]]]:
        return lambda t: [(t.id, a) for a in t.actors if a.kind == kind]

    add("Ticket", lambda v: desk.tickets.values(), lambda t, v: show.ticket(side, t, v),
        text=frozenset({"name", "content"}), table="glpi_tickets", children=CHILDREN)
    for name in ("ITILFollowup", "TicketFollowup"):
        of(name, posts("message", "reply", "note"), show.followup, children=("Document_Item",))
    of("TicketTask", posts("task"), show.task, children=("Document_Item",))
    of("ITILSolution", posts("solution"), show.solution, children=("Document_Item",))
    for name, kind in (("Ticket_User", "person"), ("Group_Ticket", "group"), ("Supplier_Ticket", "supplier")):
        of(name, actors(kind), lambda row, v: show.actor(*row))
    of("Document_Item", lambda t: t.files, show.document_item)
    add("Document", lambda v: documents(side), lambda f, v: show.document(side, f, v), text=_NAME,
        children=("Document_Item",))
    add("Log", lambda v: (line for t in desk.tickets.values() for line in logs.of(side, t, v)), lambda line, v: line,
        text=frozenset())
    add("User", lambda v: desk.people.values(), show.person, text=frozenset({"realname", "firstname"}), central=False)
    add("UserEmail", lambda v: desk.people.values(), lambda p, v: {
        "id": p.id, "users_id": p.id, "is_default": 1, "is_dynamic": 0, "email": p.email})
    add("Group", lambda v: desk.groups.values(), lambda g, v: {
        "id": g.id, "entities_id": 0, "is_recursive": 1, "name": g.name, "comment": None, "ldap_field": None,
        "ldap_value": None, "ldap_group_dn": None, "date_mod": "2026-01-01 00:00:00", "groups_id": 0,
        "completename": g.name, "level": 1, "ancestors_cache": "[]", "sons_cache": None, "is_requester": 1,
        "is_watcher": 1, "is_assign": 1, "is_task": 1, "is_notify": 1, "is_itemgroup": 1, "is_usergroup": 1,
        "is_manager": 1, "date_creation": "2026-01-01 00:00:00"})
    add("Group_User", lambda v: [(p, g) for p in desk.people.values() for g in p.groups], lambda row, v: {
        "id": row[0].id * 100 + row[1], "users_id": row[0].id, "groups_id": row[1], "is_dynamic": 0, "is_manager": 0,
        "is_userdelegate": 0})
    add("Entity", lambda v: (desk.companies[e] for e in v.entities), lambda c, v: show.tree(
        c.id, c.name, _path(side, c.id), 1 if c.parent is None else 2,
        entities_id=None if c.parent is None else c.parent))
    add("ITILCategory", lambda v: desk.categories.values(), lambda c, v: show.tree(
        c.id, c.name, c.path, c.path.count(" > ") + 1, itilcategories_id=c.parent or 0, knowbaseitemcategories_id=0,
        users_id=0, groups_id=0, code="", is_helpdeskvisible=1, tickettemplates_id_incident=0,
        tickettemplates_id_demand=0, changetemplates_id=0, problemtemplates_id=0, is_incident=1, is_request=1,
        is_problem=1, is_change=1))
    add("Location", lambda v: desk.sites.values(), lambda s, v: show.tree(s.id, s.name, "", 1, locations_id=0))
    add("Supplier", lambda v: desk.suppliers.values(), lambda s, v: {
        "id": s.id, "entities_id": 0, "is_recursive": 1, "name": s.name, "email": s.email, "is_deleted": 0,
        "is_active": 1, "comment": None})
    add("RequestType", lambda v: range(1, len(SOURCES) + 1), lambda n, v: show.source(n))
    add("SolutionType", lambda v: (1,), lambda n, v: {"id": n, "name": "Fixed", "comment": None, "entities_id": 0,
                                                      "is_recursive": 1})
    _agreements(add)
    for name in EMPTY:
        add(name, lambda v: (), lambda row, v: {})
    return kinds


def _agreements(add: Callable[..., None]) -> None:
    made = "2026-01-01 00:00:00"
    common = {"entities_id": 0, "is_recursive": 1, "comment": None, "use_ticket_calendar": 0, "calendars_id": 2,
              "date_mod": made, "date_creation": made}

    def target(id: int, name: str, type: int, hours: int) -> Item:
        return {"id": id, "name": name, "type": type, "number_time": hours, "definition_time": "hour",
                "end_of_working_day": 0, "slms_id": 1, **common}

    add("SLM", lambda v: (1,), lambda n, v: {"id": n, "name": "Standard SLM", **common})
    add("SLA", lambda v: (target(1, "TTR 8h", 0, 8), target(2, "TTO 1h", 1, 1)), lambda row, v: row)
    add("OLA", lambda v: (target(1, "OLA TTR 4h", 0, 4),), lambda row, v: row)
    add("Calendar", lambda v: (2,), lambda n, v: {
        "id": n, "name": "Business hours", "entities_id": 0, "is_recursive": 1, "comment": None, "date_mod": made,
        "cache_duration": "[0,36000,36000,36000,36000,36000,0]", "date_creation": made})
    add("CalendarSegment", lambda v: range(1, 6), lambda day, v: {
        "id": day + 5, "calendars_id": 2, "entities_id": 0, "is_recursive": 1, "day": day, "begin": "08:00:00",
        "end": "18:00:00"})


def documents(side: Glpi) -> Iterator[File]:
    yield from side.loose.values()
    for ticket in side.desk.tickets.values():
        yield from ticket.files


def _path(side: Glpi, number: int) -> str:
    from connector.sandbox.glpi.search import entity_path

    return entity_path(side, number)


PARENT: Final = {"UserEmail": "users_id", "Group_User": "groups_id", "CalendarSegment": "calendars_id"}
"""Sub-items of things that are no tickets: the key that points at the thing above."""
__all__ = ["EMPTY", "PARENT", "build", "documents", "local"]
