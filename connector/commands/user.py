"""`connector user`: the first administrator, and help for those who are locked out; API tokens for scripts."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from connector.commands.context import Context, pass_context
from connector.domain.errors import Conflict

if TYPE_CHECKING:
    from connector.store.accounts import Accounts
    from connector.store.sql import SqlStore
    from connector.store.views import User

ROLES = ("admin", "planner", "agent", "viewer", "supplier")
ACTOR = "command line"

_password = click.option("--password-stdin", is_flag=True, help="Read the password from standard input (one line).")


@contextmanager
def _opened(context: Context) -> Iterator[tuple[SqlStore, Accounts]]:
    from connector.store.accounts import Accounts
    from connector.wiring import open_store

    _make_file(context.settings.store_url)
    store = open_store(context.settings)
    try:
        yield store, Accounts(store)
    finally:
        store.close()


def _make_file(url: str) -> None:
    """The first user comes before the first run: a SQLite store that is not there yet is made."""
    from connector.store import admin
    from connector.store.engine import parse

    address = parse(url)
    if address.get_backend_name() == "sqlite" and not Path(address.database or "").exists():
        admin.upgrade(url)


def _note(store: SqlStore, action: str, subject: str, **detail: object) -> None:
    from connector.wiring import utc_now

    with store.begin() as tx:
        tx.audit(utc_now(), ACTOR, action, subject, detail)


def _known(accounts: Accounts, login: str) -> User:
    user = accounts.by_login(login)
    if user is None:
        raise click.ClickException(f"there is no user {login}")
    return user


def _new_password(login: str, from_stdin: bool) -> tuple[str, bool]:
    """The password, and whether it was made up here (and must be shown)."""
    from connector.web.auth.passwords import weakness

    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    elif sys.stdin.isatty():
        password = click.prompt("Password (empty: make one)", hide_input=True, default="", show_default=False)
        if password and click.prompt("Again", hide_input=True) != password:
            raise click.ClickException("the two passwords differ")
    else:
        password = ""
    if not password:
        return secrets.token_urlsafe(15), True
    wrong = weakness(password, login)
    if wrong:
        raise click.ClickException(f"the password is {wrong} (at least 12 characters, not a common word)")
    return password, False


def _show(login: str, password: str, made: bool) -> None:
    if made:
        click.echo(f"password of {login} (shown only now): {password}")


@click.group()
def user() -> None:
    """People who may sign in, and API tokens."""


@user.command()
@click.argument("login")
@click.option("--role", type=click.Choice(ROLES), default="agent", show_default=True)
@click.option("--name", default="", help="The name shown to others.")
@click.option("--email", default="")
@click.option("--supplier", default="", help="For the role supplier: its name, as it is written in the tickets.")
@_password
@pass_context
def add(
    context: Context, login: str, role: str, name: str, email: str, supplier: str, password_stdin: bool
) -> None:  # fmt: skip
    """Add a user. Without a password one is made up and shown once."""
    from connector.web.auth.passwords import hash_password
    from connector.wiring import utc_now

    if role == "supplier" and not supplier:
        raise click.UsageError("--role supplier needs --supplier NAME")
    if not login.strip() or any(letter.isspace() for letter in login):
        raise click.UsageError("a login has no spaces")
    with _opened(context) as (store, accounts):
        password, made = _new_password(login, password_stdin)
        try:
            accounts.create_user(
                login, hash_password(password), role, utc_now(), name=name, email=email, supplier=supplier  # type: ignore[arg-type]
            )  # fmt: skip
        except Conflict:
            raise click.ClickException(f"there is already a user {login}") from None
        _note(store, "user created", f"user/{login}", role=role)
        click.echo(f"added {login} ({role})")
        _show(login, password, made)


@user.command("list")
@pass_context
def listing(context: Context) -> None:
    """Users, their roles and when they last signed in."""
    with _opened(context) as (_store, accounts):
        for one in accounts.users():
            seen = one.seen_at.strftime("%Y-%m-%d %H:%M UTC") if one.seen_at else "never"
            click.echo(f"{one.login:<24}{one.role:<10}{'active' if one.active else 'disabled':<10}{seen:<22}{one.name}")


@user.command()
@click.argument("login")
@_password
@pass_context
def password(context: Context, login: str, password_stdin: bool) -> None:
    """Set a new password. Ends the user's sessions and unlocks."""
    from connector.web.auth.passwords import hash_password

    with _opened(context) as (store, accounts):
        known = _known(accounts, login)
        new, made = _new_password(login, password_stdin)
        accounts.set_password(known.id, hash_password(new))
        _note(store, "password changed", f"user/{known.login}")
        click.echo(f"password of {known.login} changed")
        _show(known.login, new, made)


@user.command()
@click.argument("login")
@click.option("--enable", is_flag=True, help="Let the user in again.")
@pass_context
def disable(context: Context, login: str, enable: bool) -> None:
    """Keep a user out: their sessions end, their API tokens stop working."""
    with _opened(context) as (store, accounts):
        known = _known(accounts, login)
        accounts.edit_user(known.id, active=enable)
        _note(store, "user changed", f"user/{known.login}", active=enable)
        click.echo(f"{known.login} is {'active' if enable else 'disabled'}")


@user.group()
def token() -> None:
    """API tokens."""


@token.command()
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, required=True, help="A right, as tickets:read; may be repeated.")
@click.option("--user", "login", help="On behalf of this user; without it the token stands for itself.")
@click.option("--days", type=click.IntRange(1, 3650), help="Expires after so many days (default: never).")
@pass_context
def create(context: Context, name: str, scopes: tuple[str, ...], login: str | None, days: int | None) -> None:
    """Make a token and show it, this once."""
    from connector.web.auth.tokens import new_secret
    from connector.web.rights import Right
    from connector.wiring import utc_now

    known = [right.value for right in Right]
    unknown = [scope for scope in scopes if scope not in known]
    if unknown:
        raise click.UsageError(f"unknown scope {', '.join(unknown)}; expected some of {', '.join(known)}")
    with _opened(context) as (store, accounts):
        owner = _known(accounts, login).id if login else None
        secret, now = new_secret(), utc_now()
        expires = now + timedelta(days=days) if days else None
        made = accounts.create_token(secret, name, scopes, now, user=owner, expires_at=expires)
        _note(store, "token created", f"token/{made.id}", name=name, scopes=list(scopes))
    click.echo(secret)


@token.command("list")
@pass_context
def tokens(context: Context) -> None:
    """Tokens, without their secrets."""
    with _opened(context) as (_store, accounts):
        for one in accounts.tokens():
            until = one.expires_at.strftime("until %Y-%m-%d") if one.expires_at else "no end"
            state = "revoked" if one.revoked_at else until
            click.echo(f"{one.id:<6}{one.hint + '...':<14}{state:<18}{one.name:<24}{' '.join(one.scopes)}")


@token.command()
@click.argument("id", type=int)
@pass_context
def revoke(context: Context, id: int) -> None:
    """End a token at once."""
    from connector.wiring import utc_now

    with _opened(context) as (store, accounts):
        if not accounts.revoke(id, utc_now()):
            raise click.ClickException(f"there is no living token {id}")
        _note(store, "token revoked", f"token/{id}")
        click.echo(f"token {id} revoked")
