"""Tickets, history and catalog of osTicket as the plugin's contract has them (docs/osticket-plugin-api.md)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from connector.sandbox.model import Change, Comment, File, Ticket
from connector.sandbox.osticket.side import FIELDS, PRIORITIES, SLAS, STATUSES, TEAMS, OsTicket, utc

Item = dict[str, Any]
TYPES: Final = {"message": "M", "reply": "R", "note": "N", "solution": "R", "task": "N"}


def ticket(side: OsTicket, t: Ticket) -> Item:
    desk = side.desk
    status = int(t.status)
    closed = STATUSES[status].state == "closed"
    agent = desk.people.get(t.assignee or 0)
    user = desk.people[t.requester or t.created_by]
    reopened = next((c.at for c in reversed(t.log)
                     if c.field == "status" and _closed(c.old) and not _closed(c.new)), None)
    sla = t.extra.get("sla", 1)
    estimated = t.opened_at + timedelta(hours=SLAS[sla][1])
    due = t.due_at or estimated
    entry: Item = {"format": t.extra.get("format", "text"), "body": t.description}
    return {
        "id": t.id, "number": side.number(t.id), "version": f"r{t.revision}", "created": utc(t.opened_at),
        "updated": utc(t.updated_at), "closed": utc(t.resolved_at or t.updated_at) if closed else None,
        "reopened": utc(reopened), "due": utc(t.due_at), "estimated_due": utc(estimated),
        "overdue": not closed and due < desk.clock.now(),
        "answered": bool(t.comments) and t.comments[-1].kind in ("reply", "solution"),
        "source": t.extra.get("source", "Web"), "subject": t.title, "message": entry,
        "status": {"id": status, **STATUSES[status]._asdict()}, "priority": priority(t.priority),
        "dept": {"id": t.group or 1, "name": desk.groups[t.group or 1].name}, "topic": topic(side, t.category),
        "sla": {"id": sla, "name": SLAS[sla][0]},
        "staff": {"id": agent.id, "username": agent.login, "name": agent.name} if agent else None,
        "team": {"id": t.extra["team"], "name": TEAMS[t.extra["team"]]} if t.extra.get("team") else None,
        "user": {"id": user.id, "name": user.name, "email": user.email},
        "org": {"id": t.company, "name": desk.companies[t.company].name} if t.company else None,
        "parent": t.parent, "fields": {name: _field(name, t.extra.get(f"field.{name}")) for name in FIELDS},
    }


def _field(name: str, value: Any) -> Any:
    if isinstance(value, datetime):
        return utc(value)
    return bool(value) if FIELDS[name][1] == "bool" else value


def _closed(status: Any) -> bool:
    return STATUSES[int(status or 1)].state != "open"


def priority(number: int) -> Item | None:
    return {"id": number, "name": PRIORITIES[number][0]} if number in PRIORITIES else None


def topic(side: OsTicket, number: int | None) -> Item | None:
    category = side.desk.categories.get(number or 0)
    return {"id": category.id, "name": category.path.replace(" > ", " / ")} if category else None


def catalog(side: OsTicket) -> Item:
    desk = side.desk
    return {
        "statuses": [{"id": n, **s._asdict(), "default": n == 1} for n, s in STATUSES.items()],
        "priorities": [{"id": n, "name": name, "label": label, "urgency": urgency}
                       for n, (name, label, urgency) in PRIORITIES.items()],
        "departments": [{"id": g.id, "name": g.name, "path": g.name, "active": True} for g in desk.groups.values()],
        "topics": [{"id": c.id, "name": c.name, "path": c.path.replace(" > ", " / "), "active": True}
                   for c in desk.categories.values()],
        "staff": [{"id": p.id, "username": p.login, "name": p.name, "email": p.email, "active": p.active}
                  for p in desk.people.values() if p.role != "customer"],
        "teams": [{"id": n, "name": name, "active": True} for n, name in TEAMS.items()],
        "slas": [{"id": n, "name": name, "hours": hours, "active": True} for n, (name, hours) in SLAS.items()],
        "fields": [{"id": n, "name": name, "label": name.replace("_", " ").capitalize(), "type": kind,
                    "required": False, "choices": choices} for name, (n, kind, choices) in FIELDS.items()],
    }


def history(side: OsTicket, t: Ticket) -> Item:
    return {"first": first(side, t), "events": list(events(side, t)), "entries": list(entries(side, t))}


def first(side: OsTicket, t: Ticket) -> Item:
    """Values at creation, wound back from what changed since."""
    start: dict[str, Any] = {"status": t.status, "group": t.group, "assignee": t.assignee, "priority": t.priority,
                             "category": t.category, "team": t.extra.get("team"), "sla": t.extra.get("sla", 1)}
    for line in reversed(t.log):
        if line.field in start:
            start[line.field] = line.old
    desk = side.desk
    rank, path = priority(start["priority"] or 0), topic(side, start["category"])
    agent = desk.people.get(start["assignee"] or 0)
    return {"status": STATUSES[int(start["status"] or 1)].name, "dept": desk.groups[start["group"] or 1].name,
            "staff": agent.login if agent else "", "team": TEAMS.get(start["team"] or 0, ""),
            "priority": rank["name"] if rank else "", "topic": path["name"] if path else "",
            "sla": SLAS[start["sla"] or 1][0]}


def events(side: OsTicket, t: Ticket) -> Iterator[Item]:
    for line in t.log:
        told = _event(side, line)
        if told is None:
            continue
        event, data = told
        undone = event == "closed" and any(c.field == "status" and c.id > line.id and not _closed(c.new) for c in t.log)
        yield {"id": line.id, "event": event, "at": utc(line.at), "by": who(side, line.by), "annulled": undone,
               "data": data}


def _event(side: OsTicket, line: Change) -> tuple[str, Any] | None:
    old, new = line.old, line.new
    if line.field == "created":
        return "created", None
    if line.field == "status":
        if _closed(new) and not _closed(old):
            return "closed", {"status": [int(new), STATUSES[int(new)].name]}
        return ("reopened", None) if _closed(old) and not _closed(new) else ("edited", {"status": int(new)})
    if line.field == "assignee":
        return ("assigned", {"staff": new}) if new else ("released", {"staff": old})
    if line.field == "team":
        return ("assigned", {"team": new}) if new else ("released", {"team": old})
    if line.field == "group":
        return "transferred", {"dept": side.desk.groups[new or 1].name}
    if line.field in ("category", "sla", "due_at"):
        key = {"category": "topic_id", "sla": "sla_id", "due_at": "duedate"}[line.field]
        return "edited", {key: [_plain(old), _plain(new)]}
    if line.field in ("title", "priority"):
        return "edited", {"fields": {"20" if line.field == "title" else "priority": [old, new]}}
    if line.field.startswith("field."):
        return "edited", {"fields": {str(FIELDS[line.field[6:]][0]): [_plain(old), _plain(new)]}}
    return None


def _plain(value: Any) -> Any:
    return utc(value) if isinstance(value, datetime) else value


def who(side: OsTicket, number: int) -> Item:
    person = side.desk.people.get(number)
    if person is None:
        return {"type": "system", "id": None, "name": "SYSTEM", "username": ""}
    if person.role == "customer":
        return {"type": "user", "id": person.id, "name": person.name, "username": ""}
    return {"type": "agent", "id": person.id, "name": person.name, "username": person.login}


def entries(side: OsTicket, t: Ticket) -> Iterator[Item]:
    """Entries and events count in one sequence here, so an entry's id is that of its line in the log."""
    for line in t.log:
        if line.field == "created":
            loose = [f.id for f in t.files if f.comment is None]
            yield {"id": line.id, "type": "M", "at": utc(t.opened_at), "edited": None,
                   "by": who(side, t.requester or t.created_by), "title": t.title,
                   "format": t.extra.get("format", "text"), "body": t.description, "key": None, "attachments": loose}
        elif line.field == "comment":
            comment = next((c for c in t.comments if c.id == line.new), None)
            if comment is not None:
                yield _entry(side, t, line, comment)


