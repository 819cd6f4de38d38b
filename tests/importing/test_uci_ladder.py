"""A month of a real desk replayed through a ladder: counts as a plain count over the file has them, nothing twice."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connector.domain.escalations.rehearsal import Tally, always, past
from connector.files.profiles import load
from connector.flows.rehearse import simulate
from connector.store import open as open_store
from tests.importing.conftest import DATA, ROOT, Desk

UCI: Final = DATA / "uci_incident_event_log.parquet"
FROM, TO = datetime(2016, 4, 1, tzinfo=UTC), datetime(2016, 6, 1, tzinfo=UTC)
MINUTES: Final = {"P1": 480, "P2": 480, "P3": 62 * 60 + 1, "P4": 134 * 60}
PAGE: Final = (ROOT / "docs/escalations.md").read_text(encoding="utf-8")
REGISTRY: Final = load(ROOT / "docs/examples/uci").registry
Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def rows() -> Rows:
    table = pq.read_table(UCI)
    april = table.filter(pa.array([str(at).startswith("2016-04") for at in table.column("opened_at").to_pylist()]))
    found: Rows = defaultdict(list)
    for row in april.to_pylist():
        found[row["number"]].append(row)
    for many in found.values():
        many.sort(key=lambda row: (row["sys_updated_at"], row["row_no"]))
    return found


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    made = Desk(tmp_path_factory.mktemp("april"))
    table = pq.read_table(UCI)
    april = table.filter(pa.array([str(at).startswith("2016-04") for at in table.column("opened_at").to_pylist()]))
    pq.write_table(april, made.folder / "april.parquet")
    done = made.take(made.folder / "april.parquet", "uci-incident-log")
    assert "7,934 tickets: 7,934 new" in done.output
    return made


@pytest.fixture(scope="module")
def tally(desk: Desk) -> Tally:
    return simulate(open_store(desk.url), REGISTRY, FROM, TO)


def test_the_counts_are_those_of_the_page(tally: Tally) -> None:
    told = {(step, what): int(count.replace(",", "")) for step, what, count in re.findall(
        r"^\| ([^|]+?) \| (fired|skipped) \| ([\d,]+) \|$", PAGE, re.M)}
    assert told == {(step, what): count for (_, step, what), count in tally.steps.items()}
    assert (tally.tickets, tally.escalated) == (7_934, 5_278)


def test_half_of_the_time_is_told_as_often_as_a_plain_count_over_the_file_says(tally: Tally, rows: Rows) -> None:
    """Incidents of one priority all along: those that were open for half of their minutes or more."""
    expected = Counter[str]()
    for many in rows.values():
        priorities = {row["priority"] for row in many}
        if len(priorities) == 1:
            target = MINUTES[f"P{next(iter(priorities))[0]}"]
            closed = next((row["sys_updated_at"] for row in many if row["incident_state"] == "Closed"), None)
            spent = _minutes(many[0]["opened_at"], closed or TO.replace(tzinfo=None))
            expected["half"] += spent > target / 2
            expected["breach"] += spent > target
    changed = sum(len({row["priority"] for row in many}) > 1 for many in rows.values())
    half = sum(n for (_, step, _what), n in tally.steps.items() if step == "resolution at 50%")
    assert expected["half"] <= half <= expected["half"] + changed


def test_the_third_reassignment_is_told_as_often_as_a_plain_count_says(tally: Tally, rows: Rows) -> None:
    moved = 0
    for many in rows.values():
        times: list[Any] = []
        for before, after in pairwise(many):
            names = ("assignment_group", "assigned_to")
            if any(before[name] not in (None, "", "?") and after[name] not in (None, "", "?")
                   and before[name] != after[name] for name in names):
                times.append(after["sys_updated_at"])
        ended = [row["sys_updated_at"] for row in many if row["incident_state"] in ("Resolved", "Closed")]
        third = list(dict.fromkeys(times))[2:3]
        moved += bool(third) and (not ended or third[0] < ended[0])
    told = sum(n for (_, step, _what), n in tally.steps.items() if step == "reassigned 3 times")
    assert abs(told - moved) <= 0.15 * moved, "reopened ones and changes within a minute of the resolution apart"


def test_nothing_fires_twice_and_each_firing_says_why(desk: Desk) -> None:
    store, rules = open_store(desk.url), always(REGISTRY)
    with store.read() as tx:
        first, last = tx.keys() or (0, 0)
        some = tx.walk(first, min(last, first + 399))
        histories = tx.history([stored.key for stored in some])
    counted = 0
    for stored in some:
        fired = list(past(stored.ticket, histories[stored.key], rules, TO))
        assert len({one.firing.key for one in fired}) == len(fired)
        assert all(one.firing.version and one.firing.why for one in fired)
        assert all("due" in one.firing.values for one in fired if one.firing.step.startswith("resolution"))
        counted += len(fired)
    assert counted > 400


def _minutes(start: datetime, end: datetime) -> float:
    """Minutes between two moments, Monday to Friday from 14:00 to 23:00."""
    found, day = 0.0, date(start.year, start.month, start.day)
    while day <= end.date():
        if day.weekday() < 5:
            opens = datetime.combine(day, time(14))
            closes = opens + timedelta(hours=9)
            found += max(0.0, (min(end, closes) - max(start, opens)).total_seconds() / 60)
        day += timedelta(days=1)
    return found
