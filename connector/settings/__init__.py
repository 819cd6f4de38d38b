"""Settings of a deployment: connector.yaml and the environment, as one frozen object.

Secrets come from the environment or from files, never from YAML: `{env: NAME}` or `{file: PATH}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from connector import yaml12
from connector.domain.mapping import Mapping as FieldMapping
from connector.domain.retention import Retention
from connector.settings.channels import ChannelSettings
from connector.settings.file import Schemas, checked
from connector.settings.secret import Secret, SecretField
from connector.settings.suppliers import SupplierSettings

__all__ = ["Secret", "SecretField", "Settings", "ToolSettings", "load", "load_mapping"]


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
    retention: Retention = field(default_factory=Retention)
    tools: Mapping[str, ToolSettings] = field(default_factory=dict)
    channels: ChannelSettings = field(default_factory=ChannelSettings)
    suppliers: SupplierSettings = field(default_factory=SupplierSettings)


def load(path: Path, environ: Mapping[str, str], schemas: Schemas) -> Settings:
    """Read and check. `schemas(vendor)` gives the schemas of its `auth` and `options`, and raises ConfigError for an
    unknown vendor. Raises ConfigError with every problem at once."""
    data = checked(path, environ, schemas)
    folder = path.resolve().parent
    web, store = data.get("web", {}), data.get("store", {})
    plain: dict[str, Any] = {key: data[key] for key in ("name", "timezone") if key in data}
    plain |= {key: web[key] for key in ("public_url", "host", "port", "session_secret") if key in web}
    if "languages" in data:
        plain["languages"] = tuple(dict.fromkeys(data["languages"]))
    return Settings(
        file=path,
        store_url=_beside(folder, store.get("url", "sqlite:///var/connector.db")),
        store_password=store.get("password"),
        retention=Retention(**data.get("retention", {})),
        tools={name: _tool(name, tool, folder) for name, tool in data.get("tools", {}).items()},
        channels=ChannelSettings.of(_trusting(folder, data.get("channels", {}))),
        suppliers=SupplierSettings.of(data.get("suppliers", {}), folder),
        **plain,
    )


def _trusting(folder: Path, data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The certificate file of the mail server, beside the settings."""
    mail = data.get("mail", {})
    return {**data, "mail": {**mail, "trust": str(folder / mail["trust"])}} if "trust" in mail else data


def _tool(name: str, data: Mapping[str, Any], folder: Path) -> ToolSettings:
    known = {key: value for key, value in data.items() if key != "allow_http"}
    known["mapping"] = folder / data["mapping"]
    known["webhook_secrets"] = tuple(data.get("webhook_secrets", ()))
    if isinstance(data.get("verify_tls"), str):
        known["verify_tls"] = str(folder / data["verify_tls"])
    return ToolSettings(name=name, **known)


def _beside(folder: Path, url: str) -> str:
    """A relative SQLite file lies beside the settings, wherever the service is started from."""
    scheme, mark, path = url.partition(":///")
    if not scheme.startswith("sqlite") or not mark or path.startswith("/") or path in ("", ":memory:"):
        return url
    return f"{scheme}:///{folder / path}"


def load_mapping(path: Path, name: str = "") -> FieldMapping:
    """The mapping in a file; `name` is what problems call it. Raises ConfigError with every problem at once."""
    document = yaml12.load(path, name)
    return FieldMapping.from_dict(document.data, document.file, document.where)
