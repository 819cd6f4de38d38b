"""osTicket's events and entries as our events: what it says, in all the shapes it says it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import responses

from connector.domain.history import Event, EventKind, Role
from connector.domain.ticket import PendingOn, State
from connector.vendors.osticket.adapter import OsTicket
from tests.vendors.osticket.conftest import V1

NAMES: dict[str, Any] = {
    "staff": {"2": "bsmith"}, "team": {"2": "Level II"}, "dept": {"3": "Network"},
    "status": {"2": "Resolved", "3": "Closed"},
    "priority": {"2": "normal", "3": "high"}, "topic": {"10": "Access / SAP"}, "sla": {"1": "Default", "2": "Gold"},
    "field": {"36": "asset_tag", "20": "subject", "22": "priority"}}
FIRST = {"status": "Open", "dept": "Support", "staff": "", "team": "", "priority": "normal", "topic": "",
         "sla": "Default"}
AGENT = {"type": "agent", "id": 1, "name": "Lab Agent", "username": "lagent"}
Read = Callable[..., list[Event]]


@pytest.fixture
def read(plugin: responses.RequestsMock, make: Callable[..., OsTicket]) -> Read:
    def reading(*events: Any, entries: Any = (), first: Any = FIRST) -> list[Event]:
        plugin.get(f"{V1}/history", json={"history": {"39": {"first": first, "events": list(events),
                                                             "entries": list(entries)}}, "names": NAMES})
        return make().history(["39", "40"])["39"]

    return reading


def event(id: int, name: str, data: Any = None, **more: Any) -> dict[str, Any]:
    return {"id": id, "event": name, "at": f"2026-11-24T03:31:{id % 60:02d}Z", "by": AGENT, "annulled": False,
            "data": data, **more}


def entry(id: int, type: str, **more: Any) -> dict[str, Any]:
    return {"id": id, "type": type, "at": "2026-11-24T03:32:00Z", "edited": None, "by": AGENT, "title": "",
            "format": "html", "body": "<p>Hello &amp; <b>bye</b></p>", "key": None, "attachments": [], **more}


def changes(events: list[Event]) -> list[tuple[str, Any, Any]]:
    return [(e.field, e.old, e.new) for e in events if e.kind is EventKind.CHANGED]


@pytest.mark.parametrize(("name", "data", "expected"), [
    ("assigned", {"staff": 2}, [("assignee", "", "bsmith")]),
    ("assigned", {"staff": [2, "Bo Smith"]}, [("assignee", "", "bsmith")]),
    ("assigned", {"staff": [9, "Gone Agent"]}, [("assignee", "", "Gone Agent")]),
    ("assigned", {"claim": True}, [("assignee", "", "lagent")]),
    ("assigned", {"team": 2}, [("custom.team", None, "Level II")]),
    ("transferred", {"dept": "Maintenance"}, [("group", "Support", "Maintenance"), ("level", 1, 2)]),
    ("transferred", {"dept": 3}, [("group", "Support", "Network"), ("level", 1, 2)]),
    ("closed", {"status": [2, "Resolved"]}, [("state", State.IN_PROGRESS, State.RESOLVED)]),
    ("edited", {"status": 3}, [("state", State.IN_PROGRESS, State.CLOSED)]),
    ("edited", {"sla_id": [1, 2]}, [("custom.sla", "Default", "Gold")]),
    ("edited", {"topic_id": [0, 10]}, [("category", "", "Access / SAP")]),
    ("edited", {"fields": {"priority": [2, 3]}}, [("priority", "P3", "P2")]),
    ("edited", {"fields": {"22": [2, 3]}}, [("priority", "P3", "P2")]),
    ("edited", {"0": "a", "1": "b", "fields": {"20": ["a", "b"]}}, [("title", "a", "b")]),
    ("edited", {"fields": {"36": ["x", "y"]}}, []), ("edited", {"fields": {"99": ["x", "y"]}}, []),
    ("edited", None, []), ("edited", "cut", []), ("viewed", None, []), ("overdue", None, []), ("resent", {}, []),
])
def test_a_change_in_osticket_s_words(name: str, data: Any, expected: list[Any], read: Read) -> None:
    got = [change for change in changes(read(event(5, name, data))) if change[0] != "kind"]
    assert got == expected


def test_a_due_date_without_a_zone_is_in_the_zone_of_the_database(read: Read) -> None:
    got = changes(read(event(5, "edited", {"duedate": [None, "2027-02-01 10:00:00"]})))
    assert got == [("due_at", None, datetime(2027, 2, 1, 9, tzinfo=UTC))]


def test_old_values_come_from_the_changes_before(read: Read) -> None:
    got = changes(read(event(1, "closed", {"status": [2, "Resolved"]}, annulled=True), event(2, "reopened"),
                       event(3, "edited", {"status": [7, "Waiting for customer"]}), event(4, "closed", {"status": 3})))
    assert [(old, new) for field, old, new in got if field == "state"] == [
        (State.IN_PROGRESS, State.RESOLVED), (State.RESOLVED, State.IN_PROGRESS), (State.IN_PROGRESS, State.PENDING),
        (State.PENDING, State.CLOSED)]
    assert [(old, new) for field, old, new in got if field == "pending_on"] == [
        (None, PendingOn.CUSTOMER), (PendingOn.CUSTOMER, None)]


def test_without_the_values_at_creation_the_first_old_value_is_not_known(read: Read) -> None:
    assert changes(read(event(5, "transferred", {"dept": "Support"}), first=None))[0] == ("group", None, "Support")


def test_what_the_mapping_does_not_know_is_not_known_rather_than_lost(read: Read) -> None:
    got = changes(read(event(5, "closed", {"status": [9, "Frozen"]})))
    assert got == [("state", State.IN_PROGRESS, None)]


def test_keys_are_unique_times_are_utc_and_order_is_the_tool_s(read: Read) -> None:
    got = read(event(1, "created"), event(2, "transferred", {"dept": "Maintenance"}),
               event(3, "transferred", {"dept": "Support"}),
               entries=[entry(1, "M"), entry(2, "R"), entry(3, "N", attachments=[{"id": 2, "name": "a.txt"}])])
    assert len({e.key for e in got}) == len(got)
    assert {e.at.tzinfo for e in got} == {UTC}
    assert [e.seq for e in got if e.field == "group"] == [2, 3]


def test_entries_are_comments_notes_and_files_and_the_first_message_is_the_ticket_s(read: Read) -> None:
    user = {"type": "user", "id": 7, "name": "Op", "username": ""}
    got = read(entries=[entry(1, "M", by=user), entry(2, "M", by=user, format="text", body="1 < 2"), entry(3, "R"),
                        entry(4, "N", by={"type": "agent", "username": "connector"}, key="comment/39/k/1",
                              attachments=[{"id": 12, "name": "log.txt"}]), entry(5, "?")])
    assert [(e.kind, e.role, e.actor, e.text) for e in got] == [
        (EventKind.COMMENTED, Role.REQUESTER, "Op", "1 < 2"),
        (EventKind.COMMENTED, Role.AGENT, "lagent", "Hello & bye"),
        (EventKind.NOTED, Role.CONNECTOR, "connector", "Hello & bye"),
        (EventKind.ATTACHED, Role.CONNECTOR, "connector", "log.txt")]
    assert got[2].data == {"id": "4", "key": "k/1"}


def test_a_line_that_makes_no_sense_does_not_hide_the_rest(read: Read) -> None:
    got = read("x", {"id": "1"}, event(2, "created", at="never"), event(3, "created", by=None), entries=[{}, None])
    assert [(e.key, e.role) for e in got] == [("event/3", Role.UNKNOWN)]


def test_a_ticket_that_is_gone_has_no_history(plugin: responses.RequestsMock, make: Callable[..., OsTicket]) -> None:
    plugin.get(f"{V1}/history", json={"history": {}, "names": {}, "missing": [40]})
    assert make().history(["40"]) == {}
