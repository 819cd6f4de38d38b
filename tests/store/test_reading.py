"""Cursors, hints and quarantine."""

from __future__ import annotations

from datetime import timedelta

from connector.domain.errors import BadRecord, Problem
from connector.store import SqlStore
from tests.store.making import NOW

MINUTE = timedelta(minutes=1)


def bad(ticket: str = "9", tool: str = "glpi", what: str = "state: 7 is unknown") -> BadRecord:
    return BadRecord(tool, ticket, [Problem(what)])


def test_a_cursor_begins_empty_and_moves(store: SqlStore) -> None:
    with store.begin() as tx:
        assert tx.cursor("glpi", "changes") == {}
        tx.move_cursor("glpi", "changes", {"since": NOW, "ids": [1, 2]}, NOW)
        tx.move_cursor("glpi", "deletions", {"x": 1}, NOW)
        tx.move_cursor("glpi", "changes", {"since": NOW + MINUTE, "ids": []}, NOW)
        assert tx.cursor("glpi", "changes") == {"since": NOW + MINUTE, "ids": []}
        assert tx.cursor("snow", "changes") == {}


def test_hints_come_oldest_first_and_once_per_ticket(store: SqlStore) -> None:
    with store.begin() as tx:
        tx.hint("glpi", ["b", "b"], NOW)
        tx.hint("glpi", ["a"], NOW + MINUTE)
        tx.hint("snow", ["c"], NOW)
        assert tx.hints("glpi", 9) == [("b", NOW), ("a", NOW + MINUTE)]
        assert tx.hints("glpi", 1) == [("b", NOW)]


def test_a_hint_given_again_while_it_was_read_stays(store: SqlStore) -> None:
    with store.begin() as tx:
        tx.hint("glpi", ["a", "b", "c"], NOW)
        taken = tx.hints("glpi", 9)
        tx.hint("glpi", ["a"], NOW + MINUTE)
        tx.hint("glpi", ["b"], NOW)  # the very same instant
        tx.clear_hints("glpi", taken)
        assert [id for id, _ in tx.hints("glpi", 9)] == ["b", "a"]
        tx.clear_hints("glpi", tx.hints("glpi", 9))
        assert tx.hints("glpi", 9) == []
        tx.clear_hints("glpi", [])


def test_a_bad_ticket_is_looked_at_again_ever_more_seldom(store: SqlStore) -> None:
    waits = []
    now = NOW
    with store.begin() as tx:
        for _ in range(12):
            tx.set_aside([bad()], now)
            before = now
            while not tx.aside("glpi", now, 9):
                now += timedelta(minutes=5)
            waits.append((now - before) // MINUTE)
    assert waits == [5, 10, 20, 40, 80, 160, 320, 640, 1280, 1440, 1440, 1440]


def test_set_aside_by_tool_and_readmitted(store: SqlStore) -> None:
    with store.begin() as tx:
        tx.set_aside([bad("1"), bad("2"), bad("1", tool="snow"), bad("2", what="later one counts")], NOW)
        tx.set_aside([], NOW)
        assert tx.aside("glpi", NOW, 9) == []
        assert tx.aside("glpi", NOW + timedelta(hours=1), 9) == ["1", "2"]
        tx.readmit("glpi", ["1", "unknown"])
        assert tx.aside("glpi", NOW + timedelta(hours=1), 9) == ["2"]
        assert tx.aside("snow", NOW + timedelta(hours=1), 9) == ["1"]
