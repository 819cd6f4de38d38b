"""CSV: any of four delimiters, UTF-8 with or without BOM, UTF-16 with BOM, else the encoding the mapping names.

Rows are numbered as a spreadsheet shows them: a cell with line breaks does not count more than once.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator
from io import TextIOWrapper
from itertools import chain
from pathlib import Path
from typing import Final, TextIO

from connector.domain.errors import ConfigError, Problem
from connector.domain.importing.exported import Row
from connector.domain.importing.rows import Rows
from connector.importers.packed import opened

DELIMITERS: Final = ",;\t|"
LONGEST_CELL: Final = 10_000_000
_MARKS: Final = ((codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),  # it begins as UTF-16 does
                 (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_SEPARATOR: Final = re.compile(r"\ufeff?sep=(.)\r?\n?", re.IGNORECASE)
"""A first line that spreadsheets write and read to agree on the delimiter."""
_QUOTED: Final = re.compile(r'"[^"]*"')
_ADVICE: Final = "name the encoding in the mapping (rows.encoding, such as cp1252)"


def read(path: Path, rows: Rows) -> Iterator[Row]:
    csv.field_size_limit(LONGEST_CELL)
    encoding = _encoding(path, rows)
    number = rows.header
    # A byte that does not fit makes its row a bad one, and the rest goes on; UTF-16 and 32 know no such way.
    errors = "strict" if encoding.startswith(("utf-16", "utf-32")) else "surrogateescape"
    try:
        with opened(path) as packed, TextIOWrapper(packed, encoding=encoding, errors=errors, newline="") as stream:
            for _ in range(rows.header - 1):
                stream.readline(LONGEST_CELL)
            names, cells = _begin(stream, rows, path, encoding)
            for row in _records(cells):
                number += 1
                if isinstance(row, csv.Error):
                    yield Row(number, {}, f"is not CSV: {row}")
                elif row:
                    yield _row(number, names, row, encoding)
    except UnicodeDecodeError as error:
        raise ConfigError([Problem(f"row {number + 1} is not {encoding}: {_ADVICE}: byte "
                                   f"0x{error.object[error.start]:02x}", str(path))]) from None
    except csv.Error as error:
        raise ConfigError([Problem(f"row {number + 1} is not CSV: {error} (is a quote opened there and never closed?)",
                                   str(path))]) from None


def _records(cells: Iterator[list[str]]) -> Iterator[list[str] | csv.Error]:
    """Rows, and what is wrong with those that are none. Raises csv.Error where no later row can be trusted: a quote
    that is never closed holds all that follows."""
    while True:
        try:
            yield next(cells)
        except StopIteration:
            return
        except csv.Error as error:
            if "expected after" not in str(error):
                raise
            yield error


def _begin(stream: TextIO, rows: Rows, path: Path, encoding: str) -> tuple[list[str], Iterator[list[str]]]:
    line = stream.readline(LONGEST_CELL)
    said = _SEPARATOR.fullmatch(line)
    delimiter = said[1] if said and not rows.delimiter else _delimiter(line, rows)
    reader = csv.reader(stream if said else chain([line], stream), delimiter=delimiter, strict=True)
    names = [name.strip() for name in next(reader, [])]
    if not any(names):
        raise ConfigError([Problem(f"has no headings in row {rows.header} (rows.header says where they are)",
                                   str(path))])
    for name in names:
        if _wrong(name) or "\0" in name:
            raise ConfigError([Problem(f"the heading {name!a} is not {encoding}: name the encoding in the mapping "
                                       "(rows.encoding, such as cp1252 or utf-16-le)", str(path))])
    doubled = sorted({name for name in names if name and names.count(name) > 1})
    if doubled:
        raise ConfigError([Problem(f"has the heading `{name}` more than once", str(path)) for name in doubled])
    return names, reader


def _row(number: int, names: list[str], cells: list[str], encoding: str) -> Row:
    for cell in cells:
        if wrong := _wrong(cell):
            return Row(number, {}, f"byte 0x{ord(wrong) - 0xdc00:02x} is not {encoding}: {_ADVICE}")
    if len(cells) != len(names):
        return Row(number, {}, f"{len(cells)} cells under {len(names)} headings")
    return Row(number, {name: cell for name, cell in zip(names, cells, strict=True) if name})


def _wrong(cell: str) -> str:
    """The first byte that was not understood, as `surrogateescape` writes it down."""
    return "" if cell.isascii() else next((char for char in cell if "\udc80" <= char <= "\udcff"), "")


def _encoding(path: Path, rows: Rows) -> str:
    with opened(path) as stream:
        start = stream.read(4)
    marked = next((name for mark, name in _MARKS if start.startswith(mark)), "")
    if rows.encoding and not marked:
        try:
            # Some are no encodings of text, and some not made for whole files.
            "a".encode(rows.encoding).decode(rows.encoding, "surrogateescape")
            return codecs.lookup(rows.encoding).name
        except (LookupError, UnicodeError):
            raise ConfigError([Problem(f"`{rows.encoding}` is no encoding known here", path="rows.encoding")]) from None
    return marked or "utf-8"


def _delimiter(line: str, rows: Rows) -> str:
    if rows.delimiter:
        return "\t" if rows.delimiter == "\\t" else rows.delimiter
    return max(DELIMITERS, key=_QUOTED.sub("", line).count)
