"""The one who asks, and the check at the door that every request passes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

import structlog
from flask import Flask, current_app, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from connector.store.views import Token, User
from connector.web import i18n
from connector.web.auth.throttle import Bucket
from connector.web.errors import Problem
from connector.web.portal.access import own_rights
from connector.web.rights import Door, Right, Role, door_of, rights_of_role
from connector.web.services import Services, services

LOOPBACK: Final = frozenset({"127.0.0.1", "::1"})
PROXIED: Final = ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via")
"""Headers a proxy leaves: with one of them a request from this host comes from somewhere else."""


@dataclass(frozen=True, slots=True)
class Who:
    """A signed-in person, or a program with a token (`user` is then the token's owner, if it has one)."""

    user: User | None
    rights: frozenset[Right]
    token: Token | None = None

    @property
    def label(self) -> str:
        """How the audit trail names them."""
        if self.token is not None:
            return f"token:{self.token.id}"
        return f"user:{self.user.login}" if self.user else ""

    @property
    def name(self) -> str:
        if self.token is not None:
            return self.token.name
        return (self.user.name or self.user.login) if self.user else ""

    @property
    def supplier(self) -> str | None:
        """The only supplier whose tickets they may see; None means no such limit."""
        return self.user.supplier if self.user is not None and Role(self.user.role) is Role.SUPPLIER else None

    def may(self, right: Right) -> bool:
        return right in self.rights


def who() -> Who:
    """Whoever passed the door of this request."""
    return cast(Who, g.who)


def rights_of(parts: Services, token: Token, owner: User | None) -> frozenset[Right]:
    """A token never does more than its owner may today."""
    scopes = frozenset(Right(scope) for scope in token.scopes if scope in set(Right))
    return scopes if owner is None else scopes & _of_user(parts, owner)


def _of_user(parts: Services, user: User) -> frozenset[Right]:
    rights = rights_of_role(user.role, user.supplier)
    return own_rights(parts, user.supplier, rights) if Role(user.role) is Role.SUPPLIER else rights


def by_token(parts: Services) -> Who | None:
    kind, _, secret = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not secret:
        return None
    token = parts.accounts.by_secret(secret.strip(), parts.now())
    if token is None:
        return None
    owner = parts.accounts.user(token.user) if token.user is not None else None
    if token.user is not None and (owner is None or not owner.active):
        return None
    return Who(user=owner, rights=rights_of(parts, token, owner), token=token)


def by_session(parts: Services) -> Who | None:
    secret = session.get("sid")
    if not secret:
        return None
    found = parts.sessions.find(secret, parts.now())
    user = parts.accounts.user(found.user) if found else None
    if found is None or user is None or not user.active or user.epoch != found.epoch:
        session.clear()
        return None
    return Who(user=user, rights=_of_user(parts, user))


def check() -> ResponseReturnValue | None:
    """Runs before every view: says who it is, and whether the door opens for them."""
    g.who = None
    parts = services()
    if request.endpoint is None:
        lost = None if request.path.startswith("/api/") else by_session(parts)
        _speak(parts, lost)
        return None
    guard = door_of(current_app.view_functions[request.endpoint], request.method)
    program = guard in (Door.TOKEN, Door.LOOPBACK) or (request.blueprint or "").startswith("api-")
    if guard is not Door.SIGNATURE and request.endpoint not in ("static", "assets.bootstrap", "assets.swagger"):
        g.who = by_token(parts) if program else by_session(parts)
    _speak(parts, g.who)
    if guard in (Door.PUBLIC, Door.SIGNATURE):
        return None
    if guard is Door.LOOPBACK and _from_here():
        return None
    if g.who is None:
        return _unknown(program)
    structlog.contextvars.bind_contextvars(actor=g.who.label)
    needed = Right.METRICS_READ if guard is Door.LOOPBACK else guard
    if needed is None or (isinstance(needed, Right) and not g.who.may(needed)):
        raise Problem(403, f"This needs the right {needed}." if needed else "")
    _rate(g.who)
    return None


def _from_here() -> bool:
    return request.remote_addr in LOOPBACK and not any(name in request.headers for name in PROXIED)


def speak() -> None:
    """The reader's language, for an answer that comes before `check`."""
    parts = services()
    _speak(parts, by_session(parts))


def _speak(parts: Services, asking: Who | None) -> None:
    user = asking.user if asking else None
    chosen = user.language if user else request.cookies.get("language", "")
    i18n.set_for_request(chosen, parts.settings.timezone, parts.settings.languages)


def _unknown(program: bool) -> ResponseReturnValue:
    if program:
        given = "Authorization" in request.headers
        challenge = 'Bearer realm="connector"' + (', error="invalid_token"' if given else "")
        raise Problem(
            401,
            "The token is not valid." if given else "Send an API token: Authorization: Bearer <token>.",
            headers={"WWW-Authenticate": challenge},
        )
    back = request.full_path.rstrip("?") if request.method == "GET" else ""
    return redirect(url_for("signin.form", next=back or None))


def _rate(asking: Who) -> None:
    if asking.token is None:
        return
    bucket: Bucket = current_app.extensions["connector_rate"]
    wait = bucket.take(str(asking.token.id))
    g.rate = (bucket.burst, bucket.left(str(asking.token.id)))
    if wait:
        raise Problem(429, "Too many requests with this token.", headers={"Retry-After": str(int(wait) + 1)})


def install(app: Flask, exempt: Sequence[str] = ()) -> None:
    app.before_request(check)
