"""Files that tell the same tickets again: longer, mended, older, in parts. What is kept is what the best file tells."""

from __future__ import annotations

import atexit
import itertools
import shutil
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector import store as stores
from connector import yaml12
from connector.domain.errors import Conflict
from connector.domain.history import effective
from connector.domain.importing.exported import Rejected, Row
from connector.domain.mapping import Mapping
from connector.flows.importing import Import, Report, Stopped
from connector.importers.staging import staged
from connector.ports import Deps
from connector.store import admin
from tests.importing.conftest import Desk

settings.register_profile("again", derandomize=True, max_examples=25, deadline=None)
settings.load_profile("again")

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
AUDIT = """
mapping: audit
vendor: none
id: id
rows: {each: audit, tool: old, time: at, tie: n, comment: said}
fields:
  kind: {value: incident}
  state: {from: state, values: {new: new, work: in_progress, done: resolved, shut: closed}}
  group: group
  opened_at: "@first"
  updated_at: "@time"
"""
TICKETS = """
mapping: tickets
vendor: none
id: id
rows: {each: ticket, tool: old}
fields:
  kind: {value: incident}
  state: {from: state, values: {new: new, work: in_progress, done: resolved}}
  group: group
  opened_at: opened
  updated_at: updated
"""
Rows = Sequence[dict[str, Any]]


@cache
def template() -> Path:
    """An empty store, made once."""
    path = Path(tempfile.mkdtemp()) / "empty.db"
    atexit.register(shutil.rmtree, path.parent)
    admin.upgrade(f"sqlite:///{path}")
    return path


class Kept:
    """A store of its own, and imports into it."""

    def __init__(self, path: Path, text: str) -> None:
        shutil.copy(template(), path)
        self.store = stores.open(f"sqlite:///{path}")
        self.deps = Deps(store=self.store, tools={}, now=lambda: START)
        self.mapping = Mapping.from_dict(yaml12.parse(text.encode()).data)
        self.rejected: list[Rejected] = []

    def take(self, rows: Rows, resume: str = "import/x") -> Report:
        work = Import(self.mapping, "old", self.rejected.append)
        with staged(work.entries(Row(number, row) for number, row in enumerate(rows, 1))) as found:
            assert work.keep(self.deps, work.tickets(found.groups()), resume)
        return work.report

    def told(self) -> dict[str, list[tuple[Any, ...]]]:
        """What holds of each ticket's past, in order."""
        return {id: [(str(e.kind), e.at, e.field, str(e.old), str(e.new), e.text) for e in effective(events)]
                for id, (_, events) in self.all().items()}

    def all(self) -> dict[str, tuple[Any, list[Any]]]:
        with self.store.read() as tx:
            ends = tx.keys()
            found = tx.walk(*ends) if ends else []
            history = tx.history([stored.key for stored in found])
            return {stored.ticket.id: (stored.ticket, history[stored.key]) for stored in found}

    def close(self) -> None:
        self.store.close()


@pytest.fixture
def kept(tmp_path: Any) -> Any:
    made: list[Kept] = []

    def make(text: str = AUDIT) -> Kept:
        made.append(Kept(tmp_path / f"{len(made)}.db", text))
        return made[-1]

    yield make
    for one in made:
        one.close()


def row(
    n: int, state: str, group: str = "a", id: str = "1", minute: int | None = None, said: str = ""
) -> dict[str, Any]:
    at = START + timedelta(minutes=n if minute is None else minute)
    return {"n": n, "id": id, "state": state, "group": group, "at": at.isoformat(), "said": said}


WHOLE = [row(1, "new"), row(2, "work", "b"), row(3, "work", "c", said="On it."), row(4, "done", "c"),
         row(5, "shut", "c")]


def test_a_row_that_was_missing_puts_the_history_right(kept: Any) -> None:
    holey, whole = kept(), kept()
    holey.take([WHOLE[0], WHOLE[3], WHOLE[4]])
    assert ("changed", START + timedelta(minutes=4), "state", "new", "resolved", "") in holey.told()["1"]
    holey.take(WHOLE)
    whole.take(WHOLE)
    assert holey.told() == whole.told()
    assert holey.take(WHOLE).unchanged == 1
    assert holey.take(WHOLE).events == 0


def test_the_last_telling_holds_however_often_it_changes(kept: Any) -> None:
    one, holey, whole = kept(), kept(), kept()
    some = [WHOLE[0], WHOLE[3], WHOLE[4]]
    holey.take(some)
    whole.take(WHOLE)
    for _ in range(3):
        one.take(some)
        assert one.told() == holey.told()
        one.take(WHOLE)
        assert one.told() == whole.told()


