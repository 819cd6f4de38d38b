"""Signing in and out: the steps, apart from the page that shows them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from flask import session

from connector.store.views import User
from connector.web.auth import passwords
from connector.web.auth.throttle import Bucket, lock_after
from connector.web.services import Services

WRONG: Final = "wrong"
WAIT: Final = "wait"
UNKNOWN: Final = 4.0
"""What a try with an unknown login costs: it is held as soon as one with a known login is, so that neither shows."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """`user` when it worked; else `trouble`: WRONG, or WAIT with the time until the next try makes sense."""

    user: User | None = None
    trouble: str = ""
    wait: timedelta = timedelta()


def attempt(parts: Services, doors: Bucket, login: str, password: str, address: str) -> Attempt:
    """Checks a password. Every answer to a wrong login is the same as to a wrong password, and takes as long.

    Only failures count: a whole office may sign in from one address when the shift begins.
    """
    now = parts.now()
    user = parts.accounts.by_login(login)
    held = max(doors.wait(f"address:{address}"), doors.wait(_name(login), UNKNOWN) if user is None else 0)
    if user is not None and user.locked_until is not None:
        held = max(held, (user.locked_until - now).total_seconds())
    if held > 0:
        return Attempt(trouble=WAIT, wait=timedelta(seconds=held))
    right = passwords.verify(user.password_hash if user else None, password)
    if user is None or not right or not user.active:
        _failed(parts, doors, user, login, address)
        return Attempt(trouble=WRONG)
    parts.accounts.logged_in(user.id, now)
    if passwords.outdated(user.password_hash):
        parts.accounts.set_password(user.id, passwords.hash_password(password))
    _note(parts, f"user:{user.login}", "signed in", user.login, address)
    return Attempt(user=parts.accounts.user(user.id))


def _failed(parts: Services, doors: Bucket, user: User | None, login: str, address: str) -> None:
    doors.take(f"address:{address}")
    if user is None:
        doors.take(_name(login), UNKNOWN)
        return
    parts.accounts.login_failed(user.id, lock_after(user.failures + 1, parts.now()))
    _note(parts, "", "sign-in failed", user.login, address)


def _name(login: str) -> str:
    return f"login:{login.casefold()[:64]}"


def _note(parts: Services, actor: str, action: str, login: str, address: str) -> None:
    with parts.deps.store.begin() as tx:
        tx.audit(parts.now(), actor, action, f"user/{login}", {"address": address})


def open_session(parts: Services, user: User, agent: str) -> None:
    """A new session under a new secret: what the browser held before is worth nothing from now on."""
    close_session(parts)
    secret = parts.sessions.open(user.id, user.epoch, parts.now(), agent)
    session["sid"] = secret
    session.permanent = True


def close_session(parts: Services) -> None:
    secret = session.get("sid")
    if secret:
        parts.sessions.close(secret)
    session.clear()


def safe_next(target: str) -> str:
    """Where to go after signing in: a path of ours, never another host."""
    parts = urlsplit(target)
    ours = target.startswith("/") and not target.startswith(("//", "/\\")) and not parts.netloc and not parts.scheme
    return target if ours and "\\" not in target and not any(ord(c) < 32 for c in target) else ""
