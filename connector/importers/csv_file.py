"""CSV: any of four delimiters, UTF-8 with or without BOM, UTF-16 with BOM, else the encoding the mapping names."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from connector.domain.errors import ConfigError, Problem
from connector.domain.rows import Rows
from connector.flows.importing import Row

DELIMITERS: Final = ",;\t|"
LONGEST_CELL: Final = 10_000_000
_MARKS: Final = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def read(path: Path, rows: Rows) -> Iterator[Row]:
    csv.field_size_limit(LONGEST_CELL)
    encoding = _encoding(path, rows)
    number = rows.header
    try:
        with path.open("r", encoding=encoding, newline="") as stream:
            for _ in range(rows.header - 1):
                next(stream, None)
            place = stream.tell()
            delimiter = _delimiter(stream.readline(), rows)
            stream.seek(place)
            reader = csv.reader(stream, delimiter=delimiter, strict=True)
            names = next(reader, None)
            _check(names, path)
            assert names is not None
            for cells in reader:
                number += 1
                if not cells:
                    continue
                yield _row(number, names, cells)
    except UnicodeDecodeError as error:
        raise ConfigError([Problem(f"row {number + 1} is not {encoding}: name the encoding in the mapping "
                                   f"(rows.encoding, such as cp1252): byte 0x{error.object[error.start]:02x}",
                                   str(path))]) from None
    except csv.Error as error:
        raise ConfigError([Problem(f"row {number + 1} is not CSV: {error}", str(path))]) from None
    except OSError as error:
        raise ConfigError([Problem(f"cannot be read: {error.strerror}", str(path))]) from None


def _row(number: int, names: list[str], cells: list[str]) -> Row:
    if len(cells) != len(names):
        return Row(number, {}, f"{len(cells)} cells under {len(names)} headings")
    values: dict[str, Any] = dict(zip(names, cells, strict=True))
    return Row(number, values)


def _check(names: list[str] | None, path: Path) -> None:
    if not names or not any(names):
        raise ConfigError([Problem("has no row of headings", str(path))])
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise ConfigError([Problem(f"has the heading `{name}` more than once", str(path)) for name in doubled])


def _encoding(path: Path, rows: Rows) -> str:
    try:
        with path.open("rb") as stream:
            start = stream.read(4)
    except OSError as error:
        raise ConfigError([Problem(f"cannot be read: {error.strerror}", str(path))]) from None
    marked = next((name for mark, name in _MARKS if start.startswith(mark)), "")
    if rows.encoding and not marked:
        try:
            return codecs.lookup(rows.encoding).name
        except LookupError:
            raise ConfigError([Problem(f"`{rows.encoding}` is no encoding known here", path="rows.encoding")]) from None
    return marked or "utf-8"


def _delimiter(line: str, rows: Rows) -> str:
    if rows.delimiter:
        return "\t" if rows.delimiter == "\\t" else rows.delimiter
    return max(DELIMITERS, key=line.count)
