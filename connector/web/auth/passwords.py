"""Passwords: hashed with argon2id, checked in the same time whether the login exists or not."""

from __future__ import annotations

from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST: Final = 12
LONGEST: Final = 256
_COMMON: Final = ("password", "motdepasse", "azerty", "qwerty", "qwertz", "123456", "letmein", "servicedesk")

# OWASP Password Storage Cheat Sheet (2024): argon2id with m = 19 MiB, t = 2, p = 1.
_hasher: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def hash_password(password: str) -> str:
    return _hasher.hash(password)


def verify(password_hash: str | None, password: str) -> bool:
    """None (no such user) takes as long as a wrong password."""
    if len(password) > LONGEST:
        return False
    try:
        return _hasher.verify(password_hash or _decoy(), password) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


def outdated(password_hash: str) -> bool:
    return _hasher.check_needs_rehash(password_hash)


@cache
def _decoy() -> str:
    return _hasher.hash("nobody has this password")


def weakness(password: str, login: str) -> str:
    """Why a new password is not accepted, in a word; "" when it is. Length, not composition (NIST 800-63B)."""
    if len(password) < SHORTEST:
        return "too short"
    if len(password) > LONGEST:
        return "too long"
    plain = password.casefold()
    if (
        (len(login) > 3 and login.casefold() in plain)
        or len(set(plain)) < 5
        or any(plain.startswith(word) for word in _COMMON)
    ):
        return "too easy"
    return ""
