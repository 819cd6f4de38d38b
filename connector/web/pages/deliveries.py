"""What is on its way to the tools, people and suppliers, and what could not be delivered: reason, retry, drop."""

from __future__ import annotations

import orjson
from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from connector.domain.delivery import DeliveryState
from connector.flows import redeliver, sent
from connector.store.views import DeliveryRow, Paged
from connector.web import actions, tries
from connector.web.auth.identity import who
from connector.web.auth.signin import safe_next
from connector.web.i18n import _, ngettext
from connector.web.pages import query
from connector.web.rights import Right, door
from connector.web.services import services


@door(Right.DELIVERIES_READ)
def index() -> ResponseReturnValue:
    states = tuple(s for s in request.args.getlist("state") if s in list(DeliveryState))
    target = request.args.get("target") or None
    reads = services().queries
    page = query.paged(lambda cursor: reads.deliveries(state=states, target=target, limit=query.limit(), cursor=cursor))
    if not isinstance(page, Paged):
        return page
    counts = reads.counts().deliveries
    totals = {state: sum(n for (_t, s), n in counts.items() if s == state) for state in ("waiting", "leased", "dead")}
    return render_template(
        "deliveries.html",
        page=page,
        states=states,
        target=target,
        totals=totals,
        targets=sorted({*services().settings.tools, *services().deps.channels}),
    )


@door(Right.DELIVERIES_READ)
def show(id: int) -> ResponseReturnValue:
    row, parts = _found(id), services()
    told = {} if sent.to_supplier(row.target) else sent.content(row.key, row.target, row.verb, row.payload or {})
    return render_template(
        "delivery.html",
        row=row,
        fields=list(told.get("fields", told).items()),
        tries=tries.of(parts, row, who()),
        reads=sent.to_supplier(row.target) and tries.may_read(row, who()),
        again=redeliver.possible(parts.deps, row.state, row.target),
        link=redeliver.repeated(row.key),
        repeat=parts.queries.delivery_of(redeliver.repeat_key(row.id, row.key, row.payload or {})),
    )


@door(Right.DELIVERIES_READ)
def content(id: int) -> ResponseReturnValue:
    """What was sent, in full."""
    row, parts = _found(id), services()
    if not tries.may_read(row, who()):
        abort(403)
    found = tries.look(parts, row, who())
    body = orjson.dumps(found, option=orjson.OPT_INDENT_2).decode()
    return render_template("delivery_sent.html", row=row, body=body, private=sent.private(parts.deps, row.target))


def _found(id: int) -> DeliveryRow:
    row = services().queries.delivery(id) if id < 2**53 else None
    if row is None:
        abort(404)
    return row


@door(Right.DELIVERIES_RETRY)
def repeat(id: int) -> ResponseReturnValue:
    if actions.repeat(services(), who(), _found(id)):
        flash(_("It will be sent again, with the same message id."), "good")
    else:
        flash(_("Only what was sent to a supplier can be sent again."), "bad")
    return redirect(url_for("deliveries.show", id=id), 303)


@door(Right.DELIVERIES_RETRY)
def retry() -> ResponseReturnValue:
    """One (`id`) or all dead ones of a target (`target`), or of all (`target=*`)."""
    if request.form.get("id", "").isdigit():
        count = actions.retry(services(), who(), ids=[int(request.form["id"])])
    elif request.form.get("target"):
        target = request.form["target"]
        count = actions.retry(services(), who(), target=None if target == "*" else target)
    else:
        abort(400)
    flash(
        ngettext("%(num)d delivery will be tried again.", "%(num)d deliveries will be tried again.", count)
        % {"num": count},
        "good",
    )
    return _back()


@door(Right.DELIVERIES_DROP)
def drop() -> ResponseReturnValue:
    if not request.form.get("id", "").isdigit():
        abort(400)
    done = actions.drop(services(), who(), int(request.form["id"]))
    if done:
        flash(_("Dropped: it will not be delivered."), "good")
    else:
        flash(_("It could not be dropped: it is being delivered or already finished."), "bad")
    return _back()


def _back() -> ResponseReturnValue:
    return redirect(safe_next(request.form.get("next", "")) or url_for("deliveries.index", state="dead"), 303)


def blueprint() -> Blueprint:
    deliveries = Blueprint("deliveries", __name__)
    deliveries.get("/deliveries")(index)
    deliveries.get("/deliveries/<int:id>")(show)
    deliveries.get("/deliveries/<int:id>/sent")(content)
    deliveries.post("/deliveries/<int:id>/repeat")(repeat)
    deliveries.post("/deliveries/retry")(retry)
    deliveries.post("/deliveries/drop")(drop)
    return deliveries
