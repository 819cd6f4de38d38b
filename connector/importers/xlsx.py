"""Excel workbooks: one sheet, read row by row; dates come as dates, formulas as their last result."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from connector.domain.errors import ConfigError, Problem
from connector.domain.problems import did_you_mean
from connector.domain.rows import Rows
from connector.flows.importing import Row


def read(path: Path, rows: Rows) -> Iterator[Row]:
    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (BadZipFile, InvalidFileException, KeyError, ValueError, OSError) as error:
        raise ConfigError([Problem(f"is not an xlsx workbook: {error}", str(path))]) from None
    try:
        if rows.sheet and rows.sheet not in book.sheetnames:
            hint = did_you_mean(rows.sheet, book.sheetnames)
            raise ConfigError([Problem(f"has no sheet `{rows.sheet}`{hint}", str(path), path="rows.sheet")])
        sheet = book[rows.sheet] if rows.sheet else book.worksheets[0]
        names: list[str] = []
        for number, cells in enumerate(sheet.iter_rows(values_only=True), 1):
            if number < rows.header or not any(cell is not None for cell in cells):
                continue
            if not names:
                names = _names(cells, path)
                continue
            values: dict[str, Any] = {name: _value(cell) for name, cell in zip(names, cells, strict=False) if name}
            yield Row(number, values)
        if not names:
            raise ConfigError([Problem("has no row of headings", str(path))])
    finally:
        book.close()


def _names(cells: tuple[Any, ...], path: Path) -> list[str]:
    names = ["" if cell is None else str(cell) for cell in cells]
    doubled = sorted({name for name in names if name and names.count(name) > 1})
    if doubled:
        raise ConfigError([Problem(f"has the heading `{name}` more than once", str(path)) for name in doubled])
    return names


def _value(cell: Any) -> Any:
    """Excel keeps whole numbers as floats; 7.0 was typed as 7."""
    return int(cell) if isinstance(cell, float) and cell.is_integer() else cell
