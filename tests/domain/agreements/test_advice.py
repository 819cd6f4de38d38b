"""Warnings for who writes agreements: days that are not what they seem, holidays that end too soon."""

from __future__ import annotations

from typing import Any

import pytest

from connector.domain.agreements.advice import day_problems, horizon_problems
from connector.domain.agreements.registry import Registry
from tests.domain.agreements.test_engine import profile
from tests.domain.calendars.test_calendar import OFFICE, local

ALWAYS = {"timezone": "UTC", "hours": "24x7"}
NOW = local(2026, 12, 21, 9)


def desk(amount: Any, calendar: Any = "weekdays", **directory: Any) -> Registry:
    one = profile("{profile: p, agreement: sla}", calendar=calendar, targets={"resolution": amount})
    rules = {**OFFICE, "holidays": [{"country": "CH"}]}
    return Registry.checked([one], {"weekdays": OFFICE, "rules": rules, "always": ALWAYS}, directory)


@pytest.mark.parametrize(("amount", "days"), [("1d", 1), ("2d 4h", 2), ("1w", 7)])
def test_days_of_24_hours_on_office_hours_are_warned_about(amount: str, days: int) -> None:
    (told,) = day_problems(desk(amount))
    assert told.severity == "warning"
    assert told.path == "targets.resolution"
    assert f"`{amount}`: a day is 24 hours of `weekdays`" in told.message
    assert f"write `{days} working days`" in told.message


@pytest.mark.parametrize(("amount", "calendar"), [
    ("24h", "weekdays"), ("1 working day", "weekdays"), ("1d", "always"), ("1d", "24x7"),
    ({"within": "1d", "calendar": "24x7"}, "weekdays"),
])
def test_days_that_are_days_are_not(amount: Any, calendar: str) -> None:
    assert day_problems(desk(amount, calendar)) == []


def test_every_calendar_a_chain_may_lead_to_is_looked_at() -> None:
    chain = {"from": ["contract"], "else": "24x7"}
    office = {"contract": {"Gold": {"calendar": "weekdays"}, "Night": {"calendar": "always"}}}
    assert day_problems(desk("1d", chain)) == []
    (told,) = day_problems(desk("1d", chain, **office))
    assert "24 hours of `weekdays`" in told.message
    (late,) = horizon_problems(desk("80h", chain, **office), NOW)
    assert late.path == "calendar weekdays"


@pytest.mark.parametrize(("amount", "calendar", "warned"), [
    ("70h", "weekdays", False), ("80h", "weekdays", True), ("10 working days", "weekdays", True),
    ("2000h", "rules", False), ("2000h", "24x7", False), ({"within": "80h", "calendar": "weekdays"}, "24x7", True),
])
def test_a_target_due_beyond_the_known_holidays_is_warned_about(amount: Any, calendar: str, warned: bool) -> None:
    """2026 has 8.5 h until Thursday of next week: nine days, 76.5 h less one."""
    found = horizon_problems(desk(amount, calendar), NOW)
    assert [problem.severity for problem in found] == ["warning"] * warned
    assert all("holidays are known until 2026-12-31 only" in problem.message for problem in found)


def test_the_longest_target_of_a_calendar_speaks_for_all() -> None:
    (told,) = horizon_problems(desk({"P1": "80h", "P2": "800h", "P3": "81h"}), NOW)
    assert "2027-04-30" in told.message


@pytest.mark.parametrize(("opens", "warned"), [("2026-11-02", True), ("2027-01-05", False)])
def test_a_calendar_that_is_not_opened_any_more_is_warned_about(opens: str, warned: bool) -> None:
    last = {"timezone": "Europe/Zurich", "hours": {}, "shifts": {opens: [["08:00", "12:00"]]}}
    one = profile("{profile: p, agreement: sla}", calendar="last", targets={"resolution": "8h"})
    found = horizon_problems(Registry.checked([one], {"last": last}, {}), NOW)
    assert [(problem.path, problem.severity) for problem in found] == [("calendar last", "warning")] * warned