def test_an_older_file_takes_nothing_back(kept: Any) -> None:
    one, whole = kept(), kept()
    one.take(WHOLE)
    report = one.take(WHOLE[:2])
    whole.take(WHOLE)
    assert (report.changed, report.events) == (0, 0)
    assert one.told() == whole.told()
    assert str(one.all()["1"][0].state) == "closed"
    one.take([WHOLE[0], row(2, "work", "z")])
    assert one.told() == whole.told(), "nor does it add to the time that is told already"


@pytest.mark.parametrize("cut", [1, 2, 3, 4])
def test_an_export_in_two_parts_is_as_good_as_one(kept: Any, cut: int) -> None:
    parts, whole = kept(), kept()
    parts.take(WHOLE[:cut])
    parts.take(WHOLE[cut:])
    whole.take(WHOLE)
    assert [event for event in parts.told()["1"] if event[0] != "created"] == [
        event for event in whole.told()["1"] if event[0] != "created"]
    parts.take(WHOLE)
    assert parts.told() == whole.told()


def test_parts_in_the_wrong_order_lose_nothing_that_was_told_exactly(kept: Any) -> None:
    parts = kept()
    parts.take(WHOLE[2:])
    parts.take(WHOLE[:2])
    fields = [(event[2], event[4]) for event in parts.told()["1"]]
    assert ("state", "in_progress") in fields
    assert ("state", "closed") in fields
    assert [event[1] for event in parts.told()["1"] if event[0] == "created"] == [START + timedelta(minutes=1)]
    assert parts.all()["1"][0].opened_at == START + timedelta(minutes=1)
    assert str(parts.all()["1"][0].state) == "closed"


@given(st.data())
def test_any_rows_first_and_then_the_whole_file_is_the_whole_file(data: st.DataObject) -> None:
    states, groups = st.sampled_from(["new", "work", "done", "shut"]), st.sampled_from("abc")
    gaps = st.lists(st.tuples(st.integers(0, 2), states, groups, st.sampled_from("12")), min_size=1, max_size=10)
    drawn = data.draw(gaps)
    minutes = itertools.accumulate(gap for gap, *_ in drawn)
    rows = [row(n, state, group, id, minute)
            for n, (minute, (_, state, group, id)) in enumerate(zip(minutes, drawn, strict=True))]
    first = data.draw(st.lists(st.sampled_from(rows), unique_by=lambda r: r["n"]))
    shuffled = data.draw(st.permutations(rows))
    with tempfile.TemporaryDirectory() as folder:
        whole, again = Kept(Path(folder) / "whole.db", AUDIT), Kept(Path(folder) / "again.db", AUDIT)
        try:
            whole.take(rows)
            again.take(first)
            again.take(shuffled)
            assert again.told() == whole.told()
            assert {id: t for id, (t, _) in again.all().items()} == {id: t for id, (t, _) in whole.all().items()}
            report = again.take(rows)
            assert (report.new, report.changed, report.events) == (0, 0, 0)
        finally:
            whole.close()
            again.close()


def ticket(state: str, group: str, updated: str, id: str = "1") -> dict[str, Any]:
    return {"id": id, "state": state, "group": group, "opened": "2026-03-02T08:00Z", "updated": updated}


def test_a_newer_export_of_tickets_tells_what_changed_between(kept: Any) -> None:
    one = kept(TICKETS)
    one.take([ticket("new", "a", "2026-03-02T09:00Z")])
    one.take([ticket("work", "b", "2026-03-03T09:00Z")])
    later = datetime(2026, 3, 3, 9, tzinfo=UTC)
    assert one.told()["1"][1:] == [("changed", later, "group", "a", "b", ""),
                                   ("changed", later, "state", "new", "in_progress", "")]
    assert all(event.inferred and str(event.origin) == "import" for event in one.all()["1"][1][1:])
    assert one.take([ticket("new", "a", "2026-03-02T09:00Z")]).changed == 0, "the older export takes nothing back"
    assert str(one.all()["1"][0].state) == "in_progress"


def test_a_ticket_that_is_twice_in_an_export_of_tickets_is_set_aside(kept: Any) -> None:
    one = kept(TICKETS)
    one.take([ticket("new", "a", "2026-03-02T09:00Z"), ticket("work", "a", "2026-03-02T09:00Z", "2"),
              ticket("work", "a", "2026-03-02T10:00Z")])
    assert list(one.all()) == ["2"]
    assert [(bad.row, bad.ticket, bad.reasons) for bad in one.rejected] == [
        (n, "1", ("the ticket has 2 rows (1, 3): is this `each: audit`?",)) for n in (1, 3)]


def test_ties_written_as_text_are_ordered_as_numbers(kept: Any) -> None:
    one = kept()
    rows = [{**row(n, state, minute=0), "n": str(n)} for n, state in ((9, "new"), (10, "work"), (100, "done"))]
    one.take(rows[::-1])
    assert [event[4] for event in one.told()["1"]][1:] == ["in_progress", "resolved"]


