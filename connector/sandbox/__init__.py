"""Stand-in tools that speak the vendors' APIs over real HTTP, for the demo and end-to-end tests (docs/sandbox.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from connector.sandbox.catalogue import populate as standing_data
from connector.sandbox.clock import Clock, clock_of
from connector.sandbox.desk import Desk
from connector.sandbox.faults import Faults
from connector.sandbox.generator import Life
from connector.sandbox.glpi import Glpi
from connector.sandbox.handle import Handle
from connector.sandbox.osticket import OsTicket
from connector.sandbox.servicenow import ServiceNow
from connector.sandbox.side import Side
from connector.sandbox.webhooks import Webhook, webhook_of

__all__ = ["MAKES", "Clock", "Handle", "Webhook", "start"]

MAKES: Final[dict[str, type[Side]]] = {"servicenow": ServiceNow, "glpi": Glpi, "osticket": OsTicket}


def start(make: str, *, seed: int = 1, tickets: int = 0, days: float = 30, clock: Clock | float | str | None = None,
          port: int = 0, webhook: Any = None, version: str = "", live: bool = False, rate: float = 1.0,
          populate: Callable[[Desk], None] = standing_data) -> Handle:
    """Start a stand-in on 127.0.0.1 in threads of its own.

    `tickets` is the size of the back-history, spread over `days`; with `live` new tickets and moves follow as the clock
    advances, `rate` times as many. `clock` is "real", "manual", a factor or a Clock; `webhook` a Webhook or
    (url, secret). Raises ValueError for an unknown make.
    """
    if make not in MAKES:
        raise ValueError(f"no stand-in for {make!r} (expected one of {', '.join(MAKES)})")
    desk = Desk(seed, clock_of(clock))
    side = MAKES[make](desk, version)
    populate(desk)
    life = Life(side, tickets=tickets, days=days, live=live, rate=rate)
    return Handle(side, Faults(seed), life, port, webhook_of(webhook, side.webhook_secret()), live)
