"""Settings of a deployment: connector.yaml and the environment, as one frozen object.

Secrets come from the environment or from files, never from YAML: `{env: NAME}` or `{file: PATH}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from connector.secret import Secret, SecretField

__all__ = ["Secret", "SecretField", "Settings", "ToolSettings"]


@dataclass(frozen=True, slots=True)
class ToolSettings:
    """One tool. `auth` and `options` are checked by the schemas of the vendor's own package; secrets in `auth` are
    `Secret` objects. `webhook_secrets` are all valid at once (rotation)."""

    name: str
    vendor: str
    url: str
    mapping: Path
    timezone: str = "UTC"
    auth: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    poll_every: timedelta = timedelta(seconds=30)
    page: int | None = None
    sweep_every: timedelta = timedelta(hours=24)
    concurrency: int = 4
    per_minute: int | None = None
    webhook_secrets: tuple[Secret, ...] = ()
    verify_tls: bool | str = True


@dataclass(frozen=True, slots=True)
class Settings:
    file: Path
    name: str = "connector"
    timezone: str = "UTC"
    languages: tuple[str, ...] = ("en", "fr")
    public_url: str = ""
    store_url: str = "sqlite:///var/connector.db"
    store_password: Secret | None = None
    host: str = "127.0.0.1"
    port: int = 8080
    session_secret: Secret | None = None
    tools: Mapping[str, ToolSettings] = field(default_factory=dict)
