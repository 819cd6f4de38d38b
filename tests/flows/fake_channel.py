"""A channel that keeps what it was given. `at(moment)` is called before and after and may raise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from connector.domain.delivery import Delivery, Order
from connector.ports import Deps


class FakeChannel:
    def __init__(self, name: str = "mail", concurrency: int = 1, per_minute: int | None = None,
                 give_up: timedelta = timedelta(days=3)) -> None:
        self.name, self.concurrency, self.per_minute, self.give_up = name, concurrency, per_minute, give_up
        self.at: Callable[[str], None] = lambda moment: None
        self.got: list[Delivery] = []

    @property
    def keys(self) -> list[str]:
        return [delivery.key for delivery in self.got]

    def deliver(self, delivery: Delivery, now: datetime) -> Mapping[str, Any]:
        self.at("before")
        self.got.append(delivery)
        self.at("after")
        return {"id": f"<{delivery.key}>"}

    def close(self) -> None: ...


def with_channels(deps: Deps, *channels: FakeChannel) -> Deps:
    return replace(deps, channels={channel.name: channel for channel in channels})


def order(key: str, target: str = "mail", lane: str = "", **payload: Any) -> Order:
    return Order(key=key, target=target, verb="notify", lane=lane or key, payload=payload)
