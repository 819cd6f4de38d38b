"""Files as they really come: odd encodings, titles above the headings, wrong sizes, halves of files."""

from __future__ import annotations

import contextlib
import gzip
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook

from connector.domain.errors import ConfigError
from connector.domain.importing.exported import Row
from connector.domain.importing.rows import Rows
from connector.importers import count, csv_file, jsonl, read, xlsx


def rows_of(found: Iterator[Row]) -> list[tuple[int, dict[str, Any], str]]:
    return [(row.number, dict(row.values), row.error) for row in found]


def csv(folder: Path, data: bytes | str, **options: Any) -> list[tuple[int, dict[str, Any], str]]:
    path = folder / "a.csv"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return rows_of(read(path, Rows(**options)))


# CSV


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_out(tmp_path: Path, mark: str) -> None:
    text = f'id{mark}title\n1{mark}"a{mark}b"\n'
    assert csv(tmp_path, text) == [(2, {"id": "1", "title": f"a{mark}b"}, "")]


def test_the_delimiter_may_be_said(tmp_path: Path) -> None:
    assert csv(tmp_path, "id,x;title\n1,2;b\n", delimiter=";") == [(2, {"id,x": "1,2", "title": "b"}, "")]
    assert csv(tmp_path, "id,x\ttitle\n1,2\tb\n", delimiter="\\t") == [(2, {"id,x": "1,2", "title": "b"}, "")]


@pytest.mark.parametrize(("encoding", "said"), [
    ("utf-8", ""), ("utf-8-sig", ""), ("utf-16", ""), ("cp1252", "cp1252"), ("iso-8859-15", "latin9"),
])
def test_encodings(tmp_path: Path, encoding: str, said: str) -> None:
    assert csv(tmp_path, "id,title\n1,é€\n".encode(encoding), encoding=said) == [(2, {"id": "1", "title": "é€"}, "")]


def test_an_encoding_nobody_knows_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="`klingon` is no encoding known here"):
        csv(tmp_path, "id\n", encoding="klingon")


def test_a_byte_that_does_not_fit_spoils_its_row_only(tmp_path: Path) -> None:
    assert csv(tmp_path, b"id,title\n1,a\n2,\xe9\n3,c\n") == [
        (2, {"id": "1", "title": "a"}, ""),
        (3, {}, "byte 0xe9 is not utf-8: name the encoding in the mapping (rows.encoding, such as cp1252)"),
        (4, {"id": "3", "title": "c"}, "")]


def test_headings_may_begin_further_down(tmp_path: Path) -> None:
    text = "Export of March\n\nid,title\n1,a\n"
    assert csv(tmp_path, text, header=3) == [(4, {"id": "1", "title": "a"}, "")]


def test_cells_may_hold_line_breaks_and_lines_may_be_empty(tmp_path: Path) -> None:
    assert csv(tmp_path, 'id,title\r\n1,"a\r\nb"\r\n\r\n2,c\r\n') == [
        (2, {"id": "1", "title": "a\r\nb"}, ""), (4, {"id": "2", "title": "c"}, "")]


def test_columns_without_a_heading_are_left_out(tmp_path: Path) -> None:
    assert csv(tmp_path, "id,,title\n1,x,a\n") == [(2, {"id": "1", "title": "a"}, "")]


def test_a_quote_that_is_not_closed_is_told_with_its_row(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="row 2 is not CSV: unexpected end of data"):
        csv(tmp_path, 'id,title\n1,"a\n2,b\n')


def test_a_quote_inside_a_cell_spoils_its_row_only(tmp_path: Path) -> None:
    assert csv(tmp_path, 'id,title\n1,"a"b\n2,c\n') == [
        (2, {}, "is not CSV: ',' expected after '\"'"), (3, {"id": "2", "title": "c"}, "")]


