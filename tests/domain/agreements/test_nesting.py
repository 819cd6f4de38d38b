"""Promises inside promises: what never fits is refused, what sometimes does not is a warning."""

from __future__ import annotations

from typing import Any

import pytest

from connector.domain.agreements.nesting import nesting_problems
from connector.domain.agreements.registry import Registry
from connector.domain.errors import Problem
from tests.domain.agreements.test_engine import profile
from tests.domain.calendars.test_calendar import OFFICE

CALENDARS = {"weekdays": OFFICE, "long": {**OFFICE, "hours": {"mon-fri": [["06:00", "22:00"]]}},
             "never met": {"timezone": "UTC", "hours": {}, "shifts": {"2026-03-02": [["08:00", "09:00"]]}}}


def check(
    outer: Any, inner: Any, calendar: str = "weekdays", kind: str = "uc", target: str = "resolution"
) -> list[Problem]:
    sla = profile("{profile: sla, agreement: sla, calendar: weekdays, nests: [in]}", targets={target: outer})
    nested = profile("{profile: in}", agreement=kind, calendar=calendar, targets={target: inner})
    return nesting_problems(Registry.checked([sla, nested], CALENDARS))


@pytest.mark.parametrize(("outer", "inner", "calendar"), [
    ("8h", "6h", "weekdays"), ("8h", "8h", "weekdays"), ("8h", "8h", "24x7"), ("8h", "8h", "long"),
    ("3 working days", "1 working day", "weekdays"), ({"P1": "4h"}, {"P1": "4h", "P2": "9h"}, "weekdays"),
    ({"within": "1 working day", "at": "end of day"}, "8h", "24x7"),
])
def test_what_fits(outer: Any, inner: Any, calendar: str) -> None:
    assert check(outer, inner, calendar) == []


@pytest.mark.parametrize("kind", ["ola", "uc"])
def test_what_never_fits_is_refused_for_each_priority(kind: str) -> None:
    found = check({"P1": "4h", "P2": "8h", "P3": "8h"}, {"P1": "5h", "P2": "9h", "P3": "1h"}, kind=kind)
    assert [(problem.severity, problem.path, problem.message.split(" of")[0]) for problem in found] == [
        ("error", "nests", "resolution P1"), ("error", "nests", "resolution P2")]
    assert "(5h) ends after that of `sla` (4h)" in found[0].message


def test_what_fits_for_some_starts_only_is_a_warning_with_the_worst_of_them() -> None:
    (told,) = check({"P1": {"within": "10h", "calendar": "24x7"}}, {"P1": "2h"})
    assert told.severity == "warning"
    assert "a start at 2026-" in told.message
    assert "starts of 2026" in told.message


@pytest.mark.parametrize("target", ["update", "next_response"])
def test_targets_that_begin_anew_do_not_nest(target: str) -> None:
    assert check("1h", "8h", target=target) == []


def test_a_target_only_one_of_them_has_is_nobodys_business() -> None:
    assert check({"P1": "1h"}, {"P2": "8h"}) == []


def test_a_calendar_that_ends_says_nothing() -> None:
    assert check("8h", "8h", "never met") == []
