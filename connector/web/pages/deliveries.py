"""What is on its way to the tools, people and suppliers, and what could not be delivered: reason, retry, drop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from connector.domain.delivery import DeliveryState
from connector.domain.notices.notice import NOTIFY
from connector.store.views import Paged
from connector.web import actions
from connector.web.auth.identity import who
from connector.web.auth.signin import safe_next
from connector.web.i18n import _, ngettext
from connector.web.pages import query
from connector.web.rights import Right, door
from connector.web.services import services

HIDDEN: Final = "(...)"
_SHOWN: Final = frozenset({"text", "public", "author", "name", "media_type", "size"})


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
    row = services().queries.delivery(id)
    if row is None:
        abort(404)
    payload = row.payload or {}
    fields = payload.get("fields", payload)
    shown = [(name, item) for name, item in fields.items() if name in _SHOWN or "fields" in payload]
    if row.verb == NOTIFY:
        shown = _message(payload)
    return render_template("delivery.html", row=row, fields=shown)


def _message(payload: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """A message to a person, without the links in it: who reads here must not acknowledge in another's name."""
    text = str(payload.get("text", ""))
    for link in payload.get("links", ()):
        text = text.replace(str(link), HIDDEN)
    return [("name", payload.get("name", "")), ("title", payload.get("subject", "")), ("text", text)]


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
    deliveries.post("/deliveries/retry")(retry)
    deliveries.post("/deliveries/drop")(drop)
    return deliveries
