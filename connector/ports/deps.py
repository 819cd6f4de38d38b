"""All that a flow is handed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from connector.domain.agreements.registry import Registry
from connector.domain.mapping import Mapping as FieldMapping
from connector.ports.channel import Channel
from connector.ports.store import Store
from connector.ports.vendor import Vendor


@dataclass(frozen=True, slots=True)
class Tool:
    """A connected tool as the flows see it."""

    name: str
    vendor: Vendor
    mapping: FieldMapping
    poll_every: timedelta = timedelta(seconds=30)
    concurrency: int = 4
    per_minute: int | None = None


@dataclass(frozen=True, slots=True)
class Deps:
    """Everything a flow needs, built in one place and passed by hand."""

    store: Store
    tools: Mapping[str, Tool]
    now: Callable[[], datetime]
    owner: str = "connector"
    """Unique name of this process, holder of leases."""
    options: Mapping[str, Any] = field(default_factory=dict)
    registry: Callable[[], Registry] | None = None
    """The agreements in force; None where there are none, and then no ticket is ever looked at for its clocks."""
    channels: Mapping[str, Channel] = field(default_factory=dict)
    """How people and suppliers are reached, by name."""
