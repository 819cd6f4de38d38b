"""What hangs on a ticket of GLPI: followups, tasks, solutions, actors, documents."""

from __future__ import annotations

from typing import Any, Final

from connector.sandbox.glpi import inputs
from connector.sandbox.glpi.errors import DENIED
from connector.sandbox.glpi.sessions import Session
from connector.sandbox.glpi.show import Item
from connector.sandbox.glpi.side import Glpi, instant
from connector.sandbox.model import Ticket

LINKS: Final = ("Ticket_User", "Group_Ticket", "Supplier_Ticket")
_OF_TASK: Final = ("actiontime", "state", "users_id_tech", "is_private")


class Refuse(Exception):
    """One item is refused; the message may be empty, or null for an id that is not there."""

    def __init__(self, message: str | None) -> None:
        super().__init__(message or "")
        self.message = message


class Parts:
    def __init__(self, side: Glpi) -> None:
        self.side = side
        self.desk = side.desk

    def _target(self, given: Item, session: Session) -> Ticket:
        ticket = self.desk.tickets.get(int(given.get("items_id") or given.get("tickets_id") or 0))
        if ticket is None or not session.sees(ticket) or given.get("itemtype", "Ticket") != "Ticket":
            raise Refuse(DENIED)
        return ticket

    def followup(self, given: Item, session: Session) -> tuple[int, str]:
        ticket = self._target(given, session)
        me = session.person.id
        author = int(given.get("users_id") or me)
        kind = "note" if int(given.get("is_private") or 0) else "message" if author == ticket.requester else "reply"
        comment = self.desk.comment(ticket, me, str(given.get("content") or ""), kind,
                                    requesttypes_id=int(given.get("requesttypes_id") or 0))
        comment.by = author
        if given.get("date"):
            comment.extra["made_at"], comment.at = comment.at, instant(str(given["date"]), session.viewer.zone)
        if given.get("add_close"):
            self._judge(ticket, 3, session)
            self.desk.change(ticket, me, {"status": "6"})
        elif given.get("add_reopen"):
            self._judge(ticket, 4, session)
            busy = any(a.role == "assigned" for a in ticket.actors)
            self.desk.change(ticket, me, {"status": "2" if busy else "1"})
        return comment.id, ""

    @staticmethod
    def _judge(ticket: Ticket, status: int, session: Session) -> None:
        for comment in ticket.comments:
            if comment.kind == "solution" and comment.extra.get("status", 2) == 2:
                comment.extra.update(status=status, approver=session.person.id, approved_at=ticket.updated_at)

    def task(self, given: Item, session: Session) -> tuple[int, str]:
        ticket = self._target(given, session)
        kept: dict[str, Any] = {key: int(given[key]) for key in _OF_TASK if key in given}
        return self.desk.comment(ticket, session.person.id, str(given.get("content") or ""), "task", **kept).id, ""

    def solution(self, given: Item, session: Session) -> tuple[int, str]:
        ticket = self._target(given, session)
        if ticket.state in ("resolved", "closed"):
            raise Refuse("The item is already solved, did anyone pushed a solution before you?")
        self.desk.change(ticket, session.person.id, {"status": "5"})
        comment = self.desk.comment(ticket, session.person.id, str(given.get("content") or ""), "solution",
                                    solutiontypes_id=int(given.get("solutiontypes_id") or 0))
        return comment.id, f"Item successfully added: {comment.id}"

    def link(self, name: str, given: Item, session: Session) -> tuple[int, str]:
        ticket = self._target(given, session)
        role, kind, who, mail = inputs.link(name, given)
        known: Any = {"person": self.desk.people, "group": self.desk.groups, "supplier": self.desk.suppliers}[kind]
        if who and who not in known:
            raise Refuse(DENIED)
        try:
            actor = self.desk.add_actor(ticket, session.person.id, role, kind, who, mail)
        except ValueError:
            raise Refuse("") from None
        self.follow(ticket, session, "2" if role == "assigned" and ticket.status == "1" else "")
        return actor.id, ""

    def follow(self, ticket: Ticket, session: Session, status: str) -> None:
        """What GLPI does by itself when the actors change."""
        changes: dict[str, Any] = {"status": status} if status else {}
        if status == "2" and ticket.taken_at is None:
            changes["taken_at"] = self.desk.clock.now()
        self.desk.change(ticket, session.person.id, changes)

    def document(self, given: Item, session: Session) -> tuple[int, str]:
        ticket = self._target(given, session)
        number = int(given.get("documents_id") or 0)
        if any(file.id == number for file in ticket.files):
            raise Refuse("")
        file = self.side.loose.pop(number, None)
        if file is None:
            raise Refuse(DENIED)
        self.desk.attach(ticket, session.person.id, file.name, file.media_type, file.data, number=number,
                         note=file.note)
        return number, f"Item successfully added: Document item - ID {number}"
