"""The page behind a link in a message: acknowledges without signing in.

Looking changes nothing: programs that check mail follow links. Only the button does, and it can be pressed twice. The
link is the right, so the form needs no cookie; whoever has no good link learns nothing, not even whether there is a
ticket.
"""

from __future__ import annotations

from typing import Final

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue

from connector.domain.errors import BadSignature, NotFound
from connector.domain.links import Acknowledgement
from connector.domain.notices.people import Person
from connector.flows import acknowledging
from connector.flows.acknowledging import Standing
from connector.flows.notices import desk
from connector.web import i18n, scope
from connector.web.auth.identity import who
from connector.web.auth.throttle import Bucket
from connector.web.errors import Problem
from connector.web.rights import Door, Right, door
from connector.web.services import KEY as SERVICES
from connector.web.services import Services, services

KEY: Final = "connector_acknowledgements"
PER_MINUTE: Final = 20
BURST: Final = 40


@door(Door.PUBLIC)
def show(token: str) -> ResponseReturnValue:
    given, person = _given(token)
    return _page(acknowledging.standing(services().deps, given.ticket, given.person, given.what), person, token)


@door(Door.PUBLIC)
def confirm(token: str) -> ResponseReturnValue:
    given, person = _given(token)
    name = person.name if person is not None else given.person
    done = acknowledging.acknowledge(services().deps, given.ticket, given.person, name, given.what)
    return _page(done, person, token)


@door(Right.TICKETS_WRITE)
def by_hand(key: int) -> ResponseReturnValue:
    """A signed-in person acknowledges what a ticket's ladders last did."""
    parts, asking = services(), who()
    detail = scope.visible(parts.queries.ticket(key), asking)
    if detail is None:
        abort(404)
    what = acknowledging.unanswered(detail.events)
    if what:
        acknowledging.acknowledge(parts.deps, key, asking.label, asking.name, what, "page", asking.label)
        flash(i18n._("Noted. This escalation goes no further."), "good")
    return redirect(url_for("ticket.show", key=key), 303)


def _given(token: str) -> tuple[Acknowledgement, Person | None]:
    """What the link says and who it was for. Every wrong link gets the same answer, and soon none at all."""
    parts = services()
    doors: Bucket = current_app.extensions[KEY]
    address = request.remote_addr or ""
    wait = doors.wait(address)
    if wait:
        raise Problem(429, i18n._("Too many attempts. Try again in a minute."),
                      headers={"Retry-After": str(int(wait) + 1)})
    try:
        given = desk(parts.deps).links.read(token, parts.now())
        # Asked here too, so that a link to a ticket that is gone answers as any wrong one does.
        acknowledging.standing(parts.deps, given.ticket, given.person, given.what)
    except (BadSignature, NotFound):
        doors.take(address)
        raise Problem(404, i18n._("This link is not valid, or it is over.")) from None
    registry = parts.deps.registry
    person = registry().people.people.get(given.person) if registry is not None else None
    if person is not None and person.language in parts.settings.languages:
        i18n.set_for_request(person.language, person.timezone, parts.settings.languages)
    return given, person


def _page(found: Standing, person: Person | None, token: str) -> Response:
    answer = make_response(render_template("ack.html", found=found, person=person, token=token))
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


def install(app: Flask) -> None:
    pages = Blueprint("ack", __name__)
    pages.get("/ack/<token>")(show)
    pages.post("/ack/<token>")(confirm)
    pages.post("/tickets/<int:key>/acknowledge")(by_hand)
    app.register_blueprint(pages)
    parts: Services = app.extensions[SERVICES]
    app.extensions[KEY] = Bucket(PER_MINUTE, BURST, parts.now)
    app.extensions["connector_csrf"].exempt(app.view_functions["ack.confirm"])
