"""A ticket as a major incident: who leads, the next step, updates, and everything that can be done now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import uuid4

from flask import Blueprint, Flask, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from connector.domain.errors import Refused
from connector.domain.history import EventKind
from connector.domain.major.checklist import following, lines
from connector.domain.major.children import suggested
from connector.domain.major.closing import closing
from connector.domain.major.procedure import ROLES
from connector.domain.major.record import ALLOWED, Record, What
from connector.domain.notices.people import Person
from connector.domain.ticket import Ticket
from connector.flows import acknowledging, majors
from connector.paper.document import Block, Document
from connector.paper.pdf import render
from connector.store.views import TicketDetail, TicketFilter
from connector.web import i18n, major_moves, scope
from connector.web.auth.identity import who
from connector.web.papers.major import document
from connector.web.reasons import told
from connector.web.rights import Right, door
from connector.web.services import services

PLAIN: Final = (What.RECOVERING, What.RECOVERED, What.RELAPSED, What.STOOD_DOWN, What.UPDATE, What.DECISION)
SUGGESTED: Final = 20


@door(Right.TICKETS_READ)
def show(key: int) -> ResponseReturnValue:
    return _page(key)


@door(Right.TICKETS_WRITE)
def declare(key: int) -> ResponseReturnValue:
    _visible(key)
    try:
        majors.declare(services().deps, key, who().label, request.form.get("text", ""))
    except Refused as error:
        return _page(key, told(error.reason)), 422
    return redirect(url_for("major.show", key=key), 303)


@door(Right.TICKETS_WRITE)
def act(key: int) -> ResponseReturnValue:
    _visible(key)
    try:
        majors.act(services().deps, key, major_moves.make(request.form, who().label), who().label)
    except Refused as error:
        return _page(key, told(error.reason)), 422
    flash(i18n._("Noted."), "good")
    return redirect(url_for("major.show", key=key), 303)


@door(Right.TICKETS_WRITE)
def acknowledge(key: int) -> ResponseReturnValue:
    """Somebody signed in says that they know of the declaration."""
    _visible(key)
    parts, asking = services(), who()
    record = majors.standing(parts.deps, key).record
    if record is None or not record.active:
        abort(404)
    acknowledging.acknowledge(parts.deps, key, asking.label, asking.name, f"major/{record.n}/declared", "page",
                              asking.label)
    return redirect(url_for("major.show", key=key), 303)


@door(Right.TICKETS_READ)
def report(key: int) -> ResponseReturnValue:
    """The report as a page, which can be printed."""
    return render_template("paper.html", document=_document(key), kind_of=kind_of, back=url_for("major.show", key=key),
                           back_text=i18n._("Major incident"), pdf=url_for("major.paper", key=key),
                           zone=services().settings.timezone)


@door(Right.TICKETS_READ)
def paper(key: int) -> ResponseReturnValue:
    return Response(render(_document(key)), mimetype="application/pdf",
                    headers={"Content-Disposition": f'inline; filename="major-incident-{key}.pdf"'})


def _document(key: int) -> Document:
    _visible(key)
    parts = services()
    seen = majors.standing(parts.deps, key)
    if seen.record is None:
        abort(404)
    told = closing(seen.stored.ticket, seen.events, seen.record, parts.now())
    return document(seen.stored.ticket, told, parts.settings.name, str(i18n.locale()), parts.settings.timezone,
                    {id: person.name for id, person in _people().items()})


def _people() -> Mapping[str, Person]:
    registry = services().deps.registry
    return registry().people.people if registry is not None else {}


def kind_of(block: Block) -> str:
    return type(block).__name__.lower()


def _visible(key: int) -> Ticket:
    """Receivers are told by their handoffs, not by this page."""
    detail = scope.visible(services().queries.ticket(key), who())
    if detail is None or who().supplier is not None:
        abort(404)
    return detail.ticket


def _page(key: int, trouble: str = "") -> str:
    ticket, parts = _visible(key), services()
    seen, now = majors.standing(parts.deps, key), parts.now()
    record = seen.record
    every = lines(record, now) if record is not None else ()
    near: list[Ticket] = []
    if record is not None and record.active and ticket.service:
        alike = parts.queries.tickets(TicketFilter(service=(ticket.service,)), limit=SUGGESTED).items
        found = [detail.ticket for row in alike if (detail := scope.visible(parts.queries.ticket(row.key), who()))]
        near = suggested(ticket, record, seen.process, found)
    return render_template(
        "major.html", key=key, ticket=ticket, record=record, lines=every, trouble=trouble, people=_people(),
        next=following(every, record.state) if record is not None and record.active else None, near=near,
        told=closing(ticket, seen.events, record, now).durations if record is not None else None,
        can=[what for what in PLAIN if record is not None and record.state in ALLOWED[what]],
        closes=record is not None and record.state in ALLOWED[What.CLOSED], once=uuid4().hex,
        known=record is None or any(event.kind is EventKind.ACKNOWLEDGED and event.at >= record.declared_at
                                    for event in seen.events), children=_children(record),
        today=now.astimezone(i18n.zone()).date(), span=i18n.span,
        roles=sorted({*ROLES, *seen.process.roles}), form=request.form, writes=who().may(Right.TICKETS_WRITE))


def _children(record: Record | None) -> list[tuple[str, TicketDetail | None]]:
    """Each with its ticket, where whoever asks may see it."""
    parts, found = services(), list[tuple[str, TicketDetail | None]]()
    with parts.deps.store.read() as tx:
        for ref in record.children if record is not None else ():
            tool, _, id = ref.partition("/")
            key = next((stored.key for stored in tx.tickets(tool, [id]).values()), None)
            found.append((ref, scope.visible(parts.queries.ticket(key), who()) if key is not None else None))
    return found


def install(app: Flask) -> None:
    pages = Blueprint("major", __name__)
    pages.get("/tickets/<int:key>/major")(show)
    pages.post("/tickets/<int:key>/major")(declare)
    pages.post("/tickets/<int:key>/major/moves")(act)
    pages.post("/tickets/<int:key>/major/acknowledge")(acknowledge)
    pages.get("/tickets/<int:key>/major/report")(report)
    pages.get("/tickets/<int:key>/major/report.pdf")(paper)
    app.register_blueprint(pages)
