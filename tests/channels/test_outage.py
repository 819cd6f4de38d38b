"""A supplier that is away for three days: nothing is lost, each handoff keeps its order, nobody is hammered."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connector.channels.webhook import GIVE_UP, WebhookChannel
from connector.domain.delivery import Order
from connector.flows import deliver
from connector.ports import Deps
from connector.settings.supplier_keys import SupplierKeys
from connector.store import SqlStore
from tests.channels.endpoint import NEW, RECEIVER, Endpoint
from tests.flows.fake_tool import Clock

DAYS = 3


def order(handoff: int, sequence: int) -> Order:
    payload = {"type": "handoff.comment_added", "time": "2026-03-02T09:00:00+00:00", "handoff": f"H{handoff}",
               "data": {"handoff_id": f"H{handoff}", "sequence": sequence}}
    return Order(key=f"handoff/H{handoff}/{sequence}", target=RECEIVER.target, verb="handoff",
                 lane=f"handoff/H{handoff}", payload=payload)


@pytest.mark.parametrize("status", [500, 503, 404, 422])
def test_away_for_three_days_nothing_is_lost(sqlite_store: SqlStore, status: int) -> None:
    clock, away = Clock(), True
    there = Endpoint(lambda headers, body: (status if away else 202, {}, b""))
    channel = WebhookChannel(RECEIVER, SupplierKeys({"HOSTING_SECRET": NEW}), there.guarded())
    deps = Deps(store=sqlite_store, tools={}, now=clock, channels={channel.name: channel})
    try:
        with sqlite_store.begin() as tx:
            tx.enqueue([order(handoff, sequence) for handoff in range(3) for sequence in range(3)], clock())
        began = clock()
        while clock() - began < timedelta(days=DAYS):
            deliver.tick(deps)
            clock.forward(1800)
        tries = len(there.got)
        away = False
        for _ in range(40):
            deliver.tick(deps)
            clock.forward(120)
    finally:
        there.close()
    taken = [headers["webhook-id"] for headers, _ in there.got[tries:]]
    assert sorted(taken) == sorted(order(handoff, sequence).key for handoff in range(3) for sequence in range(3))
    for handoff in range(3):
        assert [id for id in taken if id.startswith(f"handoff/H{handoff}/")] == [
            f"handoff/H{handoff}/{sequence}" for sequence in range(3)]
    assert tries < DAYS * 24 * 2 * 3 + 20, "at most one message of each handoff at each look"


def test_messages_are_given_up_after_about_three_days() -> None:
    assert timedelta(days=DAYS) < GIVE_UP <= timedelta(days=4)
