"""GLPI's log of a ticket, from the desk's: display strings, numbers of search options, kinds of action."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple

from connector.sandbox.glpi.show import Item, Viewer, shown_person
from connector.sandbox.glpi.side import SCALE, Glpi, local
from connector.sandbox.model import ACTORS, Change, Ticket

_OPTION: Final = {"title": 1, "description": 21, "status": 12, "impact": 11, "urgency": 10, "priority": 3,
                  "category": 7, "company": 80, "site": 83, "opened_at": 15, "resolved_at": 17, "closed_at": 16,
                  "due_at": 18, "kind": 14, "requesttypes_id": 9}
_ACTOR_OPTION: Final = {("requester", "person"): 4, ("assigned", "person"): 5, ("assigned", "group"): 8,
                        ("assigned", "supplier"): 6, ("observer", "person"): 66, ("requester", "group"): 71,
                        ("observer", "group"): 65}
_LINK: Final = {"person": "User", "group": "Group", "supplier": "Supplier"}
_POST: Final = {"solution": "ITILSolution", "task": "TicketTask"}


class _Line(NamedTuple):
    link: str
    action: int
    option: int
    old: str | None
    new: str | None


def of(side: Glpi, ticket: Ticket, viewer: Viewer) -> list[Item]:
    made: list[Item] = []
    for change in ticket.log:
        person = side.desk.people[change.by]
        for at, line in enumerate(_lines(side, ticket, change, viewer)):
            made.append({
                "id": change.id * 10 + at, "itemtype": "Ticket", "items_id": ticket.id, "itemtype_link": line.link,
                "linked_action": line.action, "user_name": f"{shown_person(person)} ({person.id})",
                "date_mod": local(change.at, viewer.zone), "id_search_option": line.option,
                "old_value": line.old, "new_value": line.new,
            })
    return made


def _lines(side: Glpi, ticket: Ticket, change: Change, viewer: Viewer) -> Iterator[_Line]:
    field = change.field
    if field == "created":
        # The first actors are logged before the creation itself.
        yield from (_linked(side, role, kind, who) for role, kind, who in change.new)
        yield _Line("0", 20, 0, "", "")
    elif field == "trashed":
        yield _Line("0", 13 if change.new else 14, 0, "", "")
    elif field == "comment":
        yield from _comment(ticket, change)
    elif field.startswith("comment:"):
        yield _Line("ITILFollowup", 18, 0, "", field.partition(":")[2])
        yield _Line("ITILFollowup", 12, 0, side.escape(str(change.old)), side.escape(str(change.new)))
    elif field == "file":
        file = next((f for f in ticket.files if f.id == change.new), None)
        yield _Line("Document", 15, 0, "", f"{side.escape(file.name) if file else ''} ({change.new})")
    elif field == "taken_at":
        seconds = int((change.new - ticket.opened_at).total_seconds()) if change.new else 0
        yield _Line("", 0, 150, "0", str(seconds))
    elif field in ACTORS or field.startswith("actor:"):
        yield from _actors(side, change)
    elif field in _OPTION:
        old, new = (_value(side, field, value, viewer) for value in (change.old, change.new))
        yield _Line("", 0, _OPTION[field], old if old is not None else "", new)


def _comment(ticket: Ticket, change: Change) -> Iterator[_Line]:
    comment = next((c for c in ticket.comments if c.id == change.new), None)
    link = _POST.get(comment.kind if comment else "", "ITILFollowup")
    number = str(change.new)
    yield _Line(link, 17, 0, "", f"{number} ({number})" if link == "ITILSolution" else number)
    if link == "ITILFollowup":
        yield _Line(link, 12, 0, "", f"Followups ({number})")


def _actors(side: Glpi, change: Change) -> Iterator[_Line]:
    role, kind = ACTORS[change.field] if change.field in ACTORS else tuple(change.field.split(":")[1:3])
    if change.old:
        yield _Line(_LINK[kind], 16, 0, _shown(side, kind, change.old), "")
    if change.new:
        yield _linked(side, role, kind, change.new)


def _linked(side: Glpi, role: str, kind: str, who: Any) -> _Line:
    return _Line(_LINK[kind], 15, _ACTOR_OPTION.get((role, kind), 0), "", _shown(side, kind, who))


def _shown(side: Glpi, kind: str, who: Any) -> str:
    desk = side.desk
    if isinstance(who, str):
        return f"{who} (0)"
    name = (shown_person(desk.people[who]) if kind == "person" else desk.groups[who].name if kind == "group"
            else desk.suppliers[who].name)
    return f"{side.escape(name)} ({who})"


def _value(side: Glpi, field: str, value: Any, viewer: Viewer) -> str | None:
    desk = side.desk
    if isinstance(value, datetime):
        return local(value, viewer.zone)
    if value is None or value == "":
        return None
    if field in ("impact", "urgency"):
        return str(SCALE[value])
    if field == "category":
        return f"{desk.categories[value].path} ({value})" if value in desk.categories else f"({value})"
    if field == "company":
        return f"{desk.companies[value].name} ({value})"
    if field == "site":
        return f"{desk.sites[value].name} ({value})" if value else "&nbsp; (0)"
    if field == "kind":
        return "2" if value == "service_request" else "1"
    return side.escape(str(value))
