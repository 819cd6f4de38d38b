"""The clock of a stand-in: real, faster by a factor, or moved by hand. A shift makes it wrong on purpose."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta


class Clock:
    """Time of one simulated tool, aware and in UTC. `speed` 0 stands still until `step`.

    `shift` is added to every reading, so that a tool's clock can be wrong (stamps and Date header alike).
    """

    def __init__(self, speed: float = 1.0, start: datetime | None = None) -> None:
        if speed < 0:
            raise ValueError("a clock cannot run backwards: give a speed of 0 or more")
        self.speed = speed
        self.shift = timedelta(0)
        self._start = (start or datetime.now(UTC)).astimezone(UTC)
        self._zero = time.monotonic()
        self._stepped = timedelta(0)
        self._lock = threading.Lock()

    def now(self) -> datetime:
        passed = timedelta(seconds=(time.monotonic() - self._zero) * self.speed) if self.speed else timedelta(0)
        with self._lock:
            return self._start + passed + self._stepped + self.shift

    def step(self, seconds: float) -> datetime:
        """Move on by so many seconds at once."""
        if seconds < 0:
            raise ValueError("a clock cannot run backwards: use `shift` for a wrong one")
        with self._lock:
            self._stepped += timedelta(seconds=seconds)
        return self.now()


def clock_of(value: Clock | float | str | None) -> Clock:
    """"real" or None, "manual", a factor, or a clock."""
    if isinstance(value, Clock):
        return value
    if value is None or value == "real":
        return Clock()
    if value == "manual":
        return Clock(speed=0)
    if isinstance(value, (int, float)):
        return Clock(speed=float(value))
    raise ValueError(f"{value!r} is not a clock (expected real, manual, a factor or a Clock)")
