"""Files as people and programs really make them: nothing crashes, nothing is guessed, nothing is lost in silence."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connector import store as stores
from connector.domain.errors import ConfigError
from connector.domain.importing.exported import ident
from connector.domain.importing.rows import Rows
from connector.importers import json_array, read
from tests.importing.conftest import Desk

MAPPING = """
mapping: export
vendor: none
id: id
rows: {each: ticket, tool: old, timezone: Europe/Zurich}
fields:
  kind: {value: incident}
  title: subject
  state: {from: state, values: {open: new}}
  opened_at: opened
  updated_at: opened
"""
NAMES = ["id", "subject", "state", "opened"]
AT = datetime(2026, 3, 2, 8, tzinfo=UTC)
ROW = {"id": "1", "subject": "a", "state": "open", "opened": "2026-03-02T08:00Z"}


def take(desk: Desk, name: str, data: bytes | None = None, more: str = "") -> str:
    (desk.folder / "mapping.yaml").write_text(MAPPING.replace("tool: old", f"tool: old{more}"))
    if data is not None:
        (desk.folder / name).write_bytes(data)
    done = desk.take(desk.folder / name, desk.folder / "mapping.yaml")
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
    return done.output


def kept(desk: Desk) -> dict[str, tuple[str, datetime]]:
    store = stores.open(desk.url)
    try:
        with store.read() as tx:
            ends = tx.keys()
            found = [stored.ticket for stored in tx.walk(*ends)] if ends else []
            return {ticket.id: (ticket.title, ticket.opened_at) for ticket in found}
    finally:
        store.close()


def rows_of(path: Path) -> list[tuple[int, dict[str, Any], str]]:
    return [(row.number, dict(row.values), row.error) for row in read(path, Rows())]


def parquet(desk: Desk, **columns: Any) -> str:
    size = len(next(iter(columns.values())))
    pq.write_table(pa.table({**{name: [value] * size for name, value in ROW.items()}, **columns}),
                   desk.folder / "a.parquet")
    return take(desk, "a.parquet")


# Ids


@pytest.mark.parametrize(("value", "said"), [
    (7.0, "7"), (7, "7"), (2**62 + 1, "4611686018427387905"), (Decimal("7.00"), "7"), (Decimal("7.50"), "7.50"),
    ("007", "007"), ("7.0", "7.0"), (" A b\t", "A b"), ("1,234", "1,234")])
def test_an_id_is_what_was_exported_without_the_blanks_around_it(value: Any, said: str) -> None:
    assert ident(value) == said


@pytest.mark.parametrize("value", [1.1, 1e15, 1.2345678901234568e22, float("nan"), float("inf"), True])
def test_a_number_that_may_have_been_another_is_no_id(value: Any) -> None:
    with pytest.raises(ValueError, match="is no exact id: keep ids as text"):
        ident(value)


def test_a_whole_number_too_long_for_json_readers_is_not_made_into_another_id(desk: Desk) -> None:
    said = take(desk, "a.jsonl", orjson.dumps(ROW).replace(b'"1"', b"12345678901234567890123"))
    assert "row 1 (ticket 1.2345678901234568e+22): `id`: 1.2345678901234568e+22 is no exact id" in said
    assert kept(desk) == {}


def test_ids_that_differ_by_case_or_leading_zeros_are_different_tickets(desk: Desk) -> None:
    take(desk, "a.csv", b"id,subject,state,opened\n" + b"".join(
        b"%s,a,open,2026-03-02T08:00Z\n" % name for name in (b"abc", b"ABC", b"7", b"007", b" 8 ")))
    assert set(kept(desk)) == {"abc", "ABC", "7", "007", "8"}


def test_a_blank_id_is_none(desk: Desk) -> None:
    assert "`id`: is blank" in take(desk, "a.jsonl", orjson.dumps({**ROW, "id": " \t"}))


def test_an_id_longer_than_a_database_can_find_again_is_a_bad_row(desk: Desk) -> None:
    said = take(desk, "a.jsonl", orjson.dumps({**ROW, "id": "x" * 256}) + b"\n" + orjson.dumps(ROW))
    assert "`id`: has 256 characters, more than an id has (255)" in said
    assert "x" * 81 not in said
    assert set(kept(desk)) == {"1"}


def test_a_file_cannot_command_the_terminal(desk: Desk) -> None:
    said = take(desk, "a.jsonl", orjson.dumps({**ROW, "id": "\x1b[2Jx", "state": "\x1b[31m", "opened": "\x07"}))
    assert "(ticket '\\x1b[2Jx')" in said
    assert not {"\x1b", "\x07"} & set(said)


# CSV


def test_missing_columns_are_told_at_the_first_row_and_no_row_is_blamed(desk: Desk) -> None:
    said = take(desk, "a.csv", b"ID,subject,state,opened\n" + b"1,a,open,2026-03-02\n" * 100)
    assert "has no column `id`" in said
    assert "set aside" not in said
    assert not (desk.folder / "rejects.jsonl").exists()


def test_a_file_without_rows_is_remarked(desk: Desk) -> None:
    assert "a.csv: has no rows" in take(desk, "a.csv", b"id,subject,state,opened\n")


@pytest.mark.parametrize("encoding", ["rot13", "idna", "undefined", "no-such"])
def test_what_is_no_encoding_of_files_is_told(desk: Desk, encoding: str) -> None:
    assert f"`{encoding}` is no encoding known here" in take(desk, "a.csv", b"id\n", f", encoding: {encoding}")


@pytest.mark.parametrize("mark", ['"', "\\n"])
def test_a_delimiter_that_cannot_stand_between_cells_is_told(desk: Desk, mark: str) -> None:
    said = take(desk, "a.csv", b"id\n", f", delimiter: '{mark}'" if mark == '"' else f', delimiter: "{mark}"')
    assert "cannot stand between cells" in said


def test_utf_32_is_not_taken_for_utf_16(desk: Desk) -> None:
    take(desk, "a.csv", "id,subject,state,opened\n1,\u00e9,open,2026-03-02T08:00Z\n".encode("utf-32"))
    assert kept(desk) == {"1": ("\u00e9", AT)}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_may_end_in_any_way(desk: Desk, end: str) -> None:
    take(desk, "a.csv", f"id,subject,state,opened{end}1,a,open,2026-03-02T08:00Z{end}".encode())
    assert kept(desk) == {"1": ("a", AT)}


def test_why_a_date_cannot_be_read_is_told(desk: Desk) -> None:
    said = take(desk, "a.csv", b"id,subject,state,opened\n1,a,open,2026-03-29 02:30\n2,a,open,02/03/2026\n")
    assert "'2026-03-29 02:30' does not exist in Europe/Zurich: the clock jumped over it" in said
    assert "'02/03/2026' is not a date (ISO 8601, or one of rows.dates)" in said


# Parquet


@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Zurich"])
def test_nanoseconds_as_pandas_writes_them_are_cut(desk: Desk, zone: str | None) -> None:
    parquet(desk, opened=pa.array([1_772_438_400_123_456_789], pa.timestamp("ns", zone)))
    hour = 8 if zone else 7  # without a zone it is wall clock of rows.timezone
    assert kept(desk) == {"1": ("a", datetime(2026, 3, 2, hour, 0, 0, 123_456, UTC))}


def test_fields_of_a_struct_are_columns_with_a_dot(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": [1, 2], "caller": [{"name": "Ana", "at": {"site": "Bern"}}, None]}),
                   tmp_path / "a.parquet")
    assert rows_of(tmp_path / "a.parquet") == [
        (1, {"id": 1, "caller.name": "Ana", "caller.at.site": "Bern"}, ""),
        (2, {"id": 2, "caller.name": None, "caller.at.site": None}, "")]


def test_one_of_two_columns_of_one_name_is_not_chosen(tmp_path: Path) -> None:
    pq.write_table(pa.table([[1], ["a"], ["b"]], names=["id", "title", "title"]), tmp_path / "a.parquet")
    with pytest.raises(ConfigError, match="has the column `title` more than once"):
        rows_of(tmp_path / "a.parquet")


# JSON


@pytest.mark.parametrize("form", [
    "[%s]", "\ufeff\n [\n%s\n]\n", '{"records":[%s]}', '{\n  "result": [%s] }\n'])
def test_an_array_is_taken_object_by_object(tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_array, "CHUNK", 7)
    rows = [{"id": n, "title": "\u00e9]},{" * n, "in": {"a": [1, {"b": "\\\""}]}} for n in range(99)]
    (tmp_path / "a.json").write_text(form % ",\n ".join(orjson.dumps(row).decode() for row in rows))
    assert rows_of(tmp_path / "a.json") == [
        (n + 1, {"id": n, "title": row["title"], "in.a": [1, {"b": "\\\""}]}, "") for n, row in enumerate(rows)]


def test_an_array_without_elements_has_no_rows(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[ ]")
    assert rows_of(tmp_path / "a.json") == []


@pytest.mark.parametrize(("text", "says"), [
    ('[{"id": 1}, {"id": 2', "row 2 is where the array breaks"),
    ('[{"id": 1}', "row 2 is where the array breaks"),
    ('[{"id": 1}]\n[{"id": 2}]', "goes on after the end of its array"),
    ('{"records": [{"id": 1}], "next": [{"id": 2}]}', "goes on after the end of its array"),
    ("[" + '{"a":' * 5_000, "row 1 is where the array breaks"),
])
def test_an_array_that_breaks_or_goes_on_is_refused_whole(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ConfigError, match=says):
        rows_of(tmp_path / "a.json")


def test_an_odd_element_of_an_array_is_a_bad_row(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"id": NaN}, 7, {"id": "\\ud800"}, {"id": 1}]')
    found = rows_of(tmp_path / "a.json")
    assert [bool(error) for _, _, error in found] == [True, True, True, False]


def test_lines_whose_first_object_holds_an_array_are_lines(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"tags": [{"a": 1}], "id": 1}\n{"id": 2}\n')
    assert [values["id"] for _, values, _ in rows_of(tmp_path / "a.json")] == [1, 2]


def test_objects_within_objects_without_end_are_a_bad_row(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"a":' * 1_000 + "1" + "}" * 1_000 + '\n{"id": 2}\n')
    assert rows_of(tmp_path / "a.jsonl") == [
        (1, {}, "has objects within objects, more than 50 deep"), (2, {"id": 2}, "")]


def test_one_of_two_values_for_one_column_is_not_chosen(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"x": {"y": 1}, "x.y": 2}')
    assert rows_of(tmp_path / "a.jsonl") == [(1, {}, "tells `x.y` twice")]


def test_json_in_utf_16_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"id": 1}', encoding="utf-16")
    with pytest.raises(ConfigError, match="is UTF-16: save it as UTF-8"):
        rows_of(tmp_path / "a.jsonl")
