"""Ways of reaching people and suppliers as flows see them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from connector.domain.delivery import Delivery


class Channel(Protocol):
    """One way of reaching people or a supplier. A delivery whose `target` is its name is handed to it.

    Instances are safe to share between threads; one call takes less than `flows.deliver.MARGIN`.
    """

    @property
    def name(self) -> str:
        """`mail`, `chat`, `supplier:<receiver>`; no tool has a colon in its name."""
        ...

    @property
    def concurrency(self) -> int: ...
    @property
    def per_minute(self) -> int | None: ...
    @property
    def give_up(self) -> timedelta:
        """Age at which a delivery that still fails is buried."""
        ...

    def deliver(self, delivery: Delivery, now: datetime) -> Mapping[str, Any]:
        """Do it once; gives what is worth keeping of the answer (no secret, no text of a message).

        Raises TryLater (the other side is down: all wait), Postponed (only this one waits), Refused (never),
        Gone (the other side asks to be left alone: all wait until a person enables the channel again). `attempts`
        above zero: an earlier try may have worked although its answer was lost.
        """
        ...

    def close(self) -> None: ...
