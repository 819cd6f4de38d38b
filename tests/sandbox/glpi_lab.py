"""The installation the GLPI exchanges were recorded on, as far as the stand-in must know it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from connector import sandbox
from connector.sandbox.desk import Desk
from connector.sandbox.glpi import Glpi
from connector.sandbox.model import Category, Company, Group, Site, Supplier, Ticket

FIRST, LAST = 2, 17
GONE = frozenset({999999})
NAMES = {"GLPI_APP_TOKEN": "app", "GLPI_USER_TOKEN_GLPI": "glpi", "GLPI_USER_TOKEN_TECH": "tech"}


def populate(desk: Desk) -> None:
    desk.companies.update({0: Company(0, "Root entity"), 1: Company(1, "Site A", 0), 2: Company(2, "Site B", 0),
                           3: Company(3, "Lab", 1)})
    desk.groups.update({1: Group(1, "Network", 2), 2: Group(2, "Service desk", 1)})
    desk.suppliers[1] = Supplier(1, "Printfleet")
    desk.sites[1] = Site(1, "HQ")
    desk.categories.update({1: Category(1, "Hardware", None, "Hardware"),
                            2: Category(2, "Printer", 1, "Hardware > Printer")})
    desk.add_person("connector", id=2, role="account")
    desk.add_person("self", id=3, role="customer")
    desk.add_person("tech", id=4, role="agent")
    desk.add_person("agent", id=5, role="agent")
    desk.add_person("site_tech", id=6, role="agent", company=1)
    desk.add_person("alice", id=7, first="Alice", last="O'Neil", email="alice@example.com")


def start() -> sandbox.Handle:
    handle = sandbox.start("glpi", clock="manual", populate=populate)
    for number in range(FIRST, LAST + 1):
        ticket(handle, number)
    return handle


def ticket(handle: sandbox.Handle, number: int) -> Ticket:
    """The ticket with this id, made if it is not there, with something of everything."""
    desk = handle.desk
    known = desk.tickets.get(number)
    if known is not None:
        return known
    desk._ids["ticket"] = number - 1
    made = desk.create(2, title="mismatch" if number > LAST else "Bulk", description="x", requester=7)
    for text, kind in (("<p>a</p>", "reply"), ("note", "note"), ("work", "task")):
        desk.comment(made, 2, text, kind)
    file = desk.next_id("file")
    desk.attach(made, 2, "log.txt", "text/plain", b"line one\nline two\n", number=file, note="Log file\n")
    desk.change(made, 2, {"title": f"{made.title} {number}", "urgency": "low", "urgency_": None})
    return made


def mentioned(exchange: Mapping[str, Any]) -> list[int]:
    """Ids of tickets a request speaks of."""
    asked = exchange["request"]
    text = f"{asked.get('path') or asked.get('url')} {asked.get('body')}"
    found = re.findall(r"Ticket/(\d+)|'tickets_id': (\d+)|'items_id': (\d+)|\[items_id\]=(\d+)|'id': (\d+)", text)
    return [int(number) for groups in found for number in groups if number and int(number) not in GONE]


def names(handle: sandbox.Handle, login: str) -> dict[str, str]:
    """Placeholders of the recordings -> what they are here, with a session of this person."""
    import requests

    side = handle.side
    assert isinstance(side, Glpi)
    person = side.desk.person(login)
    answer = requests.get(f"{side.rest()}/initSession", timeout=10, headers={
        "App-Token": side.secret("app token"), "Authorization": f"user_token {side.user_token(person)}"})
    return {"GLPI_APP_TOKEN": side.secret("app token"), "GLPI_SESSION_TOKEN": answer.json()["session_token"],
            "GLPI_USER_TOKEN_GLPI": side.user_token(side.desk.person("connector")),
            "GLPI_USER_TOKEN_TECH": side.user_token(side.desk.person("tech"))}
