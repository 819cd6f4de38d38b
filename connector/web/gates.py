"""Circuit breakers as pages, API and metrics show them: does what we send to a tool or channel go out now?"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from msgspec import Struct

from connector.flows import switch
from connector.flows.breaker import Gate
from connector.flows.deliver import STREAM
from connector.flows.intake import CHANGES
from connector.flows.sweep import DELETIONS
from connector.web.i18n import mark
from connector.web.services import Services

STREAMS: Final = {CHANGES: mark("Last change read"), DELETIONS: mark("Last deletion read")}
"""Streams whose cursor moves when something new was read; the others keep working state."""


DISABLED: Final = "disabled"


class Breaker(Struct, frozen=True, kw_only=True):
    """`state` is closed (all goes out), open (nothing until `until`), half-open (one probe may go),
    or disabled (nothing until a person enables it)."""

    state: str = "closed"
    until: datetime | None = None
    reason: str = ""


def breakers(parts: Services) -> dict[str, Breaker]:
    """Of every connected tool and channel."""
    now = parts.now()
    with parts.deps.store.read() as tx:
        kept, off = tx.cursors(STREAM), switch.disabled(tx)
    found = {}
    for name in (*parts.deps.tools, *parts.deps.channels):
        gate = Gate.load(kept.get(name, {}))
        found[name] = Breaker(state=gate.state(now), until=gate.until, reason=gate.reason)
        if name in off:
            found[name] = Breaker(state=DISABLED, reason=off[name])
    return found


class ChannelRow(Struct, frozen=True, kw_only=True):
    """A channel on the connections page."""

    name: str
    breaker: Breaker
    waiting: int
    dead: int
    oldest_waiting: datetime | None


def channels(parts: Services) -> list[ChannelRow]:
    if not parts.deps.channels:
        return []
    counts, gates = parts.queries.counts(), breakers(parts)
    return [
        ChannelRow(
            name=name,
            breaker=gates[name],
            waiting=counts.deliveries.get((name, "waiting"), 0) + counts.deliveries.get((name, "leased"), 0),
            dead=counts.deliveries.get((name, "dead"), 0),
            oldest_waiting=counts.oldest_waiting.get(name),
        )
        for name in sorted(parts.deps.channels)
    ]
