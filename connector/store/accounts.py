"""Users and API tokens. Hashing passwords is the web's business; secrets of tokens are kept as SHA-256 only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from connector.store.sql import SqlStore
from connector.store.views import Role, Token, User


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
        raise NotImplementedError

    def by_login(self, login: str) -> User | None:
        raise NotImplementedError

    def user(self, id: int) -> User | None:
        raise NotImplementedError

    def users(self) -> list[User]:
        """All, by login."""
        raise NotImplementedError

    def set_password(self, id: int, password_hash: str) -> None:
        """Ends the user's sessions (`epoch` moves) and unlocks."""
        raise NotImplementedError

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
        raise NotImplementedError

    def logged_in(self, id: int, now: datetime) -> None:
        """Clears failures and lock, remembers the moment."""
        raise NotImplementedError

    def login_failed(self, id: int, locked_until: datetime | None) -> int:
        """Counts a wrong password, sets the lock when given, and says how many there were since the last success."""
        raise NotImplementedError

    def end_sessions(self, id: int) -> None:
        raise NotImplementedError

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
        """`secret` is made by the caller, shown once and kept here as a digest."""
        raise NotImplementedError

    def by_secret(self, secret: str, now: datetime) -> Token | None:
        """The valid token (not revoked, not expired) with this secret; notes its use at most once a minute."""
        raise NotImplementedError

    def tokens(self, user: int | None = None) -> list[Token]:
        """Newest first; all, or those of one user."""
        raise NotImplementedError

    def revoke(self, id: int, now: datetime) -> bool:
        """False when there is no such token or it was revoked before."""
        raise NotImplementedError
