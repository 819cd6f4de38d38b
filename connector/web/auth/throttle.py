"""Guards against guessing and against floods. Counts live in this process, locks of a login in the store."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

FREE_TRIES: Final = 5
LONGEST_LOCK: Final = timedelta(minutes=15)


def lock_after(failures: int, now: datetime) -> datetime | None:
    """Until when a login stays locked after so many wrong passwords: nothing for the first five, then doubling
    from 15 seconds to 15 minutes. Short locks: a stranger must not be able to shut somebody out for long."""
    if failures < FREE_TRIES:
        return None
    lock: timedelta = min(LONGEST_LOCK, timedelta(seconds=15) * 2 ** min(failures - FREE_TRIES, 10))
    return now + lock


class Bucket:
    """A token bucket per key: `burst` at once, then `per_minute`. Holds at most `keys` keys, the longest unused go."""

    def __init__(self, per_minute: float, burst: int, now: Callable[[], datetime], keys: int = 10_000) -> None:
        self.burst = burst
        self._rate = per_minute / 60
        self._now = now
        self._keys = keys
        self._left: OrderedDict[str, tuple[float, datetime]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, key: str, cost: float = 1) -> float:
        """Seconds to wait before this is allowed: 0 means it is, and was counted."""
        now = self._now()
        with self._lock:
            left = self._level(key, now)
            allowed = left >= cost
            self._left[key] = (left - cost if allowed else left, now)
            self._left.move_to_end(key)
            while len(self._left) > self._keys:
                self._left.popitem(last=False)
        return 0.0 if allowed else (cost - left) / self._rate

    def wait(self, key: str, cost: float = 1) -> float:
        """Seconds until `take` would be allowed; counts nothing."""
        with self._lock:
            return max(0.0, (cost - self._level(key, self._now())) / self._rate)

    def left(self, key: str) -> int:
        with self._lock:
            return int(self._level(key, self._now()))

    def _level(self, key: str, now: datetime) -> float:
        left, at = self._left.get(key, (float(self.burst), now))
        return min(float(self.burst), left + max(0.0, (now - at).total_seconds()) * self._rate)
