"""A ticket as a major incident: who leads, the next step, updates, and everything that can be done now."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Final
from uuid import uuid4

from flask import Blueprint, Flask, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from connector.domain.errors import Refused
from connector.domain.history import Event
from connector.domain.major import moves
from connector.domain.major.checklist import following, lines
from connector.domain.major.children import suggested
from connector.domain.major.closing import closing
from connector.domain.major.procedure import ROLES
from connector.domain.major.record import ALLOWED, Record, What
from connector.domain.ticket import Ticket
from connector.flows import majors
from connector.paper.pdf import render
from connector.ports import Stored
from connector.store.views import TicketFilter
from connector.web import i18n, scope
from connector.web.auth.identity import who
from connector.web.papers.major import document
from connector.web.rights import Right, door
from connector.web.services import services

PLAIN: Final = (What.RECOVERING, What.RECOVERED, What.RELAPSED, What.STOOD_DOWN, What.UPDATE, What.DECISION)
MARKS: Final = (What.DONE, What.SKIPPED, What.UNDONE)
SUGGESTED: Final = 20
Make = Callable[[Record, Stored, datetime], Event]


@door(Right.TICKETS_READ)
def show(key: int) -> ResponseReturnValue:
    return _page(key)


@door(Right.TICKETS_WRITE)
def declare(key: int) -> ResponseReturnValue:
    _visible(key)
    try:
        majors.declare(services().deps, key, who().label, request.form.get("text", ""))
    except Refused as error:
        return _page(key, error.reason), 422
    return redirect(url_for("major.show", key=key), 303)


@door(Right.TICKETS_WRITE)
def act(key: int) -> ResponseReturnValue:
    _visible(key)
    try:
        majors.act(services().deps, key, _make(request.form), who().label)
    except Refused as error:
        return _page(key, error.reason), 422
    flash(i18n._("Noted."), "good")
    return redirect(url_for("major.show", key=key), 303)


@door(Right.TICKETS_READ)
def report(key: int) -> ResponseReturnValue:
    _visible(key)
    parts = services()
    seen = majors.standing(parts.deps, key)
    if seen.record is None:
        abort(404)
    told = closing(seen.stored.ticket, seen.events, seen.record, parts.now())
    locale = i18n.locale().language
    raw = render(document(seen.stored.ticket, told, parts.settings.name, locale, parts.settings.timezone))
    return Response(raw, mimetype="application/pdf",
                    headers={"Content-Disposition": f'inline; filename="major-incident-{key}.pdf"'})


def _make(form: Any) -> Make:
    """The move that a form asks for. Raises Refused for one that is none."""
    by, text, once = who().label, str(form.get("text", "")), str(form.get("once", ""))
    given = str(form.get("what", ""))
    if given not in tuple(What):
        raise Refused(f"what: {given!r} is unknown")
    what = What(given)
    if what in MARKS:
        return lambda record, stored, now: moves.mark(record, what, str(form.get("step", "")), now, by, text)
    if what is What.ROLE:
        return lambda record, stored, now: moves.name(record, str(form.get("role", "")), str(form.get("person", "")),
                                                      now, by)
    if what is What.LINKED:
        return lambda record, stored, now: moves.link(record, str(form.get("child", "")), now, by,
                                                      str(stored.ticket.ref))
    if what is What.UNLINKED:
        return lambda record, stored, now: moves.unlink(record, str(form.get("child", "")), now, by)
    if what is What.FOLLOW_UP:
        due = _day(str(form.get("due", "")))
        return lambda record, stored, now: moves.follow_up(record, text, str(form.get("owner", "")), due, now, by, once)
    if what is What.CLOSED:
        words = {part: str(form.get(part, "")) for part in moves.SECTIONS if form.get(part)}
        return lambda record, stored, now: moves.close(record, words, now, by)
    return lambda record, stored, now: moves.move(record, what, now, by, text, once)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Refused(f"due: {text!r} is not a date") from None


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
    registry = parts.deps.registry() if parts.deps.registry is not None else None
    people = registry.people.people if registry is not None else {}
    near: list[Ticket] = []
    if record is not None and record.active and ticket.service:
        alike = parts.queries.tickets(TicketFilter(service=(ticket.service,)), limit=SUGGESTED).items
        found = [detail.ticket for row in alike if (detail := scope.visible(parts.queries.ticket(row.key), who()))]
        near = suggested(ticket, record, seen.process, found)
    return render_template(
        "major.html", key=key, ticket=ticket, record=record, lines=every, trouble=trouble, people=people,
        next=following(every, record.state) if record is not None and record.active else None, near=near,
        told=closing(ticket, seen.events, record, now).durations if record is not None else None,
        can=[what for what in PLAIN if record is not None and record.state in ALLOWED[what]],
        closes=record is not None and record.state in ALLOWED[What.CLOSED], once=uuid4().hex,
        roles=sorted({*ROLES, *seen.process.roles}), form=request.form, writes=who().may(Right.TICKETS_WRITE))


def install(app: Flask) -> None:
    pages = Blueprint("major", __name__)
    pages.get("/tickets/<int:key>/major")(show)
    pages.post("/tickets/<int:key>/major")(declare)
    pages.post("/tickets/<int:key>/major/moves")(act)
    pages.get("/tickets/<int:key>/major/report.pdf")(report)
    app.register_blueprint(pages)
