"""Sentences that can be said in another language, and what they are made of."""

from __future__ import annotations

import copy
import pickle
from datetime import date
from typing import Any

import orjson
import pytest

from connector.domain.agreements.conditions import ALWAYS, NEVER, condition
from connector.domain.calendars.holidays import translated
from connector.domain.problems import Problems
from connector.domain.saying import Saying


def test_a_saying_is_its_english_sentence_and_remembers_its_parts() -> None:
    said = Saying("%(count)s of `%(name)s` are late", count=3, name="50 %")
    assert said == "3 of `50 %` are late"
    assert (said.template, said.values) == ("%(count)s of `%(name)s` are late", {"count": "3", "name": "50 %"})


def test_a_saying_survives_copies_other_processes_and_json() -> None:
    said = Saying("%(share)s of %(what)s is 100 %%", share="50 %", what=Saying("`%(name)s`", name="x"))
    for again in (copy.deepcopy(said), pickle.loads(pickle.dumps(said))):
        assert again == "50 % of `x` is 100 %"
        assert (again.template, again.values) == (said.template, said.values)
    assert orjson.loads(orjson.dumps({"message": said})) == {"message": "50 % of `x` is 100 %"}


def test_a_saying_told_as_a_problem_stays_one() -> None:
    problems = Problems("x.yaml")
    problems.add(("a",), Saying("is %(n)s days long", n=7), "warning")
    message = problems.found[0].message
    assert isinstance(message, Saying)
    assert message.values == {"n": "7"}


@pytest.mark.parametrize(("data", "shape"), [
    ({"state": "pending"}, ("=", "state", "pending")),
    ({"state": ["resolved", "closed"]}, ("in", "state", ("resolved", "closed"))),
    ({"customer": "A", "kind": "incident"}, ("all", ("=", "customer", "A"), ("=", "kind", "incident"))),
    ({"any": [{"priority": "P1"}, {"custom.users": ">= 100"}]},
     ("any", ("=", "priority", "P1"), (">=", "custom.users", 100.0))),
    ({"not": {"supplier": None}}, ("not", ("unknown", "supplier"))),
    ({"category": {"like": "VPN*"}}, ("like", "category", "VPN*")),
    ({"tags": "vip"}, ("has", "vip")),
    ({"custom.vip": True}, ("=", "custom.vip", True)),
    ({"state": ["new", "closed"], "tags": ["a", "b"]},
     ("all", ("in", "state", ("new", "closed")), ("in", "tags", ("a", "b")))),
])  # fmt: skip
def test_a_condition_keeps_the_shape_it_was_written_in(data: Any, shape: Any) -> None:
    problems = Problems()
    assert condition(data, problems).shape == shape
    assert problems.found == []


def test_always_and_never_have_shapes_too() -> None:
    assert (ALWAYS.shape, NEVER.shape) == (("always",), ("never",))


def test_a_public_holiday_has_its_name_in_the_readers_language() -> None:
    national, friday = date(2026, 8, 1), date(2026, 4, 3)
    assert translated({"country": "CH"}, national, "National Day", "fr") == "F\u00eate nationale"
    assert translated({"country": "CH", "subdivision": "VD"}, friday, "Good Friday", "fr") == "Vendredi saint"
    assert translated({"country": "CH"}, friday, "Our own day off", "fr") == "", "a date of one's own keeps its name"
    assert translated({"country": "CH"}, date(2026, 8, 2), "National Day", "fr") == "", "no holiday"
    german = {"country": "CH", "language": "de"}
    assert translated(german, national, "Bundesfeiertag", "fr") == "", "the calendar names a language"
    assert translated({"country": "JP"}, date(2026, 1, 1), "New Year's Day", "fr") == "", "no French is known for it"
