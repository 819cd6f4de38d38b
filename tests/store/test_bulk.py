"""Many rows go in together, whatever their number."""

from __future__ import annotations

import sqlite3

import psycopg
import pytest
from sqlalchemy import select

from connector.domain.errors import Conflict
from connector.ports import Change
from connector.store import SqlStore
from connector.store.bulk import FEW, TOGETHER, inserting, updating
from connector.store.tables import leases
from tests.store.making import NOW, event, ticket


@pytest.mark.parametrize("count", [1, FEW, FEW + 1, TOGETHER - 1, TOGETHER, TOGETHER + 1, 2 * TOGETHER + 3])
def test_any_number_of_tickets_is_saved_in_order(store: SqlStore, count: int) -> None:
    with store.begin() as tx:
        keys = tx.save([Change(ticket=ticket(f"id{n}"), events=[event("a")]) for n in range(count)])
    with store.read() as tx:
        assert [tx.by_key(keys)[key].ticket.id for key in keys] == [f"id{n}" for n in range(count)]
        assert all(len(history) == 1 for history in tx.history(keys).values())


def test_one_ticket_already_there_stops_all_of_them(store: SqlStore) -> None:
    with store.begin() as tx:
        tx.save([Change(ticket=ticket("id7"))])
    with pytest.raises(Conflict), store.begin() as tx:
        tx.save([Change(ticket=ticket(f"id{n}")) for n in range(TOGETHER + 1)])
    with store.read() as tx:
        assert list(tx.tickets("glpi", [f"id{n}" for n in range(TOGETHER + 1)])) == ["id7"]


def test_steps_carried_out_together_say_how_many_rows_each_wrote(store: SqlStore) -> None:
    columns = ("name", "owner", "until")
    with store.begin() as tx:
        at = tx.bulk.at(NOW)
        assert tx.bulk.together(tx.conn, [inserting(tx.bulk, leases, columns, [("a", "x", at), ("b", "x", at)])]) == [2]
    with store.begin() as tx:
        assert tx.bulk.together(tx.conn, [
            updating(tx.bulk, leases, ("owner",), ("name",), ("y", "a")),
            updating(tx.bulk, leases, ("owner",), ("name", "owner"), ("y", "b", "z")),
            inserting(tx.bulk, leases, columns, [("b", "z", at), ("c", "z", at)], new=True),
        ]) == [1, 0, 1]
    with store.read() as tx:
        assert sorted(tuple(row) for row in tx.run(select(leases.c.name, leases.c.owner))) == [
            ("a", "y"), ("b", "x"), ("c", "z")]


def test_of_steps_carried_out_together_none_stays_when_one_fails(store: SqlStore) -> None:
    with pytest.raises((sqlite3.IntegrityError, psycopg.errors.UniqueViolation)), store.begin() as tx:
        tx.bulk.together(tx.conn, [
            inserting(tx.bulk, leases, ("name", "owner", "until"), [(name, "x", tx.bulk.at(NOW))]) for name in "aba"])
    with store.read() as tx:
        assert tx.run(select(leases.c.name)).all() == []
