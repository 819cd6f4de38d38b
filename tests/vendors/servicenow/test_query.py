"""Nothing that comes from outside can break out of its place in an encoded query."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.errors import Refused
from connector.vendors.servicenow.query import ascending, both, either, instant, is_id, one_of, stamp, where


@pytest.mark.parametrize("value", [
    "x^ORactive=true", "^", "a\nb", "a\rb", "a\x00b", "a\u2028b", "javascript:gs.getUserID()", "  JavaScript : x", "",
])
def test_values_are_not_escaped_by_pysnow_so_what_could_inject_is_refused(value: str) -> None:
    with pytest.raises(Refused):
        where("correlation_id", "=", value)
    with pytest.raises(Refused):
        one_of("correlation_id", ["fine", value])


@pytest.mark.parametrize("field", ["", "a^b", "a=b", "a b", "A", "a..b", "1a", "a\n"])
def test_a_field_that_is_no_name_is_refused(field: str) -> None:
    with pytest.raises(Refused):
        where(field, "=", "x")
    with pytest.raises(Refused):
        ascending(field)


def test_an_operator_we_do_not_use_is_refused() -> None:
    with pytest.raises(Refused):
        where("a", "BETWEEN", "x")


def test_a_comma_would_make_two_values_of_one_and_an_empty_list_would_match_anything() -> None:
    for values in (["a,b"], []):
        with pytest.raises(Refused):
            one_of("sys_id", values)


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.text(max_size=40))
def test_a_condition_stays_one_condition_or_is_refused(value: str) -> None:
    try:
        condition = where("short_description", "=", value)
    except Refused:
        return
    assert condition == f"short_description={value}"
    assert "^" not in condition
    assert not any(ord(char) < 32 for char in condition)
    assert "javascript:" not in value.lower().replace(" ", "")[:11]


def test_parts_are_joined_and_empty_ones_left_out() -> None:
    query = both(either([where("a", "=", "1"), where("b", "INSTANCEOF", "x")]), "", ascending("c", "sys_id"))
    assert query == "a=1^ORbINSTANCEOFx^ORDERBYc^ORDERBYsys_id"


def test_between_drops_the_zone_so_times_are_written_in_utc_by_us() -> None:
    assert stamp(datetime(2025, 11, 24, 11, 0, tzinfo=timezone(timedelta(hours=1)))) == "2025-11-24 10:00:00"
    with pytest.raises(ValueError, match="zone"):
        stamp(datetime(2025, 11, 24))  # noqa: DTZ001


def test_stored_times_are_utc_and_shown_ones_are_never_parsed() -> None:
    assert instant("2025-11-24 10:00:05") == datetime(2025, 11, 24, 10, 0, 5, tzinfo=UTC)
    assert instant("") is None
    for shown in ("24.11.2025 11:00:05", "2025-11-24 10:00:05 AM", "11/24/2025", "20250707T080000", "2025-11-24T10:00"):
        with pytest.raises(ValueError, match="date"):
            instant(shown)


def test_a_date_without_a_time_begins_in_the_zone_of_the_tool() -> None:
    zone = timezone(timedelta(hours=1))
    assert instant("2025-11-24", zone) == datetime(2025, 11, 23, 23, tzinfo=UTC)


def test_what_can_be_a_sys_id() -> None:
    assert is_id("9d385017c611228701d22104cc95c371")
    assert not any(is_id(value) for value in ("", None, 7, "a b", "../x", "a^b", "x" * 41, "a\n"))
