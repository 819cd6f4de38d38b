"""GLPI's local times, across both changes of the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.vendors.glpi.zone import Zone

ZURICH = Zone("Europe/Zurich")
MINUTE = timedelta(minutes=1)


def test_a_local_time_becomes_the_instant_it_means() -> None:
    assert ZURICH.utc("2026-07-01 12:00:00") == datetime(2026, 7, 1, 10, tzinfo=UTC)
    assert Zone("America/New_York").utc("2026-11-24 09:00:00") == datetime(2026, 11, 24, 14, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "  ", "0000-00-00 00:00:00"])
def test_an_unset_time_is_none(text: str) -> None:
    assert ZURICH.utc(text) is None


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01 00:00:00", "-1DAY"])
def test_an_unreadable_time_is_an_error_and_not_a_guess(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        ZURICH.utc(text)


def test_a_time_with_an_offset_keeps_its_own() -> None:
    assert ZURICH.utc("2026-07-01T12:00:00-05:00") == datetime(2026, 7, 1, 17, tzinfo=UTC)


def test_of_the_repeated_hour_the_first_is_taken() -> None:
    assert ZURICH.utc("2026-10-25 02:30:00") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert ZURICH.repeated("2026-10-25 02:30:00")
    assert not ZURICH.repeated("2026-10-25 03:00:00")
    assert not ZURICH.repeated("2026-03-29 02:30:00")


@pytest.mark.parametrize(("mark", "expected"), [
    ("2026-07-01 12:00:00", "2026-07-01 11:59:00"),
    ("2026-10-25 02:30:00", "2026-10-25 01:29:00"),
    ("2026-10-25 03:00:30", "2026-10-25 01:59:30"),
    ("2026-10-25 03:01:00", "2026-10-25 03:00:00"),
    ("2026-03-29 03:00:30", "2026-03-29 01:59:30"),
])
def test_the_overlap_reaches_back_over_a_change_of_the_clock(mark: str, expected: str) -> None:
    assert ZURICH.before(mark, MINUTE) == expected


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.integers(0, 4 * 3600), st.integers(0, 7200), st.sampled_from(["Europe/Zurich", "America/New_York"]),
       st.sampled_from([datetime(2026, 10, 25, tzinfo=UTC), datetime(2026, 11, 1, 5, tzinfo=UTC),
                        datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)]))
def test_what_is_stamped_after_the_mark_is_never_before_the_bound(offset: int, later: int, name: str,
                                                                  day: datetime) -> None:
    """The bound is compared with local times by their text."""
    zone = Zone(name)
    marked = day + timedelta(seconds=offset)
    bound = zone.before(zone.local(marked), MINUTE)
    assert zone.local(marked + timedelta(seconds=later)) > bound
    assert zone.local(marked - timedelta(seconds=59)) > bound


def test_a_steady_zone_is_told_from_one_that_changes() -> None:
    assert Zone("UTC").steady(2026)
    assert Zone("Africa/Abidjan").steady(2026)
    assert not ZURICH.steady(2026)
