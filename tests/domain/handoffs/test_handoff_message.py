"""What leaves the house: only what the receiver's list names, and to a security team never a word."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.handoffs.chain import EntryKind
from connector.domain.handoffs.handoff import Choice, Handoff, Moved, bounced, decide, move, note
from connector.domain.handoffs.message import fields, offered, order_of, outgoing
from connector.domain.handoffs.moves import Move, Side
from connector.domain.handoffs.receiver import Comments, Files, Reach, Receiver, ReceiverKind, Shares, Tlp
from connector.domain.handoffs.supplier_envelope import TYPES
from connector.domain.ticket import FIELDS, Kind, State, Ticket

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
WORD = "hunter2"
"""Stands in every text a person can write."""
TICKET = Ticket(
    tool="desk", id="1", kind=Kind.INCIDENT, state=State.IN_PROGRESS, opened_at=NOON, updated_at=NOON, number="INC1",
    title=f"the password is {WORD}", description=f"it is {WORD}", tags=(WORD,), custom={"note": WORD, "asset": WORD},
    category="mail", service="exchange", priority="P2", requester="anna", requester_email="anna@example.org")
LISTED: tuple[str, ...] = (*FIELDS, "custom.note", "custom.asset")


def receiver(kind: ReceiverKind = ReceiverKind.SUPPLIER, **shares: Any) -> Receiver:
    return Receiver(name="r", kind=kind, reach=Reach(email="r@example.org"), shares=Shares(**shares),
                    tlp=Tlp.AMBER if kind is ReceiverKind.SECURITY else None)


def life(**values: Any) -> list[Moved]:
    """Every kind of entry of ours, one after the other."""
    so_far = Moved(handoff=Handoff(
        id="h1", ticket=1, receiver="r", ours="INC1", created_at=NOON, reason=WORD, tried=WORD, contact=WORD,
        priority="P2", severity=f"Sev 2, it is {WORD}", tlp="amber", data_class=WORD, theirs=f"CS-1 {WORD}", bounces=3,
        details={"site": "Basel", "access": WORD}, **values), entries=())
    made: list[Moved] = []

    def add(moved: Moved) -> Handoff:
        made.append(moved)
        return moved.handoff

    one = add(move(so_far.handoff, Side.OURS, Move.OFFER, NOON, body={"priority": "P2"}))
    one = add(move(one, Side.THEIRS, Move.START, NOON))
    one = add(note(one, Side.OURS, EntryKind.COMMENT, NOON, body={"text": WORD, "id": "c1"}, actor="ines"))
    one = add(note(one, Side.OURS, EntryKind.FILE, NOON, body={"name": "a.txt", "size": 1, "media_type": "text/plain",
                                                             "sha256": "ab" * 32}))
    one = add(note(one, Side.OURS, EntryKind.EDITED, NOON, body={"tried": ["", WORD], "severity": ["a", WORD],
                                                               "data_class": ["", WORD], "contact": ["", WORD],
                                                               "title": ["a", WORD], "custom.note": ["", WORD]}))
    one = add(note(one, Side.OURS, EntryKind.ACCESS, NOON, actor="ines"))
    one = add(note(one, Side.SYSTEM, EntryKind.CLOCK, NOON, body={"target": "resolution", "what": "breached"}))
    one = add(move(one, Side.OURS, Move.DISPUTE, NOON, reason=WORD))
    one = add(move(one, Side.OURS, Move.SETTLE, NOON, reason=WORD))
    one = add(move(one, Side.THEIRS, Move.PROPOSE, NOON, reason=WORD))
    one = add(move(one, Side.OURS, Move.REJECT, NOON, reason=WORD))
    one = add(move(one, Side.THEIRS, Move.HAND_BACK, NOON, reason=WORD))
    due = bounced(one, 3, NOON)
    assert due is not None
    one = add(due)
    add(decide(one, Choice.KEEP, NOON, actor="ines", reason=WORD))
    return made


def told(to: Receiver) -> list[dict[str, Any]]:
    found = [outgoing(moved.handoff, entry, TICKET, to) for moved in life() for entry in moved.entries]
    return [one for one in found if one is not None]


def test_a_supplier_is_told_what_we_do_and_not_what_it_did_itself() -> None:
    assert [(one["type"], one["data"].get("move")) for one in told(receiver())] == [
        ("handoff.offered", "offer"), ("handoff.comment_added", None), ("handoff.attachment_added", None),
        ("handoff.status_changed", None), ("handoff.dispute_opened", "dispute"), ("handoff.status_changed", "settle"),
        ("handoff.status_changed", "reject"), ("handoff.status_changed", "close")]
    assert {one["type"] for one in told(receiver())} <= set(TYPES)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.lists(st.sampled_from(LISTED), unique=True), st.sampled_from(Comments), st.sampled_from(Files))
def test_no_word_ever_reaches_a_security_team_whatever_its_list_says(
        names: list[str], comments: Comments, given_files: Files) -> None:
    soc = receiver(ReceiverKind.SECURITY, fields=tuple(names), comments=comments, attachments=given_files)
    assert WORD not in str(told(soc))
    assert WORD not in str(offered(life()[0].handoff, TICKET, soc))


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.lists(st.sampled_from(LISTED), unique=True))
def test_only_listed_fields_leave(names: list[str]) -> None:
    assert set(fields(TICKET, receiver(fields=tuple(names)))) <= set(names)
    first = told(receiver(fields=tuple(names)))[0]["data"]
    assert set(first["fields"]) <= set(names)
    assert "custom" not in first["fields"], "custom fields are named one by one"


def test_a_visit_is_told_to_a_field_service_only() -> None:
    assert "visit" not in str(told(receiver()))
    assert told(receiver(ReceiverKind.FIELD_SERVICE))[0]["data"]["visit"] == {"site": "Basel", "access": WORD}


def test_a_receiver_that_comes_and_looks_is_sent_nothing() -> None:
    moved = life()[0]
    portal = replace_reach(receiver())
    assert order_of(moved.handoff, moved.entries[0], TICKET, portal) is None
    order = order_of(moved.handoff, moved.entries[0], TICKET, receiver())
    assert order is not None
    assert (order.key, order.lane, order.target) == ("handoff/h1/1", "handoff/h1", "supplier:r")


def replace_reach(one: Receiver) -> Receiver:
    return Receiver(name=one.name, kind=one.kind, reach=Reach(portal=True))


def test_a_draft_called_back_is_nobodys_business() -> None:
    draft = Handoff(id="h1", ticket=1, receiver="r", created_at=NOON)
    moved = move(draft, Side.OURS, Move.WITHDRAW, NOON, reason="a slip")
    assert outgoing(moved.handoff, moved.entries[0], TICKET, receiver()) is None


def test_a_security_team_is_told_the_contracts_word_for_the_priority_whatever_a_person_wrote() -> None:
    soc = receiver(ReceiverKind.SECURITY, fields=("priority",))
    first, changed = told(soc)[0]["data"], next(one["data"]["changed"] for one in told(soc) if "changed" in one["data"])
    assert (first["severity"], first["tlp"], changed["severity"]) == ("P2", "amber", "P2")
    assert "data_class" not in first
    assert told(receiver())[0]["data"]["data_class"] == WORD
