"""Users and API tokens. Hashing passwords is the web's business; secrets of tokens are kept as SHA-256 only."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import insert, or_, select, update

from connector.domain.errors import Conflict
from connector.store.sql import SqlStore, SqlTx
from connector.store.tables import api_tokens, users
from connector.store.views import Role, Token, User

_USER: Final = tuple(users.c[name] for name in User.__struct_fields__)
_TOKEN: Final = tuple(api_tokens.c[name] for name in Token.__struct_fields__)
_RIGHTS: Final = ("role", "supplier", "active")
HINT: Final = 8
"""Characters of a token's secret that are kept readable."""


class Accounts:
    """Each method is one transaction of its own. Logins are compared without regard to case."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store

    def create_user(
        self,
        login: str,
        password_hash: str,
        role: Role,
        now: datetime,
        *,
        name: str = "",
        email: str = "",
        language: str = "",
        supplier: str = "",
    ) -> User:
        """Raises Conflict when the login is taken."""
        with self._store.begin() as tx:
            new = tx.bulk.upsert(users).values(
                login=login, login_folded=_folded(login), password_hash=password_hash, role=role, created_at=now,
                name=name, email=email, language=language, supplier=supplier, active=True, epoch=1, failures=0,
            )
            row = tx.run(new.on_conflict_do_nothing(index_elements=["login_folded"]).returning(*_USER)).first()
        if row is None:
            raise Conflict(f"the login {login} is taken")
        return _user(row)

    def by_login(self, login: str) -> User | None:
        return self._one(users.c.login_folded == _folded(login))

    def user(self, id: int) -> User | None:
        return self._one(users.c.id == id)

    def _one(self, condition: Any) -> User | None:
        with self._store.read() as tx:
            row = tx.run(select(*_USER).where(condition)).first()
        return None if row is None else _user(row)

    def users(self) -> list[User]:
        """All, by login."""
        with self._store.read() as tx:
            return [_user(row) for row in tx.run(select(*_USER).order_by(users.c.login_folded))]

    def set_password(self, id: int, password_hash: str, only_at: int | None = None) -> bool:
        """Ends the user's sessions (`epoch` moves) and unlocks. False when the epoch was no longer `only_at`."""
        values = {"password_hash": password_hash, "epoch": users.c.epoch + 1, "failures": 0, "locked_until": None}
        chosen = update(users).where(users.c.id == id, *(() if only_at is None else (users.c.epoch == only_at,)))
        with self._store.begin() as tx:
            return tx.run(chosen.values(**values).returning(users.c.id)).first() is not None

    def edit_user(
        self,
        id: int,
        *,
        name: str | None = None,
        email: str | None = None,
        language: str | None = None,
        role: Role | None = None,
        supplier: str | None = None,
        active: bool | None = None,
    ) -> User | None:
        """Changes what is not None; a change of role, supplier or active ends the user's sessions."""
        wanted = {"name": name, "email": email, "language": language, "role": role, "supplier": supplier,
                  "active": active}
        changes: dict[str, Any] = {field: value for field, value in wanted.items() if value is not None}
        with self._store.begin() as tx:
            row = tx.run(select(*_USER).where(users.c.id == id).with_for_update()).first()
            if row is None:
                return None
            if any(field in changes and changes[field] != row._mapping[field] for field in _RIGHTS):
                changes["epoch"] = users.c.epoch + 1
            return _change(tx, id, **changes) if changes else _user(row)

    def logged_in(self, id: int, now: datetime) -> None:
        """Clears failures and lock, remembers the moment."""
        with self._store.begin() as tx:
            _change(tx, id, failures=0, locked_until=None, seen_at=now)

    def login_failed(self, id: int, locked_until: datetime | None) -> int:
        """Counts a wrong password, sets the lock when given, and says how many there were since the last success."""
        lock = {} if locked_until is None else {"locked_until": locked_until}
        with self._store.begin() as tx:
            user = _change(tx, id, failures=users.c.failures + 1, **lock)
        return 0 if user is None else user.failures

    def end_sessions(self, id: int) -> None:
        with self._store.begin() as tx:
            _change(tx, id, epoch=users.c.epoch + 1)

    def create_token(
        self,
        secret: str,
        name: str,
        scopes: Sequence[str],
        now: datetime,
        *,
        user: int | None = None,
        expires_at: datetime | None = None,
    ) -> Token:
        """`secret` is made by the caller (long and random), shown once and kept here as a digest."""
        new = insert(api_tokens).values(
            digest=_digest(secret), hint=secret[:HINT], name=name, scopes=sorted(set(scopes)), user=user,
            created_at=now, expires_at=expires_at,
        )
        with self._store.begin() as tx:
            return _token(tx.run(new.returning(*_TOKEN)).one())

    def by_secret(self, secret: str, now: datetime) -> Token | None:
        """The valid token (not revoked, not expired) with this secret; notes its use at most once a minute."""
        valid = select(*_TOKEN).where(
            api_tokens.c.digest == _digest(secret),
            api_tokens.c.revoked_at.is_(None),
            or_(api_tokens.c.expires_at.is_(None), api_tokens.c.expires_at > now),
        )
        with self._store.read() as tx:
            row = tx.run(valid).first()
        if row is None:
            return None
        if row.used_at is None or row.used_at < now - timedelta(minutes=1):
            with self._store.begin() as tx:
                tx.run(update(api_tokens).where(api_tokens.c.id == row.id).values(used_at=now))
        return _token(row)

    def tokens(self, user: int | None = None) -> list[Token]:
        """Newest first; all, or those of one user."""
        found = select(*_TOKEN).order_by(api_tokens.c.id.desc())
        if user is not None:
            found = found.where(api_tokens.c.user == user)
        with self._store.read() as tx:
            return [_token(row) for row in tx.run(found)]

    def revoke(self, id: int, now: datetime) -> bool:
        """False when there is no such token or it was revoked before."""
        living = update(api_tokens).where(api_tokens.c.id == id, api_tokens.c.revoked_at.is_(None))
        with self._store.begin() as tx:
            return tx.run(living.values(revoked_at=now).returning(api_tokens.c.id)).first() is not None


def _change(tx: SqlTx, id: int, **values: Any) -> User | None:
    row = tx.run(update(users).where(users.c.id == id).values(**values).returning(*_USER)).first()
    return None if row is None else _user(row)


def _folded(login: str) -> str:
    return login.strip().casefold()


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _user(row: Any) -> User:
    return User(**row._mapping)


def _token(row: Any) -> Token:
    values = dict(row._mapping)
    values["scopes"] = tuple(values["scopes"])
    return Token(**values)
