"""Histories come back whole, in order, and of the kinds asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from connector.domain.history import Event, EventKind
from connector.domain.ticket import Kind, State, Ticket
from connector.ports import Change
from connector.store import SqlStore

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
EVENTS = [
    Event(key="a,]", at=AT + timedelta(hours=2), kind=EventKind.CHANGED, field="due_at", old=None, new=AT,
          text='a comma, a "quote" and ]'),
    Event(key="b", at=AT, kind=EventKind.CREATED),
    Event(key="c", at=AT + timedelta(hours=1), kind=EventKind.COMMENTED, text="line\nand ünïcode",
          data={"n": ("x", "y")}),
]


def saved(store: SqlStore, *histories: list[Event]) -> list[int]:
    tickets = [Ticket(tool="t", id=str(n), kind=Kind.INCIDENT, state=State.NEW, opened_at=AT, updated_at=AT)
               for n in range(len(histories))]
    with store.begin() as tx:
        return tx.save([Change(ticket=ticket, events=told) for ticket, told in zip(tickets, histories, strict=True)])


def test_histories_come_back_as_they_were_in_the_order_things_happened(store: SqlStore) -> None:
    full, empty = saved(store, EVENTS, [])
    with store.read() as tx:
        assert tx.history([full, empty]) == {full: [EVENTS[1], EVENTS[2], EVENTS[0]], empty: []}


def test_only_the_kinds_asked_for_are_read(store: SqlStore) -> None:
    first, second = saved(store, EVENTS, EVENTS[1:2])
    with store.read() as tx:
        found = tx.history([first, second], {EventKind.CHANGED, EventKind.COMMENTED})
    assert found == {first: [EVENTS[2], EVENTS[0]], second: []}
