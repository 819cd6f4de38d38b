"""Files a person wrote: plain data with places, and every mistake of form told, never a crash."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector import yaml12
from connector.domain.errors import ConfigError

settings.register_profile("yaml12", derandomize=True, max_examples=150, deadline=None)
settings.load_profile("yaml12")


def mistakes(raw: bytes) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        yaml12.parse(raw, "f.yaml")
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(("text", "expected"), [
    ("on", "on"), ("no", "no"), ("y", "y"), ("true", True), ("False", False), ("~", None), ("null", None),
    ("2026-01-01", "2026-01-01"), ("12:30:45", "12:30:45"), ("1_000", "1_000"), ("017", 17), ("0o17", 15), ("0x1F", 31),
    ("1e3", 1000.0), (".5", 0.5), (".inf", ".inf"), ("'7'", "7"), ('"true"', "true"), ("é", "é"),
])
def test_the_core_schema_of_yaml_1_2(text: str, expected: Any) -> None:
    data = yaml12.parse(f"a: {text}".encode()).data["a"]
    assert (type(data), data) == (type(expected), expected)


def test_every_part_has_its_place() -> None:
    document = yaml12.parse(b"a: [1, {b: 2}]\nc:\n  d.e: x\n", "f.yaml")
    assert document.data == {"a": [1, {"b": 2}], "c": {"d.e": "x"}}
    assert document.where(("a", 1, "b")) == (1, 9)
    assert document.where(("c", "d.e")) == (3, 3)
    assert document.where(("c", "nothing", 5)) == (2, 1), "the deepest part that is in the file"


def test_a_file_may_begin_with_a_byte_order_mark() -> None:
    assert yaml12.parse("\ufeffa: 1".encode()).data == {"a": 1}


@pytest.mark.parametrize("text", [b"", b"# nothing\n", b"---\n"])
def test_an_empty_file_holds_nothing(text: bytes) -> None:
    assert yaml12.parse(text).data is None


def test_all_duplicate_keys_are_told_with_both_places() -> None:
    assert mistakes(b"a: 1\nb: {x: 1, x: 2}\na: 3\n") == [
        "f.yaml:2:11: b.x: duplicate key `x` (first on line 2)", "f.yaml:3:1: a: duplicate key `a` (first on line 1)"]


@pytest.mark.parametrize(("raw", "expected"), [
    (b"a:\n\t- 1\n", "f.yaml:2:1: a tab where YAML wants spaces"),
    ("é: ü".encode("latin-1"), "f.yaml:1:1: byte 0xe9 is not UTF-8"),
    (b"a: b\nc: \xff", "f.yaml:2:4: byte 0xff is not UTF-8"),
    ("a: 1".encode("utf-16"), "f.yaml:1:1: is UTF-16: save it as UTF-8"),
    (b"a: \x01", "f.yaml:1:4: character U+0001 is not allowed"),
    (b"a: &a [*a]", "f.yaml:1:4: an anchor that contains itself"),
    (b"a: *x", "f.yaml:1:4: found undefined alias 'x'"),
    (b"a: !!python/object:os.system x", "tag 'tag:yaml.org,2002:python/object:os.system' has no meaning here"),
    (b"a: !secret x", "f.yaml:1:4: a: tag '!secret' has no meaning here"),
    (b"<<: {a: 1}", "merge keys (`<<`) are not part of YAML 1.2"),
    (b"? [a]\n: 1", "a key must be a single value"),
    (b"a: 1\n---\nb: 2", "a second document begins"),
    (b"a: 'x", "f.yaml:1:6: "), (b"a: b: c", "f.yaml:1:5: "), (b"- a\nb: 1", "f.yaml:2:1: "),
    (b'a: "\\ud800"', "half a character"), (b"a: 1e999", "too large for a number"),
    (b"a: 12345678901234567890", "too long for a number: put it in quotes"),
    (b"[" * 3000, "nested deeper than"), (b"[" * 100 + b"]" * 100, "nested deeper than"),
])
def test_mistakes_of_form(raw: bytes, expected: str) -> None:
    assert expected in mistakes(raw)[0]


def test_a_file_that_unfolds_without_bound_is_refused_before_it_is_unfolded() -> None:
    lines = ["l0: &l0 [" + ",".join("1" * 10) + "]"]
    lines += [f"l{n}: &l{n} [" + ",".join([f"*l{n - 1}"] * 10) + "]" for n in range(1, 12)]
    assert "unfolds to more than" in mistakes("\n".join(lines).encode())[0]


def test_aliases_within_bounds_are_fine() -> None:
    assert yaml12.parse(b"a: &x {k: 1}\nb: *x\n").data == {"a": {"k": 1}, "b": {"k": 1}}


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "huge.yaml"
    path.write_bytes(b"a: 1\n" + b"#" * yaml12.LARGEST)
    with pytest.raises(ConfigError, match="is larger than 4 MB"):
        yaml12.load(path)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read: No such file"):
        yaml12.load(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        yaml12.load(tmp_path)


@given(st.one_of(st.binary(max_size=60), st.text("ab:-{}[]&*!?|>'\"#%@`\n\t 01,", max_size=40).map(str.encode)))
def test_nothing_crashes_it(raw: bytes) -> None:
    with contextlib.suppress(ConfigError):
        yaml12.parse(raw, "f.yaml")


def test_a_nul_character_is_told() -> None:
    assert mistakes(b'name: "a\\0b"\n') == ["f.yaml:1:7: name: a NUL character, which no database keeps"]