def _entry(side: OsTicket, t: Ticket, line: Change, c: Comment) -> Item:
    return {"id": line.id, "type": TYPES[c.kind], "at": utc(c.at), "edited": utc(c.edited_at), "by": who(side, c.by),
            "title": c.extra.get("title") or None, "format": c.extra.get("format", "text"), "body": c.text,
            "key": c.extra.get("key"), "attachments": [f.id for f in t.files if f.comment == c.id]}


def entry_of(t: Ticket, comment: int | None) -> int:
    """The id of an entry: of a comment, or of the first message."""
    return next(line.id for line in t.log
                if (line.field == "created" if comment is None else line.field == "comment" and line.new == comment))


def attachment(t: Ticket, f: File) -> Item:
    return {"id": f.id, "entry_id": entry_of(t, f.comment), "name": f.name, "type": f.media_type, "size": len(f.data),
            "at": utc(f.at), "inline": False}


def names(side: OsTicket) -> Item:
    desk = side.desk
    return {
        "staff": {str(p.id): p.login for p in desk.people.values() if p.role != "customer"},
        "team": {str(n): name for n, name in TEAMS.items()}, "dept": {str(g.id): g.name for g in desk.groups.values()},
        "status": {str(n): s.name for n, s in STATUSES.items()},
        "topic": {str(c.id): c.path.replace(" > ", " / ") for c in desk.categories.values()},
        "sla": {str(n): name for n, (name, _) in SLAS.items()},
        "priority": {str(n): name for n, (name, _, _) in PRIORITIES.items()},
        "field": {"20": "subject", **{str(n): name for name, (n, _, _) in FIELDS.items()}},
    }
