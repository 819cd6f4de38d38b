"""Messages seen, links, leases and the audit trail."""

from __future__ import annotations

from datetime import timedelta

from connector.store import SqlStore
from tests.store.making import NOW

MINUTE = timedelta(minutes=1)


def test_a_message_is_new_once_then_a_repeat_or_a_clash(store: SqlStore) -> None:
    with store.begin() as tx:
        assert tx.first_time("acme", "m1", "d", NOW) == "new"
        assert tx.first_time("acme", "m1", "d", NOW) == "repeat"
        assert tx.first_time("acme", "m1", "other", NOW) == "clash"
        assert tx.first_time("other", "m1", "d", NOW) == "new"


def test_links_are_per_tool_and_the_last_one_counts(store: SqlStore) -> None:
    with store.begin() as tx:
        tx.link("glpi", {"k1": "10", "k2": "20"})
        tx.link("glpi", {"k1": "11"})
        tx.link("glpi", {})
        assert tx.links("glpi", ["k1", "k2", "k3"]) == {"k1": "11", "k2": "20"}
        assert tx.links("snow", ["k1"]) == {}
        assert tx.links("glpi", []) == {}


def test_a_lease_is_held_by_one_renewed_by_its_holder_and_taken_when_expired(store: SqlStore) -> None:
    with store.begin() as tx:
        assert tx.lease("poll/glpi", "a", NOW, NOW + MINUTE)
        assert not tx.lease("poll/glpi", "b", NOW, NOW + MINUTE)
        assert tx.lease("poll/snow", "b", NOW, NOW + MINUTE)
        assert tx.lease("poll/glpi", "a", NOW, NOW + 2 * MINUTE)
        assert not tx.lease("poll/glpi", "b", NOW + MINUTE, NOW + 3 * MINUTE)
        assert tx.lease("poll/glpi", "b", NOW + 2 * MINUTE, NOW + 3 * MINUTE)
        tx.end_lease("poll/glpi", "a")
        assert not tx.lease("poll/glpi", "a", NOW, NOW + MINUTE)
        tx.end_lease("poll/glpi", "b")
        assert tx.lease("poll/glpi", "a", NOW, NOW + MINUTE)
