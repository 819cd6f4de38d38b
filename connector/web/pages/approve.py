"""The page behind a link in a request for approval: answers without signing in.

As with acknowledgements looking changes nothing, the link is the right and is bound to whom it was sent, and whoever
has no good link learns nothing.
"""

from __future__ import annotations

from flask import Blueprint, Flask, Response, current_app, make_response, render_template, request
from flask.typing import ResponseReturnValue

from connector.domain.errors import BadSignature, NotFound, Refused
from connector.domain.links import Acknowledgement, Purpose
from connector.domain.notices.people import Person
from connector.flows import approving
from connector.flows.approving import Standing
from connector.flows.notices import desk
from connector.web import approvers, i18n
from connector.web.auth.throttle import Bucket
from connector.web.errors import Problem
from connector.web.pages import ack
from connector.web.reasons import told
from connector.web.rights import Door, door
from connector.web.services import services


@door(Door.PUBLIC)
def show(token: str) -> ResponseReturnValue:
    found, _given, person = _read(token)
    return _page(found, person, token)


@door(Door.PUBLIC)
def answer(token: str) -> ResponseReturnValue:
    found, given, person = _read(token)
    text = request.form.get("text", "")
    try:
        yes = approvers.said(request.form.get("answer", ""))
        done = approving.answer(services().deps, given.ticket, person.id, given.what, yes, text, f"person:{person.id}",
                                "link")
    except Refused as error:
        page = _page(found, person, token, told(error.reason))
        page.status_code = 422
        return page
    return _page(done, person, token, new=found.given is None)


def _read(token: str) -> tuple[Standing, Acknowledgement, Person]:
    """Every wrong link gets the same answer, and soon none at all; so does that of somebody who is gone."""
    parts, address = services(), request.remote_addr or ""
    doors: Bucket = current_app.extensions[ack.KEY]
    wait = doors.wait(address)
    if wait:
        raise Problem(429, i18n._("Too many attempts. Try again in a minute."),
                      headers={"Retry-After": str(int(wait) + 1)})
    try:
        given = desk(parts.deps).links.read(token, parts.now(), Purpose.APPROVE)
        registry = parts.deps.registry
        person = registry().people.people.get(given.person) if registry is not None else None
        if person is None:
            raise NotFound("nobody we know")
        found = approving.standing(parts.deps, given.ticket, given.person, given.what)
    except (BadSignature, NotFound):
        doors.take(address)
        raise Problem(404, i18n._("This link is not valid, or it is over.")) from None
    if person.language in parts.settings.languages:
        i18n.set_for_request(person.language, person.timezone, parts.settings.languages)
    return found, given, person


def _page(found: Standing, person: Person, token: str, trouble: str = "", new: bool = False) -> Response:
    page = make_response(render_template("approve.html", found=found, person=person, token=token, trouble=trouble,
                                         new=new, text=request.form.get("text", "")))
    page.headers["X-Robots-Tag"] = "noindex, nofollow"
    page.headers["Referrer-Policy"] = "no-referrer"
    return page


def install(app: Flask) -> None:
    pages = Blueprint("approve", __name__)
    pages.get("/approve/<token>")(show)
    pages.post("/approve/<token>")(answer)
    app.register_blueprint(pages)
    app.extensions["connector_csrf"].exempt(app.view_functions["approve.answer"])  # the link is the right