def test_delimiters_inside_a_quoted_heading_do_not_count(tmp_path: Path) -> None:
    assert csv(tmp_path, '"a;b;c",id\n1,2\n') == [(2, {"a;b;c": "1", "id": "2"}, "")]


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_the_line_by_which_spreadsheets_agree_on_the_delimiter_is_no_heading(tmp_path: Path, mark: str) -> None:
    assert csv(tmp_path, f"{mark}sep=|\r\nid|a,b,c\r\n1|2\r\n") == [(2, {"id": "1", "a,b,c": "2"}, "")]


@pytest.mark.parametrize(("encoding", "text"), [("cp1252", "id,état\n1,a\n"), ("utf-16-le", "id,title\n1,a\n")])
def test_headings_in_an_encoding_nobody_named_are_told(tmp_path: Path, encoding: str, text: str) -> None:
    with pytest.raises(ConfigError, match=r"the heading '.*' is not utf-8: name the encoding"):
        csv(tmp_path, text.encode(encoding))
    assert len(csv(tmp_path, text.encode(encoding), encoding=encoding)) == 1


def test_utf_16_that_ends_in_half_a_character_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not utf-16"):
        csv(tmp_path, "id,title\n1,a\n".encode("utf-16")[:-1])


# Packed


@pytest.mark.parametrize(("ending", "data"), [
    (".csv.gz", b"id,title\n1,a\n"), (".CSV.GZ", "id,title\n1,a\n".encode("utf-16")),
    (".jsonl.gz", b'{"id": "1", "title": "a"}\n')])
def test_text_may_be_packed(tmp_path: Path, ending: str, data: bytes) -> None:
    path = tmp_path / f"a{ending}"
    path.write_bytes(gzip.compress(data))
    assert [row.values for row in read(path, Rows())] == [{"id": "1", "title": "a"}]


@pytest.mark.parametrize("data", [b"no gzip", gzip.compress(b"id,title\n" + bytes(range(65, 90)) * 999)[:-20]])
def test_a_packed_file_that_is_broken_is_told(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(data)
    with pytest.raises(ConfigError, match="is not a gzip file that can be read to its end"):
        rows_of(read(path, Rows()))


def test_what_is_packed_inside_already_is_not_unpacked_again(tmp_path: Path) -> None:
    (tmp_path / "a.parquet.gz").write_bytes(gzip.compress(b"PAR1"))
    with pytest.raises(ConfigError, match="unpack it first"):
        read(tmp_path / "a.parquet.gz", Rows())


def test_a_cell_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file, "LONGEST_CELL", 1_000)
    with pytest.raises(ConfigError, match="row 2 is not CSV: field larger than field limit"):
        csv(tmp_path, "id,title\n1," + "x" * 2_000)


# JSON lines


def test_objects_inside_are_columns_with_a_dot(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"id": 1, "caller": {"name": "Ana", "at": {"site": "Bern"}}, "tags": ["x"]}\n')
    assert rows_of(read(path, Rows())) == [
        (1, {"id": 1, "caller.name": "Ana", "caller.at.site": "Bern", "tags": ["x"]}, "")]


def test_a_line_without_end_is_a_bad_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonl, "LONGEST_LINE", 64)
    path = tmp_path / "a.jsonl"
    path.write_bytes(orjson.dumps({"id": "x" * 500}) + b'\n{"id": 2}\n')
    found = rows_of(read(path, Rows()))
    assert [(number, values) for number, values, _ in found] == [(1, {}), (2, {"id": 2})]
    assert found[0][2] == "is longer than 64 bytes"


# Parquet


