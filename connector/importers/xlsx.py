"""Excel workbooks: one sheet, read row by row; dates come as dates, formulas as their last result."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile, ZipFile

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from connector.domain.errors import ConfigError, Problem
from connector.domain.importing.exported import Row
from connector.domain.importing.rows import Rows
from connector.domain.problems import did_you_mean
from connector.importers.xlsx_marks import Marks, marks

LARGEST: Final = 4 * 1024**3
"""Bytes a workbook may unpack to: a small file can claim to hold any amount."""
LAST_ROW: Final = 1_048_576
"""Of a sheet; a file may claim more, and each one missing between is made."""
EXACT: Final = 1e15
"""Whole numbers below it are exact in a spreadsheet."""
_UNREADABLE: Final = (BadZipFile, zlib.error, InvalidFileException, KeyError, ValueError, SyntaxError, OSError,
                      EOFError, AttributeError, TypeError, IndexError)
"""What openpyxl raises for files that are broken in one way or another (ParseError is a SyntaxError)."""
_ERRORS: Final = frozenset({"#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!"})


def read(path: Path, rows: Rows) -> Iterator[Row]:
    book = _open(path)
    try:
        if rows.sheet and rows.sheet not in book.sheetnames:
            hint = did_you_mean(rows.sheet, book.sheetnames)
            raise ConfigError([Problem(f"has no sheet `{rows.sheet}`{hint}", str(path), path="rows.sheet")])
        if not book.worksheets:
            raise ConfigError([Problem("has no sheet with cells", str(path))])
        sheet = book[rows.sheet] if rows.sheet else book.worksheets[0]
        # Some programs write a size that is not the sheet's, and openpyxl would believe it.
        sheet.reset_dimensions()
        yield from _rows(_cells(sheet, path), rows, path, sheet.title, book.sheetnames, _marks(path, sheet))
    finally:
        book.close()


def _open(path: Path) -> Any:
    try:
        with ZipFile(path) as parts:
            if sum(part.file_size for part in parts.infolist()) > LARGEST:
                raise ConfigError([Problem(f"unpacks to more than {LARGEST // 1024**3} GB", str(path))])
        return load_workbook(path, read_only=True, data_only=True)
    except _UNREADABLE as error:
        raise ConfigError([Problem(f"is not an xlsx workbook: {error}", str(path))]) from None


def _marks(path: Path, sheet: Any) -> Marks:
    try:
        with ZipFile(path) as parts, parts.open(sheet._worksheet_path) as part:
            found = marks(part)
    except _UNREADABLE as error:
        raise ConfigError([Problem(f"is a workbook that cannot be read to its end: {error}", str(path))]) from None
    if found.formula:
        raise ConfigError([Problem(f"holds formulas without their results (the first in {found.formula}): open it in a "
                                   "spreadsheet program and save it", str(path))])
    return found


def _cells(sheet: Any, path: Path) -> Iterator[tuple[Any, ...]]:
    try:
        yield from sheet.iter_rows(values_only=True)
    except _UNREADABLE as error:
        raise ConfigError([Problem(f"is a workbook that cannot be read to its end: {error}", str(path))]) from None


def _rows(
    found: Iterator[tuple[Any, ...]], rows: Rows, path: Path, sheet: str, sheets: list[str], marked: Marks
) -> Iterator[Row]:
    names: list[str] = []
    for number, cells in enumerate(found, 1):
        if number > LAST_ROW:
            raise ConfigError([Problem(f"claims more than the {LAST_ROW:,} rows a sheet can have", str(path))])
        if number < rows.header or not any(cell is not None for cell in cells):
            continue
        if not names:
            names = _names(cells, path)
        else:
            row = _row(number, names, cells)
            yield replace(row, error=f"has merged cells ({merged}), whose value is in the first only: unmerge them") \
                if (merged := marked.merged(number)) else row
    if not names:
        others = f" (sheets: {', '.join(sheets)}; rows.sheet says which)" if len(sheets) > 1 else ""
        raise ConfigError([Problem(f"has no row of headings in sheet `{sheet}`{others}", str(path))])


def _names(cells: tuple[Any, ...], path: Path) -> list[str]:
    names = ["" if cell is None else str(_value(cell)).strip() for cell in cells]
    doubled = sorted({name for name in names if name and names.count(name) > 1})
    if doubled:
        raise ConfigError([Problem(f"has the heading `{name}` more than once", str(path)) for name in doubled])
    return names


def _row(number: int, names: list[str], cells: tuple[Any, ...]) -> Row:
    values: dict[str, Any] = dict.fromkeys((name for name in names if name), None)
    for name, cell in zip(names, cells, strict=False):
        if name:
            values[name] = _value(cell)
            if isinstance(cell, str) and cell in _ERRORS:
                return Row(number, values, f"`{name}` holds the error {cell}")
    return Row(number, values)


def _value(cell: Any) -> Any:
    """Excel keeps whole numbers as floats; 7.0 was typed as 7."""
    return int(cell) if isinstance(cell, float) and cell.is_integer() and abs(cell) < EXACT else cell
