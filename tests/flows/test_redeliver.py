"""Sending a message again."""

from __future__ import annotations

import pytest

from connector.domain.delivery import DeliveryState
from connector.domain.handoffs.supplier_envelope import envelope
from connector.flows import deliver, redeliver
from connector.ports import Deps
from connector.store import SqlStore
from connector.store.queries import Queries
from tests.flows.fake_channel import FakeChannel, order, with_channels

BODY = {"type": "handoff.offered", "time": "2026-03-02T09:00:00+00:00", "handoff": "H1", "data": {}}


@pytest.fixture
def there() -> FakeChannel:
    return FakeChannel("supplier:hosting")


@pytest.fixture
def both(deps: Deps, there: FakeChannel) -> Deps:
    return with_channels(deps, there, FakeChannel("mail"))


def repeat(deps: Deps, id: int = 1) -> bool:
    assert isinstance(deps.store, SqlStore)
    row = Queries(deps.store).delivery(id)
    assert row is not None
    said = {"target": row.target, "verb": row.verb, "lane": row.lane, "payload": row.payload, "ticket": row.ticket}
    return redeliver.again(deps, id, row.key, row.state, said, "user:anna")


def send(deps: Deps, target: str = "supplier:hosting") -> None:
    with deps.store.begin() as tx:
        tx.enqueue([order("handoff/H1/2", target, "handoff/H1", **BODY)], deps.now())


def test_a_message_sent_again_is_the_same_message(both: Deps, there: FakeChannel) -> None:
    send(both)
    deliver.tick(both)
    assert repeat(both)
    deliver.tick(both)
    first, second = (envelope(one.key, one.payload, "") for one in there.got)
    assert first == second
    assert [one.key for one in there.got] == ["handoff/H1/2", "handoff/H1/2~1"]


def test_asked_twice_it_is_sent_once_more(both: Deps, there: FakeChannel) -> None:
    send(both)
    deliver.tick(both)
    assert repeat(both)
    assert repeat(both)
    deliver.tick(both)
    deliver.tick(both)
    assert len(there.got) == 2


def test_what_was_sent_again_can_be_sent_again(both: Deps, there: FakeChannel) -> None:
    send(both)
    deliver.tick(both)
    repeat(both)
    deliver.tick(both)
    assert repeat(both, 2)
    deliver.tick(both)
    assert len({envelope(one.key, one.payload, "")["id"] for one in there.got}) == 1
    assert len(there.got) == 3


def test_what_is_on_its_way_is_not_repeated(both: Deps) -> None:
    send(both)
    assert not repeat(both)


def test_other_targets_are_not_repeated(both: Deps) -> None:
    send(both, "mail")
    deliver.tick(both)
    assert not repeat(both)
    assert not redeliver.again(both, 9, "k", DeliveryState.DONE, {"target": "glpi", "verb": "comment", "lane": "l",
                                                                  "payload": {}, "ticket": None}, "user:anna")
