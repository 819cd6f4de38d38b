"""What two readings prove, and no more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from connector.domain.history import Event, EventKind
from connector.domain.syncing.changes import diff, older
from connector.domain.ticket import Kind, PendingOn, State, Ticket

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def minute(n: float) -> datetime:
    return NOON + timedelta(minutes=n)


def ticket(at: float = 0, **values: Any) -> Ticket:
    base = {"tool": "desk", "id": "1", "kind": Kind.INCIDENT, "state": State.NEW, "opened_at": NOON}
    return Ticket(**{**base, "updated_at": minute(at), **values})


def moves(events: list[Event]) -> list[tuple[str, datetime]]:
    return [(str(e.new), e.at) for e in events if e.field == "state"]


def test_a_second_reading_adds_nothing() -> None:
    assert diff(ticket(title="a"), ticket(title="a")) == []


def test_a_moved_stamp_alone_is_no_event() -> None:
    assert diff(ticket(0, version="1"), ticket(5, version="2")) == []


def test_a_first_reading_tells_of_the_creation_at_its_own_time() -> None:
    (event,) = diff(None, ticket(5, title="a"))
    assert (event.kind, event.at, event.inferred) == (EventKind.CREATED, NOON, False)


def test_a_first_reading_of_a_ticket_further_on_infers_only_the_steps_its_stamps_prove() -> None:
    events = diff(None, ticket(9, state=State.CLOSED, resolved_at=minute(3), closed_at=minute(7)))
    assert moves(events) == [("resolved", minute(3)), ("closed", minute(7))]
    assert moves(diff(None, ticket(9, state=State.IN_PROGRESS))) == [("in_progress", minute(9))]
    assert moves(diff(None, ticket(9, state=State.CLOSED))) == [("closed", minute(9))]
    assert all(e.inferred for e in events if e.kind is EventKind.CHANGED)


def test_a_stamp_before_the_opening_is_not_believed() -> None:
    assert moves(diff(None, ticket(9, state=State.RESOLVED, resolved_at=minute(-60)))) == [("resolved", NOON)]


def test_a_first_reading_tells_of_the_pending_reason_and_of_a_deletion() -> None:
    events = diff(None, ticket(9, state=State.PENDING, pending_on=PendingOn.CUSTOMER, deleted=True))
    assert [(e.field, e.new) for e in events if e.field == "pending_on"] == [("pending_on", "customer")]
    assert events[-1].kind is EventKind.DELETED


def test_a_change_is_placed_at_the_latest_moment_it_can_have_happened() -> None:
    (event,) = diff(ticket(0, group="a"), ticket(8, group="b"))
    assert (event.field, event.old, event.new, event.at, event.inferred) == ("group", "a", "b", minute(8), True)


def test_a_new_stamp_places_a_state_more_exactly() -> None:
    before = ticket(1, state=State.IN_PROGRESS)
    assert moves(diff(before, ticket(8, state=State.RESOLVED, resolved_at=minute(5)))) == [("resolved", minute(5))]
    both = ticket(8, state=State.CLOSED, resolved_at=minute(5), closed_at=minute(6))
    assert moves(diff(before, both)) == [("resolved", minute(5)), ("closed", minute(6))]


def test_a_stamp_older_than_the_last_reading_places_nothing() -> None:
    before = ticket(4, state=State.IN_PROGRESS)
    after = ticket(8, state=State.RESOLVED, resolved_at=minute(2))
    assert moves(diff(before, after)) == [("resolved", minute(8))]


def test_a_stamp_from_an_earlier_solution_places_nothing() -> None:
    before = ticket(4, state=State.IN_PROGRESS, resolved_at=minute(4))
    assert moves(diff(before, ticket(8, state=State.RESOLVED, resolved_at=minute(4)))) == [("resolved", minute(8))]


def test_the_pending_reason_changed_when_the_state_did() -> None:
    before = ticket(1, state=State.PENDING, pending_on=PendingOn.CUSTOMER)
    events = diff(before, ticket(8, state=State.RESOLVED, resolved_at=minute(5)))
    assert {e.at for e in events if e.field in ("state", "pending_on")} == {minute(5)}


def test_custom_fields_are_told_one_by_one() -> None:
    events = diff(ticket(custom={"a": 1, "b": 2}), ticket(1, custom={"a": 1, "b": 3, "c": "x"}))
    assert [(e.field, e.old, e.new) for e in events] == [("custom.b", 2, 3), ("custom.c", None, "x")]


def test_deletion_and_return_are_events_of_their_own() -> None:
    assert [e.kind for e in diff(ticket(), ticket(1, deleted=True))] == [EventKind.DELETED]
    assert [e.kind for e in diff(ticket(deleted=True), ticket(1))] == [EventKind.RESTORED]


def test_the_same_change_twice_in_one_second_is_two_events() -> None:
    there, back = ticket(1, title="b"), ticket(1, title="a")
    keys = [e.key for revision, pair in enumerate([(back, there), (there, back), (back, there)], 1)
            for e in diff(*pair, revision=revision)]
    assert len(set(keys)) == 3


def test_readings_are_ordered_by_stamp_then_by_version() -> None:
    assert older(ticket(0), ticket(1))
    assert not older(ticket(1), ticket(0))
    assert older(ticket(0, version="9"), ticket(0, version="10"))
    assert not older(ticket(0, version="abc"), ticket(0, version="b"))
