"""Users and tokens."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from connector.domain.errors import Conflict
from connector.store import SqlStore
from connector.store.accounts import Accounts
from connector.store.tables import api_tokens
from tests.store.making import NOW

MINUTE = timedelta(minutes=1)


@pytest.fixture
def accounts(store: SqlStore) -> Accounts:
    return Accounts(store)


def test_a_login_is_found_whatever_its_case_and_taken_once(accounts: Accounts) -> None:
    made = accounts.create_user("Anna.É", "hash", "agent", NOW, name="Anna", email="a@example.org", language="fr")
    assert accounts.by_login(" anna.é ") == made
    assert accounts.user(made.id) == made
    assert (made.role, made.active, made.epoch, made.failures, made.created_at) == ("agent", True, 1, 0, NOW)
    with pytest.raises(Conflict):
        accounts.create_user("ANNA.É", "hash", "admin", NOW)
    assert accounts.by_login("bob") is None
    assert accounts.user(99) is None
    accounts.create_user("aaron", "hash", "viewer", NOW)
    assert [each.login for each in accounts.users()] == ["aaron", "Anna.É"]


def test_a_new_password_ends_the_sessions_and_unlocks(accounts: Accounts) -> None:
    made = accounts.create_user("anna", "hash", "agent", NOW)
    assert accounts.login_failed(made.id, None) == 1
    assert accounts.login_failed(made.id, NOW + MINUTE) == 2
    locked = accounts.user(made.id)
    assert locked is not None
    assert locked.locked_until == NOW + MINUTE
    accounts.set_password(made.id, "other")
    after = accounts.user(made.id)
    assert after is not None
    assert (after.password_hash, after.epoch, after.failures, after.locked_until) == ("other", 2, 0, None)


def test_a_login_clears_failures_and_is_remembered(accounts: Accounts) -> None:
    made = accounts.create_user("anna", "hash", "agent", NOW)
    accounts.login_failed(made.id, NOW)
    accounts.logged_in(made.id, NOW + MINUTE)
    after = accounts.user(made.id)
    assert after is not None
    assert (after.failures, after.locked_until, after.seen_at, after.epoch) == (0, None, NOW + MINUTE, 1)
    assert accounts.login_failed(99, None) == 0


def test_a_change_of_rights_ends_the_sessions_and_a_new_name_does_not(accounts: Accounts) -> None:
    id = accounts.create_user("anna", "hash", "agent", NOW).id
    epochs = []
    for change in ({"name": "A"}, {"role": "agent"}, {"role": "admin"}, {"active": False}, {"supplier": "Telco"}, {}):
        user = accounts.edit_user(id, **change)  # type: ignore[arg-type]
        assert user is not None
        epochs.append(user.epoch)
    assert epochs == [1, 1, 2, 3, 4, 4]
    accounts.end_sessions(id)
    after = accounts.user(id)
    assert after is not None
    assert (after.epoch, after.name, after.role, after.active, after.supplier) == (5, "A", "admin", False, "Telco")
    assert accounts.edit_user(99, name="x") is None


def test_a_token_is_found_by_its_secret_which_is_nowhere_stored(accounts: Accounts, store: SqlStore) -> None:
    secret = "sdc_0123456789abcdef"
    made = accounts.create_token(secret, "ci", ["write", "read", "read"], NOW)
    assert (made.scopes, made.hint, made.used_at) == (("read", "write"), "sdc_0123", None)
    assert accounts.by_secret(secret, NOW) == made
    assert accounts.by_secret(secret + "x", NOW) is None
    with store.read() as tx:
        assert secret not in repr(tx.run(select(api_tokens)).all())


def test_an_expired_or_revoked_token_is_no_token(accounts: Accounts) -> None:
    made = accounts.create_token("one", "a", [], NOW, expires_at=NOW + MINUTE)
    other = accounts.create_token("two", "b", [], NOW)
    assert accounts.by_secret("one", NOW) is not None
    assert accounts.by_secret("one", NOW + MINUTE) is None
    assert accounts.revoke(other.id, NOW)
    assert not accounts.revoke(other.id, NOW)
    assert not accounts.revoke(99, NOW)
    assert accounts.by_secret("two", NOW) is None
    assert [token.id for token in accounts.tokens()] == [other.id, made.id]


def test_the_use_of_a_token_is_noted_at_most_once_a_minute(accounts: Accounts) -> None:
    user = accounts.create_user("anna", "hash", "agent", NOW)
    accounts.create_token("secret", "ci", [], NOW, user=user.id)
    for seconds, noted in ((0, 0), (30, 0), (61, 61)):
        accounts.by_secret("secret", NOW + timedelta(seconds=seconds))
        (token,) = accounts.tokens(user.id)
        assert token.used_at == NOW + timedelta(seconds=noted)
    assert accounts.tokens(99) == []
