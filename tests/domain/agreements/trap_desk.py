"""What the tests of the traps share."""

from __future__ import annotations

import importlib
from datetime import datetime
from typing import Any

from connector.domain.agreements.engine import NamedClock
from connector.domain.agreements.registry import Registry
from tests.domain.agreements.test_engine import ACME, Story, one, profile, registry

TARGETS = {"first_response": "1h", "resolution": "8h"}


def desk(**more: Any) -> Registry:
    return registry(profile(ACME, **{"targets": TARGETS, **more}))


def resolution(story: Story, now: datetime, **more: Any) -> NamedClock:
    return one(story.read(now, desk(**more)), "resolution")


def held_elsewhere(module: str, *names: str) -> None:
    """These tests exist, where the behaviour lives."""
    found = importlib.import_module(module)
    assert names
    assert all(callable(getattr(found, name)) for name in names)


def waiting(start: datetime, end: datetime | None = None) -> Story:
    story = Story().set(start, state="pending", pending_on="customer")
    return story if end is None else story.set(end, state="in_progress", pending_on=None)
