"""Backtests count the same however the work is split, and come back from a saved state."""

from __future__ import annotations

import random
from datetime import timedelta

import orjson
import pytest

from connector.domain.agreements.backtest import MOST_VALUES, OTHERS, Histogram, Tally
from connector.domain.agreements.engine import clocks
from tests.domain.agreements.test_engine import ACME, Story, profile, registry, ticket
from tests.domain.calendars.test_calendar import local

NOW = local(2026, 3, 20)
DESK = registry()


def done(hours: float, **fields: object) -> tuple[object, ...]:
    at = local(2026, 3, 2, 9) + timedelta(hours=hours)
    story = Story().set(at, state="resolved")
    one = ticket(state="resolved", **fields)
    return one, story.read(NOW, DESK, **fields)


def tally(*hours: float) -> Tally:
    found = Tally()
    for n in hours:
        found.add(*done(n))  # type: ignore[arg-type]
    return found


def test_met_share_counts_decided_clocks_only() -> None:
    found = tally(1, 2, 30, 50)
    found.add(ticket(), Story().read(local(2026, 3, 2, 9)))
    cell = found.as_dict()["targets"]["resolution"]["all"]["all"]
    assert (cell["met"], cell["breached"], cell["open"], cell["met_share"]) == (2, 2, 1, 0.5)


def test_lateness_is_business_time_over_the_target() -> None:
    cell = tally(30).as_dict()["targets"]["resolution"]["all"]["all"]
    assert cell["lateness_p50_s"] == pytest.approx(5.5 * 3600, rel=0.011), "Tuesday 15:00 is 13.5 h, target 8 h"


def test_any_split_gives_the_same_figures() -> None:
    hours = [random.Random(3).random() * 80 for _ in range(40)]
    whole = tally(*hours)
    parts = tally(*hours[:13])
    parts.merge(tally(*hours[13:]))
    assert parts.as_dict() == whole.as_dict()
    assert Tally.load(orjson.loads(orjson.dumps(parts.save()))).as_dict() == whole.as_dict()


def test_quantiles_are_right_to_one_percent() -> None:
    rng = random.Random(5)
    values = sorted(rng.lognormvariate(8, 2) for _ in range(5000))
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    for share in (0.5, 0.9, 0.99):
        assert histogram.quantile(share) == pytest.approx(values[int(share * 5000) - 1], rel=0.011)
    assert Histogram().quantile(0.5) is None


def test_it_tells_what_would_change_and_compares_with_a_field() -> None:
    strict = registry(profile(ACME, targets={"resolution": "1h"}))
    one, before = done(2, custom={"made_sla": True})
    story = Story().set(local(2026, 3, 2, 11), state="resolved")
    found = Tally()
    found.add(one, clocks(one, story.events, strict, NOW), before, "custom.made_sla")  # type: ignore[arg-type]
    told = found.as_dict()
    assert {"target": "resolution", "before": "met", "now": "breached", "tickets": 1} in told["compared"]
    assert told["confusion"] == [{"value": "true", "outcome": "breached", "tickets": 1}]


def test_memory_does_not_grow_with_the_number_of_groups() -> None:
    found = Tally()
    for n in range(MOST_VALUES + 50):
        found.add(*done(1, group=f"g{n}"))  # type: ignore[arg-type]
    groups = found.as_dict()["targets"]["resolution"]["group"]
    assert len(groups) == MOST_VALUES + 1
    assert groups[OTHERS]["met"] == 50
