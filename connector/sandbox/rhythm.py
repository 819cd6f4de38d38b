"""When work comes in and how long things take.

Hours, weekdays, pendings, reassignments and reopenings follow the incidents of a real ServiceNow published by Amaral,
Fantinato and Peres (UCI Machine Learning Repository 498, CC BY 4.0): shares and medians were measured on that log, the
spread of durations is narrower than there so that a demo of a few weeks shows whole lives (docs/sandbox.md).
"""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Final
from zoneinfo import ZoneInfo

ZONE: Final = ZoneInfo("Europe/Zurich")
HOURS: Final = (1.1, 0.9, 0.6, 0.5, 0.5, 0.5, 1.3, 2.3, 10.2, 12.1, 11.6, 9.9, 5.4, 6.6, 9.0, 8.6, 7.5, 4.3, 1.9, 1.2,
                0.9, 1.4, 1.0, 0.7)
"""Share of incidents opened in each hour of the day, per cent."""
WEEKDAYS: Final = (23.9, 19.9, 19.6, 16.5, 15.4, 2.6, 2.3)
"""Share of each weekday, Monday first, per cent."""
HOUR: Final = timedelta(hours=1)
OPENS, CLOSES = 8, 18


def weight(at: datetime) -> float:
    """Share of a week's tickets that fall into the hour of this instant."""
    local = at.astimezone(ZONE)
    return HOURS[local.hour] * WEEKDAYS[local.weekday()] / (sum(HOURS) * sum(WEEKDAYS))


def spread(rng: random.Random, start: datetime, end: datetime, count: int) -> list[datetime]:
    """So many instants between two, in order, by the weights of their hours."""
    hours = max(1, math.ceil((end - start) / HOUR))
    totals = list(accumulate(weight(start + i * HOUR) for i in range(hours)))
    found = []
    for _ in range(count):
        at = start + (bisect_right(totals, rng.random() * totals[-1]) + rng.random()) * HOUR
        found.append(min(at, end - timedelta(seconds=1)))
    return sorted(found)


def stream(rng: random.Random, start: datetime, weekly: float) -> Iterator[datetime]:
    """Arrivals for ever: a Poisson process whose rate is that of the hour (by thinning the busiest hour's)."""
    busiest = weekly * max(HOURS) * max(WEEKDAYS) / (sum(HOURS) * sum(WEEKDAYS))
    at = start
    while True:
        at += HOUR * rng.expovariate(busiest)
        if rng.random() * busiest <= weekly * weight(at):
            yield at


def lasting(rng: random.Random, median_hours: float, sigma: float, most_hours: float = 24 * 60) -> timedelta:
    """A lognormal duration: `sigma` is the standard deviation of its logarithm."""
    return HOUR * min(median_hours * math.exp(rng.gauss(0, sigma)), most_hours)


def worked(at: datetime, work: timedelta) -> datetime:
    """When so much work is done that is only done in office hours."""
    left = work
    while True:
        local = at.astimezone(ZONE)
        opens, closes = (local.replace(hour=hour, minute=0, second=0, microsecond=0) for hour in (OPENS, CLOSES))
        if local.weekday() >= 5 or local >= closes:
            at = (opens + timedelta(days=1)).astimezone(UTC)
            continue
        begins = max(local, opens)
        if begins + left <= closes:
            return (begins + left).astimezone(UTC)
        left -= closes - begins
        at = (opens + timedelta(days=1)).astimezone(UTC)
