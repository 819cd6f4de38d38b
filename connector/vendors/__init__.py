"""The makes of tools we speak to: one package each, found by looking into this folder.

Adding a make is adding a package with `AUTH`, `OPTIONS` (marshmallow schemas) and `build`; nothing here changes.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from datetime import datetime
from importlib import import_module
from types import ModuleType
from typing import NamedTuple

from marshmallow import Schema

from connector.domain.errors import ConfigError, Problem
from connector.domain.mapping import Mapping
from connector.domain.problems import did_you_mean
from connector.ports import Vendor
from connector.settings import ToolSettings


class Schemas(NamedTuple):
    """What a make expects under `auth` and `options` of a tool."""

    auth: Schema
    options: Schema


def makes() -> list[str]:
    """Names of all makes, sorted."""
    return sorted(found.name for found in pkgutil.iter_modules(__path__)
                  if found.ispkg and not found.name.startswith("_"))


def schemas(make: str) -> Schemas:
    """Raises ConfigError for an unknown make."""
    package = _package(make)
    return Schemas(package.AUTH, package.OPTIONS)


def build(tool: ToolSettings, mapping: Mapping, now: Callable[[], datetime]) -> Vendor:
    """The adapter of a tool; nothing is sent yet. Raises ConfigError for an unknown make."""
    vendor: Vendor = _package(tool.vendor).build(tool, mapping, now)
    return vendor


def _package(make: str) -> ModuleType:
    if make not in makes():
        raise ConfigError([Problem(f"unknown vendor `{make}`{did_you_mean(make, makes())}")])
    return import_module(f"{__name__}.{make}")
