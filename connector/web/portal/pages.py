"""The portal: a receiver's own handoffs, each with what may be answered now. Not theirs looks as if not there."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from connector.domain.errors import ConnectorError
from connector.domain.handoffs.message import severity
from connector.domain.handoffs.moves import Move, Side
from connector.domain.handoffs.receiver import Receiver, ReceiverKind
from connector.flows import handoffs as flow
from connector.flows.handoff_number import number_of_theirs
from connector.store.views import Paged
from connector.web.auth.identity import who
from connector.web.handoffs import selftest as selftests
from connector.web.handoffs import sending
from connector.web.handoffs.pages import said
from connector.web.handoffs.view import Seen, left, moves, see
from connector.web.i18n import _
from connector.web.pages import clocks, query
from connector.web.portal import reports, thread
from connector.web.portal.access import receivers_of
from connector.web.rights import Right, door
from connector.web.services import services

VIEWS: Final = ("open", "theirs", "offered", "ours", "customer", "disputed", "closed")


def mine() -> dict[str, Receiver]:
    """The receivers the user speaks for that may use the portal."""
    return {one.name: one for one in receivers_of(services(), who().supplier) if one.reach.portal}


def found(id: str) -> Seen:
    seen = see(services(), id, list(mine()))
    if seen is None or seen.receiver is None:
        abort(404)
    return seen


@door(Right.HANDOFFS_ANSWER)
def index() -> ResponseReturnValue:
    view = request.args["view"] if request.args.get("view") in VIEWS else "open"
    text, names = request.args.get("q", "").strip()[:100], list(mine())
    reads = services().handoffs
    page = query.paged(lambda cursor: reads.board(view, only=names, text=text, limit=query.limit(), cursor=cursor,
                                                  offered=True))
    if not isinstance(page, Paged):
        return page
    return render_template("portal/index.html", page=page, view=view, text=text, receivers=mine(), severity=severity,
                           counts=reads.counts(names, text, offered=True))


@door(Right.HANDOFFS_ANSWER)
def show(id: str) -> ResponseReturnValue:
    return page_of(found(id))


def page_of(seen: Seen, trouble: str = "", status: int = 200) -> ResponseReturnValue:
    handoff, receiver = seen.handoff, seen.receiver
    assert receiver is not None
    page = render_template(
        "portal/show.html", seen=seen, handoff=handoff, receiver=receiver, left=left(seen), trouble=trouble,
        moves=moves(handoff, Side.THEIRS), entries=thread.shown(seen), form=request.form, detail=None,
        clocks=clocks.of_readings(seen.reading.clocks, (), services().now()), largest=sending.largest(services()),
        files=thread.files(seen),
        reports=receiver.kind is ReceiverKind.FIELD_SERVICE and not handoff.ended,
    )
    return page, status


@door(Right.HANDOFFS_ANSWER)
def act(id: str) -> ResponseReturnValue:
    seen = found(id)
    try:
        what = Move(request.form.get("move", ""))
    except ValueError:
        abort(400)
    reason = request.form.get("reason", "").replace("\r\n", "\n")
    return _done(seen, lambda: flow.act(services().deps, id, what, who().label, side=Side.THEIRS, reason=reason,
                                        receiver=seen.handoff.receiver))


@door(Right.HANDOFFS_ANSWER)
def number(id: str) -> ResponseReturnValue:
    seen = found(id)
    given = request.form.get("theirs", "")
    return _done(seen, lambda: number_of_theirs(services().deps, id, given, who().label, seen.handoff.receiver))


@door(Right.HANDOFFS_ANSWER)
def comment(id: str) -> ResponseReturnValue:
    seen = found(id)
    text = request.form.get("text", "").replace("\r\n", "\n")
    return _done(seen, lambda: flow.comment(services().deps, id, text, who().label, side=Side.THEIRS,
                                            once=request.form.get("once", ""), receiver=seen.handoff.receiver))


def _done(seen: Seen, work: Any) -> ResponseReturnValue:
    id = seen.handoff.id
    try:
        work()
    except ConnectorError as error:
        return page_of(found(id), *said(error))
    flash(_("Thank you: the service desk sees it now."), "good")
    return redirect(url_for("portal.show", id=id), 303)


@door(Right.HANDOFFS_ANSWER)
def attach(id: str) -> ResponseReturnValue:
    seen = found(id)
    trouble = sending.take(services(), id, who().label, Side.THEIRS, seen.handoff.receiver)
    if trouble:
        return page_of(found(id), *trouble)
    flash(_("Thank you: the service desk sees it now."), "good")
    return redirect(url_for("portal.show", id=id), 303)


@door(Right.HANDOFFS_ANSWER)
def file(id: str, digest: str) -> ResponseReturnValue:
    seen = found(id)
    if digest not in {one.digest for one in thread.files(seen)}:
        abort(404)
    return sending.give(services(), seen, digest)


@door(Right.HANDOFFS_ANSWER)
def report(id: str) -> ResponseReturnValue:
    """The intervention report of a visit: a form that becomes a PDF, signed by typing one's name."""
    seen = found(id)
    if seen.receiver is None or seen.receiver.kind is not ReceiverKind.FIELD_SERVICE:
        abort(404)
    trouble = reports.sign(services(), seen, request.form, who().label)
    if trouble:
        return page_of(found(id), trouble, 422)
    flash(_("The report is signed and kept."), "good")
    return redirect(url_for("portal.show", id=id), 303)


def testable() -> list[Receiver]:
    """Receivers of the user that have a system of their own; the portal itself need not be open to them."""
    return [one for one in receivers_of(services(), who().supplier) if one.reach.webhook is not None]


@door(Right.HANDOFFS_ANSWER)
def selftest() -> ResponseReturnValue:
    several = testable()
    asked = request.args.get("receiver", "")
    chosen = next((one for one in several if one.name == asked), several[0] if several and not asked else None)
    if chosen is None:
        abort(404)
    action = url_for("portal.selftest", receiver=chosen.name)
    return render_template("portal/selftest.html", several=several, **selftests.context(chosen, action))


def _frame() -> dict[str, Any]:
    return {"tests_itself": bool(testable()) if getattr(g, "who", None) else False}


def blueprint() -> Blueprint:
    portal = Blueprint("portal", __name__)
    portal.context_processor(_frame)
    portal.get("/portal/self-test")(selftest)
    portal.post("/portal/self-test", endpoint="selftest_run")(selftest)
    portal.get("/portal")(index)
    portal.get("/portal/<id>")(show)
    portal.post("/portal/<id>/act")(act)
    portal.post("/portal/<id>/number")(number)
    portal.post("/portal/<id>/comment")(comment)
    portal.post("/portal/<id>/files")(attach)
    portal.get("/portal/<id>/files/<digest>")(file)
    portal.post("/portal/<id>/report")(report)
    return portal
