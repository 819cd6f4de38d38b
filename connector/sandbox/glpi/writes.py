"""Creating, changing and deleting over apirest.php."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from flask import Response, request

from connector.sandbox.glpi import inputs
from connector.sandbox.glpi.api import Api
from connector.sandbox.glpi.documents import created as document_created
from connector.sandbox.glpi.errors import DENIED, Fail, answer
from connector.sandbox.glpi.forms import body, listed
from connector.sandbox.glpi.parts import LINKS, Parts, Refuse
from connector.sandbox.glpi.sessions import Session, current
from connector.sandbox.glpi.show import Item, Kind
from connector.sandbox.model import Comment, Ticket


class Writer:
    def __init__(self, api: Api) -> None:
        self.api = api
        self.side = api.side
        self.desk = api.desk
        self.parts = Parts(api.side)

    # ---- POST

    def create(self, kind: Kind) -> Response:
        session = current(self.side)
        if kind.name == "Document" and "multipart/form-data" in request.headers.get("Content-Type", ""):
            return document_created(self.side, session)
        given = Inputs(body())
        results: list[Item] = []
        links, refused = [], 0
        for one in given.items:
            try:
                number, message = self._add(kind.name, one, session)
            except Refuse as error:
                refused += 1
                results.append({"id": False, "message": error.message})
                continue
            links.append(f"{self.side.rest()}/{kind.name}/{number}")
            results.append({"id": number, "message": message})
        if not given.several:
            if refused:
                raise Fail("ERROR_GLPI_ADD", results[0]["message"])
            return answer(results[0], 201, {"location": links[0]})
        if refused:
            raise Fail("ERROR_GLPI_ADD" if refused == len(results) else "ERROR_GLPI_PARTIAL_ADD", results)
        header = ",".join(links)
        if len(header) > 3900:  # nginx's default buffers: everything is created, the answer is lost
            page = "<html>\n<head><title>502 Bad Gateway</title></head>\n</html>\n"
            return Response(page, 502, content_type="text/html")
        return answer(results, 201, {"link": header})

    def _add(self, name: str, given: Item, session: Session) -> tuple[int, str]:
        makers: dict[str, Callable[[Item, Session], tuple[int, str]]] = {
            "Ticket": self._ticket, "ITILFollowup": self.parts.followup, "TicketFollowup": self.parts.followup,
            "TicketTask": self.parts.task, "ITILSolution": self.parts.solution,
            "Document_Item": self.parts.document,
        }
        if name in LINKS:
            return self.parts.link(name, given, session)
        if name not in makers:
            raise Refuse(DENIED)
        return makers[name](given, session)

    def _ticket(self, given: Item, session: Session) -> tuple[int, str]:
        made = inputs.columns(given, self.side, session.viewer.zone)
        made.setdefault("company", session.active)
        if made["company"] not in session.entities:
            raise Refuse(DENIED)
        if self.side.switches["strict_sql"] and any(made.get(key) for key in ("slas_id_ttr", "olas_id_ttr")):
            raise Refuse("Incorrect integer value: '' for column `glpi`.`glpi_tickets`.`sla_waiting_duration` at row 1")
        if not made.get("title"):
            made["title"] = " ".join(str(made.get("description", "")).split())[:70]
        first: dict[str, int] = {}
        more = []
        for role, kind, who, mail in inputs.actors(given):
            field = next((f for f, place in _FIRST.items() if place == (role, kind)), None)
            if field is not None and field not in first and who:
                first[field] = who
            else:
                more.append((role, kind, who, mail))
        ticket = self.desk.create(session.person.id, **{**made, **first})
        for role, kind, who, mail in more:
            self.desk.add_actor(ticket, session.person.id, role, kind, who, mail)
        title = self.side.escape(ticket.title) if _escaped() else ticket.title
        shown = f"{title} ({ticket.id})" if title else f"Ticket - ID {ticket.id} ({ticket.id})"
        return ticket.id, f"Item successfully added: {shown}"

    # ---- PUT and PATCH

    def update(self, kind: Kind, id: str | None) -> Response:
        session = current(self.side)
        given = Inputs(body())
        results: list[Item] = []
        missing = 0
        for one in given.items:
            number = one.get("id", id)
            if number is None:
                return answer([[]])
            try:
                self._change(kind.name, str(number), one, session)
            except Refuse as error:
                if not given.several:
                    raise Fail("ERROR_GLPI_UPDATE", error.message) from None
                missing += 1
                if error.message is not None:
                    results.append({str(number): False, "message": error.message})
                continue
            results.append({str(number): True, "message": ""})
        if missing:
            raise Fail("ERROR_GLPI_PARTIAL_UPDATE" if missing < len(given.items) else "ERROR_GLPI_UPDATE", results)
        return answer(results)

    def _change(self, name: str, id: str, given: Item, session: Session) -> None:
        if name in ("ITILFollowup", "TicketFollowup", "TicketTask", "ITILSolution"):
            comment = self._comment(int(id) if id.isdigit() else 0)
            if "content" in given:
                self.desk.edit_comment(self.desk.tickets[comment.ticket], session.person.id, comment,
                                       str(given["content"]))
            return
        if name != "Ticket":
            raise Refuse(DENIED)
        ticket = self.side.find(id)
        if ticket is None:
            raise Refuse(None)
        if not session.sees(ticket):
            raise Refuse(DENIED)
        changes = inputs.columns(given, self.side, session.viewer.zone)
        people = list(inputs.actors(given))
        self._block(ticket, given, session)
        if ticket.status == "6" and not people:
            changes = {"status": changes["status"]} if "status" in changes else changes
            if changes and "status" not in changes:
                raise Refuse("")
        if str(given.get("is_deleted", "")) in ("0", "False"):
            self.desk.trash(ticket, session.person.id, False)
        self.desk.change(ticket, session.person.id, changes)
        for role, kind, who, mail in people:
            if not any((a.role, a.kind, a.who) == (role, kind, who) for a in ticket.actors):
                self.desk.add_actor(ticket, session.person.id, role, kind, who, mail)
            self.parts.follow(ticket, session, "2" if role == "assigned" and ticket.status == "1" else "")

    def _block(self, ticket: Ticket, given: Item, session: Session) -> None:
        """The plugin Fields keeps a row of its own: the ticket's last update does not move."""
        block = given.get("c_id")
        names = self.side.blocks.get(block, ()) if isinstance(block, int) else ()
        self.desk.change(ticket, session.person.id, {name: given[name] for name in names if name in given}, quiet=True)

    def _comment(self, number: int) -> Comment:
        for ticket in self.desk.tickets.values():
            for comment in ticket.comments:
                if comment.id == number:
                    return comment
        raise Refuse(None)

    # ---- DELETE

    def delete(self, kind: Kind, id: str | None) -> Response:
        session = current(self.side)
        given = body() if id is None else {}
        purge = request.args.get("force_purge") == "true" or bool(given.get("force_purge"))
        ids = [id] if id is not None else [str(one.get("id")) for one in listed(given.get("input", []))]
        results: list[Item] = []
        missing = 0
        for number in ids:
            gone = self._remove(kind.name, str(number), purge, session)
            missing += not gone
            results.append({str(number): gone, "message": "" if gone else "Item not found"})
        if missing and id is not None:
            raise Fail("ERROR_GLPI_DELETE", "Item not found")
        if missing:
            raise Fail("ERROR_GLPI_PARTIAL_DELETE", results)
        return answer(results)

    def _remove(self, name: str, id: str, purge: bool, session: Session) -> bool:
        number = int(id) if id.isdigit() else 0
        me = session.person.id
        if name == "Ticket":
            ticket = self.side.find(id)
            if ticket is None or not session.sees(ticket):
                return False
            if purge:
                self.desk.delete(ticket, me)
            else:
                self.desk.trash(ticket, me)
            return True
        if name == "Document":
            return self.side.loose.pop(number, None) is not None
        if name in LINKS:
            return self._unlink(name, number, session)
        for ticket in self.desk.tickets.values():
            for comment in ticket.comments:
                if comment.id == number and name in ("ITILFollowup", "TicketTask", "ITILSolution"):
                    ticket.comments.remove(comment)
                    self.desk.change(ticket, me, {"_removed": number})
                    return True
        return False

    def _unlink(self, name: str, number: int, session: Session) -> bool:
        kind = {"Ticket_User": "person", "Group_Ticket": "group", "Supplier_Ticket": "supplier"}[name]
        for ticket in self.desk.tickets.values():
            for actor in ticket.actors:
                if actor.id == number and actor.kind == kind:
                    self.desk.drop_actor(ticket, session.person.id, actor)
                    if ticket.status == "2" and not any(a.role == "assigned" for a in ticket.actors):
                        self.desk.change(ticket, session.person.id, {"status": "1"})
                    return True
        return False

    def restore(self) -> Response:
        """POST applyMassiveAction/Ticket/MassiveAction:restore."""
        session = current(self.side)
        ids = [int(number) for number in body().get("ids", [])]
        good = 0
        for number in ids:
            ticket = self.desk.tickets.get(number)
            if ticket is not None and ticket.trashed:
                self.desk.trash(ticket, session.person.id, False)
                good += 1
        return answer({"ok": good, "ko": len(ids) - good, "noright": 0, "messages": []})


_FIRST: Final = {"requester": ("requester", "person"), "assignee": ("assigned", "person"),
                        "group": ("assigned", "group"), "supplier": ("assigned", "supplier")}


class Inputs:
    """`{"input": {...}}` or `{"input": [...]}`. Raises Fail."""

    def __init__(self, given: Item) -> None:
        wanted = given.get("input")
        self.several = isinstance(wanted, list)
        if not isinstance(wanted, (dict, list)) or not all(isinstance(one, dict) for one in
                                                           (wanted if self.several else [wanted])):
            raise Fail("ERROR_BAD_ARRAY", "input parameter must be an array of objects")
        self.items: list[Item] = wanted if isinstance(wanted, list) else [wanted]


def _escaped() -> bool:
    return request.headers.get("X-GLPI-Sanitized-Content", "").lower() != "false"
