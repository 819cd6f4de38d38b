"""Fields on which we and receivers differ now: what a person has to decide, with both values, and what just differs."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from connector.domain.errors import ConnectorError
from connector.domain.handoffs.exchange import Kept
from connector.domain.handoffs.handoff import Held
from connector.flows.handoff_fields import decide_field, drifts
from connector.web.auth.identity import who
from connector.web.handoffs.pages import found, said, titles
from connector.web.i18n import _
from connector.web.rights import Right, door
from connector.web.services import services


@door(Right.HANDOFFS_READ)
def listed(trouble: str = "", status: int = 200) -> ResponseReturnValue:
    parts = services()
    differing = list(drifts(parts.deps, parts.handoffs.exchanging()))
    return render_template(
        "handoffs/differences.html", trouble=trouble, receivers=titles(), can=who().may(Right.HANDOFFS_WRITE),
        waiting=[pair for pair in differing if pair[1].held is not Held.NO],
        others=[pair for pair in differing if pair[1].held is Held.NO],
    ), status


@door(Right.HANDOFFS_WRITE)
def settle(id: str) -> ResponseReturnValue:
    found(id)
    try:
        kept = Kept(request.form.get("kept", ""))
    except ValueError:
        abort(400)
    try:
        decide_field(services().deps, id, request.form.get("field", ""), kept, who().label)
    except ConnectorError as error:
        return listed(*said(error))
    flash(_("Decided."), "good")
    return redirect(url_for("differences.listed"), 303)


def blueprint() -> Blueprint:
    made = Blueprint("differences", __name__)
    made.get("/handoffs/differences")(listed)
    made.post("/handoffs/<id>/settle")(settle)
    return made
