"""What every command starts from: the settings file, read when first asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from connector.settings import Settings
    from connector.wiring import Deployment

CONFIG_VARIABLE: Final = "CONNECTOR_SETTINGS"


@dataclass
class Context:
    config: Path

    @cached_property
    def settings(self) -> Settings:
        """Raises ConfigError with every problem."""
        from connector import settings, vendors

        return settings.load(self.config, os.environ, vendors.schemas)

    @contextmanager
    def deployed(self) -> Iterator[Deployment]:
        from connector.wiring import deployed

        with deployed(self.settings) as deployment:
            yield deployment


pass_context = click.make_pass_decorator(Context)
