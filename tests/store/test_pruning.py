"""What may go goes in parts, and nothing else does."""

from __future__ import annotations

from datetime import datetime, timedelta

from connector.domain.history import EventKind
from connector.domain.ticket import State
from connector.ports import Change
from connector.store import SqlStore
from connector.store.overview import Overview
from connector.store.sql import SqlTx
from tests.store.making import NOW, event, order, ticket

LATER = NOW + timedelta(days=200)


def finish(tx: SqlTx, name: str, ticket: int | None, now: datetime = NOW, end: str = "done") -> None:
    tx.enqueue([order(name, lane=name, ticket=ticket)], now)
    (claimed,) = tx.claim("w", now, timedelta(minutes=2), {"glpi": 10})
    if end == "done":
        assert tx.done(claimed, now, {})
    elif end == "dead":
        assert tx.bury(claimed, now, "no")
    elif end == "waiting":
        assert tx.retry(claimed, now + timedelta(days=900), "later")


def left(store: SqlStore, *keys: str) -> set[str]:
    """Of these keys, those that are still known: they cannot be enqueued again."""
    with store.begin() as tx:
        return set(keys) - set(tx.enqueue([order(key, lane=key) for key in keys], LATER))


def test_finished_deliveries_of_ended_tickets_go_after_their_time(store: SqlStore) -> None:
    with store.begin() as tx:
        closed, deleted, open_ = tx.save([
            Change(ticket=ticket("1", state=State.CLOSED)), Change(ticket=ticket("2", deleted=True)),
            Change(ticket=ticket("3"))])
        for name, key in (("closed", closed), ("deleted", deleted), ("open", open_), ("none", None)):
            finish(tx, name, key)
        finish(tx, "young", closed, LATER)
        assert tx.prune_deliveries(NOW + timedelta(days=20), 100) == 3
    assert left(store, "closed", "deleted", "open", "none", "young") == {"open", "young"}


def test_what_is_not_finished_and_dead_letters_are_never_removed(store: SqlStore) -> None:
    with store.begin() as tx:
        (key,) = tx.save([Change(ticket=ticket(state=State.CLOSED))])
        finish(tx, "dead", key, end="dead")
        finish(tx, "waiting", key, end="waiting")
        finish(tx, "leased", key, end="leased")
        assert tx.prune_deliveries(LATER, 100) == 0
    assert left(store, "dead", "waiting", "leased") == {"dead", "waiting", "leased"}


def test_a_dropped_delivery_is_finished(store: SqlStore) -> None:
    with store.begin() as tx:
        finish(tx, "dropped", None, end="dead")
        (id,) = [row.id for row in tx.conn.exec_driver_sql("SELECT id FROM deliveries")]
        assert tx.drop([id], NOW, "not needed") == 1
        assert tx.prune_deliveries(LATER, 100) == 1


def test_parts_are_no_larger_than_asked_and_the_oldest_go_first(store: SqlStore) -> None:
    with store.begin() as tx:
        for n in range(5):
            finish(tx, f"k{n}", None)
        assert [tx.prune_deliveries(LATER, 2) for _ in range(4)] == [2, 2, 1, 0]
        for n in range(5):
            tx.first_time("glpi", f"m{n}", "d", NOW + timedelta(days=n))
            tx.audit(NOW + timedelta(days=n), "a", "edit", f"s{n}", {})
        assert [tx.prune_inbox(NOW + timedelta(days=3), 2) for _ in range(3)] == [2, 1, 0]
        assert [tx.prune_audit(NOW + timedelta(days=3), 2) for _ in range(3)] == [2, 1, 0]
        assert tx.first_time("glpi", "m3", "d", LATER) == "repeat"
        assert tx.first_time("glpi", "m2", "d", LATER) == "new"
        assert [row.subject for row in tx.conn.exec_driver_sql("SELECT subject FROM audit ORDER BY id")] == ["s3", "s4"]


def test_impossible_events_are_counted(store: SqlStore) -> None:
    clamped = [event(f"clamped/{n}", kind=EventKind.CLAMPED, data={"event": "x"}) for n in range(2)]
    with store.begin() as tx:
        tx.save([Change(ticket=ticket(), events=[event(), *clamped])])
    assert Overview(store).counts().clamped == 2


def test_what_is_kept_for_all_tools_makes_no_tool_without_a_name(store: SqlStore) -> None:
    with store.begin() as tx:
        tx.move_cursor("", "agreements", {"is": "x"}, NOW)
    assert Overview(store).connections(NOW) == []
