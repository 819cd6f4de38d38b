"""Invitations: a link with which somebody sets the first password of an account made for them.

The link is signed and ends. It holds the account's epoch, which moves with every password and change of rights: so
it works once, and a newer invitation or a disabled account ends it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from itsdangerous import BadSignature, URLSafeSerializer

from connector.settings.app_key import derived
from connector.store.views import User
from connector.web.services import Services

VALID: Final = timedelta(days=7)
NO_PASSWORD: Final = "!"  # noqa: S105
"""In place of a hash: fits no password."""


def _signer(parts: Services) -> URLSafeSerializer:
    return URLSafeSerializer(derived(parts.settings, "invitation"), salt="invitation")


def token(parts: Services, user: User) -> tuple[str, datetime]:
    """For this account as it is now, and when it ends."""
    until = (parts.now() + VALID).replace(microsecond=0)
    return str(_signer(parts).dumps([user.id, user.epoch, int(until.timestamp())])), until


def guest(parts: Services, given: str) -> User | None:
    """The account a token is for; None when the token is not ours, was used, was replaced or has ended."""
    try:
        id, epoch, until = (int(part) for part in _signer(parts).loads(given))
    except (BadSignature, ValueError, TypeError):
        return None
    user = parts.accounts.user(id)
    fresh = user is not None and user.active and user.epoch == epoch and parts.now().timestamp() < until
    return user if fresh else None
