"""JSON lines: one object a line. A line that is not one is a bad row, and the rest goes on.

A file that is one array of objects is taken as well; its rows are numbered by their place in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import orjson

from connector.domain.errors import ConfigError, Problem
from connector.domain.importing.exported import Row
from connector.domain.importing.rows import Rows
from connector.importers import json_array
from connector.importers.nested import flat
from connector.importers.packed import opened

LONGEST_LINE: Final = 32 * 1024 * 1024
_BOM: Final = b"\xef\xbb\xbf"
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")


def read(path: Path, rows: Rows) -> Iterator[Row]:
    with opened(path) as stream:
        start = stream.read(json_array.START)
    if start.startswith(_UTF_16):
        raise ConfigError([Problem("is UTF-16: save it as UTF-8, which all JSON is", str(path))])
    with opened(path) as stream:
        found = json_array.elements(stream, path) if json_array.begins(start) else _lines(stream)
        for number, line in enumerate(found, 1):
            line = line.removeprefix(_BOM) if number == 1 else line
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
    if len(line) >= LONGEST_LINE:
        return Row(number, {}, f"is longer than {LONGEST_LINE:,} bytes")
    try:
        values = orjson.loads(line)
    except ValueError as error:
        return Row(number, {}, f"is not JSON: {error}")
    if not isinstance(values, dict):
        return Row(number, {}, "is not a JSON object")
    try:
        return Row(number, flat(values))
    except ValueError as error:
        return Row(number, {}, str(error))
