"""Values no column should hold spoil their own row: it is told and set aside, every other row is kept."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from connector.domain.importing.exported import Export, Rejected, Row
from connector.domain.importing.exported_history import Entry
from connector.domain.mapping import Mapping
from connector.importers.staging import staged
from tests.importing.conftest import Desk

MAPPING = """
mapping: odd
vendor: none
id: id
rows:
  each: audit
  tool: old
  time: at
  tie: n
  actor: who
  comment: said
  timezone: Europe/Zurich
  "null": ["?", -1]
  carry: {kept: {from: state, skip: [x]}}
fields:
  kind: {value: incident}
  state: {from: kept, values: {open: new}}
  requester: caller
  priority: {from: prio, values: {1: P1}}
  opened_at: "@first"
  updated_at: "@time"
"""
GOOD = {"id": "good", "at": "2026-03-02 08:00", "n": 1, "who": "a", "said": "", "state": "open", "caller": "b",
        "prio": 1}


@pytest.mark.parametrize(("odd", "says"), [
    ({"n": [1]}, "`n`: a list where one value was expected"),
    ({"who": ["a"]}, "`who`: a list where one value was expected"),
    ({"said": ["a"]}, "`said`: a list where one value was expected"),
    ({"state": [1]}, "`state`: a list where one value was expected"),
    ({"caller": [2]}, "`caller`"),
    ({"id": [1]}, "`id`: a list where one value was expected"),
    ({"at": "0001-01-01 00:00"}, "`at`: date out of range"),
    ({"at": "9999-12-31T23:59:59-12:00"}, "`at`: date out of range"),
    ({"n": "--5"}, ""),
    ({"n": "9" * 5_000}, ""),
    ({"n": "nan"}, ""),
    ({"n": "\u00b2"}, ""),
    ({"prio": -1}, ""),
    ({"prio": "?"}, ""),
    ({"id": "a\x00b"}, ""),
    ({"id": "x" * 100_000}, "`id`: has 100,000 characters"),
])
def test_an_odd_value_spoils_its_own_row_at_most(desk: Desk, odd: dict[str, Any], says: str) -> None:
    (desk.folder / "mapping.yaml").write_text(MAPPING)
    (desk.folder / "a.jsonl").write_bytes(b"\n".join(orjson.dumps(row) for row in ({**GOOD, "id": "odd", **odd}, GOOD)))
    done = desk.take(desk.folder / "a.jsonl", desk.folder / "mapping.yaml")
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
    assert f"{1 if says else 2} tickets: {1 if says else 2} new" in done.output
    assert says in done.output
    assert done.exit_code == (1 if says else 0)


def test_every_mistake_of_a_row_is_told() -> None:
    told: list[Rejected] = []
    rows = {"each": "audit", "time": "at", "tie": "n", "actor": "who"}
    mapping = Mapping.from_dict({"mapping": "a", "vendor": "none", "id": "id", "rows": rows, "fields": {
        "kind": {"value": "incident"}, "state": {"value": "new"}, "opened_at": "@first", "updated_at": "@time"}})
    odd = Row(7, {"id": "", "at": "soon", "n": [1], "who": {}})
    assert list(Export(mapping, "old", told.append).entries([odd])) == []
    assert told == [Rejected(7, "", ("`id` is empty", "`at`: 'soon' is not a date (ISO 8601, or one of rows.dates)",
                                     "`n`: a list where one value was expected",
                                     "`who`: a dict where one value was expected"), odd.values)]


def test_ties_of_every_kind_can_be_put_in_order() -> None:
    at = datetime(2026, 3, 2, tzinfo=UTC)
    ties = [3, 1.5, "b", "a", -2, float("nan"), float("inf"), 2**63, "", True]
    with staged(Entry("1", at, tie, row, {}) for row, tie in enumerate(ties)) as found:
        assert {entry.row for entry in next(found.groups())} == set(range(len(ties)))
