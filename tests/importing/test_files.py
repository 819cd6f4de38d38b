"""Readers and the import command: every form of file, every kind of bad row, stopped and taken up."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook

from connector.flows import importing
from connector.store import open as open_store
from tests.importing.conftest import Desk

TICKETS = """
mapping: export
vendor: none
id: id
rows: {each: ticket, tool: old, timezone: Europe/Zurich, "null": ["?"], dates: ["%d.%m.%Y %H:%M"]}
fields:
  number: id
  kind: {value: incident}
  title: title
  state: {from: state, values: {open: new, wait: {state: pending, pending_on: customer}, done: resolved}}
  priority: {from: prio, values: {1: P1, 2: P2}}
  opened_at: opened
  updated_at: updated
  resolved_at: solved
"""
AUDIT = """
mapping: audit
vendor: none
id: id
rows: {each: audit, tool: old, time: at, tie: n, actor: who, comment: said, timezone: Europe/Zurich}
fields:
  number: id
  kind: {value: incident}
  state: {from: state, values: {open: new, work: in_progress, done: resolved}}
  requester: caller
  opened_at: "@first"
  updated_at: "@time"
"""
GOOD: list[dict[str, Any]] = [
    {"id": "1", "title": "é; \"quoted\"\nline", "state": "open", "prio": "1", "opened": "02.03.2026 08:00",
     "updated": "02.03.2026 09:00", "solved": "?"},
    {"id": "2", "title": "b", "state": "done", "prio": "2", "opened": "02.03.2026 08:00", "updated": "03.03.2026 09:00",
     "solved": "02.03.2026 10:00"},
]
HEADINGS = list(GOOD[0])


def mapping(desk: Desk, text: str) -> Path:
    path = desk.folder / "mapping.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def write(folder: Path, ending: str, rows: list[dict[str, Any]]) -> Path:
    path = folder / f"export{ending}"
    if ending in (".csv", ".tsv"):
        mark = "," if ending == ".csv" else "\t"
        quoted = [[f'"{str(row[h]).replace(chr(34), chr(34) * 2)}"' for h in HEADINGS] for row in rows]
        path.write_text("\n".join(mark.join(line) for line in ([HEADINGS, *quoted])), encoding="utf-8-sig")
    elif ending == ".jsonl":
        path.write_bytes(b"\n".join(orjson.dumps(row) for row in rows))
    elif ending == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        book = Workbook()
        sheet = book.active
        assert sheet is not None
        sheet.append(HEADINGS)
        for row in rows:
            sheet.append([datetime.strptime(row[h], "%d.%m.%Y %H:%M") if h in ("opened", "updated") else row[h]  # noqa: DTZ007
                          for h in HEADINGS])
        book.save(path)
    return path


def kept(desk: Desk) -> dict[str, Any]:
    store = open_store(desk.url)
    try:
        with store.read() as tx:
            ends = tx.keys()
            found = tx.walk(*ends) if ends else []
            history = tx.history([stored.key for stored in found])
            return {stored.ticket.id: (stored.ticket, history[stored.key]) for stored in found}
    finally:
        store.close()


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".jsonl", ".parquet", ".xlsx"])
def test_the_same_tickets_come_out_of_every_form_of_file(desk: Desk, ending: str) -> None:
    done = desk.take(write(desk.folder, ending, GOOD), mapping(desk, TICKETS))
    assert done.exit_code == 0, done.output
    found = kept(desk)
    first, second = found["1"][0], found["2"][0]
    assert first.title == 'é; "quoted"\nline'
    assert first.opened_at.isoformat() == "2026-03-02T07:00:00+00:00", "wall clock of Zurich"
    assert first.resolved_at is None
    assert second.resolved_at.isoformat() == "2026-03-02T09:00:00+00:00"
    moves = [(e.field, str(e.new), e.at.isoformat()) for e in found["2"][1] if e.field == "state"]
    assert moves == [("state", "resolved", "2026-03-02T09:00:00+00:00")], "at its own stamp"


def test_bad_rows_are_told_with_number_and_reason_and_the_rest_is_kept(desk: Desk) -> None:
    rows = [*GOOD, {**GOOD[0], "id": "3", "state": "lost", "prio": "9"}, {**GOOD[0], "id": ""},
            {**GOOD[0], "id": "5", "opened": "soon"}]
    done = desk.take(write(desk.folder, ".jsonl", rows), mapping(desk, TICKETS))
    assert done.exit_code == 1
    assert "row 3 (ticket 3)" in done.output
    assert "unknown value 'lost' in `state`" in done.output
    assert "unknown value '9' in `prio`" in done.output, "all problems of the row"
    assert "row 4" in done.output
    assert "row 5 (ticket 5)" in done.output
    assert set(kept(desk)) == {"1", "2"}
    told = [json.loads(line) for line in (desk.folder / "rejects.jsonl").read_text().splitlines()]
    assert sorted(one["row"] for one in told) == [3, 4, 5]
    assert next(one for one in told if one["row"] == 5)["values"]["opened"] == "soon", "with what the row says"


def test_lines_that_are_not_json_are_bad_rows(desk: Desk) -> None:
    path = write(desk.folder, ".jsonl", GOOD)
    path.write_bytes(path.read_bytes() + b'\n{"id": \n[1]\n\n' + orjson.dumps({**GOOD[0], "id": "6"}))
    done = desk.take(path, mapping(desk, TICKETS))
    assert "row 3: is not JSON" in done.output
    assert "row 4: is not a JSON object" in done.output
    assert set(kept(desk)) == {"1", "2", "6"}


@pytest.mark.parametrize(("name", "data", "says"), [
    ("a.csv", b"id,title\n1,\xe9\n", "row 2: byte 0xe9 is not utf-8: name the encoding"),
    ("a.csv", b"id,id\n1,2\n", "heading `id` more than once"),
    ("a.csv", b"", "no headings in row 1"),
    ("a.parquet", b"PAR1 and then not", "is not Parquet"),
    ("a.xlsx", b"PK no zip", "is not an xlsx workbook"),
    ("a.doc", b"", "files ending in `.doc` cannot be imported"),
])
def test_a_file_that_is_not_what_it_says_is_refused_in_words(desk: Desk, name: str, data: bytes, says: str) -> None:
    path = desk.folder / name
    path.write_bytes(data)
    done = desk.take(path, mapping(desk, TICKETS))
    assert done.exit_code == 1
    assert says in done.output
    assert kept(desk) == {}


def test_a_row_with_too_few_cells_is_a_bad_row(desk: Desk) -> None:
    path = write(desk.folder, ".csv", GOOD)
    path.write_text(path.read_text(encoding="utf-8-sig") + "\n7,only", encoding="utf-8")
    assert "2 cells under 7 headings" in desk.take(path, mapping(desk, TICKETS)).output


def audit_rows() -> list[dict[str, Any]]:
    def row(n: int, id: str, at: str, state: str, who: str = "ben", said: str = "") -> dict[str, Any]:
        return {"n": n, "id": id, "at": at, "state": state, "who": who, "caller": "ana", "said": said}

    return [row(4, "1", "2026-03-02 10:00", "done"), row(1, "1", "2026-03-02 08:00", "open", "ana"),
            row(3, "2", "2026-03-02 08:30", "open"), row(2, "1", "2026-03-02 10:00", "work", said="On it."),
            row(5, "2", "2026-03-02 08:30", "work"), row(6, "2", "2026-03-02 09:00", "odd")]


def test_an_audit_export_may_be_in_any_order(desk: Desk) -> None:
    path = desk.folder / "audit.jsonl"
    path.write_bytes(b"\n".join(orjson.dumps(row) for row in audit_rows()))
    done = desk.take(path, mapping(desk, AUDIT))
    assert "row 6 (ticket 2)" in done.output
    found = kept(desk)
    ticket, events = found["1"]
    assert str(ticket.state) == "resolved"
    assert [(str(e.kind), str(e.new or ""), str(e.role)) for e in events] == [
        ("created", "", "requester"), ("changed", "in_progress", "agent"), ("commented", "", "agent"),
        ("changed", "resolved", "agent")]
    assert str(found["2"][0].state) == "in_progress", "the bad row is left out, the others count"
    again = desk.take(path, mapping(desk, AUDIT))
    assert "0 new, 0 changed, 2 as they were; 0 events added" in again.output


def test_a_longer_export_adds_what_is_new(desk: Desk) -> None:
    path = desk.folder / "audit.jsonl"
    path.write_bytes(b"\n".join(orjson.dumps(row) for row in audit_rows()[:3]))
    desk.take(path, mapping(desk, AUDIT))
    path.write_bytes(b"\n".join(orjson.dumps(row) for row in audit_rows()[:5]))
    done = desk.take(path, mapping(desk, AUDIT))
    assert "0 new, 2 changed" in done.output
    fresh = Desk(desk.folder / "fresh") if (desk.folder / "fresh").mkdir() is None else desk
    fresh.take(path, mapping(fresh, AUDIT))
    assert [str(e.new) for e in kept(fresh)["1"][1]] == ["None", "in_progress", "None", "resolved"]


def test_stopped_in_the_middle_it_goes_on(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{**audit_rows()[1], "id": f"{n:04}"} for n in range(50)]
    path = desk.folder / "audit.jsonl"
    path.write_bytes(b"\n".join(orjson.dumps(row) for row in rows))
    monkeypatch.setattr(importing, "BATCH", 10)
    kill_after = iter(range(3))

    def batch(self: importing.Import, tx: Any, some: Any) -> None:
        if next(kill_after, None) is None:
            raise KeyboardInterrupt
        whole(self, tx, some)

    whole = importing.Import._batch
    monkeypatch.setattr(importing.Import, "_batch", batch)
    assert desk.take(path, mapping(desk, AUDIT)).exit_code != 0
    assert len(kept(desk)) == 30
    monkeypatch.setattr(importing.Import, "_batch", whole)
    done = desk.take(path, mapping(desk, AUDIT))
    assert "20 tickets: 20 new" in done.output, "the first thirty are passed over"
    assert len(kept(desk)) == 50


def test_a_dry_run_keeps_nothing(desk: Desk) -> None:
    done = desk.take(write(desk.folder, ".jsonl", GOOD), mapping(desk, TICKETS), "--dry-run")
    assert "2 tickets with 3 events would be kept" in done.output
    assert kept(desk) == {}
