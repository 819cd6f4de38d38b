"""Workbooks as people and programs really make them: no cell is lost in silence."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from connector.domain.errors import ConfigError
from connector.domain.importing.rows import Rows
from connector.importers import read, xlsx, xlsx_marks


def rows_of(path: Path) -> list[tuple[int, dict[str, Any], str]]:
    return [(row.number, dict(row.values), row.error) for row in read(path, Rows())]


def book(folder: Path, rows: list[list[Any]], merge: str = "") -> Path:
    made = Workbook()
    sheet = made.worksheets[0]
    for row in rows:
        sheet.append(row)
    if merge:
        sheet.merge_cells(merge)
    made.create_sheet("More")
    made.save(folder / "a.xlsx")
    return folder / "a.xlsx"


def test_formulas_nobody_computed_are_not_taken_for_empty_cells(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"formulas without their results \(the first in B3\)"):
        rows_of(book(tmp_path, [["id", "title"], [1, "a"], [2, '=A2&"x"']]))


def part(path: Path, old: str, new: str) -> Path:
    """The workbook with its first sheet changed."""
    with zipfile.ZipFile(path) as parts:
        all_parts = {name: parts.read(name) for name in parts.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    assert old.encode() in all_parts[sheet]
    all_parts[sheet] = all_parts[sheet].replace(old.encode(), new.encode())
    with zipfile.ZipFile(path, "w") as parts:
        for name, data in all_parts.items():
            parts.writestr(name, data)
    return path


@pytest.mark.parametrize(("cell", "value"), [
    ('<c r="B2"><f>1+1</f><v>2</v></c>', 2), ('<c r="B2" t="str"><f>A1</f><v></v></c>', None),
    ('<c r="B2" t="str"><f t="shared" si="0"/><v>x</v></c>', "x")])
def test_results_of_formulas_are_taken_also_empty_ones(tmp_path: Path, cell: str, value: Any) -> None:
    path = part(book(tmp_path, [["id", "title"], [1, 5]]), '<c r="B2" t="n"><v>5</v></c>', cell)
    assert rows_of(path) == [(2, {"id": 1, "title": value}, "")]


def test_a_merged_cell_leaves_no_row_empty_without_a_word(tmp_path: Path) -> None:
    rows: list[list[Any]] = [["id", "title"], [1, "a"], [2, "b"], [3, "c"]]
    assert [(number, error[:24]) for number, _, error in rows_of(book(tmp_path, rows, "B2:B3"))] == [
        (2, ""), (3, "has merged cells (B2:B3)"), (4, "")]
    assert [bool(error) for _, _, error in rows_of(book(tmp_path, rows, "A3:B3"))] == [False, True, False]


def test_merged_cells_above_the_headings_are_no_mistake(tmp_path: Path) -> None:
    path = book(tmp_path, [["Export of March", None], ["id", "title"], [1, "a"]], "A1:B1")
    assert [(row.number, row.error) for row in read(path, Rows(header=2))] == [(3, "")]


def test_marks_are_found_where_pieces_of_the_sheet_meet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx_marks, "CHUNK", 13)
    path = book(tmp_path, [["id", "title"], [1, "=A1"], [2, "=A1"]], "A3:A5")
    with zipfile.ZipFile(path) as parts, parts.open("xl/worksheets/sheet1.xml") as stream:
        found = xlsx_marks.marks(stream)
    assert (found.formula, found.ranges) == ("B2", [(4, 5, "A3:A5")])


def test_an_empty_first_sheet_is_told_with_the_others(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no row of headings in sheet `Sheet` \(sheets: Sheet, More; rows.sheet"):
        rows_of(book(tmp_path, []))


def test_rows_a_sheet_cannot_have_are_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "LAST_ROW", 1_000)
    path = part(book(tmp_path, [["id", "title"], [1, 5]]), '<row r="2">', '<row r="2000000000">')
    with pytest.raises(ConfigError, match="claims more than the 1,000 rows a sheet can have"):
        rows_of(path)
