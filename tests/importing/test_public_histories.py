"""Two real histories are imported completely, and what comes out is what a plain count over the files says."""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq
import pytest

from connector.store import open as open_store
from tests.importing.conftest import DATA, ROOT, Desk

UCI = DATA / "uci_incident_event_log.parquet"
COLUMNS = {
    "group": "assignment_group", "priority": "priority", "assignee": "assigned_to", "title": "u_symptom",
    "impact": "impact", "urgency": "urgency", "category": "category", "service": "subcategory", "site": "location",
    "requester": "caller_id", "supplier": "vendor", "custom.made_sla": "made_sla", "custom.notify": "notify",
    "custom.contact_type": "contact_type", "custom.knowledge": "knowledge",
}
WAITS = {"Awaiting User Info": "customer", "Awaiting Vendor": "supplier", "Awaiting Problem": "problem",
         "Awaiting Evidence": "other"}
ITALIAN = DATA / "helpdesk_italian.parquet"


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    desk = Desk(tmp_path_factory.mktemp("uci"))
    done = desk.take(UCI, "uci-incident-log")
    assert done.exit_code == 0, done.output
    assert "141,712 rows, 0 set aside" in done.output
    assert "24,918 tickets: 24,918 new" in done.output
    return desk


@pytest.fixture(scope="module")
def cases() -> dict[str, list[dict[str, Any]]]:
    """The rows of each incident, in order of time and file."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in pq.read_table(UCI).to_pylist():
        found[row["number"]].append(row)
    for rows in found.values():
        rows.sort(key=lambda row: (row["sys_updated_at"], row["row_no"]))
    return found


def every(desk: Desk) -> tuple[list[Any], dict[int, list[Any]]]:
    store = open_store(desk.url)
    try:
        with store.read() as tx:
            ends = tx.keys()
            assert ends is not None
            tickets = tx.walk(*ends)
            return tickets, tx.history([stored.key for stored in tickets])
    finally:
        store.close()


def test_every_incident_ends_in_the_state_of_its_last_row(
    imported: Desk, cases: dict[str, list[dict[str, Any]]]
) -> None:
    tickets, _ = every(imported)
    last = Counter(next(row["incident_state"] for row in reversed(rows) if row["incident_state"] != "-100")
                   for rows in cases.values())
    ours = Counter(str(stored.ticket.state) for stored in tickets)
    assert len(tickets) == len(cases) == 24_918
    assert ours["closed"] == last["Closed"]
    assert ours["resolved"] == last["Resolved"]
    assert ours["new"] == last["New"]
    assert ours["in_progress"] == last["Active"]
    assert {stored.ticket.tool for stored in tickets} == {"uci"}


def test_each_change_of_a_column_is_one_event_and_there_are_no_others(
    imported: Desk, cases: dict[str, list[dict[str, Any]]]
) -> None:
    _, histories = every(imported)
    ours = Counter(event.field for events in histories.values() for event in events if not event.inferred)
    wanted: Counter[str] = Counter()
    for rows in cases.values():
        states = [row["incident_state"] for row in rows]
        for i in range(1, len(states)):
            if states[i] == "-100":
                states[i] = states[i - 1]
        plain = ["pending" if state.startswith("Awaiting") else state for state in states]
        waits = [WAITS.get(state) for state in states]
        columns = {field: [row[column] for row in rows] for field, column in COLUMNS.items()}
        for field, values in {"state": plain, "pending_on": waits, **columns}.items():
            wanted[field] += sum(a != b for a, b in itertools.pairwise(values))
    del ours[""]  # the creations
    assert ours == +wanted


def test_the_incident_log_gives_exactly_these_events(imported: Desk) -> None:
    tickets, histories = every(imported)
    events = [event for events in histories.values() for event in events]
    assert Counter(str(event.kind) for event in events) == {"created": 24_918, "changed": 138_557}
    assert Counter(event.field for event in events) == {
        "": 24_918, "state": 72_396, "group": 23_321, "assignee": 14_006, "pending_on": 12_639,
        "custom.made_sla": 9_114, "title": 2_128, "service": 2_094, "category": 1_314, "priority": 436, "impact": 354,
        "urgency": 325, "custom.knowledge": 208, "site": 109, "supplier": 104, "custom.contact_type": 5, "requester": 4}
    assert sum(stored.ticket.resolved_at is None for stored in tickets) == 1_556, "as the publishers' file has it"
    assert {str(event.origin) for event in events} == {"import"}


def test_the_creation_is_never_after_the_first_row(imported: Desk, cases: dict[str, list[dict[str, Any]]]) -> None:
    tickets, histories = every(imported)
    for stored in tickets:
        first = cases[stored.ticket.id][0]
        created = next(event for event in histories[stored.key] if str(event.kind) == "created")
        assert created.at.replace(tzinfo=None) == min(first["opened_at"], first["sys_updated_at"])


def test_what_is_filled_back_onto_every_row_is_no_event(imported: Desk) -> None:
    _, histories = every(imported)
    fields = {event.field for events in histories.values() for event in events}
    assert not fields & {"resolved_at", "closed_at", "custom.closed_code", "custom.resolved_by"}


def test_the_same_file_again_adds_nothing(imported: Desk) -> None:
    again = imported.take(UCI, "uci-incident-log")
    assert "24,918 tickets: 0 new, 0 changed, 24,918 as they were; 0 events added" in again.output


def test_the_italian_help_desk_is_imported_completely(desk: Desk) -> None:
    done = desk.take(ITALIAN, "helpdesk-italian")
    assert done.exit_code == 0, done.output
    assert "21,348 rows, 0 set aside" in done.output
    assert "4,580 tickets: 4,580 new" in done.output
    tickets, _ = every(desk)
    rows = pq.read_table(ITALIAN).to_pylist()
    assert len(tickets) == len({row["case_id"] for row in rows})
    last = {row["case_id"]: row["activity"] for row in rows}
    ends = Counter(last.values())
    ours = Counter(str(stored.ticket.state) for stored in tickets)
    assert ours["closed"] == ends["Closed"] == 4_557
    assert ours["resolved"] == ends["Resolve ticket"] + ends["VERIFIED"] == 11
    assert ours == {"closed": 4_557, "resolved": 11, "pending": 9, "in_progress": 3}
    closings: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        if row["activity"] == "Closed":
            closings[row["case_id"]].append(row["complete_timestamp"].replace(tzinfo=ZoneInfo("Europe/Rome")))
    for stored in tickets:
        if str(stored.ticket.state) == "closed":
            assert stored.ticket.closed_at in closings[stored.ticket.id]


def test_the_backtest_page_says_what_the_backtest_says(imported: Desk) -> None:
    page = (ROOT / "docs/backtest-uci.md").read_text(encoding="utf-8")
    told = imported.run("sla", "backtest", "--profiles", ROOT / "docs/examples/uci", "--against", "custom.made_sla",
                        "--as-of", "2017-03-01", "--json", "--workers", "2")
    assert told.exit_code == 0, told.output
    result = json.loads(told.output)
    assert result["tickets"] == 24_918
    ours = {(row["value"], row["outcome"]): row["tickets"] for row in result["confusion"]}
    table = re.findall(r"\| made_sla (true|false) \| ([\d,]+) \| ([\d,]+) \|", page)
    said = {(value, outcome): int(number.replace(",", ""))
            for value, met, breached in table for outcome, number in (("met", met), ("breached", breached))}
    assert ours == said


def test_a_profile_file_is_compared_with_nothing_when_there_are_no_agreements(imported: Desk, tmp_path: Path) -> None:
    missing = imported.run("sla", "explain", "uci/INC0000045")
    assert missing.exit_code == 1
    assert "there are no agreements" in missing.output
