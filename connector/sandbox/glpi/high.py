"""GLPI 11's high-level API (api.php/v2) as its public source describes it, in the parts a ticket connector uses.

Nothing of it was recorded: the shapes are those that docs/glpi.md tells of GLPI's source (src/Glpi/Api/HL).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson
from flask import Response, request

from connector.sandbox.glpi import rsql, search
from connector.sandbox.glpi.parts import Refuse
from connector.sandbox.glpi.properties import DATES, of_list, of_ticket, plain
from connector.sandbox.glpi.sessions import Session
from connector.sandbox.glpi.show import Item
from connector.sandbox.glpi.side import SCALE, SCALE_BACK, SOURCES, Glpi, instant
from connector.sandbox.model import ACTORS, Comment, Ticket

ROLES: Final = {"requester": "requester", "assigned": "assigned", "observer": "observer", "1": "requester",
                "2": "assigned", "3": "observer"}
KINDS: Final = {"User": "person", "Group": "group", "Supplier": "supplier"}
FORMS: Final = {"person": "user", "group": "group", "supplier": "supplier"}
STATES: Final = {"1": "New", "2": "Processing (assigned)", "3": "Processing (planned)", "4": "Pending", "5": "Solved",
                 "6": "Closed"}
_SAID: Final = {"task": "Task", "solution": "Solution"}


class Wrong(Exception):
    def __init__(self, status: int, code: str, title: str, *said: str) -> None:
        super().__init__(code)
        messages = [{"priority": "error", "message": text} for text in said]
        self.status = status
        self.body = {"status": code, "title": title, "detail": None,
                     **({"additional_messages": messages} if said else {})}


def answer(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(data), status, headers, content_type="application/json")


class High:
    def __init__(self, side: Glpi) -> None:
        self.side = side
        self.desk = side.desk
        desk = self.desk
        self.lists: dict[str, Callable[[], Iterable[Item]]] = {
            "Administration/User": lambda: (self._user(p.id) for p in desk.people.values()),
            "Administration/Group": lambda: (named(g.id, g.name, g.name) for g in desk.groups.values()),
            "Administration/Entity": lambda: (named(c.id, c.name, search.entity_path(side, c.id))
                                              for c in desk.companies.values()),
            "Management/Supplier": lambda: (named(s.id, s.name) for s in desk.suppliers.values()),
            "Dropdowns/ITILCategory": lambda: (named(c.id, c.name, c.path) for c in desk.categories.values()),
            "Dropdowns/Location": lambda: (named(s.id, s.name, s.name) for s in desk.sites.values()),
            "Dropdowns/RequestType": lambda: (named(n, name) for n, name in enumerate(SOURCES, 1)),
        }

    def route(self, path: str) -> Response:
        """`path` is what follows /api.php/."""
        try:
            if path == "token":
                return self.token()
            session = self._session()
            return self._v2(path.removeprefix("v2/").strip("/"), session)
        except Wrong as error:
            return answer(error.body, error.status)
        except rsql.BadFilter as error:
            return answer({"status": "ERROR_INVALID_PARAMETER", "title": str(error), "detail": None}, 400)

    # ---- who asks

    def token(self) -> Response:
        form, known = request.form, self.side.auth()
        if form.get("client_id") != known.get("client_id") or form.get("client_secret") != known.get("client_secret"):
            return answer({"error": "invalid_client", "error_description": "Client authentication failed"}, 401)
        person = next((p for p in self.desk.people.values() if p.login == form.get("username") and p.active), None)
        if form.get("grant_type") != "password" or person is None \
                or form.get("password") != self.side.secret(f"password {person.login}"):
            return answer({"error": "invalid_grant", "error_description": "The user credentials were incorrect."}, 400)
        token = self.side.secret(f"bearer {self.desk.next_id('session')}")
        self.side.sessions[token] = Session(self.side, person, token)
        return answer({"token_type": "Bearer", "expires_in": 3600, "access_token": token, "refresh_token": token[::-1]})

    def _session(self) -> Session:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        session = self.side.sessions.get(token) if kind == "Bearer" else None
        if session is None:
            raise Wrong(401, "ERROR_UNAUTHENTICATED", "You are not authenticated")
        found: Session = session
        return found

    # ---- resources

    def _v2(self, path: str, session: Session) -> Response:
        if path == "session":
            person = session.person
            return answer({"current_time": self._time(self.desk.clock.now(), session), "user_id": person.id,
                           "name": person.login, "friendly_name": f"{person.last} {person.first}".strip()})
        if path in self.lists and request.method == "GET":
            return self._page(list(self.lists[path]()), of_list, plain)
        parts = path.split("/")
        if parts[:2] != ["Assistance", "Ticket"]:
            raise Wrong(404, "ERROR_ITEM_NOT_FOUND", "Not found")
        if len(parts) == 2:
            return self._create(session) if request.method == "POST" else self._tickets(session)
        ticket = self.side.find(parts[2])
        if ticket is None or not session.sees(ticket):
            raise Wrong(404, "ERROR_ITEM_NOT_FOUND", "Item not found")
        return self._one(ticket, parts[3:], session)

    def _one(self, ticket: Ticket, rest: list[str], session: Session) -> Response:
        method = request.method
        if not rest:
            if method == "PATCH":
                self._change(ticket, session)
            elif method == "DELETE":
                return self._delete(ticket, session)
            return answer(self._ticket(ticket, session))
        if rest == ["TeamMember"]:
            return self._member(ticket, session)
        if rest[0] == "Timeline":
            return self._timeline(ticket, rest[1:], session)
        raise Wrong(404, "ERROR_ITEM_NOT_FOUND", "Not found")

    def _tickets(self, session: Session) -> Response:
        rows = [t for t in self.desk.tickets.values() if session.sees(t)]
        shown: Callable[[Any], Item] = lambda t: self._ticket(t, session)  # noqa: E731
        return self._page(rows, of_ticket, self._coerce(session), shown)

    def _page(self, rows: list[Any], read: rsql.Read, coerce: Callable[[str, str], Any],
              shown: Callable[[Any], Item] = lambda row: row) -> Response:
        test = rsql.parse(request.args.get("filter", ""), read, coerce)
        found = [row for row in rows if test(row)]
        for part in reversed([p for p in request.args.get("sort", "id").split(",") if p]):
            name, _, way = part.partition(":")
            get = read(name)
            if get is None:
                raise rsql.BadFilter(f"no property {name} to sort by")
            found.sort(key=get, reverse=way == "desc")
        start, limit = (int(request.args.get(name) or default) for name, default in (("start", 0), ("limit", 100)))
        page = [shown(row) for row in found[start:start + limit]]
        span = f"{start}-{start + max(len(page), 1) - 1}/{len(found)}"
        return answer(page, 200 if len(page) == len(found) else 206, {"Content-Range": span})

    def _coerce(self, session: Session) -> Callable[[str, str], Any]:
        def coerce(name: str, value: str) -> Any:
            if name in DATES:
                try:
                    return instant(value, session.viewer.zone)
                except ValueError:
                    raise rsql.BadFilter(f"{value!r} is not a time") from None
            return plain(name, value)
        return coerce

    # ---- what things look like

    def _user(self, number: int) -> Item:
        person = self.desk.people[number]
        return {"id": person.id, "username": person.login, "realname": person.last, "firstname": person.first,
                "is_active": person.active, "emails": [{"id": person.id, "email": person.email, "is_default": True}]}

    @staticmethod
    def _time(at: datetime | None, session: Session) -> str | None:
        return at.astimezone(ZoneInfo(session.viewer.zone)).isoformat(timespec="seconds") if at is not None else None

    def _ticket(self, t: Ticket, session: Session) -> Item:
        desk, category = self.desk, self.desk.categories.get(t.category or 0)
        source = t.extra.get("requesttypes_id", 1)
        return {
            "id": t.id, "name": t.title, "content": t.description, "is_deleted": t.trashed,
            "external_id": t.extra.get("external_id"), "type": 2 if t.kind == "service_request" else 1,
            "status": {"id": int(t.status), "name": STATES.get(t.status, t.status)}, "urgency": SCALE[t.urgency],
            "impact": SCALE[t.impact], "priority": t.priority, "actiontime": 0,
            "date": self._time(t.opened_at, session), "date_mod": self._time(t.updated_at, session),
            "date_creation": self._time(t.created_at, session), "date_solve": self._time(t.resolved_at, session),
            "date_close": self._time(t.closed_at, session),
            "category": named(category.id, category.name) if category else None,
            "location": named(t.site, desk.sites[t.site].name) if t.site else None,
            "entity": named(t.company, desk.companies[t.company].name, search.entity_path(self.side, t.company)),
            "request_type": named(source, SOURCES[source - 1]), "team": [self._team(a.role, a.kind, a.who)
                                                                        for a in t.actors if a.who],
        }

    def _team(self, role: str, kind: str, who: int) -> Item:
        desk = self.desk
        name = (desk.people[who].login if kind == "person" else desk.groups[who].name if kind == "group"
                else desk.suppliers[who].name)
        return {"role": role, "name": name, "href": f"/front/{FORMS[kind]}.form.php?id={who}"}

    def _said(self, c: Comment, session: Session) -> Item:
        item: Item = {"id": c.id, "content": c.text, "user": named(c.by, self.desk.people[c.by].login),
                      "date_creation": self._time(c.at, session), "date_mod": self._time(c.edited_at or c.at, session)}
        if c.kind != "solution":
            item |= {"date": self._time(c.at, session), "is_private": not c.public}
        return {"type": _SAID.get(c.kind, "Followup"), "item": item}

    # ---- writing

    @staticmethod
    def _body() -> Item:
        try:
            body = orjson.loads(request.get_data() or b"{}")
        except orjson.JSONDecodeError:
            raise Wrong(400, "ERROR_INVALID_PARAMETER", "The body is not JSON") from None
        return body if isinstance(body, dict) else {}

    def _values(self, body: Item, session: Session) -> dict[str, Any]:
        """Known properties as changes of the desk; the others are ignored."""
        made: dict[str, Any] = {field: str(body[key] or "") for key, field in
                                (("name", "title"), ("content", "description")) if key in body}
        for key, field in (("category", "category"), ("location", "site"), ("entity", "company"),
                           ("request_type", "requesttypes_id")):
            if key in body:
                made[field] = int((body[key] or {}).get("id") or 0) or (None if field == "category" else 0)
        if "status" in body:
            status = body["status"]
            made["status"] = str(status.get("id") if isinstance(status, dict) else status)
        made.update({key: SCALE_BACK.get(int(body[key]), "medium") for key in ("urgency", "impact") if key in body})
        made.update({key: body[key] for key in ("priority", "external_id") if key in body})
        if "type" in body:
            made["kind"] = "service_request" if body["type"] == 2 else "incident"
        if body.get("date"):
            made["opened_at"] = instant(str(body["date"])[:19], session.viewer.zone)
        return made

    def _create(self, session: Session) -> Response:
        values = self._values(self._body(), session)
        ticket = self.desk.create(session.person.id, **{"company": session.active, **values})
        return answer({"id": ticket.id, "href": f"/Assistance/Ticket/{ticket.id}"}, 201)

    def _change(self, ticket: Ticket, session: Session) -> None:
        values = self._values(self._body(), session)
        if ticket.status == "6":
            values = {"status": values["status"]} if "status" in values else values
            if values and "status" not in values:
                raise Wrong(500, "ERROR", "Failed to update item(s)", "A closed ticket cannot be changed")
        self.desk.change(ticket, session.person.id, values)

    def _delete(self, ticket: Ticket, session: Session) -> Response:
        if request.args.get("force") == "true":
            self.desk.delete(ticket, session.person.id)
        else:
            self.desk.trash(ticket, session.person.id)
        return Response(status=204)

    def _member(self, ticket: Ticket, session: Session) -> Response:
        body = self._body()
        role, kind = ROLES.get(str(body.get("role"))), KINDS.get(str(body.get("type")))
        who, me = int(body.get("id") or 0), session.person.id
        if role is None or kind is None:
            raise Wrong(400, "ERROR_INVALID_PARAMETER", "Invalid role or type")
        if request.method == "POST":
            try:
                self.desk.add_actor(ticket, me, role, kind, who)
            except ValueError:
                raise Wrong(500, "ERROR", "Failed to add member") from None
        for actor in [a for a in ticket.actors if (a.role, a.kind, a.who) == (role, kind, who)]:
            if request.method == "DELETE":
                self.desk.drop_actor(ticket, me, actor)
        busy = any(ticket.first("assigned", kind) for _, kind in ACTORS.values())
        if role == "assigned" and ticket.status == ("1" if busy else "2"):
            self.desk.change(ticket, me, {"status": "2" if busy else "1"})
        return answer(None, 201 if request.method == "POST" else 200)

    def _timeline(self, ticket: Ticket, rest: list[str], session: Session) -> Response:
        kind = rest[0] if rest else ""
        if request.method == "GET":
            found = [self._said(c, session) for c in ticket.comments]
            return answer([one for one in found if kind in ("", one["type"])])
        body = self._body()
        try:
            comment = self._say(ticket, kind, body, session)
        except Refuse as error:
            raise Wrong(500, "ERROR", "Failed to create item", error.message or "") from None
        return answer({"id": comment.id, "href": f"/Assistance/Ticket/{ticket.id}/Timeline/{kind}/{comment.id}"}, 201)

    def _say(self, ticket: Ticket, kind: str, body: Item, session: Session) -> Comment:
        text, me = str(body.get("content") or ""), session.person.id
        if kind == "Followup":
            return self.desk.comment(ticket, me, text, "note" if body.get("is_private") else "reply")
        if kind == "Task":
            return self.desk.comment(ticket, me, text, "task")
        if kind != "Solution":
            raise Wrong(404, "ERROR_ITEM_NOT_FOUND", "Not found")
        if ticket.state in ("resolved", "closed"):
            raise Refuse("The item is already solved, did anyone pushed a solution before you?")
        self.desk.change(ticket, me, {"status": "5"})
        return self.desk.comment(ticket, me, text, "solution")


def named(id: int, name: str, path: str = "") -> Item:
    return {"id": id, "name": name, **({"completename": path} if path else {})}
