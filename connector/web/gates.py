"""Circuit breakers as pages, API and metrics show them: does what we send to a tool go out now?"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from msgspec import Struct

from connector.flows.breaker import Gate
from connector.flows.deliver import STREAM
from connector.flows.intake import CHANGES
from connector.flows.sweep import DELETIONS
from connector.web.i18n import mark
from connector.web.services import Services

STREAMS: Final = {CHANGES: mark("Last change read"), DELETIONS: mark("Last deletion read")}
"""Streams whose cursor moves when something new was read; the others keep working state."""


class Breaker(Struct, frozen=True, kw_only=True):
    """`state` is closed (all goes out), open (nothing until `until`) or half-open (one probe may go)."""

    state: str = "closed"
    until: datetime | None = None
    reason: str = ""


def breakers(parts: Services) -> dict[str, Breaker]:
    """Of every connected tool."""
    now = parts.now()
    with parts.deps.store.read() as tx:
        gates = {name: Gate.load(tx.cursor(name, STREAM)) for name in parts.deps.tools}
    return {name: Breaker(state=gate.state(now), until=gate.until, reason=gate.reason) for name, gate in gates.items()}
