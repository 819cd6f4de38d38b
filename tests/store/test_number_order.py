"""Numbers of tickets sort as people count, however a tool writes them."""

from __future__ import annotations

import pytest

from connector.store.rows import number_order


@pytest.mark.parametrize("rising", [
    ("INC9", "INC10", "INC0011"), ("9", "10"), ("A1-9", "A1-10"), ("2026/9", "2026/10"), ("Ö9", "Ö10"), ("INC", "INC1"),
    ("1A9", "1A10", "2A1"),
])
def test_numbers_sort_by_value(rising: tuple[str, ...]) -> None:
    orders = [number_order(number) for number in rising]
    assert orders == sorted(set(orders))


@pytest.mark.parametrize("number", ["", "INC", "~"])
def test_what_has_no_digits_stays_as_it_is(number: str) -> None:
    assert number_order(number) == number
