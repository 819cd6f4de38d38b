"""What is in force has a name: another one when due times may be others, the same when not."""

from __future__ import annotations

import pytest

from connector.domain.agreements.fingerprint import fingerprint
from connector.domain.agreements.profile import Profile
from connector.domain.agreements.registry import Registry
from tests.domain.agreements.test_engine import ACME, profile
from tests.domain.calendars.test_calendar import OFFICE


def name(calendar: dict[str, object] = OFFICE, older: dict[str, object] | None = None, **directory: object) -> str:
    kept: Profile = profile(ACME)
    if older is not None:
        object.__setattr__(kept, "calendars", {"weekdays": older})
    return fingerprint(Registry.checked([profile(ACME)], {"weekdays": calendar}, directory,  # type: ignore[arg-type]
                                        {("acme-gold", "0"): kept}), 2026)


def test_the_same_agreements_have_the_same_name() -> None:
    assert name() == name(dict(OFFICE)) == name({**OFFICE, "description": "the office"})


@pytest.mark.parametrize("more", [
    {"timezone": "Europe/Lisbon"}, {"holidays": []}, {"hours": {"mon-fri": [["08:00", "17:00"]]}},
    {"versions": [{"effective_from": "2027-01-01", "hours": {"mon-fri": [["08:00", "17:00"]]}}]},
])
def test_other_windows_are_another_name(more: dict[str, object]) -> None:
    assert name({**OFFICE, **more}) != name()


def test_windows_in_the_zone_of_a_customer_count_too() -> None:
    assert name(customer={"ACME SA": {"timezone": "Asia/Tokyo"}}) != name()


def test_calendars_that_only_running_clocks_still_hold_count_too() -> None:
    """So that new zone data is noticed for them."""
    assert name(older=OFFICE) == name()
    assert name(older={**OFFICE, "timezone": "America/Montreal"}) != name()
    assert name(older={"hours": "nonsense"}) == name(), "one that can no longer be read stops nothing"
