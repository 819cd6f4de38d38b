"""The states of a handoff, its bounce rule and its hash-linked history."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from connector.domain.errors import Refused
from connector.domain.handoffs.chain import Entry, EntryKind, broken, canonical, sealed
from connector.domain.handoffs.handoff import (
    Choice,
    DisputeEffect,
    Handoff,
    IllegalMove,
    Moved,
    bounced,
    decide,
    move,
    note,
)
from connector.domain.handoffs.moves import RULES, TABLE, UNDONE, HandoffState, Move, Side, allowed, turn

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def a_handoff(**values: object) -> Handoff:
    return Handoff(id="h1", ticket=1, receiver="hosting", created_at=START, **values)  # type: ignore[arg-type]


def told(*moves: tuple[Side, Move]) -> Moved:
    """The handoff after these moves, each a minute after the one before."""
    so_far = Moved(handoff=a_handoff(), entries=())
    for n, (side, what) in enumerate(moves):
        so_far = so_far.then(move(so_far.handoff, side, what, START + n * MINUTE, reason="because"))
    return so_far


OFFER, ACK = (Side.OURS, Move.OFFER), (Side.THEIRS, Move.ACKNOWLEDGE)
PROPOSE, REJECT, ACCEPT = (Side.THEIRS, Move.PROPOSE), (Side.OURS, Move.REJECT), (Side.OURS, Move.ACCEPT)


def test_every_move_has_one_rule_and_every_state_is_reached_and_left() -> None:
    assert [rule.move for rule in TABLE] == list(Move)
    reached = {rule.to for rule in TABLE} | {HandoffState.DRAFT}
    assert reached - {None} == set(HandoffState)
    left = {state for rule in TABLE for state in rule.sources}
    assert left == set(HandoffState) - {HandoffState.CLOSED}


def test_every_state_says_whose_turn_it_is() -> None:
    assert {turn(state) for state in HandoffState} == {"ours", "theirs", "customer", ""}
    for state in HandoffState:
        if turn(state) in ("ours", "theirs"):
            assert allowed(state, Side(turn(state))), state


@pytest.mark.parametrize("rule", TABLE, ids=lambda rule: rule.move)
def test_only_the_sides_and_states_of_the_table_may_move(rule: object) -> None:
    assert isinstance(rule, type(TABLE[0]))
    for state in HandoffState:
        for side in Side:
            here = a_handoff(state=state, before=HandoffState.OFFERED if state is HandoffState.DISPUTED else None,
                             disputed_by=side if state is HandoffState.DISPUTED else None)
            if side in rule.sides and state in rule.sources:
                assert move(here, side, rule.move, START, reason="r").handoff.state is (rule.to or HandoffState.OFFERED)
            else:
                with pytest.raises(IllegalMove) as refused:
                    move(here, side, rule.move, START, reason="r")
                assert refused.value.status == 409
                assert rule.move not in refused.value.allowed


@pytest.mark.parametrize("what", [rule.move for rule in TABLE if rule.reason])
def test_a_move_that_needs_words_is_refused_without_them(what: Move) -> None:
    rule = RULES[what]
    for side in rule.sides:
        state = next(iter(sorted(rule.sources)))
        here = a_handoff(state=state, disputed_by=side, before=HandoffState.OFFERED)
        with pytest.raises(Refused, match="reason: ") as refused:
            move(here, side, what, START, reason=" \n")
        assert refused.value.status == 422


def test_a_refused_move_names_what_is_allowed() -> None:
    with pytest.raises(IllegalMove, match="they may: acknowledge, decline, start, dispute") as refused:
        move(told(OFFER).handoff, Side.THEIRS, Move.PROPOSE, START, reason="done")
    assert refused.value.allowed == (Move.ACKNOWLEDGE, Move.DECLINE, Move.START, Move.DISPUTE)


def test_rejections_and_returns_are_counted() -> None:
    after = told(OFFER, ACK, PROPOSE, REJECT, PROPOSE, REJECT, (Side.THEIRS, Move.HAND_BACK), OFFER,
                 (Side.THEIRS, Move.DECLINE)).handoff
    assert (after.rejections, after.bounces) == (2, 2)


def test_a_dispute_returns_to_the_state_it_interrupted() -> None:
    disputed = told(OFFER, ACK, PROPOSE, (Side.OURS, Move.DISPUTE)).handoff
    assert disputed.dispute_effect is DisputeEffect.RUNS
    settled = move(disputed, Side.OURS, Move.SETTLE, START + 9 * MINUTE, reason="agreed").handoff
    assert settled.state is HandoffState.RESOLVED_PROPOSED
    assert (settled.before, settled.disputed_by, settled.dispute_effect) == (None, None, None)


def test_they_may_take_back_only_a_dispute_of_their_own() -> None:
    ours = told(OFFER, ACK, (Side.OURS, Move.DISPUTE)).handoff
    with pytest.raises(IllegalMove):
        move(ours, Side.THEIRS, Move.SETTLE, START, reason="we are right")
    theirs = told(OFFER, ACK, (Side.THEIRS, Move.DISPUTE)).handoff
    assert move(theirs, Side.THEIRS, Move.SETTLE, START, reason="never mind").handoff.state is HandoffState.ACKNOWLEDGED


def test_an_unknown_effect_of_a_dispute_is_refused() -> None:
    with pytest.raises(Refused, match="effect: expected one of runs, frozen, credited"):
        move(told(OFFER).handoff, Side.OURS, Move.DISPUTE, START, reason="r", body={"effect": "stops"})


def test_the_third_return_waits_for_a_decision_before_it_is_offered_again() -> None:
    back = told(OFFER, ACK, (Side.THEIRS, Move.HAND_BACK), OFFER, (Side.THEIRS, Move.DECLINE)).handoff
    assert bounced(back, 3, START) is None
    offered = move(back, Side.OURS, Move.OFFER, START).handoff
    due = bounced(move(offered, Side.THEIRS, Move.DECLINE, START, reason="no").handoff, 3, START)
    assert due is not None
    assert due.handoff.decision_due
    assert due.handoff.turn == "ours"
    assert bounced(due.handoff, 3, START) is None
    with pytest.raises(IllegalMove, match="came back 3 times"):
        move(due.handoff, Side.OURS, Move.OFFER, START)
    with pytest.raises(IllegalMove, match="came back 3 times"):
        move(due.handoff, Side.OURS, Move.CLOSE, START)
    again = decide(due.handoff, Choice.OFFER_AGAIN, START, actor="ines", reason="they agreed on the phone").handoff
    assert move(again, Side.OURS, Move.OFFER, START).handoff.state is HandoffState.OFFERED
    kept = decide(due.handoff, Choice.KEEP, START, actor="ines", reason="we can do it").handoff
    assert kept.state is HandoffState.CLOSED


def test_a_decision_needs_a_reason_and_an_occasion() -> None:
    with pytest.raises(IllegalMove):
        decide(told(OFFER).handoff, Choice.KEEP, START, actor="ines", reason="r")
    with pytest.raises(Refused, match="reason"):
        decide(a_handoff(state=HandoffState.DECLINED, decision_due=True), Choice.KEEP, START, actor="ines", reason="")


@settings(max_examples=150, derandomize=True, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(Side), st.sampled_from(Move), st.integers(-5, 100)), max_size=25))
def test_every_sequence_of_moves_leaves_a_legal_state_and_right_counts(
        tries: list[tuple[Side, Move, int]]) -> None:
    so_far = Moved(handoff=a_handoff(), entries=())
    made: list[tuple[Side, Move]] = []
    for side, what, minutes in tries:
        before = so_far.handoff
        try:
            so_far = so_far.then(move(before, side, what, START + minutes * MINUTE, reason="r"))
        except IllegalMove:
            continue
        made.append((side, what))
        assert before.state in RULES[what].sources
        assert side in RULES[what].sides
    last = so_far.handoff
    moves = [what for _, what in made]
    assert last.bounces == sum(moves.count(one) for one in (Move.DECLINE, Move.HAND_BACK, Move.EXPIRE))
    assert last.rejections == moves.count(Move.REJECT)
    assert (last.state is HandoffState.DISPUTED) == (last.before is not None)
    assert (last.state is HandoffState.WAITING_CUSTOMER) <= bool(last.waiting_for)
    assert [entry.seq for entry in so_far.entries] == list(range(1, len(made) + 1))
    assert all(a.at <= b.at for a, b in zip(so_far.entries, so_far.entries[1:], strict=False))
    assert broken(last.id, so_far.entries, last.head) == ""


def test_a_changed_missing_or_moved_entry_is_found() -> None:
    whole = told(OFFER, ACK, PROPOSE, REJECT, PROPOSE, ACCEPT)
    entries, head = list(whole.entries), whole.handoff.head
    assert broken("h1", entries, head) == ""
    changed = [*entries[:2], replace(entries[2], actor="somebody"), *entries[3:]]
    assert broken("h1", changed, head) == "entry 3 was changed"
    assert broken("h1", [*entries[:1], *entries[2:]], head) == "entry 2 is missing"
    assert broken("h1", entries[:-1], head) == "the last entries are missing"
    assert broken("h2", entries, head) == "entry 1 was changed"
    forged = replace(entries[2], prev="1" * 64)
    assert broken("h1", [*entries[:2], forged, *entries[3:]], head) == "entry 3 does not follow the one before"


def test_a_chain_can_be_computed_by_hand() -> None:
    """The bytes that are hashed are part of the contract: other programs compute them too."""
    entry = Entry(seq=1, at=START, side=Side.OURS, actor="Zoé", kind=EntryKind.COMMENT, body={"text": "a\nb", "n": 1})
    raw = canonical({"b": [True, None], "a": "é"})
    assert raw == '{"a":"é","b":[true,null]}'.encode()
    written = ('{"actor":"Zoé","at":"2026-03-02T08:00:00+00:00","body":{"n":1,"text":"a\\nb"},"handoff":"h1",'
               '"kind":"comment","mark":"","prev":"' + "0" * 64 + '","seq":1,"side":"ours"}')
    assert sealed("h1", entry) == hashlib.sha256(written.encode()).hexdigest()


def test_numbers_with_a_fraction_are_refused_and_odd_text_is_made_whole() -> None:
    with pytest.raises(TypeError):
        note(a_handoff(), Side.OURS, EntryKind.COMMENT, START, body={"n": 1.5})
    noted = note(a_handoff(), Side.OURS, EntryKind.COMMENT, START, body={"text": "a\ud800\0b"})
    assert broken("h1", noted.entries, noted.handoff.head) == ""


def test_what_they_do_is_remembered_as_heard_and_ours_is_not() -> None:
    ours = note(told(OFFER).handoff, Side.OURS, EntryKind.COMMENT, START + MINUTE).handoff
    assert ours.heard_at is None
    assert note(ours, Side.THEIRS, EntryKind.COMMENT, START + 2 * MINUTE).handoff.heard_at == START + 2 * MINUTE


def test_work_that_came_back_is_undone() -> None:
    assert {HandoffState.DECLINED, HandoffState.HANDED_BACK, HandoffState.EXPIRED} == UNDONE
