"""The key that signs proof packs: made once, kept beside the settings, so that every process signs with the same."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from connector.domain.errors import ConfigError, Problem
from connector.settings import Settings


def private_key(settings: Settings) -> bytes:
    """32 bytes. Raises ConfigError when the file holds something else.

    Whoever has several machines gives them the same file; whoever loses it signs with a new key from then on, and packs
    signed before stay valid with the public key that they carry.
    """
    path = Path(settings.file).resolve().parent / "var" / "proof.key"
    if not path.exists():
        _make(path)
    return _read(path)


def _make(path: Path) -> None:
    """Complete before it has its name: no other process ever reads half a key."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(secrets.token_bytes(32).hex() + "\n")
    try:
        os.link(part, path)
    except FileExistsError:
        pass
    finally:
        part.unlink()


def _read(path: Path) -> bytes:
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        key = b""
    if len(key) != 32:
        raise ConfigError([Problem("expected 64 hexadecimal digits: the key that signs proof packs", file=str(path))])
    return key
