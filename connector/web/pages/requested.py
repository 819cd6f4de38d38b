"""A service request: what is approved, which tasks are where, and what a person can do about it."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from connector.domain.agreements.registry import Registry
from connector.domain.errors import Refused
from connector.domain.history import Event
from connector.domain.requests import moves
from connector.domain.requests.clocks import reading
from connector.domain.requests.record import Record, State
from connector.flows import requests
from connector.flows.request_tasks import handoff_of
from connector.web import approvers, i18n, scope
from connector.web.auth.identity import who
from connector.web.pages.clocks import of_readings
from connector.web.reasons import told
from connector.web.rights import Right, door
from connector.web.services import services


@door(Right.TICKETS_READ)
def show(key: int) -> ResponseReturnValue:
    return _page(key)


@door(Right.TICKETS_READ)
def answer(key: int) -> ResponseReturnValue:
    """Whoever was asked answers, or somebody who may for them."""
    _visible(key)
    form, by = request.form, who().label
    try:
        instead = approvers.checked(form.get("person", ""))
        yes = approvers.said(form.get("answer", ""))
        requests.act(services().deps, key, lambda found, now: moves.answer(
            found, form.get("approval", ""), form.get("person", ""), yes, now, by, form.get("text", ""), "page",
            instead), by)
    except Refused as error:
        return _page(key, told(error.reason)), 403 if error.status == 403 else 422
    flash(i18n._("Noted."), "good")
    return redirect(url_for("requested.show", key=key), 303)


@door(Right.TICKETS_WRITE)
def act(key: int) -> ResponseReturnValue:
    _visible(key)
    form, by = request.form, who().label
    what, text, task = (form.get(name, "") for name in ("what", "text", "task"))

    def make(found: Record, now: datetime) -> Event:
        if what in ("done", "failed"):
            return moves.settle(found, task, what == "done", now, by, text)
        if what == "again":
            return moves.again(found, task, now, by, text)
        if what == "drop":
            return moves.drop(found, task, now, by, text)
        if what == "cancel":
            return moves.cancel(found, now, by, text)
        raise Refused(f"what: {what!r} is unknown")

    try:
        requests.act(services().deps, key, make, by)
    except Refused as error:
        return _page(key, told(error.reason)), 422
    flash(i18n._("Noted."), "good")
    return redirect(url_for("requested.show", key=key), 303)


def _visible(key: int) -> None:
    """Receivers are told by their handoffs, not by this page."""
    if scope.visible(services().queries.ticket(key), who()) is None or who().supplier is not None:
        abort(404)


def _page(key: int, trouble: str = "") -> str:
    _visible(key)
    parts = services()
    try:
        stored, found = requests.standing(parts.deps, key)
    except Refused:
        abort(404)
    registry = parts.deps.registry() if parts.deps.registry is not None else Registry(())
    now = parts.now()
    told = reading(found, registry, now)
    with parts.deps.store.read() as tx:
        handed = {task.id: handoff_of(tx, stored, task.id) for task in found.plan.tasks if task.receiver}
    return render_template(
        "requested.html", key=key, ticket=stored.ticket, record=found, trouble=trouble, now=now,
        people=registry.people.people, detail=stored, writes=who().may(Right.TICKETS_WRITE),
        pending=found.pending() if found.state is State.APPROVING else None, me=approvers.me(), handed=handed,
        clocks=of_readings([*told.approvals.values(), *told.tasks.values()], told.problems, now),
        anybody=who().may(Right.APPROVALS_ANSWER))


def blueprint() -> Blueprint:
    page = Blueprint("requested", __name__)
    page.get("/tickets/<int:key>/request")(show)
    page.post("/tickets/<int:key>/request")(act)
    page.post("/tickets/<int:key>/request/answer")(answer)
    return page
