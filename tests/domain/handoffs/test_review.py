"""The monthly review of a receiver: every figure from a story small enough to count by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connector.domain.agreements.clock import Clock, ClockState
from connector.domain.agreements.engine import NamedClock
from connector.domain.agreements.profile import TargetName
from connector.domain.handoffs.chain import EntryKind
from connector.domain.handoffs.handoff import Handoff, Moved, move, note
from connector.domain.handoffs.moves import Move, Side
from connector.domain.handoffs.review import Case, Period, Unit, as_dict, month_of, review

MARCH = month_of(2026, 3, UTC)
NOW = datetime(2026, 4, 2, tzinfo=UTC)
THEIRS, OURS, SYSTEM = Side.THEIRS, Side.OURS, Side.SYSTEM


def at(day: int, hour: int = 8, minute: int = 0, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def case(*steps: tuple[datetime, Side, Move] | tuple[datetime, Side, Move, str], id: str = "h", clocks: Any = (),
         receiver: str = "hosting") -> Case:
    so_far = Moved(handoff=Handoff(id=id, ticket=1, receiver=receiver, created_at=at(1, 0, month=1)), entries=())
    for when, side, what, *why in steps:
        so_far = so_far.then(move(so_far.handoff, side, what, when, reason=why[0] if why else "because"))
    return Case(so_far.handoff, so_far.entries, clocks)


def clock(target: TargetName, state: ClockState, *, stopped: datetime | None = None,
          breached: datetime | None = None) -> NamedClock:
    none = timedelta()
    told = Clock(state, at(1), None, none, none, none, none, breached, stopped)
    return NamedClock(None, target, told, None)  # type: ignore[arg-type]


def test_targets_count_in_the_month_in_which_they_were_decided() -> None:
    ack = TargetName.ACKNOWLEDGE
    cases = [
        case((at(2), OURS, Move.OFFER), clocks=[clock(ack, ClockState.MET, stopped=at(2, 9))]),
        case((at(2), OURS, Move.OFFER), clocks=[clock(ack, ClockState.BREACHED, breached=at(3), stopped=at(4))]),
        case((at(28, month=2), OURS, Move.OFFER),
             clocks=[clock(ack, ClockState.BREACHED, breached=at(28, 20, month=2), stopped=at(5))]),
        case((at(31), OURS, Move.OFFER), clocks=[clock(ack, ClockState.RUNNING)]),
        case((at(31), OURS, Move.OFFER), clocks=[clock(ack, ClockState.CANCELLED, stopped=at(31))]),
    ]
    found = review("hosting", cases, MARCH, NOW)["acknowledge_in_time"]
    assert (found.numerator, found.denominator, found.censored, found.excluded, found.n) == (1, 2, 1, 1, 4)
    assert found.share == 0.5


def test_hand_backs_are_told_by_reason_and_measured_on_what_was_taken_over() -> None:
    cases = [
        case((at(2), OURS, Move.OFFER), (at(2, 9), THEIRS, Move.ACKNOWLEDGE),
             (at(3), THEIRS, Move.HAND_BACK, "not our disk\nsee attachment")),
        case((at(2), OURS, Move.OFFER), (at(2, 9), THEIRS, Move.START), (at(3), THEIRS, Move.HAND_BACK, "not our disk"),
             (at(4), OURS, Move.OFFER), (at(4, 9), THEIRS, Move.START), (at(5), THEIRS, Move.HAND_BACK, "wrong site")),
        case((at(2), OURS, Move.OFFER), (at(2, 9), THEIRS, Move.ACKNOWLEDGE)),
        case((at(2), OURS, Move.OFFER)),
    ]
    found = review("hosting", cases, MARCH, NOW)["handed_back"]
    assert (found.numerator, found.denominator, found.n, found.excluded) == (2, 3, 4, 1)
    assert dict(found.by) == {"not our disk": 2, "wrong site": 1}


def test_rejections_are_measured_on_our_decisions() -> None:
    cases = [
        case((at(2), OURS, Move.OFFER), (at(3), THEIRS, Move.START), (at(4), THEIRS, Move.PROPOSE),
             (at(5), OURS, Move.REJECT, "still slow"), (at(6), THEIRS, Move.PROPOSE), (at(7), OURS, Move.ACCEPT)),
        case((at(2), OURS, Move.OFFER), (at(3), THEIRS, Move.START), (at(4), THEIRS, Move.PROPOSE)),
    ]
    found = review("hosting", cases, MARCH, NOW)["rejected"]
    assert (found.numerator, found.denominator, found.censored) == (1, 2, 1)


def test_the_transfer_time_is_the_median_from_offer_to_answer() -> None:
    cases = [case((at(2), OURS, Move.OFFER), (at(2, 8, minutes), THEIRS, Move.ACKNOWLEDGE)) for minutes in (10, 20, 50)]
    cases.append(case((at(2), OURS, Move.OFFER), (at(9), SYSTEM, Move.EXPIRE)))
    cases.append(case((at(30), OURS, Move.OFFER)))
    found = review("hosting", cases, MARCH, NOW)["transfer_time"]
    assert (found.typical, found.denominator, found.n, found.unit) == (timedelta(minutes=20), 3, 4, Unit.DURATION)


def test_minutes_in_dispute_are_those_inside_the_month() -> None:
    cases = [
        case((at(27, month=2), OURS, Move.OFFER), (at(27, 9, month=2), THEIRS, Move.START),
             (at(28, month=2), THEIRS, Move.DISPUTE), (at(1, 1), OURS, Move.SETTLE)),
        case((at(2), OURS, Move.OFFER), (at(31, 23), OURS, Move.DISPUTE)),
    ]
    found = review("hosting", cases, MARCH, NOW)["disputed_minutes"]
    assert (found.numerator, found.n, found.censored) == (120, 2, 1)


def test_a_silent_handoff_counts_once_however_long_it_was_silent() -> None:
    one = case((at(2), OURS, Move.OFFER), (at(2, 9), THEIRS, Move.START))
    quiet = Moved(handoff=one.handoff, entries=tuple(one.entries))
    for day in (4, 6):
        quiet = quiet.then(note(quiet.handoff, SYSTEM, EntryKind.CLOCK, at(day), body={"what": "silent"},
                                mark=str(day)))
    found = review("hosting", [Case(quiet.handoff, quiet.entries), one], MARCH, NOW)["silent"]
    assert (found.numerator, found.denominator) == (1, 2)


def test_only_their_handoffs_that_were_open_in_the_month_are_looked_at() -> None:
    cases = [
        case((at(2), OURS, Move.OFFER)),
        case((at(2), OURS, Move.OFFER), receiver="another"),
        case((at(2, month=4), OURS, Move.OFFER)),
        case(),
        case((at(2, month=2), OURS, Move.OFFER), (at(3, month=2), OURS, Move.WITHDRAW)),
        case((at(2, month=2), OURS, Move.OFFER), (at(3), OURS, Move.WITHDRAW)),
    ]
    assert review("hosting", cases, MARCH, NOW).handoffs == 2


def test_nothing_to_measure_is_not_zero_per_cent() -> None:
    found = review("hosting", [], MARCH, NOW)
    assert found["resolution_in_time"].share is None
    assert not found["resolution_in_time"].known
    assert found["disputed_minutes"].known


def test_the_review_as_json_has_no_fraction() -> None:
    told = as_dict(review("hosting", [case((at(2), OURS, Move.OFFER), (at(2, 9), THEIRS, Move.DECLINE, "no"))], MARCH,
                          NOW), "Helpdesk", NOW)
    figures = [value for measure in told["measures"] for value in measure.values()]
    assert not any(isinstance(value, float) for value in figures)
    declined = next(one for one in told["measures"] if one["name"] == "declined")
    assert (declined["numerator"], declined["denominator"], declined["by"]) == (1, 1, {"no": 1})


def test_a_month_is_that_of_its_time_zone() -> None:
    zurich = month_of(2026, 3, ZoneInfo("Europe/Zurich"))
    assert zurich.start.astimezone(UTC) == datetime(2026, 2, 28, 23, tzinfo=UTC)
    assert zurich.end.astimezone(UTC) == datetime(2026, 3, 31, 22, tzinfo=UTC)
    assert month_of(2026, 12, UTC) == Period(at(1, 0, month=12), datetime(2027, 1, 1, tzinfo=UTC))
    with pytest.raises(ValueError, match="month"):
        month_of(2026, 13, UTC)
