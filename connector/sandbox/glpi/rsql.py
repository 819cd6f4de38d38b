"""The filters of GLPI 11's high-level API: RSQL (`;` and, `,` or, parentheses, `==` `!=` `=gt=` `=in=` ...)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

Test = Callable[[Any], bool]
Read = Callable[[str], Callable[[Any], Any] | None]
"""Gives the getter of a property, None for one that is not there."""
_TOKEN: Final = re.compile(r'\s*(?:([();,])|([A-Za-z_.]+)\s*(==|!=|=[a-z]+=)\s*(?=(\(|"|[^();,])))')
_VALUE: Final = re.compile(r'"((?:[^"\\]|\\.)*)"|([^();,]+)')


class BadFilter(ValueError):
    """A filter that cannot be read: GLPI answers 400."""


def parse(text: str, read: Read, coerce: Callable[[str, str], Any]) -> Test:
    """`coerce(property, value)` turns a written value into what the getter gives. Raises BadFilter."""
    if not text.strip():
        return lambda row: True
    parser = _Parser(text, read, coerce)
    made = parser.either()
    if parser.at < len(text.rstrip()):
        raise BadFilter(f"unexpected {text[parser.at:parser.at + 20]!r}")
    return made


class _Parser:
    def __init__(self, text: str, read: Read, coerce: Callable[[str, str], Any]) -> None:
        self.text, self.read, self.coerce, self.at = text, read, coerce, 0

    def either(self) -> Test:
        parts = [self.both()]
        while self._take(","):
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else lambda row: any(part(row) for part in parts)

    def both(self) -> Test:
        parts = [self.one()]
        while self._take(";"):
            parts.append(self.one())
        return parts[0] if len(parts) == 1 else lambda row: all(part(row) for part in parts)

    def one(self) -> Test:
        if self._take("("):
            made = self.either()
            if not self._take(")"):
                raise BadFilter("a parenthesis is not closed")
            return made
        found = _TOKEN.match(self.text, self.at)
        if not found or not found[2]:
            raise BadFilter(f"no comparison at {self.text[self.at:self.at + 20]!r}")
        self.at = found.end()
        get = self.read(found[2])
        if get is None:
            raise BadFilter(f"no property {found[2]}")
        return self._compare(found[2], found[3], get)

    def _take(self, mark: str) -> bool:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
        if self.text[self.at:self.at + 1] != mark:
            return False
        self.at += 1
        return True

    def _value(self) -> str:
        found = _VALUE.match(self.text, self.at)
        if not found:
            raise BadFilter("a value is missing")
        self.at = found.end()
        return re.sub(r"\\(.)", r"\1", found[1]) if found[1] is not None else found[2].strip()

    def _compare(self, name: str, op: str, get: Callable[[Any], Any]) -> Test:
        if op in ("=in=", "=out="):
            if not self._take("("):
                raise BadFilter(f"{op} needs a list")
            wanted = [self.coerce(name, self._value())]
            while self._take(","):
                wanted.append(self.coerce(name, self._value()))
            if not self._take(")"):
                raise BadFilter("a list is not closed")
            inside: Test = lambda row: get(row) in wanted  # noqa: E731
            return inside if op == "=in=" else lambda row: not inside(row)
        value = self.coerce(name, self._value())
        tests: dict[str, Test] = {
            "==": lambda row: bool(get(row) == value), "!=": lambda row: bool(get(row) != value),
            "=gt=": lambda row: get(row) is not None and get(row) > value,
            "=ge=": lambda row: get(row) is not None and get(row) >= value,
            "=lt=": lambda row: get(row) is not None and get(row) < value,
            "=le=": lambda row: get(row) is not None and get(row) <= value,
            "=like=": lambda row: str(value).strip("*%") in str(get(row)),
            "=ilike=": lambda row: str(value).strip("*%").lower() in str(get(row)).lower(),
        }
        if op not in tests:
            raise BadFilter(f"unknown operator {op}")
        return tests[op]
