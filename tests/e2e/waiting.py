"""Waiting for what must come, without sleeping longer than it takes."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 45.0


def eventually(true: Callable[[], object], patience: float = PATIENCE) -> float:
    """Seconds until it was true. Fails after `patience`."""
    began = time.monotonic()
    while not true():
        if time.monotonic() - began > patience:
            raise AssertionError("it did not come true in time")
        time.sleep(0.02)
    return time.monotonic() - began
