"""CSV: any of four delimiters, UTF-8 with or without BOM, UTF-16 with BOM, else the encoding the mapping names.

Rows are numbered as a spreadsheet shows them: a cell with line breaks does not count more than once.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TextIO

from connector.domain.errors import ConfigError, Problem
from connector.domain.exported import Row
from connector.domain.rows import Rows

DELIMITERS: Final = ",;\t|"
LONGEST_CELL: Final = 10_000_000
_MARKS: Final = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_ADVICE: Final = "name the encoding in the mapping (rows.encoding, such as cp1252)"


def read(path: Path, rows: Rows) -> Iterator[Row]:
    csv.field_size_limit(LONGEST_CELL)
    encoding = _encoding(path, rows)
    number = rows.header
    try:
        # A byte that does not fit makes its row a bad one, and the rest goes on; UTF-16 knows no such way.
        errors = "strict" if encoding.startswith("utf-16") else "surrogateescape"
        with path.open("r", encoding=encoding, errors=errors, newline="") as stream:
            for _ in range(rows.header - 1):
                stream.readline(LONGEST_CELL)
            names, cells = _begin(stream, rows, path)
            for row in cells:
                number += 1
                if row:
                    yield _row(number, names, row, encoding)
    except UnicodeDecodeError as error:
        raise ConfigError([Problem(f"row {number + 1} is not {encoding}: {_ADVICE}: byte "
                                   f"0x{error.object[error.start]:02x}", str(path))]) from None
    except csv.Error as error:
        raise ConfigError([Problem(f"row {number + 1} is not CSV: {error}", str(path))]) from None
    except OSError as error:
        raise ConfigError([Problem(f"cannot be read: {error.strerror}", str(path))]) from None


def _begin(stream: TextIO, rows: Rows, path: Path) -> tuple[list[str], Iterator[list[str]]]:
    place = stream.tell()
    delimiter = _delimiter(stream.readline(LONGEST_CELL), rows)
    stream.seek(place)
    reader = csv.reader(stream, delimiter=delimiter, strict=True)
    names = [name.strip() for name in next(reader, [])]
    if not any(names):
        raise ConfigError([Problem("has no row of headings", str(path))])
    doubled = sorted({name for name in names if name and names.count(name) > 1})
    if doubled:
        raise ConfigError([Problem(f"has the heading `{name}` more than once", str(path)) for name in doubled])
    return names, reader


def _row(number: int, names: list[str], cells: list[str], encoding: str) -> Row:
    for cell in cells:
        if not cell.isascii():
            wrong = next((char for char in cell if "\udc80" <= char <= "\udcff"), "")
            if wrong:
                return Row(number, {}, f"byte 0x{ord(wrong) - 0xdc00:02x} is not {encoding}: {_ADVICE}")
    if len(cells) != len(names):
        return Row(number, {}, f"{len(cells)} cells under {len(names)} headings")
    return Row(number, {name: cell for name, cell in zip(names, cells, strict=True) if name})


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
