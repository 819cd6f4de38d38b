"""Tries of deliveries: kept with what ends them, or as lost by who takes over; few of many; gone with it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connector.domain.attempt import FIRST, LAST, Attempt, Exchange, Outcome
from connector.domain.delivery import Delivery
from connector.store import SqlStore
from connector.store.sql import SqlTx
from tests.store.making import NOW, order

LEASE = timedelta(minutes=2)
EXCHANGE = Exchange(method="POST", address="partner.example/hooks", content_type="application/json", size=12,
                    sha256="ab" * 32, headers={"webhook-id": "m1"}, ms=31, status=429,
                    answer_headers={"retry-after": "30"}, answer="slow \N{PILE OF POO} down")


def claim(tx: SqlTx, owner: str = "w1", after: timedelta = timedelta(0)) -> Delivery:
    (found,) = tx.claim(owner, NOW + after, LEASE, {"glpi": 10})
    return found


def tried(delivery: Delivery, outcome: Outcome = Outcome.RETRY, **more: object) -> Attempt:
    began = NOW + timedelta(microseconds=7 + delivery.attempts)
    return Attempt(n=delivery.attempts + 1, started_at=began, ms=40, outcome=outcome,
                   **more)  # type: ignore[arg-type]


def placed(tx: SqlTx) -> None:
    tx.enqueue([order("k")], NOW)


def test_a_try_comes_back_as_it_was_kept(store: SqlStore) -> None:
    with store.begin() as tx:
        placed(tx)
        first = claim(tx)
        one = tried(first, reason="status 429", calls=9, exchanges=(EXCHANGE,))
        assert tx.retry(first, NOW, "status 429", one)
        second = claim(tx)
        two = tried(second, Outcome.DONE)
        assert tx.done(second, NOW, {}, two)
    with store.read() as tx:
        assert tx.attempts(first.id) == [one, two]
        assert tx.latest_attempts([first.id, 99]) == {first.id: two}
        assert tx.latest_attempts([]) == {}
        assert tx.attempts_to("glpi", 10) == [("k", two), ("k", one)]
        assert tx.attempts_to("glpi", 1) == [("k", two)]
        assert tx.attempts_to("desk", 10) == []


def test_what_no_database_takes_is_replaced(store: SqlStore) -> None:
    with store.begin() as tx:
        placed(tx)
        got = claim(tx)
        assert tx.bury(got, NOW, "no", tried(got, Outcome.REFUSED, reason="nul \0 here"))
        assert tx.attempts(got.id)[0].reason in ("nul \0 here", "nul \N{REPLACEMENT CHARACTER} here")


def test_a_try_that_is_not_told_of_is_not_made_up(store: SqlStore) -> None:
    with store.begin() as tx:
        placed(tx)
        got = claim(tx)
        assert tx.done(got, NOW, {})
        assert tx.attempts(got.id) == []


def test_who_takes_an_expired_lease_over_keeps_the_try_of_the_former_owner_as_lost(store: SqlStore) -> None:
    with store.begin() as tx:
        placed(tx)
        slow = claim(tx)
    with store.begin() as tx:
        fast = claim(tx, "w2", LEASE)
        (lost,) = tx.attempts(slow.id)
        assert (lost.n, lost.outcome, lost.ms, lost.started_at) == (1, Outcome.LOST, None, NOW)
        assert not tx.done(slow, NOW, {}, tried(slow, Outcome.DONE)), "its answer comes too late"
        assert [one.outcome for one in tx.attempts(slow.id)] == [Outcome.LOST]
        assert tx.done(fast, NOW, {}, tried(fast, Outcome.DONE))
        assert [(one.n, one.outcome) for one in tx.attempts(slow.id)] == [(1, Outcome.LOST), (2, Outcome.DONE)]


def test_what_a_dead_process_held_is_lost_when_it_is_given_back(store: SqlStore) -> None:
    with store.begin() as tx:
        placed(tx)
        got = claim(tx)
        assert tx.release("w2", LEASE) == 0
        assert tx.release("w1", LEASE) == 1
        (lost,) = tx.attempts(got.id)
        assert (lost.n, lost.outcome, lost.started_at) == (1, Outcome.LOST, NOW)
        again = claim(tx)
        assert tx.retry(again, NOW, "later", tried(again))
        assert [one.n for one in tx.attempts(got.id)] == [1, 2]


@pytest.mark.parametrize("lost", [False, True])
def test_of_many_tries_the_first_and_the_latest_are_kept(store: SqlStore, lost: bool) -> None:
    count = FIRST + LAST + 12
    with store.begin() as tx:
        placed(tx)
        for _ in range(count):
            got = claim(tx)
            if lost:
                tx.release("w1", LEASE)
            else:
                assert tx.retry(got, NOW, "down", tried(got))
        kept = [one.n for one in tx.attempts(got.id)]
    assert kept == [*range(1, FIRST + 1), *range(count - LAST + 1, count + 1)]


def test_tries_go_with_their_delivery_and_not_before(store: SqlStore) -> None:
    with store.begin() as tx:
        placed(tx)
        got = claim(tx)
        assert tx.done(got, NOW, {}, tried(got, Outcome.DONE))
        assert tx.prune_deliveries(NOW, 10) == 0
        assert len(tx.attempts(got.id)) == 1
        assert tx.prune_deliveries(NOW + timedelta(days=1), 10) == 1
        assert tx.attempts(got.id) == []


def test_many_claimed_at_once_cost_the_takeover_one_statement_for_all(store: SqlStore) -> None:
    with store.begin() as tx:
        tx.enqueue([order(f"k{n}", lane=f"l{n}") for n in range(300)], NOW)
        tx.claim("w1", NOW, LEASE, {"glpi": 300})
    with store.begin() as tx:
        taken = tx.claim("w2", NOW + LEASE, LEASE, {"glpi": 300})
        found = tx.latest_attempts([one.id for one in taken])
    assert len(found) == 300
    assert {one.outcome for one in found.values()} == {Outcome.LOST}
