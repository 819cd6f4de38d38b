"""The page behind an invitation: a new account's owner chooses the password, and is signed in."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from connector.web.auth import invitations, passwords, signin
from connector.web.auth.pages import WEAK
from connector.web.i18n import _
from connector.web.rights import Door, door
from connector.web.services import services


@door(Door.PUBLIC)
def show(token: str) -> ResponseReturnValue:
    return _page(token)


def _page(token: str, trouble: str = "", status: int = 200) -> ResponseReturnValue:
    guest = invitations.guest(services(), token)
    if guest is None:
        status = 404
    return render_template("invitation.html", guest=guest, token=token, trouble=trouble), status


@door(Door.PUBLIC)
def accept(token: str) -> ResponseReturnValue:
    parts = services()
    guest = invitations.guest(parts, token)
    if guest is None:
        return _page(token)
    new = request.form.get("new", "")
    if new != request.form.get("again", ""):
        return _page(token, _("The two passwords differ."), 422)
    weakness = passwords.weakness(new, guest.login)
    if weakness:
        return _page(token, _(WEAK[weakness]), 422)
    if not parts.accounts.set_password(guest.id, passwords.hash_password(new), only_at=guest.epoch):
        return _page(token)
    with parts.deps.store.begin() as tx:
        tx.audit(parts.now(), f"user:{guest.login}", "invitation accepted", f"user/{guest.login}", {})
    fresh = parts.accounts.user(guest.id)
    assert fresh is not None
    signin.open_session(parts, fresh, request.user_agent.string[:200])
    flash(_("Welcome. You are signed in; next time use this login and your password."), "good")
    return redirect(url_for("home.show"), 303)


def blueprint() -> Blueprint:
    pages = Blueprint("invitation", __name__)
    pages.get("/invitation/<token>")(show)
    pages.post("/invitation/<token>")(accept)
    return pages
