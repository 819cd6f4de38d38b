"""Events are append-only and each is there once."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.history import EventKind, Origin, Role
from connector.domain.ticket import Value
from connector.ports import Change
from connector.store import SqlStore
from connector.store.codec import event_text, payload_text, read_event, read_payload
from tests.store.making import NOW, event, ticket


def test_only_new_events_are_reported_and_kept(store: SqlStore) -> None:
    with store.begin() as tx:
        a, b = tx.save([Change(ticket=ticket("a"), events=[event("one")]), Change(ticket=ticket("b"))])
        added = tx.append([(a, event("one", text="again")), (a, event("two")), (b, event("one")), (b, event("one"))])
        assert sorted(added) == [(a, "two"), (b, "one")]
        assert [found.text for found in tx.history([a])[a] if found.key == "one"] == [""]


def test_known_events_of_a_saved_ticket_are_ignored(store: SqlStore) -> None:
    with store.begin() as tx:
        (key,) = tx.save([Change(ticket=ticket(), events=[event("one"), event("one", text="twin")])])
        tx.save([Change(ticket=ticket(), before=tx.by_key([key])[key], events=[event("one"), event("two")])])
        assert [(found.key, found.text) for found in tx.history([key])[key]] == [("one", ""), ("two", "")]


def test_histories_come_in_the_order_things_happened(store: SqlStore) -> None:
    events = [event("c", at=NOW, seq=3, kind=EventKind.CHANGED), event("b", at=NOW, seq=2, kind=EventKind.CHANGED),
              event("z", at=NOW), event("a", at=NOW + timedelta(seconds=1), kind=EventKind.CHANGED)]
    Random(7).shuffle(events)
    with store.begin() as tx:
        key, empty = tx.save([Change(ticket=ticket(), events=events), Change(ticket=ticket("2"))])
        histories = tx.history([key, empty])
    assert [found.key for found in histories[key]] == ["z", "b", "c", "a"]
    assert histories[empty] == []


def test_more_events_than_one_batch(store: SqlStore) -> None:
    with store.begin() as tx:
        (key,) = tx.save([Change(ticket=ticket())])
        many = [(key, event(str(n), at=NOW + timedelta(seconds=n))) for n in range(5001)]
        assert len(tx.append(iter(many))) == 5001
        assert tx.append(iter(many)) == []
        assert len(tx.history([key])[key]) == 5001


VALUES = [None, "text", "2026-03-02T09:00:00Z", 7, 1.5, True, NOW, ("a", "b"), ()]


@pytest.mark.parametrize("value", VALUES)
def test_every_kind_of_value_comes_back_with_its_type(value: Value) -> None:
    there = event(kind=EventKind.CHANGED, field="x", old=value, new=value, data={"k": value}, role=Role.AGENT,
                  origin=Origin.IMPORT, inferred=True, echo="e", seq=4, actor="me", text="t")
    back = read_event(event_text(there))
    assert back == there
    assert type(back.new) is type(value)


text = st.text(st.characters(exclude_categories=["Cs"]))
leaves = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | text | st.just(NOW)
values = st.recursive(
    leaves, lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.sampled_from("abc"), inner))
payloads = st.dictionaries(text, values)


@given(payloads)
@settings(max_examples=100, derandomize=True)
def test_payloads_come_back_as_they_went(payload: dict[str, object]) -> None:
    assert read_payload(payload_text(payload)) == payload
