"""Who did what, when."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from connector.store.views import Paged
from connector.web.pages import query
from connector.web.rights import Right, door
from connector.web.services import services
from connector.web.words import ACTIONS


@door(Right.AUDIT_READ)
def index() -> ResponseReturnValue:
    actor = request.args.get("actor", "").strip() or None
    action = request.args.get("action") or None
    subject = request.args.get("subject", "").strip() or None
    reads = services().queries
    page = query.paged(
        lambda cursor: reads.audit(
            actor=actor,
            action=action,
            subject=subject,
            since=query.day("from"),
            before=query.day("to", 1),
            limit=query.limit(),
            cursor=cursor,
        )
    )
    if not isinstance(page, Paged):
        return page
    return render_template("audit.html", page=page, actor=actor, action=action, subject=subject, actions=ACTIONS)


def blueprint() -> Blueprint:
    audit = Blueprint("audit", __name__)
    audit.get("/audit")(index)
    return audit
