"""GLPI 10's apirest.php over HTTP: sessions, items, search."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, request

from connector.sandbox.glpi import kinds, logs, search, show
from connector.sandbox.glpi.errors import Fail, answer, denied, not_found
from connector.sandbox.glpi.finder import Finder
from connector.sandbox.glpi.forms import body, listed, nested
from connector.sandbox.glpi.ranges import asked
from connector.sandbox.glpi.sessions import Session, current, log_in
from connector.sandbox.glpi.show import FOREIGN, Item, Kind
from connector.sandbox.glpi.side import MATRIX, Glpi
from connector.sandbox.model import Ticket


class Api:
    def __init__(self, side: Glpi) -> None:
        self.side = side
        self.desk = side.desk
        self.kinds = kinds.build(side)
        self.finder = Finder(side)

    # ---- the session's own resources

    def resource(self, name: str) -> Callable[[], Response] | None:
        return {"initSession": self.init, "killSession": self.kill, "getMyProfiles": self.my_profiles,
                "getActiveProfile": self.active_profile, "changeActiveProfile": self.change_profile,
                "getMyEntities": self.my_entities, "getActiveEntities": self.active_entities,
                "changeActiveEntities": self.change_entities, "getFullSession": self.full_session,
                "getGlpiConfig": self.config, "getMultipleItems": self.several}.get(name)

    def init(self) -> Response:
        session = log_in(self.side, body())
        told: Item = {"session_token": session.token}
        if request.args.get("get_full_session") == "true":
            told["session"] = session.full()
        return answer(told)

    def kill(self) -> Response:
        del self.side.sessions[current(self.side).token]
        return answer(True)

    def my_profiles(self) -> Response:
        return answer({"myprofiles": [current(self.side).profile()]})

    def active_profile(self) -> Response:
        session = current(self.side)
        rights = session.rights()
        return answer({"active_profile": {**rights, "helpdesk_hardware": 3, "ticket_status": []}})

    def change_profile(self) -> Response:
        if str(body().get("profiles_id")) != str(current(self.side).profile()["id"]):
            raise not_found()
        return answer(True)

    def my_entities(self) -> Response:
        session = current(self.side)
        every = request.args.get("is_recursive") == "true"
        found = session.below(session.root) if every else (session.root,)
        return answer({"myentities": [{"id": e, "name": search.entity_path(self.side, e).replace(">", "&#62;")}
                                      for e in (*found[1:], found[0])]})

    def active_entities(self) -> Response:
        session = current(self.side)
        return answer({"active_entity": {"id": session.active, "active_entity_recursive": session.recursive,
                                         "active_entities": [{"id": e} for e in session.entities]}})

    def change_entities(self) -> Response:
        given = body()
        wanted, recursive = given.get("entities_id", "all"), bool(given.get("is_recursive"))
        return answer(current(self.side).change_entity(wanted, recursive))

    def full_session(self) -> Response:
        return answer({"session": current(self.side).full()})

    def config(self) -> Response:
        current(self.side)
        matrix = {str(u): {str(i + 1): p for i, p in enumerate(row)} for u, row in MATRIX.items()}
        return answer({"cfg_glpi": {
            "version": self.side.version, "list_limit": 20, "list_limit_max": "50", "language": "en_GB",
            "url_base": self.side.url, "ajax_limit_count": "10", "date_format": "0", "priority_matrix": matrix,
            "enable_api": "1", "url_base_api": self.side.rest(), "document_max_size": "32"}})

    def several(self) -> Response:
        """All or nothing: one missing id spoils the rest."""
        session, found = current(self.side), []
        for wanted in listed(nested().get("items", {})):
            kind = self.kind(str(wanted.get("itemtype", "")))
            found.append(self.item(kind, self.find(kind, str(wanted.get("items_id", "")), session), session))
        return answer(found)

    # ---- items

    def kind(self, name: str) -> Kind:
        if name not in self.kinds:
            raise Fail("ERROR_RESOURCE_NOT_FOUND_NOR_COMMONDBTM", "resource not found or not an instance of CommonDBTM")
        return self.kinds[name]

    def find(self, kind: Kind, id: str, session: Session) -> Any:
        """Raises Fail: not there, or not to be seen."""
        if kind.name == "Ticket":
            ticket = self.side.find(id)
            if ticket is None:
                raise not_found()
            if not session.sees(ticket):
                raise denied()
            return ticket
        for row in kind.rows(session.viewer):
            if str(kind.show(row, session.viewer).get("id")) == id:
                return row
        raise not_found()

    def one(self, kind: Kind, id: str) -> Response:
        session = current(self.side)
        row = self.find(kind, id, session)
        shown = self.item(kind, row, session)
        if kind.name == "Ticket":
            self._parts(shown, row, session)
        return answer(shown)

    def _parts(self, shown: Item, ticket: Ticket, session: Session) -> None:
        """What `with_...` adds; a part without right is an error inside the 200."""
        for name in ("contracts", "documents", "tickets", "problems", "changes", "notes", "logs"):
            if request.args.get(f"with_{name}") != "true":
                continue
            if name == "notes" or (name == "logs" and not session.central):
                shown[f"_{name}"] = {"error": 401, "message": "You don't have permission to perform this action."}
            elif name == "documents":
                shown["_documents"] = [
                    {**show.document(self.side, file, session.viewer), "assocID": file.id, "entity": "Root entity",
                     "assocdate": show.document_item(file, session.viewer)["date_creation"]} for file in ticket.files]
            elif name == "logs":
                shown["_logs"] = {str(line["id"]): line for line in logs.of(self.side, ticket, session.viewer)}
            else:
                shown[f"_{name}"] = []

    def item(self, kind: Kind, row: Any, session: Session) -> Item:
        made = kind.show(row, session.viewer)
        escaped = request.headers.get("X-GLPI-Sanitized-Content", "").lower() != "false"
        if escaped:
            for key in kind.text:
                if isinstance(made.get(key), str):
                    made[key] = self.side.escape(made[key])
        if request.args.get("get_hateoas") != "false":
            made["links"] = self._links(kind, made)
        if request.args.get("expand_dropdowns") == "true":
            made.update({key: name for key in made if (name := self._name(key, made[key])) is not None})
        wanted = [str(value) for value in listed(nested().get("add_keys_names", {}))]
        if wanted:
            made["_keys_names"] = {key: made.get("name") if key == "id" else self._short(key, made.get(key))
                                   for key in wanted if key in made}
        return made

    def _links(self, kind: Kind, made: Item) -> list[dict[str, str]]:
        base = self.side.rest()
        links = []
        if kind.name not in ("Ticket", "Log") and made.get("itemtype") == "Ticket":
            links.append({"rel": "Ticket", "href": f"{base}/Ticket/{made['items_id']}"})
        links += [{"rel": FOREIGN[key], "href": f"{base}/{FOREIGN[key]}/{value}"} for key, value in made.items()
                  if key in FOREIGN and isinstance(value, int) and (value or key == "entities_id")]
        if kind.name == "Log":
            links.append({"rel": made["itemtype"], "href": f"{base}/{made['itemtype']}/{made['items_id']}"})
        links += [{"rel": child, "href": f"{base}/{kind.name}/{made['id']}/{child}/"} for child in kind.children]
        return links

    def _name(self, key: str, value: Any) -> str | None:
        if key not in FOREIGN or not isinstance(value, int) or (not value and key != "entities_id"):
            return None
        return self._full(key, value)

    def _full(self, key: str, value: int) -> str | None:
        desk = self.desk
        paths: dict[str, Callable[[], str]] = {
            "Entity": lambda: search.entity_path(self.side, value),
            "User": lambda: show.shown_person(desk.people[value]),
            "ITILCategory": lambda: desk.categories[value].path, "Group": lambda: desk.groups[value].name,
            "Location": lambda: desk.sites[value].name, "Supplier": lambda: desk.suppliers[value].name,
            "RequestType": lambda: str(show.source(value)["name"]),
            "SLA": lambda: {1: "TTR 8h", 2: "TTO 1h"}[value], "OLA": lambda: "OLA TTR 4h",
        }
        try:
            return self.side.escape(paths[FOREIGN[key]]())
        except KeyError:
            return None

    def _short(self, key: str, value: Any) -> str:
        full = self._full(key, value) if key in FOREIGN and isinstance(value, int) else ""
        return (full or "").rsplit(" &#62; ", 1)[-1]

    # ---- lists

    def all(self, kind: Kind) -> Response:
        session = current(self.side)
        if (not session.central and not kind.central) or kind.name == "Config":
            raise denied()
        if kind.name == "Ticket":
            rows = self.finder.tickets(session, request.args.get("is_deleted") == "true", "id")[0]
            return self.page(kind, rows, session)
        return self.page(kind, list(kind.rows(session.viewer)), session)

    def children(self, kind: Kind, id: str, child: Kind) -> Response:
        session = current(self.side)
        row = self.find(kind, id, session)
        if kind.name != "Ticket":
            key = kinds.PARENT.get(child.name, "")
            rows = [r for r in child.rows(session.viewer) if str(child.show(r, session.viewer).get(key)) == id]
        elif child.name == "Log":
            rows = logs.of(self.side, row, session.viewer)
        else:
            rows = list(child.of_ticket(row)) if child.of_ticket is not None else []
        return self.page(child, rows, session)

    def page(self, kind: Kind, rows: list[Any], session: Session) -> Response:
        shown: Callable[[Any], Item] = lambda row: kind.show(row, session.viewer)  # noqa: E731
        for key, value in nested().get("searchText", {}).items():
            rows = [row for row in rows if str(value).lower() in str(shown(row).get(key) or "").lower()]
        rows = self._sorted(kind, rows, shown)
        start, end, total = asked(len(rows))
        part = rows[start:end + 1]
        headers = {"Accept-Range": f"{kind.name} 1000"}
        if total:
            headers["Content-Range"] = f"{start}-{min(end, total - 1)}/{total}"
        if request.args.get("only_id") == "true":
            return answer([{"id": shown(row)["id"]} for row in part], 206 if len(part) < total else 200, headers)
        return answer([self.item(kind, row, session) for row in part], 206 if len(part) < total else 200, headers)

    @staticmethod
    def _sorted(kind: Kind, rows: list[Any], shown: Callable[[Any], Item]) -> list[Any]:
        sort, down = request.args.get("sort", "id"), request.args.get("order", "ASC").upper() == "DESC"
        if rows and sort not in shown(rows[0]):
            raise Fail("ERROR", f"sort param is not a field of {kind.table or 'glpi_' + kind.name.lower() + 's'}")
        if sort == "id" and kind.name == "Ticket":
            return rows[::-1] if down else rows
        return sorted(rows, key=lambda row: (shown(row)[sort] is not None, shown(row)[sort] or 0
                                             if not isinstance(shown(row)[sort], str) else shown(row)[sort]),
                      reverse=down)
