"""Handoffs in the store: what is written comes back, nobody overwrites anybody, damage is found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import text

from connector.domain.errors import Conflict
from connector.domain.handoffs.chain import EntryKind, broken
from connector.domain.handoffs.handoff import Handoff, Moved, move, note
from connector.domain.handoffs.moves import HandoffState, Move, Side
from connector.domain.ticket import Kind, State, Ticket
from connector.ports import Change
from connector.store import SqlStore, admin
from connector.store.verify import verify
from tests.store.making import event

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
DIGEST = "ab" * 32


def a_ticket(store: SqlStore, id: str = "1") -> int:
    with store.begin() as tx:
        ticket = Ticket(tool="desk", id=id, kind=Kind.INCIDENT, state=State.NEW, opened_at=NOW, updated_at=NOW)
        (key,) = tx.save([Change(ticket=ticket)])
        return key


def drafted(ticket: int, id: str = "h1", **values: object) -> Moved:
    return Moved(handoff=Handoff(id=id, ticket=ticket, receiver="hosting", created_at=NOW, **values),  # type: ignore[arg-type]
                 entries=())


def offered(ticket: int, id: str = "h1") -> Moved:
    draft = drafted(ticket, id, details={"site": "Zürich"}, reply_by=NOW + timedelta(hours=1), ours="INC1")
    return draft.then(move(draft.handoff, Side.OURS, Move.OFFER, NOW, actor="Zoé", body={"n": 1}))


def test_a_handoff_comes_back_as_it_was_with_its_history(store: SqlStore) -> None:
    ticket = a_ticket(store)
    made = offered(ticket)
    with store.begin() as tx:
        tx.save_handoffs([made])
    with store.read() as tx:
        back = tx.handoffs(["h1", "h2"])
        entries = tx.entries(["h1", "h2"])
        assert tx.handoffs_of([ticket, 99]) == {ticket: [back["h1"]]}
    assert back["h1"].revision == 1
    assert back["h1"].details == {"site": "Zürich"}
    assert (back["h1"].head, back["h1"].state) == (made.handoff.head, HandoffState.OFFERED)
    assert entries == {"h1": list(made.entries), "h2": []}
    assert broken("h1", entries["h1"], back["h1"].head) == ""


def test_who_read_an_older_revision_may_not_write(store: SqlStore) -> None:
    ticket = a_ticket(store)
    with store.begin() as tx:
        tx.save_handoffs([offered(ticket)])
    with store.read() as tx:
        old = tx.handoffs(["h1"])["h1"]
    with store.begin() as tx:
        tx.save_handoffs([move(old, Side.THEIRS, Move.ACKNOWLEDGE, NOW)])
    with pytest.raises(Conflict), store.begin() as tx:
        tx.save_handoffs([move(old, Side.THEIRS, Move.DECLINE, NOW, reason="no")])
    with pytest.raises(Conflict), store.begin() as tx:
        tx.save_handoffs([offered(ticket)])
    with store.read() as tx:
        assert tx.handoffs(["h1"])["h1"].state is HandoffState.ACKNOWLEDGED
        assert len(tx.entries(["h1"])["h1"]) == 2


def test_events_and_the_next_look_are_written_with_a_handoff_or_not_at_all(store: SqlStore) -> None:
    ticket, later = a_ticket(store), NOW + timedelta(days=1)
    with store.begin() as tx:
        tx.save_handoffs([offered(ticket)], [(ticket, event("one")), (ticket, event("one"))], NOW)
        assert [stored.key for stored in tx.due(NOW, 5)] == [ticket]
        tx.schedule({ticket: later})
    old = offered(ticket).handoff
    with pytest.raises(Conflict), store.begin() as tx:
        tx.save_handoffs([move(replace(old, revision=7), Side.THEIRS, Move.ACKNOWLEDGE, NOW)], [(ticket, event("two"))],
                         NOW)
    with store.read() as tx:
        assert [one.key for one in tx.history([ticket])[ticket]] == ["one"]
        assert tx.due(NOW, 5) == []
        assert len(tx.entries(["h1"])["h1"]) == 1


def test_a_handoff_for_writing_comes_with_its_ticket_and_the_others_of_that_ticket(store: SqlStore) -> None:
    ticket, other = a_ticket(store), a_ticket(store, "2")
    with store.begin() as tx:
        tx.save_handoffs([offered(ticket), offered(ticket, "h2"), offered(other, "h3")])
    with store.begin() as tx:
        found = tx.handed("h2")
        assert found is not None
        assert (found.ticket.key, found.handoff.id, [one.id for one in found.others]) == (ticket, "h2", ["h1"])
        assert tx.handed("h9") is None


def test_of_the_marks_asked_for_those_the_handoff_has_come_with_it_each_handoff_once(store: SqlStore) -> None:
    ticket = a_ticket(store)
    with store.begin() as tx:
        for id, marks in (("h1", ("a", "b", "c")), ("h2", ("d",))):
            said = offered(ticket, id)
            for mark in marks:
                said = said.then(note(said.handoff, Side.THEIRS, EntryKind.COMMENT, NOW, mark=mark))
            tx.save_handoffs([said])
    with store.begin() as tx:
        found = tx.handed("h1", ["a", "c", "d", "", "e\0\ud800"])
        assert found is not None
        assert found.marks == {"a", "c"}
        assert [one.id for one in found.others] == ["h2"]


def test_an_entry_with_a_mark_is_told_once(store: SqlStore) -> None:
    ticket = a_ticket(store)
    with store.begin() as tx:
        tx.save_handoffs([offered(ticket)])
    for mark, works in (("comment/theirs/1", True), ("comment/theirs/1", False), ("", True), ("", True)):
        with store.read() as tx:
            now = tx.handoffs(["h1"])["h1"]
        said = note(now, Side.THEIRS, EntryKind.COMMENT, NOW, body={"text": "hello"}, mark=mark)
        if works:
            with store.begin() as tx:
                tx.save_handoffs([said])
        else:
            with pytest.raises(Conflict), store.begin() as tx:
                tx.save_handoffs([said])


def test_files_of_handoffs_are_needed_by_their_hash(store: SqlStore) -> None:
    ticket = a_ticket(store)
    body = {"name": "log.txt", "media_type": "text/plain", "size": 5, "sha256": DIGEST}
    made = offered(ticket)
    made = made.then(note(made.handoff, Side.THEIRS, EntryKind.FILE, NOW, body=body, mark=f"file/{DIGEST}"))
    with store.begin() as tx:
        tx.save_handoffs([made])
    with store.read() as tx:
        assert tx.needed_files([DIGEST, "cd" * 32]) == {DIGEST}
        assert tx.needed_files([]) == set()


def test_verify_finds_a_history_that_was_tampered_with(store: SqlStore, store_url: str) -> None:
    ticket = a_ticket(store)
    made = offered(ticket).then(move(offered(ticket).handoff, Side.THEIRS, Move.ACKNOWLEDGE, NOW, actor="them"))
    with store.begin() as tx:
        tx.save_handoffs([made, offered(ticket, "h2")])
    assert verify(store_url, now=NOW).problems == []
    with store.begin() as tx:
        tx.conn.execute(text("UPDATE handoff_entries SET document = replace(document, 'them', 'we')"))
        tx.conn.execute(text("DELETE FROM handoff_entries WHERE handoff = 'h2'"))
    assert verify(store_url, now=NOW).problems == ["handoff h1: entry 2 was changed",
                                                  "handoff h2: the last entries are missing"]


def test_a_backup_holds_handoffs(store: SqlStore, store_url: str, tmp_path: Path) -> None:
    ticket = a_ticket(store)
    with store.begin() as tx:
        tx.save_handoffs([offered(ticket)])
    admin.backup(store_url, tmp_path / "copy.db")
    found = verify(f"sqlite:///{tmp_path / 'copy.db'}", now=NOW)
    assert found.problems == []
    assert (found.counts["handoffs"], found.counts["handoff_entries"], found.counts["handoff_files"]) == (1, 1, 0)
