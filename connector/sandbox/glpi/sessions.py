"""Sessions of GLPI: who logged in, what he sees. Rights and entities are a snapshot taken at login."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from flask import request

from connector.sandbox.glpi.errors import Fail
from connector.sandbox.glpi.show import Viewer
from connector.sandbox.glpi.side import Glpi, local
from connector.sandbox.model import Person, Ticket


class Session:
    def __init__(self, side: Glpi, person: Person, token: str) -> None:
        self.side = side
        self.person = person
        self.token = token
        self.central = person.role != "customer"
        self.root = 0 if (self.central and person.role != "agent") or not person.company else person.company
        self.active = self.root
        self.entities = self.below(self.root)
        self.recursive: Any = 1

    def below(self, root: int) -> tuple[int, ...]:
        """An entity and those under it."""
        found = [root]
        for company in self.side.desk.companies.values():
            if company.parent in found and company.id not in found:
                found.append(company.id)
        return tuple(found)

    @property
    def viewer(self) -> Viewer:
        own = self.person.zone or (self.side.zone if self.person is self.side.account() else "UTC")
        return Viewer(self.person, own, self.entities)

    def sees(self, ticket: Ticket) -> bool:
        if ticket.hidden or ticket.company not in self.entities:
            return False
        return self.central or ticket.created_by == self.person.id or ticket.requester == self.person.id

    def profile(self) -> dict[str, Any]:
        entity = {"id": self.root, "name": self.side.desk.companies[self.root].name, "is_recursive": 1}
        name, number = ("Super-Admin", 4) if self.central else ("Self-Service", 1)
        return {"id": number, "name": name, "entities": [entity]}

    def change_entity(self, wanted: Any, recursive: bool) -> bool:
        """False for an entity out of reach: GLPI answers 200 with `false`."""
        if wanted == "all":
            self.active, self.entities = self.root, self.below(self.root)
            return True
        try:
            number = int(wanted)
        except (TypeError, ValueError):
            return False
        if number not in self.below(self.root):
            return False
        self.active, self.recursive = number, recursive
        self.entities = self.below(number) if recursive else (number,)
        return True

    def full(self) -> dict[str, Any]:
        person = self.person
        viewer = self.viewer
        return {
            "valid_id": self.token, "glpi_currenttime": local(self.side.desk.clock.now(), viewer.zone),
            "glpi_use_mode": 0, "glpiID": person.id, "glpiis_ids_visible": "0",
            "glpifriendlyname": f"{person.last} {person.first}".strip() or person.login, "glpiname": person.login,
            "glpirealname": person.last or None, "glpifirstname": person.first or None,
            "glpidefault_entity": self.root, "glpilanguage": "en_GB", "glpilist_limit": 20,
            "glpiprofiles": {str(self.profile()["id"]): {"name": self.profile()["name"],
                                                        "entities": self.profile()["entities"]}},
            "glpiactiveprofile": self.rights(), "glpiactiveentities": list(self.entities),
            "glpiactive_entity": self.active, "glpiactive_entity_recursive": self.recursive,
            "glpiactive_entity_name": self.side.desk.companies[self.active].name, "glpishowallentities": 1,
            "glpigroups": list(person.groups), "glpitimezone": person.zone or None,
        }

    def rights(self) -> dict[str, Any]:
        known = {"id": self.profile()["id"], "name": self.profile()["name"], "interface": "central", "ticket": 261_151,
                 "followup": 31_767, "task": 13_329, "logs": 1, "document": 127, "user": 7327, "group": 127,
                 "itilcategory": 23, "entities": self.profile()["entities"]}
        return known if self.central else known | {"interface": "helpdesk", "ticket": 5, "followup": 5, "logs": 0,
                                                   "user": 0, "group": 0, "task": 1}


def log_in(side: Glpi, given: Mapping[str, Any]) -> Session:
    """From headers, query or body. Raises Fail."""
    check_app_token(side)
    auth = request.headers.get("Authorization", "")
    kind, _, value = auth.partition(" ")
    token = value if kind == "user_token" else str(given.get("user_token") or request.args.get("user_token", ""))
    if token:
        person = next((p for p in side.desk.people.values() if p.active and side.user_token(p) == token), None)
        if person is None:
            raise Fail("ERROR_GLPI_LOGIN_USER_TOKEN", "parameter user_token seems invalid")
    else:
        person = _by_password(side, kind, value, given)
    number = side.desk.next_id("session")
    session = Session(side, person, side.secret(f"session {number}")[:26])
    side.sessions[session.token] = session
    return session


def _by_password(side: Glpi, kind: str, value: str, given: Mapping[str, Any]) -> Person:
    login, password = str(given.get("login", "")), str(given.get("password", ""))
    if (login or kind == "Basic") and not side.switches["credentials"]:
        raise Fail("ERROR_LOGIN_WITH_CREDENTIALS_DISABLED",
                   "usage of initSession resource with credentials is disabled")
    if kind == "Basic":
        try:
            login, _, password = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise Fail("ERROR_GLPI_LOGIN", "Incorrect username or password") from None
    if not login:
        raise Fail("ERROR_LOGIN_PARAMETERS_MISSING", "parameter(s) login, password or user_token are missing")
    for person in side.desk.people.values():
        if person.login == login and person.active and password == side.secret(f"password {login}"):
            return person
    raise Fail("ERROR_GLPI_LOGIN", "Incorrect username or password")


def check_app_token(side: Glpi) -> None:
    if not side.switches["app_token"]:
        return
    token = request.headers.get("App-Token") or request.args.get("app_token", "")
    if not token:
        raise Fail("ERROR_APP_TOKEN_PARAMETERS_MISSING", "missing parameter app_token")
    if token != side.secret("app token"):
        raise Fail("ERROR_WRONG_APP_TOKEN_PARAMETER", "parameter app_token seems wrong")


def current(side: Glpi) -> Session:
    token = request.headers.get("Session-Token") or request.args.get("session_token", "")
    if not token:
        raise Fail("ERROR_SESSION_TOKEN_MISSING", "parameter session_token is missing or empty")
    session = side.sessions.get(token)
    if session is None:
        raise Fail("ERROR_SESSION_TOKEN_INVALID", "session_token seems invalid")
    check_app_token(side)
    found: Session = session
    return found
