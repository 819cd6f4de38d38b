"""Deliveries: each key once, lanes in order, one claimer at a time, nothing lost when a claimer dies."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from connector.domain.delivery import Delivery
from connector.ports import Change
from connector.store import SqlStore
from connector.store.sql import SqlTx
from tests.store.making import NOW, order, ticket

LEASE = timedelta(minutes=2)
ROOM = {"glpi": 10}


def claim(tx: SqlTx, owner: str = "w1", now: datetime = NOW, room: Mapping[str, int] = ROOM) -> list[Delivery]:
    return tx.claim(owner, now, LEASE, room)


def keys(deliveries: list[Delivery]) -> list[str]:
    return [delivery.key for delivery in deliveries]


def test_a_key_is_enqueued_once_for_ever(store: SqlStore) -> None:
    with store.begin() as tx:
        assert tx.enqueue([order("b"), order("a"), order("b", lane="other")], NOW) == ["b", "a"]
        assert tx.enqueue([order("a"), order("c")], NOW) == ["c"]
        (first,) = claim(tx)
        assert tx.done(first, NOW, {})
        assert tx.enqueue([order(first.key)], NOW) == []


def test_a_claimed_delivery_carries_all_it_was_given(store: SqlStore) -> None:
    payload = {"patch": {"due_at": NOW, "tags": ("a",), "title": "é"}, "list": [1, None]}
    with store.begin() as tx:
        (key,) = tx.save([Change(ticket=ticket())])
        tx.enqueue([order("k", ticket=key, payload=payload, verb="comment")], NOW)
        (got,) = claim(tx)
    assert got == Delivery(id=got.id, key="k", target="glpi", verb="comment", lane="glpi/1", payload=payload,
                           ticket=key, attempts=0, created_at=NOW, owner="w1")


def test_only_the_head_of_a_lane_is_claimed(store: SqlStore) -> None:
    with store.begin() as tx:
        tx.enqueue([order("a1", "a"), order("a2", "a"), order("b1", "b")], NOW)
        heads = claim(tx)
        assert keys(heads) == ["a1", "b1"]
        assert claim(tx, "w2") == []
        assert tx.done(heads[0], NOW, {"id": 1})
        assert keys(claim(tx, "w2")) == ["a2"]


def test_a_retry_in_the_middle_holds_back_its_lane_only(store: SqlStore) -> None:
    later = NOW + timedelta(minutes=1)
    with store.begin() as tx:
        tx.enqueue([order("a1", "a"), order("a2", "a"), order("b1", "b"), order("b2", "b")], NOW)
        a1, b1 = claim(tx)
        assert tx.retry(a1, later, "tool is down")
        assert tx.done(b1, NOW, {})
        assert keys(claim(tx)) == ["b2"]
        again = claim(tx, now=later)
        assert keys(again) == ["a1"]
        assert again[0].attempts == 1


def test_a_delivery_waits_for_its_moment_and_so_does_its_lane(store: SqlStore) -> None:
    later = NOW + timedelta(minutes=1)
    with store.begin() as tx:
        tx.enqueue([order("a1", "a", not_before=later), order("a2", "a")], NOW)
        assert claim(tx) == []
        assert keys(claim(tx, now=later)) == ["a1"]


def test_room_bounds_each_target(store: SqlStore) -> None:
    with store.begin() as tx:
        tx.enqueue([order(f"g{n}", f"g{n}") for n in range(5)], NOW)
        tx.enqueue([order(f"s{n}", f"s{n}", target="snow") for n in range(5)], NOW)
        assert keys(claim(tx, room={"glpi": 2, "snow": 1, "none": 4})) == ["g0", "g1", "s0"]
        assert claim(tx, room={}) == []
        assert claim(tx, room={"glpi": 0, "snow": -1}) == []


def test_an_expired_lease_is_taken_over_and_the_loser_can_do_nothing(store: SqlStore) -> None:
    with store.begin() as tx:
        tx.enqueue([order("a1", "a"), order("a2", "a")], NOW)
        (lost,) = claim(tx, "dead")
        assert claim(tx, "w2", NOW + LEASE - timedelta(microseconds=1)) == []
        (taken,) = claim(tx, "w2", NOW + LEASE)
        assert (taken.key, taken.attempts) == ("a1", 1)
        assert not tx.done(lost, NOW, {})
        assert not tx.retry(lost, NOW, "")
        assert not tx.bury(lost, NOW, "")
        assert tx.done(taken, NOW, {})


def test_a_lease_lost_to_another_thread_of_the_same_process_is_lost_too(store: SqlStore) -> None:
    with store.begin() as tx:
        tx.enqueue([order("a")], NOW)
        (slow,) = claim(tx, "w1")
        (fast,) = claim(tx, "w1", NOW + LEASE)
        assert not tx.done(slow, NOW, {})
        assert tx.done(fast, NOW, {})


def test_done_twice_is_said_once(store: SqlStore) -> None:
    with store.begin() as tx:
        tx.enqueue([order("a")], NOW)
        (got,) = claim(tx)
        assert tx.done(got, NOW, {})
        assert not tx.done(got, NOW, {})


def test_many_are_done_together_and_nobody_elses(store: SqlStore) -> None:
    with store.begin() as tx:
        tx.enqueue([order(key, lane=key) for key in "abcd"], NOW)
        theirs = claim(tx, "w2", room={"glpi": 1})
        mine = claim(tx)
        assert tx.done_together([*mine, *mine], NOW, {"sent": "x"}) == 3
        assert tx.done_together(mine, NOW, {"sent": "x"}) == 0
        assert tx.done(theirs[0], NOW, {})


def test_a_buried_delivery_lets_its_lane_go_on_and_can_be_revived(store: SqlStore) -> None:
    with store.begin() as tx:
        tx.enqueue([order("a1", "a"), order("a2", "a")], NOW)
        (first,) = claim(tx)
        assert tx.bury(first, NOW, "status 400")
        (second,) = claim(tx)
        assert second.key == "a2"
        assert tx.revive(None, "snow", NOW) == 0
        assert tx.revive([first.id, 999], None, NOW) == 1
        # The revived one is earlier, but its lane is in use.
        assert claim(tx) == []
        assert claim(tx, "w2", NOW + LEASE)[0].key == "a2"
        tx.release("w2")
        assert keys(claim(tx)) == ["a1"]


def test_release_gives_back_what_an_owner_holds(store: SqlStore) -> None:
    with store.begin() as tx:
        tx.enqueue([order("a", "a"), order("b", "b")], NOW)
        claim(tx, "w1", room={"glpi": 1})
        claim(tx, "w2")
        assert tx.release("w1") == 1
        assert keys(claim(tx, "w3")) == ["a"]


def test_dropped_deliveries_never_happen(store: SqlStore) -> None:
    with store.begin() as tx:
        tx.enqueue([order("a", "a"), order("b", "b"), order("c", "c")], NOW)
        (held,) = claim(tx, room={"glpi": 1})
        ids = [found.id for found in claim(tx, "w2")]
        tx.release("w2")
        assert tx.drop([held.id, ids[0]], NOW, "not needed") == 1
        assert keys(claim(tx)) == ["c"]
        assert tx.revive(None, None, NOW) == 0


def test_pending_shows_what_is_still_to_be_done_for_a_ticket(store: SqlStore) -> None:
    with store.begin() as tx:
        one, two = tx.save([Change(ticket=ticket("1")), Change(ticket=ticket("2"))])
        tx.enqueue([order(f"k{n}", ticket=one) for n in range(3)] + [order("other", "x", ticket=two)], NOW)
        tx.done(claim(tx)[0], NOW, {})
        claim(tx)
        assert [(found.key, found.owner) for found in tx.pending(one)] == [("k1", "w1"), ("k2", "")]


def test_a_day_of_waiting_deliveries_is_claimed_through_the_index(store: SqlStore) -> None:
    with store.begin() as tx:
        tx.enqueue([order(f"k{n}", f"lane{n % 100}") for n in range(1000)], NOW)
        got = claim(tx, room={"glpi": 7})
        assert len({found.lane for found in got}) == 7
