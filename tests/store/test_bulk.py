"""Many rows go in together, whatever their number."""

from __future__ import annotations

import pytest

from connector.domain.errors import Conflict
from connector.ports import Change
from connector.store import SqlStore
from connector.store.bulk import TOGETHER
from tests.store.making import event, ticket


@pytest.mark.parametrize("count", [1, TOGETHER - 1, TOGETHER, TOGETHER + 1, 2 * TOGETHER + 3])
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
