"""Users: who they are, what role they have, whether they may come in."""

from __future__ import annotations

import secrets
from typing import Any, cast

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from connector.domain.errors import Conflict
from connector.store.views import Role as RoleName
from connector.store.views import User
from connector.web.auth import passwords
from connector.web.auth.identity import who
from connector.web.i18n import _
from connector.web.rights import RIGHTS, Right, Role, door
from connector.web.services import services


@door(Right.USERS_MANAGE)
def index() -> ResponseReturnValue:
    return _page()


def _page(trouble: str = "", status: int = 200, **more: Any) -> ResponseReturnValue:
    users = services().accounts.users()
    return render_template(
        "users.html", users=users, roles=RIGHTS, rights=list(Right), trouble=trouble, form=request.form, **more
    ), status


@door(Right.USERS_MANAGE)
def create() -> ResponseReturnValue:
    login, role = request.form.get("login", "").strip(), request.form.get("role", "")
    supplier = request.form.get("supplier", "").strip()
    trouble = _check(login, role, supplier)
    if trouble:
        return _page(trouble, 422)
    parts = services()
    password = secrets.token_urlsafe(15)
    try:
        user = parts.accounts.create_user(
            login,
            passwords.hash_password(password),
            cast(RoleName, role),
            parts.now(),
            name=request.form.get("name", "").strip(),
            email=request.form.get("email", "").strip(),
            supplier=supplier if role == Role.SUPPLIER else "",
        )
    except Conflict:
        return _page(_("There is already a user with this login."), 409)
    _note("user created", user, {"role": role})
    return _page(fresh=user, password=password)


def _check(login: str, role: str, supplier: str) -> str:
    if not login or len(login) > 100 or any(c.isspace() for c in login):
        return _("A login has 1 to 100 characters and no spaces.")
    if role not in list(Role):
        return _("Choose a role.")
    if role == Role.SUPPLIER and not supplier:
        return _("Say which supplier this user belongs to, as it is written in the tickets.")
    return ""


@door(Right.USERS_MANAGE)
def change(id: int) -> ResponseReturnValue:
    user = services().accounts.user(id)
    if user is None:
        abort(404)
    role, active = (
        request.form.get("role", user.role),
        request.form.get("active", "yes" if user.active else "no") == "yes",
    )
    supplier = request.form.get("supplier", user.supplier).strip()
    trouble = _check(user.login, role, supplier) or _lockout(user, role, active)
    if trouble:
        return _page(trouble, 422, asked=id)
    services().accounts.edit_user(
        id,
        role=cast(RoleName, role),
        active=active,
        supplier=supplier if role == Role.SUPPLIER else "",
        name=request.form.get("name", user.name).strip(),
        email=request.form.get("email", user.email).strip(),
    )
    _note("user changed", user, {"role": role, "active": active})
    flash(_("User changed."), "good")
    return redirect(url_for("users.index"), 303)


def _lockout(user: User, role: str, active: bool) -> str:
    """Nobody locks out the last administrator, not even by accident."""
    if Role(user.role) is not Role.ADMIN or (role == Role.ADMIN and active):
        return ""
    others = [u for u in services().accounts.users() if Role(u.role) is Role.ADMIN and u.active and u.id != user.id]
    return "" if others else _("This is the last active administrator.")


@door(Right.USERS_MANAGE)
def reset(id: int) -> ResponseReturnValue:
    parts = services()
    user = parts.accounts.user(id)
    if user is None:
        abort(404)
    password = secrets.token_urlsafe(15)
    parts.accounts.set_password(id, passwords.hash_password(password))
    _note("password changed", user, {})
    return _page(fresh=user, password=password)


def _note(action: str, user: User, detail: dict[str, Any]) -> None:
    parts = services()
    with parts.deps.store.begin() as tx:
        tx.audit(parts.now(), who().label, action, f"user/{user.login}", detail)


def blueprint() -> Blueprint:
    users = Blueprint("users", __name__)
    users.get("/users")(index)
    users.post("/users")(create)
    users.post("/users/<int:id>")(change)
    users.post("/users/<int:id>/password")(reset)
    return users
