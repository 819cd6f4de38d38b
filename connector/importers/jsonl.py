"""JSON lines: one object a line. A line that is not one is a bad row, and the rest goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson

from connector.domain.errors import ConfigError, Problem
from connector.domain.rows import Rows
from connector.flows.importing import Row


def read(path: Path, rows: Rows) -> Iterator[Row]:
    try:
        with path.open("rb") as stream:
            for number, line in enumerate(stream, 1):
                if number == 1:
                    line = line.removeprefix(b"\xef\xbb\xbf")
                if line.strip():
                    yield _row(number, line)
    except OSError as error:
        raise ConfigError([Problem(f"cannot be read: {error.strerror}", str(path))]) from None


def _row(number: int, line: bytes) -> Row:
    try:
        values = orjson.loads(line)
    except ValueError as error:
        return Row(number, {}, f"is not JSON: {error}")
    return Row(number, values) if isinstance(values, dict) else Row(number, {}, "is not a JSON object")
