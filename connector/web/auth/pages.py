"""Sign-in, sign-out, and one's own account: language, password, sessions, look."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from connector.web import words
from connector.web.auth import passwords, signin
from connector.web.auth.identity import who
from connector.web.i18n import _, duration, mark
from connector.web.rights import Door, door
from connector.web.services import services

YEAR = 365 * 24 * 3600
WEAK = {
    "too short": mark("Use at least 12 characters."),
    "too long": mark("Use at most 256 characters."),
    "too easy": mark("This password is too easy to guess: it repeats itself, contains the login or is a common one."),
}


def form() -> ResponseReturnValue:
    if session.get("sid"):
        return redirect(url_for("home.show"))
    return _form("")


def _form(trouble: str, login: str = "", status: int = 200) -> ResponseReturnValue:
    target = signin.safe_next(request.values.get("next", ""))
    return render_template("signin.html", trouble=trouble, login=login, next=target), status


def enter() -> ResponseReturnValue:
    login = request.form.get("login", "").strip()[:200]
    doors = current_app.extensions["connector_doors"]
    result = signin.attempt(services(), doors, login, request.form.get("password", ""), request.remote_addr or "")
    if result.user is not None:
        target = signin.safe_next(request.form.get("next", ""))
        signin.open_session(services(), result.user, request.user_agent.string[:200])
        return redirect(target or url_for("home.show"), 303)
    if result.trouble == signin.WAIT:
        wait = duration(result.wait)
        return _form(_("Too many attempts. Try again in %(wait)s.") % {"wait": wait}, login, 429)
    return _form(_("Login or password is wrong."), login, 401)


def leave() -> ResponseReturnValue:
    signin.close_session(services())
    flash(_("You are signed out."), "good")
    return redirect(url_for("signin.form"), 303)


def account() -> ResponseReturnValue:
    return _account()


def _account(trouble: str = "", status: int = 200) -> ResponseReturnValue:
    user = who().user
    assert user is not None
    parts = services()
    offered = {key: name for key, name in words.LANGUAGES.items() if key[:2] in parts.settings.languages}
    return (
        render_template(
            "account.html",
            user=user,
            offered=offered,
            trouble=trouble,
            sessions=parts.sessions.of(user.id, parts.now()),
            this=parts.sessions.digest(session["sid"]),
        ),
        status,
    )


def preferences() -> ResponseReturnValue:
    user = who().user
    assert user is not None
    language = request.form.get("language", "")
    if language in words.LANGUAGES or language == "":
        services().accounts.edit_user(user.id, language=language)
    return redirect(url_for("signin.account"), 303)


def password() -> ResponseReturnValue:
    user = who().user
    assert user is not None
    new = request.form.get("new", "")
    if not passwords.verify(user.password_hash, request.form.get("current", "")):
        return _account(_("The current password is wrong."), 422)
    if new != request.form.get("again", ""):
        return _account(_("The two new passwords differ."), 422)
    weakness = passwords.weakness(new, user.login)
    if weakness:
        return _account(_(WEAK[weakness]), 422)
    parts = services()
    parts.accounts.set_password(user.id, passwords.hash_password(new))
    with parts.deps.store.begin() as tx:
        tx.audit(parts.now(), who().label, "password changed", f"user/{user.login}", {})
    fresh = parts.accounts.user(user.id)
    assert fresh is not None
    signin.open_session(parts, fresh, request.user_agent.string[:200])
    flash(_("Password changed. All other sessions are signed out."), "good")
    return redirect(url_for("signin.account"), 303)


def end_others() -> ResponseReturnValue:
    user = who().user
    assert user is not None
    parts = services()
    parts.sessions.close_others(user.id, session["sid"])
    flash(_("All other sessions are signed out."), "good")
    return redirect(url_for("signin.account"), 303)


def look() -> ResponseReturnValue:
    """Theme, and language before signing in: cookies, so that the first byte of a page is already right."""
    back = signin.safe_next(request.form.get("next", "")) or url_for("home.show")
    answer = redirect(back, 303)
    keep: dict[str, Any] = {
        "max_age": YEAR,
        "samesite": "Lax",
        "httponly": True,
        "secure": bool(current_app.config["SESSION_COOKIE_SECURE"]),
    }
    theme = request.form.get("theme", "")
    if theme in ("auto", "light", "dark"):
        answer.set_cookie("theme", theme, **keep)
    language = request.form.get("language", "")
    if language in words.LANGUAGES:
        answer.set_cookie("language", language, **keep)
    return answer


def blueprint() -> Blueprint:
    pages = Blueprint("signin", __name__)
    pages.get("/sign-in")(door(Door.PUBLIC)(form))
    pages.post("/sign-in")(door(Door.PUBLIC)(enter))
    pages.post("/look")(door(Door.PUBLIC)(look))
    pages.post("/sign-out")(door(Door.SIGNED_IN)(leave))
    pages.get("/account")(door(Door.SIGNED_IN)(account))
    pages.post("/account")(door(Door.SIGNED_IN)(preferences))
    pages.post("/account/password")(door(Door.SIGNED_IN)(password))
    pages.post("/account/sessions/end")(door(Door.SIGNED_IN)(end_others))
    return pages
