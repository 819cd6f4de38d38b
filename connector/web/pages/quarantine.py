"""Tickets that could not be understood: which, why, since when; and reading them again."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from connector.store.views import Paged
from connector.web import actions
from connector.web.auth.identity import who
from connector.web.i18n import _
from connector.web.pages import query
from connector.web.rights import Right, door
from connector.web.services import services


@door(Right.QUARANTINE_READ)
def index() -> ResponseReturnValue:
    tool = request.args.get("tool") or None
    reads = services().queries
    page = query.paged(lambda cursor: reads.quarantine(tool=tool, limit=query.limit(), cursor=cursor))
    if not isinstance(page, Paged):
        return page
    return render_template("quarantine.html", page=page, tool=tool, counts=reads.counts().quarantined)


@door(Right.QUARANTINE_RETRY)
def retry() -> ResponseReturnValue:
    tool, ticket = request.form.get("tool", ""), request.form.get("ticket", "")
    if not tool or not ticket:
        abort(400)
    if actions.read_again(services(), who(), tool, [ticket]):
        flash(_("It will be read again in a moment."), "good")
    else:
        flash(_("This tool is no longer connected."), "bad")
    return redirect(url_for("quarantine.index", tool=request.form.get("filter") or None), 303)


def blueprint() -> Blueprint:
    quarantine = Blueprint("quarantine", __name__)
    quarantine.get("/quarantine")(index)
    quarantine.post("/quarantine/retry")(retry)
    return quarantine
