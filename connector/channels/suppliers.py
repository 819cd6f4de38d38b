"""Every supplier that is sent something, as a channel: as the agreements are now, not as they were at the start."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping

from connector.domain.agreements.registry import Registry
from connector.domain.handoffs.receiver import Receiver
from connector.ports import Channel

Build = Callable[[Receiver], Channel | None]


class SupplierChannels(Mapping[str, Channel]):
    """The channels of `fixed`, and one for each receiver in force that `build` has a way to reach.

    A channel stays the same object while its receiver stays the same. Safe to share between threads.
    """

    def __init__(self, fixed: Mapping[str, Channel], registry: Callable[[], Registry] | None, build: Build) -> None:
        self._fixed, self._registry, self._build = dict(fixed), registry, build
        self._built: dict[str, tuple[Receiver, Channel | None]] = {}
        self._lock = threading.Lock()

    def _now(self) -> dict[str, Channel]:
        if self._registry is None:
            return self._fixed
        receivers = self._registry().receivers.values()
        with self._lock:
            for receiver in receivers:
                kept = self._built.get(receiver.target)
                if kept is None or kept[0] != receiver:
                    # The old one is not closed: a delivery may still be under way, and it holds no connection.
                    self._built[receiver.target] = (receiver, self._build(receiver))
            found = {receiver.target: self._built[receiver.target][1] for receiver in receivers}
        return {**{name: channel for name, channel in found.items() if channel is not None}, **self._fixed}

    def __getitem__(self, name: str) -> Channel:
        return self._now()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._now())

    def __len__(self) -> int:
        return len(self._now())
