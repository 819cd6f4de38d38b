"""JSON from strangers: RFC 8259 and nothing besides, read so that everybody reads the same.

`json.loads` takes NaN, numbers that become infinity, the same key twice, UTF-16 and half characters (lone surrogates),
and falls over deep nesting and long numbers. All of these are refused here, with the place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final, NoReturn

import orjson

from connector.domain.problems import shown

LARGEST: Final = 1024 * 1024
DEEPEST: Final = 32
LONGEST_NUMBER: Final = 100
"""Characters: no number that a computer can hold needs more."""
_WHOLE: Final = range(-(2**63), 2**63)
# Possessive, and an open string ends with the text: linear whatever is sent.
_TOKEN: Final = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\Z)|[][{}:,]|[^][{}:,"\s]++', re.DOTALL)


class BadJson(ValueError):
    """`line` and `column` count from 1; both are 0 when the whole body is meant."""

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(f"line {line}, column {column}: {message}" if line else message)
        self.message, self.line, self.column = message, line, column


class _Fault(Exception):
    pass


def loads(body: bytes, *, largest: int = LARGEST, deepest: int = DEEPEST) -> Any:
    """The value of a JSON text in UTF-8. Raises BadJson, and nothing else."""
    if len(body) > largest:
        raise BadJson(f"longer than {largest} bytes")
    text = _text(body)
    if body.count(b"[") + body.count(b"{") > deepest:
        _check_depth(text, deepest)
    try:
        value = _DECODER.decode(text)
        if "\\u" in text:
            orjson.dumps(value)
    except json.JSONDecodeError as error:
        raise BadJson(error.msg[:1].lower() + error.msg[1:], error.lineno, error.colno) from None
    except _Fault as fault:
        raise _at(text, fault) from None
    except orjson.JSONEncodeError:
        raise _at(text, _Fault("half a character (a lone surrogate)")) from None
    return value


def _text(body: bytes) -> str:
    if body.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise BadJson("expected UTF-8 without a byte order mark", 1, 1)
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        before = body[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode()) + 1
        raise BadJson("expected UTF-8", line, column) from None


def _check_depth(text: str, deepest: int) -> None:
    depth = 0
    for token in _TOKEN.finditer(text):
        if token[0] in "[{":
            depth += 1
            if depth > deepest:
                raise _placed(text, token.start(), f"nested deeper than {deepest}")
        elif token[0] in "]}":
            depth -= 1


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise _Fault("a key is given twice")
    return value


def _integer(digits: str) -> int:
    if len(digits) > 20 or int(digits) not in _WHOLE:
        raise _Fault("a whole number needs more than 64 bits")
    return int(digits)


def _fraction(digits: str) -> float:
    value = float(digits) if len(digits) <= LONGEST_NUMBER else float("inf")
    if value in (float("inf"), float("-inf")):
        raise _Fault("a number is too large or too long")
    return value


def _constant(name: str) -> NoReturn:
    raise _Fault(f"{name} is not JSON")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer, parse_float=_fraction,
                                   parse_constant=_constant)


def _at(text: str, fault: _Fault) -> BadJson:
    """The fault with the place of the first token that is one: read again, slowly, as it is the exception."""
    for start, message in _faults(text):
        return _placed(text, start, message)
    return BadJson(str(fault))


def _faults(text: str) -> Iterator[tuple[int, str]]:
    seen: list[set[str] | None] = []
    key_next = False
    for token in _TOKEN.finditer(text):
        one = token[0]
        if one in "{[":
            seen.append(set() if one == "{" else None)
            key_next = one == "{"
        elif one in "}]":
            seen.pop()
        elif one == ",":
            key_next = bool(seen) and seen[-1] is not None
        elif one.startswith('"'):
            name = _string(one)
            if name is None:
                yield token.start(), "half a character (a lone surrogate)"
            elif key_next and seen[-1] is not None:
                if name in seen[-1]:
                    yield token.start(), f"the key {shown(name)} is given twice"
                seen[-1].add(name)
            key_next = False
        elif one not in (":", "true", "false", "null"):
            try:
                _DECODER.decode(one)
            except _Fault as fault:
                yield token.start(), str(fault)
            except ValueError:
                continue


def _string(token: str) -> str | None:
    try:
        value: str = json.loads(token)
        value.encode()
    except UnicodeEncodeError:
        return None
    except ValueError:
        return ""
    return value


def _placed(text: str, start: int, message: str) -> BadJson:
    return BadJson(message, text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start))
