"""How long to leave a job alone after it failed, and what is worth telling of a connection's health."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Final

from connector.domain.delivery import back_off

TELL_EVERY: Final = timedelta(minutes=1)
LONGEST: Final = timedelta(minutes=2)
"""A tool that comes back is noticed within this time."""


class Patience:
    """Thread-safe memory of one process; nothing of it needs to outlive it."""

    def __init__(self, now: Callable[[], datetime], rng: Random) -> None:
        self._now = now
        self._rng = rng
        self._lock = threading.Lock()
        self._failures: dict[tuple[str, str], int] = {}
        self._until: dict[tuple[str, str], datetime] = {}
        self._counts: dict[str, tuple[int, int]] = {}
        self._told: dict[str, tuple[datetime, bool]] = {}

    def waits(self, tool: str, job: str) -> bool:
        until = self._until.get((tool, job))
        return until is not None and self._now() < until

    def forget(self) -> None:
        """All may be tried again at once."""
        with self._lock:
            self._until.clear()

    def failed(self, tool: str, job: str, asked: timedelta | None) -> timedelta:
        """How long the job now waits: growing, with jitter, never less than the tool asked for."""
        with self._lock:
            key = (tool, job)
            failures = self._failures.get(key, 0)
            self._failures[key] = failures + 1
            wait = min(back_off(failures, self._rng), LONGEST)
            wait = wait if asked is None else max(wait, asked)
            self._until[key] = self._now() + wait
            return wait

    def worked(self, tool: str, job: str) -> bool:
        """Whether this ends a row of failures."""
        with self._lock:
            self._until.pop((tool, job), None)
            return self._failures.pop((tool, job), 0) > 0

    def count(self, tool: str, worked: int, failed: int, reason: str) -> tuple[int, int] | None:
        """Counts to tell now, or None: once a minute, and at every change between working and failing."""
        with self._lock:
            done, lost = self._counts.get(tool, (0, 0))
            self._counts[tool] = done + worked, lost + failed
            now = self._now()
            told = self._told.get(tool)
            if told is not None and now - told[0] < TELL_EVERY and told[1] == bool(reason):
                return None
            self._told[tool] = now, bool(reason)
            return self._counts.pop(tool)
