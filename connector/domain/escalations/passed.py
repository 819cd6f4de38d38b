"""Of several steps that passed unseen, which one is acted upon: no storm after an outage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from connector.domain.escalations.escalated import SKIPPED, Firing

ON_TIME: Final = timedelta(minutes=5)
"""What is acted upon so soon after its moment is on time; later it is late, and only the highest step counts."""


@dataclass(slots=True)
class Passed:
    """An occurrence not on record. `at` is its own moment; `firing.moment` is later where something held it."""

    firing: Firing
    at: datetime


def settled(passed: Sequence[Passed]) -> Iterator[Firing]:
    """What came on time fires; of what is late, or was held or overtaken together, only the highest. The rest is
    recorded as skipped."""
    if not passed:
        return
    top = max(one.at for one in passed)
    for one in passed:
        on_time = one.at == one.firing.moment and not one.firing.late
        yield one.firing if on_time or one.at == top else replace(one.firing, what=SKIPPED)