def test_a_value_python_cannot_hold_spoils_its_row_only(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    late = pa.array([10**15, 1_700_000_000], pa.timestamp("s"))
    words = pa.Array.from_buffers(pa.string(), 2, pa.array([b"\xff", b"b"]).buffers())
    pq.write_table(pa.table({"id": [1, 2], "at": late, "who": words}), path)
    first, second = rows_of(read(path, Rows()))
    assert first[:2] == (1, {"id": 1})
    assert "`at` cannot be read" in first[2]
    assert "`who` cannot be read" in first[2]
    assert second == (2, {"id": 2, "at": datetime(2023, 11, 14, 22, 13, 20), "who": "b"}, "")  # noqa: DTZ001


def test_parquet_says_how_many_rows_it_has(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"id": [1, 2], "at": [datetime(2026, 3, 2, 8), None]}), path)  # noqa: DTZ001
    assert rows_of(read(path, Rows())) == [
        (1, {"id": 1, "at": datetime(2026, 3, 2, 8)}, ""), (2, {"id": 2, "at": None}, "")]  # noqa: DTZ001
    assert count(path) == 2


# Excel


def book(path: Path, *lines: list[Any], sheet: str = "Export") -> Path:
    made = Workbook()
    first = made.active
    assert first is not None
    first.title = "Cover"
    page = made.create_sheet(sheet)
    for line in lines:
        page.append(line)
    made.save(path)
    return path


def test_a_sheet_by_name_and_headings_further_down(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", ["Export of March"], [], ["id", "at", None, "n"],
                [7, datetime(2026, 3, 2, 8, 30), "x", 1.5], [8], [None])  # noqa: DTZ001
    assert rows_of(read(path, Rows(sheet="Export", header=3))) == [
        (4, {"id": 7, "at": datetime(2026, 3, 2, 8, 30), "n": 1.5}, ""),  # noqa: DTZ001
        (5, {"id": 8, "at": None, "n": None}, "")]
    with pytest.raises(ConfigError, match="has no sheet `Exprot`, did you mean `Export`"):
        rows_of(read(path, Rows(sheet="Exprot")))
    with pytest.raises(ConfigError, match="has no row of headings"):
        rows_of(read(path, Rows()))


def test_a_cell_that_holds_an_error_is_a_bad_row(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", ["id", "who"], [1, "#N/A"], [2, "ben"])
    found = rows_of(read(path, Rows(sheet="Export")))
    assert [error for *_, error in found] == ["`who` holds the error #N/A", ""]


def changed(path: Path, part: str, old: bytes, new: bytes) -> Path:
    """The workbook with one of its files changed."""
    result = path.with_name("changed.xlsx")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(result, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name == part:
                assert old in data
                data = data.replace(old, new)
            target.writestr(name, data)
    return result


def test_a_wrong_size_of_the_sheet_is_not_believed(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", ["id", "title"], [1, "a"], [2, "b"])
    wrong = changed(path, "xl/worksheets/sheet2.xml", b'ref="A1:B3"', b'ref="A1"')
    assert rows_of(read(wrong, Rows(sheet="Export"))) == rows_of(read(path, Rows(sheet="Export"))) != []


def test_a_workbook_that_ends_half_way_is_told_and_not_a_crash(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", ["id"], *([n] for n in range(100)))
    broken = changed(path, "xl/worksheets/sheet2.xml", b"</sheetData>", b"<row><c")
    with pytest.raises(ConfigError, match="cannot be read to its end"):
        rows_of(read(broken, Rows(sheet="Export")))


def test_a_workbook_that_unpacks_without_bound_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "LARGEST", 1_000)
    with pytest.raises(ConfigError, match="unpacks to more than"):
        rows_of(read(book(tmp_path / "a.xlsx", ["id"]), Rows()))


def test_no_file_crashes_a_reader(tmp_path: Path) -> None:
    samples = [b"", b"\x00" * 100, b"PK\x03\x04" + b"\xff" * 50, b"PAR1", b"PAR1" * 10, b'{"a":', b"\xff\xfe\x00",
               b'"', b"a,b\n" + b"," * 1000, "é".encode("utf-16")]
    for ending in (".csv", ".jsonl", ".parquet", ".xlsx"):
        for number, data in enumerate(samples):
            path = tmp_path / f"{number}{ending}"
            path.write_bytes(data)
            with contextlib.suppress(ConfigError):
                list(read(path, Rows()))
