"""Secrets that sign what passes between us and a supplier: named in its contract, held by the environment.

Several are valid at once, so that both sides can change to a new one without a moment's silence.
"""

from __future__ import annotations

import os
import secrets
from base64 import b64encode
from collections.abc import Mapping
from typing import Final

from connector.domain.handoffs.receiver import Receiver
from connector.domain.signing import PREFIX, key

NEW_KEY_BYTES: Final = 32


def new_secret() -> str:
    return PREFIX + b64encode(secrets.token_bytes(NEW_KEY_BYTES)).decode()


class SupplierKeys:
    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._environ = environ

    def of(self, receiver: Receiver) -> tuple[str, ...]:
        """The usable secrets, in the order of the contract; none where the environment has none."""
        return tuple(secret for name in self._names(receiver) if _usable(secret := self._environ.get(name, "").strip()))

    def problems(self, receiver: Receiver) -> list[str]:
        """What is wrong with the secrets a contract names, without showing any."""
        found = []
        for name in self._names(receiver):
            secret = self._environ.get(name, "").strip()
            if not secret:
                found.append(f"environment variable {name} is not set")
            elif not _usable(secret):
                found.append(f"environment variable {name}: expected {PREFIX} and the base64 of 24 to 64 bytes")
        return found

    def _names(self, receiver: Receiver) -> tuple[str, ...]:
        return receiver.reach.webhook.secrets if receiver.reach.webhook is not None else ()


def _usable(secret: str) -> bool:
    try:
        return secret.startswith(PREFIX) and bool(key(secret))
    except ValueError:
        return False