def test_to_and_fro_within_one_minute_is_told_in_full(kept: Any) -> None:
    one = kept()
    one.take([row(n, "new", group, minute=0) for n, group in enumerate("abab")])
    assert [(event[3], event[4]) for event in one.told()["1"][1:]] == [("a", "b"), ("b", "a"), ("a", "b")]


def test_rows_of_one_minute_stay_in_order_when_more_become_known(kept: Any) -> None:
    one = kept()
    rows = [row(n, "new", minute=0, said=str(n)) for n in range(1, 10)]
    one.take([rows[0], rows[8]])
    one.take(rows)
    assert [event[5] for event in one.told()["1"][1:]] == [str(n) for n in range(1, 10)]


def test_rows_of_one_time_and_one_tie_stay_in_the_order_of_the_file(kept: Any) -> None:
    one = kept()
    one.take([{**row(0, state, group), "n": 1}
              for state, group in (("new", "a"), ("work", "b"), ("done", "c"), ("work", "d"), ("shut", "a"))])
    for field, values in (("state", ["in_progress", "resolved", "in_progress", "closed"]), ("group", list("bcda"))):
        assert [event[4] for event in one.told()["1"] if event[2] == field] == values


def test_without_a_tie_a_longer_file_tells_the_order_of_one_minute_anew(kept: Any) -> None:
    whole, again = kept(AUDIT.replace(" tie: n,", "")), kept(AUDIT.replace(" tie: n,", ""))
    rows = [row(n, "new", group, minute=0) for n, group in enumerate("aabaa")]
    again.take([rows[2], rows[4]])
    for one in (again, whole):
        one.take(rows)
    assert again.told() == whole.told()
    assert again.take(rows).events == 0


def test_a_batch_that_met_somebody_elses_tickets_is_read_again(kept: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    one, whole, fails = kept(), Import._batch, iter([True, True, False, *[True] * 9])

    def batch(self: Import, tx: Any, some: Any) -> None:
        whole(self, tx, some)
        if some and next(fails):
            raise Conflict("a ticket was added to the store by somebody else meanwhile")

    monkeypatch.setattr(Import, "_batch", batch)
    report = one.take(WHOLE)
    assert (report.tickets, report.new, report.events) == (1, 1, len(one.all()["1"][1]))
    with pytest.raises(Conflict):
        one.take(WHOLE)


def test_who_acted_is_not_guessed_where_the_requester_is_not_known(kept: Any) -> None:
    rows = [{**row(n, "new", said="Hello."), "who": who, "caller": caller}
            for n, (who, caller) in enumerate([("Ana", "ana"), ("ben", "ana"), ("", "ana"), ("ben", "")])]
    text = AUDIT.replace("comment: said", "comment: said, actor: who")
    one = kept(text + "  requester: caller\n")
    one.take(rows)
    roles = [str(event.role) for event in effective(one.all()["1"][1]) if str(event.kind) == "commented"]
    assert roles == ["requester", "agent", "unknown", "unknown"]


def test_a_row_set_aside_hands_nothing_on_to_the_next(kept: Any) -> None:
    text = AUDIT.replace("from: state", "from: kept")
    one = kept(text.replace("comment: said", "carry: {kept: {from: state, skip: ['-']}}"))
    one.take([row(1, "new"), row(2, "odd"), row(3, "-", "b")])
    assert [bad.row for bad in one.rejected] == [2]
    assert [(event[2], event[4]) for event in one.told()["1"]][1:] == [("group", "b")]


def test_where_no_column_says_when_a_ticket_ended_its_rows_do(kept: Any) -> None:
    one = kept()
    one.take([*WHOLE, *(row(n, state, id="2") for n, state in ((1, "done"), (2, "work"), (3, "done"))),
              row(1, "done", id="3"), row(2, "work", id="3"),
              *(row(n, state, id="4") for n, state in ((1, "done"), (2, "work"), (3, "shut")))])
    stamps = {id: [at and (at - START).seconds // 60 for at in (t.resolved_at, t.closed_at)]
              for id, (t, _) in one.all().items()}
    assert stamps == {"1": [4, 5], "2": [3, None], "3": [None, None], "4": [None, 3]}, "of the last time it ended"


def test_the_first_row_proves_the_creation_and_no_more(kept: Any) -> None:
    one = kept()
    one.take([row(1, "work"), row(2, "done")])
    events = effective(one.all()["1"][1])
    assert [(str(e.kind), str(e.new), e.inferred) for e in events] == [
        ("created", "None", False), ("changed", "in_progress", True), ("changed", "resolved", False)]


def test_an_import_asked_to_stop_while_reading_keeps_nothing(desk: Desk) -> None:
    work = Import(Mapping.from_dict(yaml12.parse(AUDIT.encode()).data), "old", lambda bad: None, stop=lambda: True)
    with pytest.raises(Stopped), staged(work.entries(Row(n, row(n, "new")) for n in range(5_000))):
        pass
