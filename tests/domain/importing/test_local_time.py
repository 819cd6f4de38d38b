"""Times of exported files: forms, zones, and the days the clock changes."""

from __future__ import annotations

import pytest

from connector.domain.importing.local_time import parser
from connector.domain.importing.rows import Rows

ZURICH = "Europe/Zurich"


def utc(raw: str, **options: object) -> str:
    return parser(Rows(**options))(raw).isoformat()  # type: ignore[arg-type]


@pytest.mark.parametrize(("raw", "expected"), [
    ("2026-03-02 08:00", "2026-03-02T07:00:00+00:00"), ("2026-07-02T08:00:05", "2026-07-02T06:00:05+00:00"),
    ("2026-03-02", "2026-03-01T23:00:00+00:00"), ("2026-03-02T08:00:00Z", "2026-03-02T08:00:00+00:00"),
    ("2026-03-02 08:00:00.250+02:00", "2026-03-02T06:00:00.250000+00:00"), (" 20260302T080000 ",
                                                                          "2026-03-02T07:00:00+00:00"),
])
def test_iso_times_are_wall_clock_unless_they_say_otherwise(raw: str, expected: str) -> None:
    assert utc(raw, timezone=ZURICH) == expected


def test_own_formats_come_first() -> None:
    options = {"timezone": "UTC", "dates": ("%d/%m/%Y %H:%M", "%d.%m.%Y")}
    assert utc("3/2/2016 01:16", **options) == "2016-02-03T01:16:00+00:00"
    assert utc("03.02.2016", **options) == "2016-02-03T00:00:00+00:00"
    assert utc("2016-02-03 01:16", **options) == "2016-02-03T01:16:00+00:00"


@pytest.mark.parametrize("raw", ["", "soon", "31/02/2016", "42430", "2026-13-01", "2026-03-02 25:00", "12:00"])
def test_what_is_no_time_is_told(raw: str) -> None:
    with pytest.raises(ValueError, match="date"):
        utc(raw, dates=("%d/%m/%Y",))


def test_a_number_is_no_date_but_for_eight_digits() -> None:
    with pytest.raises(ValueError, match="'42430' is a number, not a date"):
        utc("42430")
    assert utc("20160302") == "2016-03-02T00:00:00+00:00"


def test_an_hour_the_clock_jumped_over() -> None:
    with pytest.raises(ValueError, match="does not exist in Europe/Zurich: the clock jumped over it"):
        utc("2026-03-29 02:30", timezone=ZURICH)
    assert utc("2026-03-29 02:30", timezone=ZURICH, gap="shift") == "2026-03-29T01:30:00+00:00"
    assert utc("2026-03-29 03:00", timezone=ZURICH) == "2026-03-29T01:00:00+00:00"
    assert utc("2026-03-29 01:59", timezone=ZURICH) == "2026-03-29T00:59:00+00:00"


def test_an_hour_that_came_twice() -> None:
    assert utc("2026-10-25 02:30", timezone=ZURICH) == "2026-10-25T00:30:00+00:00"
    assert utc("2026-10-25 02:30", timezone=ZURICH, fold="later") == "2026-10-25T01:30:00+00:00"
    with pytest.raises(ValueError, match="came twice in Europe/Zurich"):
        utc("2026-10-25 02:30", timezone=ZURICH, fold="error")
    assert utc("2026-10-25 03:00", timezone=ZURICH, fold="error") == "2026-10-25T02:00:00+00:00"
