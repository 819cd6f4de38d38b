"""The list of tickets: filter, sort, page; the address holds it all."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from connector.domain.ticket import PRIORITIES, Kind, State
from connector.store.views import Paged, TicketFilter
from connector.web import scope
from connector.web.auth.identity import who
from connector.web.filters import here
from connector.web.i18n import _
from connector.web.pages import query
from connector.web.rights import Right, door
from connector.web.services import services
from connector.web.words import field_name, value_name, word


@door(Right.TICKETS_READ)
def index() -> ResponseReturnValue:
    asked = query.ticket_filter()
    where = scope.narrowed(asked, who())
    sort, descending = query.sort()
    reads = services().queries
    page = query.paged(
        lambda cursor: reads.tickets(where, sort=sort, descending=descending, limit=query.limit(), cursor=cursor)
    )
    if not isinstance(page, Paged):
        return page
    narrow = who().supplier is not None
    menus = {name: [] if narrow else reads.choices(name) for name in ("tool", "group", "assignee", "customer")}
    return render_template(
        "tickets.html",
        page=page,
        where=asked,
        sort=sort,
        descending=descending,
        menus=menus,
        kinds=list(Kind),
        states=list(State),
        priorities=PRIORITIES,
        chosen=chosen(asked),
    )


def chosen(where: TicketFilter) -> list[tuple[str, str]]:
    """The active filters as (words, address without it)."""
    found: list[tuple[str, str]] = []
    for name in query.MANY:
        values = request.args.getlist(name)
        label = word("fields", name)
        for value in dict.fromkeys(values):
            rest = [other for other in values if other != value]
            if value:
                found.append((f"{label}{_(':')} {_said(name, value)}", here(**{name: rest})))
    for name, field in (
        ("updated_from", "updated_at"),
        ("updated_to", "updated_at"),
        ("opened_from", "opened_at"),
        ("opened_to", "opened_at"),
    ):
        if query.day(name):
            arrow = "≥" if name.endswith("from") else "≤"
            found.append((f"{field_name(field)} {arrow} {request.args[name]}", here(**{name: None})))
    if where.text:
        found.append((f"“{where.text}”", here(q=None)))
    return found


def _said(name: str, value: str) -> str:
    if value == "-":
        return word("empty", "none")
    if (name, value) == ("state", "open"):
        return word("empty", "open")
    return value_name(name, value)


def blueprint() -> Blueprint:
    tickets = Blueprint("tickets", __name__)
    tickets.get("/tickets")(index)
    return tickets
