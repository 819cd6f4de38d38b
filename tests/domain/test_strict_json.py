"""JSON from strangers: what is good is read as everybody reads it, all else is refused with its place."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.strict_json import DEEPEST, LARGEST, BadJson, loads

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=30)


def refused(body: bytes, **limits: int) -> BadJson:
    with pytest.raises(BadJson) as caught:
        loads(body, **limits)
    return caught.value


@settings(max_examples=300, derandomize=True, deadline=None)
@given(VALUES, st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_a_good_document_reads_as_with_the_standard_library(value: Any, ascii: bool, indent: Any) -> None:
    text = json.dumps(value, ensure_ascii=ascii, indent=indent)
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    assert loads(text.encode()) == json.loads(text)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.binary(max_size=80) | st.text('{}[]":,\\u0123dDeE+-.NaInfity ', max_size=60).map(str.encode))
def test_nothing_else_than_a_value_or_a_refusal_comes_out(body: bytes) -> None:
    try:
        value = loads(body)
    except BadJson:
        return
    assert json.loads(body) == value


@pytest.mark.parametrize(("body", "place", "word"), [
    (b'{"a": NaN}', (1, 7), "NaN"), (b"[Infinity]", (1, 2), "Infinity"), (b"[\n -Infinity]", (2, 2), "-Infinity"),
    (b"[1e400]", (1, 2), "large"), (b"[-1e999]", (1, 2), "large"), (b"[1." + b"0" * 200 + b"]", (1, 2), "long"),
    (b"[1, " + b"9" * 5000 + b"]", (1, 5), "64 bits"), (b"[9223372036854775808]", (1, 2), "64 bits"),
    (b"-9223372036854775809", (1, 1), "64 bits"),
    (b'{"a": 1,\n "b": {"c": 1, "c": 2}}', (2, 16), "'c' is given twice"),
    (b'{"a": 1, "\\u0061": 2}', (1, 10), "'a' is given twice"),
    (b'{"a": [{"a": 1}, "a"], "a": 1}', (1, 24), "twice"),
    (b'["\\ud800"]', (1, 2), "surrogate"), (b'{"\\udc00": 1}', (1, 2), "surrogate"),
    (b'["\\udc00\\ud800"]', (1, 2), "surrogate"),
    (b"\xef\xbb\xbf{}", (1, 1), "byte order mark"), ('{"a": 1}'.encode("utf-16"), (1, 1), "byte order mark"),
    (b'["\xff"]', (1, 3), "UTF-8"), (b'[\n"\xc3\xa9\xc3"]', (2, 3), "UTF-8"), (b'["\xed\xa0\x80"]', (1, 3), "UTF-8"),
    (b'["\xc0\xaf"]', (1, 3), "UTF-8"),
    (b'{"a": 1', (1, 8), ""), (b"{'a': 1}", (1, 2), ""), (b'{"a": 1,}', (1, 9), ""), (b'{"a": 1} x', (1, 10), ""),
    (b"", (1, 1), ""), (b"01", (1, 2), ""), (b"[+1]", (1, 2), ""), (b"[.5]", (1, 2), ""), (b'["a\nb"]', (1, 4), ""),
    (b'["\\x41"]', (1, 3), ""), (b"// x\n{}", (1, 1), ""), ('{"a": 1}'.encode("utf-16-le"), (1, 2), ""),
])
def test_what_is_not_json_is_refused_with_its_place(body: bytes, place: tuple[int, int], word: str) -> None:
    error = refused(body)
    assert (error.line, error.column) == place
    assert word in str(error)


def test_a_pair_of_surrogates_is_one_character() -> None:
    assert loads(b'["\\ud83d\\ude00"]') == ["\U0001f600"]


def test_depth_is_limited_whatever_stands_in_strings() -> None:
    assert loads(b"[" * DEEPEST + b"]" * DEEPEST)
    assert refused(b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1)).column == DEEPEST + 1
    assert loads(json.dumps(["[{" * 100, '"\\[', "["] * 3).encode())
    assert loads(b"[" + b",".join([b"[]"] * 500) + b"]")
    assert "deeper" in str(refused(b'{"a":' * 100_000))


def test_size_is_limited() -> None:
    assert "1048576" in str(refused(b" " * (LARGEST + 1)))
    assert "10 bytes" in str(refused(b'"123456789"', largest=10))


def test_hostile_bodies_cost_no_more_than_long_ones() -> None:
    half = LARGEST // 2 - 40
    for body in (b'"' + b'\\"' * half, b'["' + b'"[' * half, b"[" * (2 * half), b'{"":' * (half // 2),
        b"9" * (2 * half),
                 b"1." + b"9" * (2 * half), b"1e" + b"9" * (2 * half), b'"\\u' + b"d8" * half):
        refused(body)


def test_the_message_does_not_repeat_the_whole_key() -> None:
    key = b"k" * 10_000
    assert len(str(refused(b'{"%s": 1, "%s": 2}' % (key, key)))) < 200
