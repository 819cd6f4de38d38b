"""API tokens: made here, shown once, revoked here."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from connector.web.auth.identity import who
from connector.web.auth.tokens import new_secret
from connector.web.i18n import _
from connector.web.rights import Right, door
from connector.web.services import services

LIVES: Final = (30, 90, 365)


@door(Right.USERS_MANAGE)
def index() -> ResponseReturnValue:
    return _page()


def _page(trouble: str = "", status: int = 200, **more: Any) -> ResponseReturnValue:
    parts = services()
    owners = {user.id: user for user in parts.accounts.users()}
    return (
        render_template(
            "tokens.html",
            tokens=parts.accounts.tokens(),
            owners=owners,
            scopes=list(Right),
            lives=LIVES,
            trouble=trouble,
            form=request.form,
            **more,
        ),
        status,
    )


@door(Right.USERS_MANAGE)
def create() -> ResponseReturnValue:
    name = request.form.get("name", "").strip()[:100]
    scopes = [right.value for right in Right if right in request.form.getlist("scope")]
    if not name:
        return _page(_("Give the token a name that says who uses it."), 422)
    if not scopes:
        return _page(_("Choose at least one right."), 422)
    parts, life = services(), request.form.get("days", "")
    days = int(life) if life.isdigit() and int(life) in LIVES else None
    secret = new_secret()
    owner = request.form.get("owner", "")
    known = {user.id for user in parts.accounts.users()}
    token = parts.accounts.create_token(
        secret,
        name,
        scopes,
        parts.now(),
        user=int(owner) if owner.isdigit() and int(owner) in known else None,
        expires_at=parts.now() + timedelta(days=days) if days else None,
    )
    with parts.deps.store.begin() as tx:
        tx.audit(parts.now(), who().label, "token created", f"token/{token.id}", {"name": name, "scopes": scopes})
    return _page(fresh=token, secret=secret)


@door(Right.USERS_MANAGE)
def revoke(id: int) -> ResponseReturnValue:
    parts = services()
    if parts.accounts.revoke(id, parts.now()):
        with parts.deps.store.begin() as tx:
            tx.audit(parts.now(), who().label, "token revoked", f"token/{id}", {})
        flash(_("Token revoked."), "good")
    return redirect(url_for("tokens.index"), 303)


def blueprint() -> Blueprint:
    tokens = Blueprint("tokens", __name__)
    tokens.get("/tokens")(index)
    tokens.post("/tokens")(create)
    tokens.post("/tokens/<int:id>/revoke")(revoke)
    return tokens
