"""How long is kept what is only needed for a while. Tickets and their history stay: figures of the past need them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Retention:
    """`deliveries`: finished ones, from then on and once their ticket has ended; `inbox`: ids of messages, by which a
    repeat is recognised; `audit`: who did what, kept at least as long as the rest."""

    deliveries: timedelta = timedelta(days=180)
    inbox: timedelta = timedelta(days=30)
    audit: timedelta = timedelta(days=730)
