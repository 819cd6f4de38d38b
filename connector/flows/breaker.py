"""How much may be sent to a target now: a circuit breaker, a rate, and a slow start after an outage.

The state is kept in the store (cursor stream of the target), so that it outlives the process, is shared between
processes and can be shown. Two processes may overwrite each other's count; the worst of it is one probe too many.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from connector.domain.delivery import back_off
from connector.ports import Cursor

OPEN_AFTER: Final = 5
"""Failures in a row after which a target is left alone for a while."""
LONGEST_PAUSE: Final = timedelta(minutes=2)
"""A probe costs little, so that recovery is noticed soon."""
BURST_SECONDS: Final = 10
"""What a rate saves up while idle."""
SKEW: Final = timedelta(seconds=30)
"""By how much the clocks of two machines may differ."""
_FULL_SPEED: Final = 64


@dataclass(slots=True)
class Gate:
    """`ramp` is how many exchanges at once are allowed after an outage, doubled by each success; 0 is no limit."""

    failures: int = 0
    until: datetime | None = None
    ramp: int = 0
    tokens: float = 0.0
    filled: datetime | None = None
    reason: str = ""

    @classmethod
    def load(cls, kept: Cursor) -> Gate:
        return cls(failures=kept.get("failures", 0), until=_time(kept.get("until")), ramp=kept.get("ramp", 0),
                   tokens=kept.get("tokens", 0.0), filled=_time(kept.get("filled")), reason=kept.get("reason", ""))

    def dump(self) -> Cursor:
        return {"failures": self.failures, "until": _text(self.until), "ramp": self.ramp,
                "tokens": round(self.tokens, 3), "filled": _text(self.filled), "reason": self.reason}

    def state(self, now: datetime) -> str:
        """closed: all goes; open: nothing goes until `until`; half-open: one probe may go."""
        if not self.ready(now):
            return "open"
        return "half-open" if self.failures >= OPEN_AFTER else "closed"

    def ready(self, now: datetime) -> bool:
        return self.until is None or now >= self.until

    def room(self, now: datetime, concurrency: int, per_minute: int | None, running: int) -> int:
        """How many more may be sent now, while `running` are under way."""
        if not self.ready(now):
            return 0
        most = 1 if self.failures >= OPEN_AFTER else min(concurrency, self.ramp or concurrency)
        most -= running
        if per_minute is not None:
            most = min(most, int(self._saved(now, per_minute)))
        return max(0, most)

    def take(self, now: datetime, count: int, per_minute: int | None) -> None:
        """Count what is being sent against the rate."""
        if per_minute is not None and count:
            self.tokens, self.filled = self._saved(now, per_minute) - count, now

    def _saved(self, now: datetime, per_minute: int) -> float:
        most = max(1.0, per_minute * BURST_SECONDS / 60)
        if self.filled is None:
            return most
        if self.filled > now + SKEW:
            return max(1.0, self.tokens)  # The clock was set back: counting begins anew with the next one.
        passed = max(timedelta(0), now - self.filled).total_seconds()
        return min(most, self.tokens + passed * per_minute / 60)

    def worked(self) -> bool:
        """The target answered. Says whether that changes anything."""
        if self.failures or self.until is not None:
            self.ramp = 1 if self.failures >= OPEN_AFTER else self.ramp
            self.failures, self.until, self.reason = 0, None, ""
            return True
        if self.ramp:
            self.ramp = 0 if self.ramp >= _FULL_SPEED else self.ramp * 2
            return True
        return False

    def failed(self, now: datetime, reason: str, asked: timedelta | None = None, rng: Random | None = None, *,
               open_after: int = OPEN_AFTER) -> None:
        """The target could not answer; `asked` is the wait it asked for, which goes for all that is sent to it."""
        self.failures += 1
        self.reason = reason
        pause = asked
        if self.failures >= open_after:
            own = min(LONGEST_PAUSE, back_off(self.failures - open_after, rng or Random(), None))
            pause = own if asked is None else max(own, asked)
        if pause is not None:
            self.until = max(now + pause, self.until or now)
            self.ramp = self.ramp or 1

    def wait(self, now: datetime, pause: timedelta = timedelta(seconds=5)) -> None:
        self.until = now + pause


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _time(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None
