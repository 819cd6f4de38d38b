"""Tickets are saved in pages, once, and only over the revision that was read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import event as listening

from connector.domain.errors import Conflict
from connector.domain.history import EventKind
from connector.domain.ticket import Kind, PendingOn, State
from connector.ports import Change
from connector.store import SqlStore
from tests.store.making import NOW, event, ticket


def test_a_ticket_comes_back_as_it_was_saved(store: SqlStore) -> None:
    given = ticket(
        kind=Kind.SERVICE_REQUEST, state=State.PENDING, pending_on=PendingOn.SUPPLIER, priority="P2", level=2,
        tags=("vpn", "été"), custom={"cost": 12.5, "code": "X", "ok": True, "none": None},
        resolved_at=NOW + timedelta(microseconds=7), description="Zeile 1\n\N{GRINNING FACE}",
    )  # fmt: skip
    with store.begin() as tx:
        (key,) = tx.save([Change(ticket=given)])
    with store.read() as tx:
        assert tx.tickets("glpi", ["1"])["1"].ticket == given
        assert tx.by_key([key])[key].ticket == given


def test_keys_come_back_in_the_order_of_the_changes(store: SqlStore) -> None:
    with store.begin() as tx:
        first, second = tx.save([Change(ticket=ticket("a")), Change(ticket=ticket("b"))])
        known = tx.tickets("glpi", ["a", "b"])
        keys = tx.save([
            Change(ticket=ticket("c")),
            Change(ticket=ticket("b", title="other"), before=known["b"]),
            Change(ticket=ticket("d")),
            Change(ticket=ticket("a", title="other"), before=known["a"]),
        ])
        found = tx.by_key(keys)
    assert [found[key].ticket.id for key in keys] == ["c", "b", "d", "a"]
    assert (keys[3], keys[1]) == (first, second)


def test_the_same_id_in_two_tools_is_two_tickets(store: SqlStore) -> None:
    with store.begin() as tx:
        keys = tx.save([Change(ticket=ticket("1", tool="glpi")), Change(ticket=ticket("1", tool="snow"))])
        assert len(set(keys)) == 2
        assert tx.tickets("snow", ["1"])["1"].key == keys[1]


def test_a_stale_revision_raises_conflict_and_changes_nothing(store: SqlStore) -> None:
    with store.begin() as tx:
        tx.save([Change(ticket=ticket("1")), Change(ticket=ticket("2"))])
        stale = tx.tickets("glpi", ["1", "2"])
        tx.save([Change(ticket=ticket("1", title="newer"), before=stale["1"])])
    with pytest.raises(Conflict), store.begin() as tx:
        tx.save([Change(ticket=ticket(id, title="older"), before=stale[id], events=[event("x")]) for id in "21"])
    with store.read() as tx:
        found = tx.tickets("glpi", ["1", "2"])
        assert [found[id].ticket.title for id in "12"] == ["newer", "Printer 2 is out of paper"]
        assert tx.history([found["2"].key]) == {found["2"].key: []}


def test_a_ticket_inserted_twice_raises_conflict(store: SqlStore) -> None:
    with store.begin() as tx:
        tx.save([Change(ticket=ticket("1"))])
    with pytest.raises(Conflict), store.begin() as tx:
        tx.save([Change(ticket=ticket("1"))])


def test_an_exception_in_the_block_undoes_everything(store: SqlStore) -> None:
    with pytest.raises(ZeroDivisionError), store.begin() as tx:
        tx.save([Change(ticket=ticket("1"), events=[event()])]) and 1 / 0
    with store.read() as tx:
        assert tx.tickets("glpi", ["1"]) == {}


def test_a_page_of_1000_tickets_costs_a_handful_of_statements(store: SqlStore) -> None:
    seen: list[str] = []
    page = [Change(ticket=ticket(str(n)), events=[event(), event("two")]) for n in range(1000)]
    with store.begin() as tx:
        listening.listen(tx.conn, "before_cursor_execute", lambda c, cur, sql, *rest: seen.append(sql))
        found = tx.tickets("glpi", [str(n) for n in range(1000)])
        keys = tx.save(page)
        again = tx.by_key(keys, lock=True)
    assert (len(found), len(again)) == (0, 1000)
    assert len(seen) <= 6


@pytest.mark.parametrize("count", [0, 40_000])
def test_more_ids_than_a_statement_takes_parameters(store: SqlStore, count: int) -> None:
    ids = [str(n) for n in range(count)]
    with store.begin() as tx:
        tx.save([Change(ticket=ticket("7"))])
        assert len(tx.tickets("glpi", ids)) == (1 if count else 0)
        assert len(tx.by_key(range(1, count + 1))) == (1 if count else 0)


def test_base_history_due_and_missing_since_are_kept_and_cleared(store: SqlStore) -> None:
    base, wish = ticket(title="theirs"), ticket(title="ours")
    with store.begin() as tx:
        tx.save([Change(ticket=wish, base=base, history_due=True, missing_since=NOW)])
        known = tx.tickets("glpi", ["1"], lock=True)["1"]
        assert (known.ticket, known.base, known.history_due, known.missing_since) == (wish, base, True, NOW)
        tx.save([Change(ticket=wish, before=known)])
        after = tx.tickets("glpi", ["1"])["1"]
    assert (after.base, after.history_due, after.missing_since) == (None, False, None)
    assert after.revision == known.revision + 1


def test_saving_without_a_moment_leaves_the_next_check_as_it_is(store: SqlStore) -> None:
    later = NOW + timedelta(hours=1)
    with store.begin() as tx:
        (key,) = tx.save([Change(ticket=ticket(), next_check_at=NOW)])
        tx.save([Change(ticket=ticket(title="a"), before=tx.by_key([key])[key])])
        assert [found.key for found in tx.due(NOW, 10)] == [key]
        tx.save([Change(ticket=ticket(title="b"), before=tx.by_key([key])[key], next_check_at=later)])
        assert tx.due(NOW, 10) == []
        assert [found.key for found in tx.due(later, 10)] == [key]


def test_due_tickets_come_longest_due_first_and_cleared_ones_never(store: SqlStore) -> None:
    with store.begin() as tx:
        a, b, c = tx.save([Change(ticket=ticket(id)) for id in "abc"])
        assert len(tx.due(NOW, 10)) == 3, "what was saved is to be looked at at once"
        tx.schedule({a: NOW, b: NOW - timedelta(minutes=1), c: NOW + timedelta(microseconds=1)})
        assert [found.key for found in tx.due(NOW, 10)] == [b, a]
        assert [found.key for found in tx.due(NOW, 1)] == [b]
        tx.schedule({a: None, b: None})
        assert tx.due(NOW, 10) == []


def test_the_history_backlog_is_by_tool_and_bounded(store: SqlStore) -> None:
    with store.begin() as tx:
        tx.save([Change(ticket=ticket(str(n)), history_due=True) for n in range(3)])
        tx.save([Change(ticket=ticket("x", tool="snow"), history_due=True), Change(ticket=ticket("done"))])
        assert [found.ticket.id for found in tx.history_backlog("glpi", 2)] == ["0", "1"]
        assert [found.ticket.id for found in tx.history_backlog("snow", 9)] == ["x"]


def test_a_sweep_marks_what_it_did_not_see_and_forgives_what_came_back(store: SqlStore) -> None:
    later = NOW + timedelta(days=1)
    with store.begin() as tx:
        tx.save([Change(ticket=ticket(id)) for id in "abc"])
        tx.save([Change(ticket=ticket("gone", deleted=True)), Change(ticket=ticket("a", tool="snow"))])
        first = tx.missing("glpi", iter(["a"]), NOW)
        second = tx.missing("glpi", iter(["b", "new"]), later)
    assert {found.ticket.id: found.missing_since for found in first} == {"b": NOW, "c": NOW}
    assert {found.ticket.id: found.missing_since for found in second} == {"a": later, "c": NOW}
    with store.begin() as tx:
        assert tx.missing("glpi", iter(["a", "b", "c"]), later) == []


def test_a_naive_time_is_refused(store: SqlStore) -> None:
    naive = datetime(2026, 1, 1)  # noqa: DTZ001
    with pytest.raises(ValueError, match="naive"), store.begin() as tx:
        tx.save([Change(ticket=ticket(updated_at=naive))])
    with pytest.raises(Exception, match="naive"), store.begin() as tx:
        tx.move_cursor("glpi", "changes", {}, naive)


def test_times_of_other_zones_are_the_same_instant_in_utc(store: SqlStore) -> None:
    zurich = datetime(2026, 3, 2, 10, 0, tzinfo=timezone(timedelta(hours=1)))
    with store.begin() as tx:
        (key,) = tx.save([Change(ticket=ticket(), missing_since=zurich)])
        found = tx.by_key([key])[key].missing_since
    assert found == NOW
    assert found is not None
    assert found.tzinfo is UTC


HOSTILE = "a\0b\ud800\N{PILE OF POO}" + "x" * 10_000


def test_a_hostile_text_stops_neither_its_ticket_nor_the_page(store: SqlStore) -> None:
    bad = ticket("bad", title=HOSTILE, number=HOSTILE, group=HOSTILE, assignee=HOSTILE, customer=HOSTILE,
                 service=HOSTILE, supplier=HOSTILE, priority=HOSTILE, description=HOSTILE)
    with store.begin() as tx:
        tx.save([Change(ticket=bad, events=[event(text=HOSTILE, new=HOSTILE)]), Change(ticket=ticket("good"))])
        found = tx.tickets("glpi", ["bad", "good"])
        assert set(found) == {"bad", "good"}
        assert found["bad"].ticket.title == HOSTILE.replace("\ud800", "?")
        (seen,) = tx.history([found["bad"].key])[found["bad"].key]
        assert seen.text == HOSTILE.replace("\ud800", "?")


def test_reading_cannot_write(store: SqlStore) -> None:
    with pytest.raises(Exception, match=r"(?i)read.?only"), store.read() as tx:
        tx.move_cursor("glpi", "changes", {}, NOW)
    with store.begin() as tx:
        tx.move_cursor("glpi", "changes", {"after": 1}, NOW)


def test_a_reader_sees_one_moment_whatever_is_written_meanwhile(store: SqlStore) -> None:
    with store.read() as reader:
        assert reader.tickets("glpi", ["1"]) == {}
        with store.begin() as writer:
            writer.save([Change(ticket=ticket("1"))])
        assert reader.tickets("glpi", ["1"]) == {}
    with store.read() as reader:
        assert set(reader.tickets("glpi", ["1"])) == {"1"}


def test_deleted_tickets_are_kept(store: SqlStore) -> None:
    with store.begin() as tx:
        tx.save([Change(ticket=ticket(deleted=True), events=[event(kind=EventKind.DELETED)])])
        assert tx.tickets("glpi", ["1"])["1"].ticket.deleted
