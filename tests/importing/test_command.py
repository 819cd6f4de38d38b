"""`connector import`: what is refused before anything is kept, and what is left behind."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook

from connector import store as stores
from connector.commands import importing as command
from connector.domain.importing.exported import Rejected
from connector.flows import importing
from tests.importing.conftest import Desk

MAPPING = """
mapping: export
vendor: none
id: id
rows: {each: ticket}
fields:
  kind: {value: incident}
  title: subject
  state: {from: state, values: {open: new}}
  opened_at: opened
  updated_at: opened
"""
ROW = {"id": "1", "subject": "a", "state": "open", "opened": "2026-03-02T08:00Z"}


@pytest.fixture
def mapping(desk: Desk) -> Path:
    path = desk.folder / "mapping.yaml"
    path.write_text(MAPPING)
    return path


def export(desk: Desk, rows: list[dict[str, Any]], name: str = "export.jsonl") -> Path:
    path = desk.folder / name
    if name.endswith(".csv"):
        path.write_text("\n".join(",".join(line) for line in [list(rows[0]), *(list(row.values()) for row in rows)]))
    else:
        path.write_bytes(b"\n".join(orjson.dumps(row) for row in rows))
    return path


def ids(desk: Desk) -> set[str]:
    store = stores.open(desk.url)
    try:
        with store.read() as tx:
            ends = tx.keys()
            return {stored.ticket.id for stored in tx.walk(*ends)} if ends else set()
    finally:
        store.close()


def test_columns_the_mapping_needs_and_the_file_lacks_are_told_at_once(desk: Desk, mapping: Path) -> None:
    row = {"id": "1", "subjct": "a", "opened": "2026-03-02T08:00Z"}
    done = desk.take(export(desk, [row], "export.csv"), mapping, "--tool", "old")
    assert done.exit_code == 1
    assert "fields.title: has no column `subject`, did you mean `subjct`?" in done.output
    assert "fields.state: has no column `state`" in done.output
    assert "row 2" not in done.output, "no row is read by a mapping that does not fit"
    assert ids(desk) == set()


def test_json_may_leave_out_what_is_empty(desk: Desk, mapping: Path) -> None:
    row = {key: value for key, value in ROW.items() if key != "subject"}
    done = desk.take(export(desk, [row]), mapping, "--tool", "old")
    assert done.exit_code == 0
    assert "has no column `subject`" in done.output
    assert ids(desk) == {"1"}


@pytest.mark.parametrize(("arguments", "says"), [
    ([], "name the tool: rows.tool in the mapping, or --tool"), (["--tool", "Old Desk"], "is not a name for a tool"),
    (["--tool", "hq"], "`hq` is a connected tool, whose history would count twice"),
])
def test_tickets_need_a_tool_of_their_own(desk: Desk, mapping: Path, arguments: list[str], says: str) -> None:
    (desk.folder / "connector.yaml").write_text(
        "store: {url: 'sqlite:///store.db'}\ntools:\n  hq: {vendor: glpi, url: 'http://127.0.0.1:9', "
        f"mapping: {Path(__file__).parents[2]}/mappings/glpi.yaml, auth: {{user_token: {{file: token}}}}}}\n")
    (desk.folder / "token").write_text("a-token-of-forty-characters-more-or-less")
    done = desk.take(export(desk, [ROW]), mapping, *arguments)
    assert done.exit_code == 1
    assert says in done.output
    assert ids(desk) == set()


def test_a_mapping_without_rows_is_for_live_tools(desk: Desk, mapping: Path) -> None:
    mapping.write_text(MAPPING.replace("rows: {each: ticket}\n", ""))
    assert "has no `rows` section" in desk.take(export(desk, [ROW]), mapping, "--tool", "old").output


def test_a_mistake_in_the_mapping_is_told_with_its_place(desk: Desk, mapping: Path) -> None:
    mapping.write_text(MAPPING.replace("each: ticket", "each: row, tmie: x"))
    done = desk.take(export(desk, [ROW]), mapping, "--tool", "old")
    assert "mapping.yaml:5:8: rows.each: 'row' is not one of ticket, audit" in done.output
    assert "mapping.yaml:5:19: rows.tmie: unknown key `tmie`, did you mean `tie`?" in done.output


def test_rejects_are_kept_with_their_values_for_their_owner_only(desk: Desk, mapping: Path) -> None:
    desk.take(export(desk, [ROW, {**ROW, "id": "2", "state": "odd"}]), mapping, "--tool", "old")
    path = desk.folder / "rejects.jsonl"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [json.loads(line) for line in path.read_text().splitlines()] == [{
        "row": 2, "ticket": "2", "reasons": [f"{mapping}: state: unknown value 'odd' in `state`"],
        "values": {**ROW, "id": "2", "state": "odd"}}]


def test_what_json_cannot_hold_is_still_in_the_file_of_rejects(desk: Desk, mapping: Path) -> None:
    book = Workbook()
    assert book.active is not None
    for line in (list(ROW), ["1", 1e300, "odd", "2026-03-02"], ["2", "b", "open", "2026-03-02"]):
        book.active.append(line)
    book.save(desk.folder / "export.xlsx")
    parquet = desk.folder / "export.parquet"
    pq.write_table(pa.table({**{key: [value] for key, value in ROW.items()}, "state": ["odd"],
                             "subject": [Decimal(10**30)]}), parquet)
    for path in (desk.folder / "export.xlsx", parquet):
        assert desk.take(path, mapping, "--tool", "old").exit_code == 1
        line = json.loads((desk.folder / "rejects.jsonl").read_text())
        assert (line["ticket"], line["values"]["state"]) == ("1", "odd")


def test_numbers_beyond_64_bits_are_written_down_too() -> None:
    line = json.loads(command._line(Rejected(1, "\udce9", ("odd",), {"a": 10**30, "b": "\udce9", "c": None})))
    assert line == {"row": 1, "ticket": "'\\udce9'", "reasons": ["odd"],
                    "values": {"'a'": str(10**30), "'b'": "'\\udce9'", "'c'": "None"}}


def test_the_file_itself_is_not_overwritten_with_its_rejects(desk: Desk, mapping: Path) -> None:
    path = export(desk, [{**ROW, "state": "odd"}])
    for target in (path, mapping):
        before = target.read_bytes()
        done = desk.run("import", path, "--mapping", mapping, "--tool", "old", "--rejects", target)
        assert "would be overwritten" in done.output
        assert target.read_bytes() == before


def test_a_place_where_rejects_cannot_be_written_is_told(desk: Desk, mapping: Path) -> None:
    done = desk.run("import", export(desk, [ROW]), "--mapping", mapping, "--tool", "old", "--rejects",
                    desk.folder / "missing/rejects.jsonl")
    assert done.exit_code == 1
    assert "cannot be written (--rejects says where)" in done.output
    assert ids(desk) == set()


def test_no_file_of_rejects_is_left_when_there_are_none(desk: Desk, mapping: Path) -> None:
    assert desk.take(export(desk, [ROW]), mapping, "--tool", "old").exit_code == 0
    assert not list(desk.folder.glob("rejects*"))


def test_an_export_of_tickets_goes_on_where_it_was_stopped(
    desk: Desk, mapping: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = export(desk, [{**ROW, "id": f"{n:03}"} for n in range(30)])
    monkeypatch.setattr(importing, "BATCH", 10)
    turns = iter([False, False, True])
    keep = importing.Import.keep

    def stopped(self: importing.Import, *arguments: Any) -> bool:
        self.stop = lambda: next(turns)
        return keep(self, *arguments)

    monkeypatch.setattr(importing.Import, "keep", stopped)
    done = desk.take(path, mapping, "--tool", "old")
    assert done.exit_code == 1
    assert "stopped: start again to go on" in done.output
    assert len(ids(desk)) == 20
    monkeypatch.setattr(importing.Import, "keep", keep)
    assert "10 tickets: 10 new" in desk.take(path, mapping, "--tool", "old").output
    assert "30 tickets: 0 new, 0 changed, 30 as they were" in desk.take(path, mapping, "--tool", "old").output


def test_a_changed_mapping_begins_from_the_start(desk: Desk, mapping: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = export(desk, [{**ROW, "id": f"{n:03}"} for n in range(20)])
    monkeypatch.setattr(importing, "BATCH", 10)
    turns = iter([False, True])
    keep = importing.Import.keep
    monkeypatch.setattr(importing.Import, "keep",
                        lambda self, *more: (setattr(self, "stop", lambda: next(turns)), keep(self, *more))[1])
    desk.take(path, mapping, "--tool", "old")
    monkeypatch.setattr(importing.Import, "keep", keep)
    mapping.write_text(MAPPING.replace("open: new", "open: in_progress"))
    assert "20 tickets: 10 new, 10 changed" in desk.take(path, mapping, "--tool", "old").output


def test_an_import_is_in_the_audit_trail(desk: Desk, mapping: Path) -> None:
    desk.take(export(desk, [ROW]), mapping, "--tool", "old")
    with contextlib.closing(sqlite3.connect(desk.folder / "store.db")) as connection:
        found = connection.execute("SELECT actor, action, subject FROM audit").fetchall()
    assert found == [("command line", "import", "old")]
