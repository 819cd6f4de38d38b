"""Answering one handoff with the link of a mail: for suppliers without a system and without an account.

The link is the right: signed, for one handoff of one receiver, for thirty days. Looking changes nothing, as programs
that check mail follow links; only the buttons do. Whoever has no good link learns nothing.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import uuid4

from flask import Blueprint, current_app, flash, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from connector.domain.errors import ConnectorError
from connector.domain.handoffs.file_link import REPLY, FileLink, holds, link
from connector.domain.handoffs.moves import Move, Side
from connector.flows import handoffs as flow
from connector.settings.app_key import FILE_LINKS, REPLY_LINKS, derived
from connector.web.auth.throttle import Bucket
from connector.web.errors import Problem
from connector.web.handoffs.pages import said
from connector.web.handoffs.view import Seen, left, moves, see
from connector.web.i18n import _
from connector.web.portal.thread import shown
from connector.web.rights import Door, door
from connector.web.services import KEY, Services, services

BUCKET: Final = "connector_replies"
_LONGEST: Final = 12


@door(Door.PUBLIC)
def show(receiver: str, handoff: str) -> ResponseReturnValue:
    return _page(_found(receiver, handoff))


@door(Door.PUBLIC)
def answer(receiver: str, handoff: str) -> ResponseReturnValue:
    """One form for everything: a move with its reason, or words."""
    _found(receiver, handoff)
    try:
        _do(receiver, handoff)
    except ConnectorError as error:
        return _page(_found(receiver, handoff), *said(error))
    flash(_("Thank you: the service desk sees it now."), "good")
    return redirect(request.full_path, 303)


def _do(receiver: str, handoff: str) -> None:
    form, deps, actor = request.form, services().deps, f"{receiver} (mail)"
    words = (form.get("reason") or form.get("text", "")).replace("\r\n", "\n")
    if form.get("move") in set(Move):
        flow.act(deps, handoff, Move(form["move"]), actor, side=Side.THEIRS, reason=words, receiver=receiver)
    else:
        flow.comment(deps, handoff, words, actor, side=Side.THEIRS, once=form.get("once", "")[:64], receiver=receiver)


def _found(receiver: str, handoff: str) -> Seen:
    """Every wrong link gets the same answer, and soon none at all."""
    parts, address = services(), request.remote_addr or ""
    doors: Bucket = current_app.extensions[BUCKET]
    wait = doors.wait(address)
    if wait:
        raise Problem(429, _("Too many attempts. Try again in a minute."), headers={"Retry-After": str(int(wait) + 1)})
    until = request.args.get("until", "")
    number = int(until) if until.isascii() and until.isdigit() and len(until) <= _LONGEST else 0
    one = FileLink(receiver, handoff, "", number)
    good = holds(one, request.args.get("proof", ""), derived(parts.settings, REPLY_LINKS), parts.now())
    seen = see(parts, handoff, [receiver]) if good else None
    if seen is None or seen.receiver is None or not seen.receiver.reach.email:
        doors.take(address)
        raise Problem(404, _("This link is not valid, or it is over."))
    return seen


def _page(seen: Seen, trouble: str = "", status: int = 200) -> ResponseReturnValue:
    parts, handoff = services(), seen.handoff
    key = derived(parts.settings, FILE_LINKS)

    def file(digest: str) -> str:
        return link(handoff.receiver, handoff.id, digest, parts.now()).url("", key)

    page = render_template(
        "portal/reply.html", seen=seen, handoff=handoff, receiver=seen.receiver, left=left(seen), trouble=trouble,
        moves=moves(handoff, Side.THEIRS), entries=shown(seen), form=request.form, here=request.full_path, file=file,
        once=uuid4().hex)
    response = make_response(page, status)
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def blueprint() -> Blueprint:
    pages = Blueprint("reply", __name__)
    path = REPLY.format(receiver="<receiver>", handoff="<handoff>")
    pages.get(path)(show)
    pages.post(path)(answer)

    def install(state: Any) -> None:
        parts: Services = state.app.extensions[KEY]
        state.app.extensions[BUCKET] = Bucket(per_minute=20, burst=40, now=parts.now)
        # The link is the right, and whoever has it needs no cookie.
        state.app.extensions["connector_csrf"].exempt(pages)

    pages.record(install)
    return pages
