"""JSON lines: one object a line. A line that is not one is a bad row, and the rest goes on.

Objects inside are columns with a dot: `{"caller": {"name": "Ana"}}` has the column `caller.name`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson

from connector.domain.errors import ConfigError, Problem
from connector.domain.exported import Row
from connector.domain.rows import Rows
from connector.importers.packed import opened

LONGEST_LINE: Final = 32 * 1024 * 1024
_BOM: Final = b"\xef\xbb\xbf"


def read(path: Path, rows: Rows) -> Iterator[Row]:
    with opened(path) as stream:
        for number, line in enumerate(_lines(stream), 1):
            if number == 1:
                line = line.removeprefix(_BOM)
                if line.lstrip().startswith(b"["):
                    raise ConfigError([Problem("is one JSON array: expected one object a line, as `jq -c '.[]'` makes "
                                               "of it", str(path))])
            if line.strip():
                yield _row(number, line)


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """Lines, of which too long ones come cut (and are no JSON then)."""
    while line := stream.readline(LONGEST_LINE):
        rest = line
        while len(rest) == LONGEST_LINE and not rest.endswith(b"\n"):
            rest = stream.readline(LONGEST_LINE)
        yield line


def _row(number: int, line: bytes) -> Row:
    try:
        values = orjson.loads(line)
    except ValueError as error:
        return Row(number, {}, f"is not JSON: {error}")
    if not isinstance(values, dict):
        return Row(number, {}, "is not a JSON object")
    return Row(number, _flat(values, "") if any(isinstance(value, dict) for value in values.values()) else values)


def _flat(values: dict[str, Any], before: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{before}{name}.")
        else:
            found[before + name] = value
    return found
