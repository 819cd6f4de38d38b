"""The closed set of transforms, forwards and back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.mappings import transforms

settings.register_profile("transforms", derandomize=True, max_examples=50, deadline=None)
settings.load_profile("transforms")


def steps(spec: Any, starts: str = "text") -> list[transforms.Step]:
    said: list[str] = []
    found = transforms.parse(lambda index, message: said.append(message), spec, starts)
    if said:
        raise ValueError("; ".join(said))
    return found


def forward(spec: Any, raw: Any, starts: str = "text") -> Any:
    for step in steps(spec, starts):
        raw = step.forward(raw)
    return raw


def backward(spec: Any, value: Any, starts: str = "text") -> Any:
    for step in reversed(steps(spec, starts)):
        assert step.backward is not None
        value = step.backward(value)
    return value


@pytest.mark.parametrize(("spec", "raw", "expected"), [
    ("strip", "  a ", "a"), ("collapse", " a \n b", "a b"), ("upper", "a", "A"), ("lower", "A", "a"),
    ({"split": ","}, "a, b,,c", ("a", "b", "c")), ({"prefix": "INC"}, 7, "INC7"),
    ({"remove_prefix": "INC"}, "INC7", "7"),
    ({"replace": ["-", " "]}, "a-b-c", "a b c"), ({"cut": 3}, "abcdef", "abc"), ({"map": {1: "x", "*": "y"}}, 1, "x"),
    ({"map": {1: "x", "*": "y"}}, 2, "y"), ("int", " 7 ", 7), ("int", 7.0, 7), ("float", "2.5", 2.5),
    ("bool", "Yes", True), ("bool", 0, False), ({"bool": {True: ["Si"], False: ["No"]}}, "Si", True),
    ("seconds", "1970-01-02 02:00:00", 93_600), ("seconds", "26:00:00", 93_600), ("seconds", "1 day 02:00", 93_600),
    ("seconds", "-00:30", -1800), ("seconds", "90", 90), ({"date": "%d/%m/%Y %H:%M"}, "29/2/2016 01:16",
                                                          "2016-02-29 01:16:00"),
    ({"date": "%Y-%m-%dT%H:%M%z"}, "2026-01-01T12:00+0200", datetime(2026, 1, 1, 10, tzinfo=UTC)),
])
def test_forward(spec: Any, raw: Any, expected: Any) -> None:
    assert forward(spec, raw) == expected


@pytest.mark.parametrize(("spec", "raw", "expected"), [
    ({"join": " > "}, ("a", "", "b"), "a > b"), ("first", (None, "", "b", "c"), "b"), ("last", ["a", "b", ""], "b"),
    ("first", [], ""),
])
def test_forward_from_a_list(spec: Any, raw: Any, expected: Any) -> None:
    assert forward(spec, raw, "list") == expected


@pytest.mark.parametrize(("spec", "raw"), [
    ("int", "seven"), ("int", "7.5"), ("float", "nan"), ("float", "inf"), ("bool", "perhaps"), ("bool", ""),
    ("seconds", "soon"), ({"map": {"a": "b"}}, "c"), ({"date": "%d/%m/%Y"}, "2016-02-29"),
    ({"date": "%d/%m/%Y"}, "31/02/2016"), ({"bool": {True: ["Si"], False: ["No"]}}, "Forse"), ("upper", {"a": 1}),
])
def test_what_does_not_fit_is_an_error(spec: Any, raw: Any) -> None:
    with pytest.raises(ValueError):
        forward(spec, raw)


@given(st.lists(st.text("abc", min_size=1), min_size=1).map(tuple))
def test_split_and_join_undo_each_other(parts: tuple[str, ...]) -> None:
    assert forward({"split": ";"}, backward({"split": ";"}, parts)) == parts
    assert tuple(backward({"join": " > "}, forward({"join": " > "}, parts, "list"), "list")) == parts


@given(st.text("INC0123456789"))
def test_prefixes_undo_each_other(value: str) -> None:
    assert backward({"prefix": "INC"}, forward({"prefix": "INC"}, value)) == value
    assert forward({"remove_prefix": "INC"}, backward({"remove_prefix": "INC"}, value)) == value


def test_a_map_is_undone_where_it_can_be() -> None:
    assert backward({"map": {"a": "x", "b": "y"}}, "y") == "b"
    assert steps({"map": {"a": "x", "b": "x"}})[0].backward is None
    with pytest.raises(ValueError, match="no value gives 'z'"):
        backward({"map": {"a": "x"}}, "z")


@pytest.mark.parametrize(("spec", "message"), [
    ("striip", "did you mean `strip`?"), ("split", "needs an argument"), ({"strip": 1}, "takes no argument"),
    ({"split": ""}, "needs a text"), ({"cut": 0}, "needs a length"), ({"cut": True}, "needs a length"),
    ({"map": {}}, "needs a table"), ({"replace": ["a"]}, "needs two texts"), ({"date": "%H:%M"}, "year, month and day"),
    ({"date": "%Q"}, "is not a date format"), ({"bool": {True: ["x"]}}, "words of both"),
    ({"bool": {True: ["x"], False: ["x"]}}, "both true and false"), (5, "expected a transform"),
    ({"a": 1, "b": 2}, "expected a transform"), (["first"], "takes a list, but here it gets a text"),
])
def test_mistakes(spec: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("?", r"\?")):
        steps(spec)


@pytest.mark.parametrize(("raw", "expected"), [
    (True, "true"), (7, "7"), (7.0, "7"), (7.5, "7.5"), (float("nan"), ""), (None, ""), (1e300, "1e+300"),
])
def test_scalars_as_text(raw: Any, expected: str) -> None:
    assert transforms.text(raw) == expected
