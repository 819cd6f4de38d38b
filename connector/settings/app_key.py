"""The key of a deployment, which signs cookies and links: from the settings, else made once and kept beside their file,
so that every process and every restart has the same one.
"""

from __future__ import annotations

import hmac
import os
import secrets
from pathlib import Path
from typing import Final

from connector.settings import Settings

ACKNOWLEDGEMENTS: Final = "links that acknowledge"
FILE_LINKS: Final = "links to files of handoffs"
REPLY_LINKS: Final = "links to answer handoffs"


def app_key(settings: Settings) -> bytes:
    if settings.session_secret is not None:
        return settings.session_secret.reveal().encode()
    path = Path(settings.file).resolve().parent / "var" / "session.key"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(handle, "wb") as file:
        key = secrets.token_hex(32).encode()
        file.write(key)
    return key


def derived(settings: Settings, purpose: str) -> bytes:
    """A key of its own for each purpose: what one signs is worth nothing to another."""
    return hmac.digest(app_key(settings), purpose.encode(), "sha256")
