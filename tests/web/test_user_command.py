"""`connector user`: the first administrator, and help for those who are locked out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from connector.commands.context import Context
from connector.commands.user import user
from connector.store import SqlStore
from connector.store.accounts import Accounts
from connector.store.queries import Queries
from connector.web.auth.passwords import verify
from tests.web.world import PASSWORD, settings


class Given(Context):
    """A context whose settings are not read from a file."""


@pytest.fixture
def accounts(sqlite_store: SqlStore) -> Accounts:
    return Accounts(sqlite_store)


@pytest.fixture
def call(sqlite_url: str, sqlite_store: SqlStore, tmp_path: Path) -> object:
    context = Given(tmp_path / "connector.yaml")
    context.__dict__["settings"] = settings(tmp_path, store_url=sqlite_url)

    def run(*args: str, input: str = "") -> Result:
        return CliRunner().invoke(user, args, obj=context, input=input)

    return run


def test_the_first_administrator_is_made_with_a_password_shown_once(call, accounts: Accounts) -> None:  # type: ignore[no-untyped-def]
    result = call("add", "root", "--role", "admin", "--name", "Root")
    assert result.exit_code == 0
    password = result.output.rsplit(": ", 1)[1].strip()
    made = accounts.by_login("root")
    assert made is not None
    assert made.role == "admin"
    assert verify(made.password_hash, password)


def test_the_first_user_may_come_before_the_first_run(tmp_path: Path) -> None:
    context = Given(tmp_path / "connector.yaml")
    context.__dict__["settings"] = settings(tmp_path, store_url=f"sqlite:///{tmp_path / 'var' / 'new.db'}")
    result = CliRunner().invoke(user, ["add", "root", "--role", "admin"], obj=context)
    assert result.exit_code == 0, result.output
    assert "root" in CliRunner().invoke(user, ["list"], obj=context).output


def test_a_password_is_taken_from_standard_input_and_not_repeated(call, accounts: Accounts) -> None:  # type: ignore[no-untyped-def]
    result = call("add", "a", "--password-stdin", input=PASSWORD + "\n")
    assert PASSWORD not in result.output
    made = accounts.by_login("a")
    assert made is not None
    assert verify(made.password_hash, PASSWORD)


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("add", "a b"), "no spaces"),
        (("add", "a", "--role", "king"), "king"),
        (("add", "a", "--role", "supplier"), "--supplier"),
        (("password", "nobody"), "there is no user nobody"),
        (("disable", "nobody"), "there is no user nobody"),
        (("token", "create", "t", "--scope", "tickets:eat"), "tickets:eat"),
        (("token", "revoke", "99"), "no living token 99"),
    ],
)
def test_mistakes_are_told_in_words(call, args: tuple[str, ...], says: str) -> None:  # type: ignore[no-untyped-def]
    result = call(*args)
    assert result.exit_code != 0
    assert says in result.output


def test_a_weak_password_and_a_taken_login_are_refused(call) -> None:  # type: ignore[no-untyped-def]
    assert "too short" in call("add", "a", "--password-stdin", input="short\n").output
    call("add", "a")
    assert "already a user" in call("add", "A").output


def test_users_are_listed_disabled_and_let_in_again(call, accounts: Accounts) -> None:  # type: ignore[no-untyped-def]
    call("add", "a", "--name", "Aline")
    call("disable", "a")
    assert re.search(r"a\s+agent\s+disabled\s+never\s+Aline", call("list").output)
    call("disable", "a", "--enable")
    made = accounts.by_login("a")
    assert made is not None
    assert made.active


def test_a_new_password_replaces_the_old_one(call, accounts: Accounts) -> None:  # type: ignore[no-untyped-def]
    call("add", "a")
    call("password", "a", "--password-stdin", input=PASSWORD + "\n")
    made = accounts.by_login("a")
    assert made is not None
    assert verify(made.password_hash, PASSWORD)


def test_a_token_is_made_listed_without_its_secret_and_revoked(call) -> None:  # type: ignore[no-untyped-def]
    secret = call("token", "create", "report", "--scope", "tickets:read", "--days", "30").output.strip()
    assert secret.startswith("sdc_")
    listed = call("token", "list").output
    assert secret not in listed
    number = listed.split()[0]
    assert call("token", "revoke", number).exit_code == 0
    assert "revoked" in call("token", "list").output


def test_what_is_done_here_is_audited(call, sqlite_store: SqlStore) -> None:  # type: ignore[no-untyped-def]
    call("add", "a")
    call("token", "create", "t", "--scope", "tickets:read")
    rows = Queries(sqlite_store).audit().items
    assert [(row.actor, row.action) for row in rows] == [
        ("command line", "token created"),
        ("command line", "user created"),
    ]
