"""Clocks with pauses against zammad's escalation specs (peer_calendars.py says where from)."""

from __future__ import annotations

from typing import Any

import pytest

from connector.domain.agreements.replay import replay
from tests.domain.calendars.peer_calendars import (
    EIGHT_TO_SIX,
    Plan,
    plan,
)

NINE_TO_SIX = plan({"mon-sun": [["09:00", "18:00"]]}, "Europe/Berlin")


def ticket(data: Plan, minutes: int, *moves: str, **more: Any) -> dict[str, Any]:
    """Moves are "HH:MM state" on 2013-06-04, in UTC; the first is the opening."""
    events = [{"at": f"2013-06-04T{move[:5]}:00Z", "state": move[6:]} for move in moves]
    return replay([{"calendar": data, "target_s": minutes * 60, "events": events, "paused_states": ["pending"],
                    "stopped_states": ["closed"], **more}])[0]


@pytest.mark.parametrize(("minutes", "moves", "state", "active", "due"), [
    (120, ("09:00 open", "09:30 pending", "09:45 open", "10:00 closed", "10:30 open"), "running", 45, "04T13:45"),
    (250, ("09:00 open", "10:00 pending", "10:30 open", "12:00 closed"), "met", 150, "04T15:40"),
    (120, ("09:00 open", "10:00 pending", "10:30 open", "10:45 closed"), "met", 75, "04T13:30"),
    (240, ("09:00 pending", "12:00 closed"), "met", 0, "04T18:00"),
    (240, ("09:00 pending", "10:30 open", "11:00 pending", "12:00 closed"), "met", 30, "04T17:30"),
    (240, ("09:00 pending", "10:30 open", "11:00 pending", "11:30 open", "12:00 closed"), "met", 60, "04T17:00"),
])
def test_paused_clocks_agree_with_zammad(
    minutes: int, moves: tuple[str, ...], state: str, active: int, due: str,
) -> None:
    """Minutes used are zammad's; it keeps no due time of a closed ticket, so those of met clocks are ours."""
    reading = ticket(NINE_TO_SIX, minutes, *moves)
    assert (reading["state"], reading["active_s"]) == (state, active * 60)
    assert reading["remaining_s"] == (minutes - active) * 60
    assert reading["due"] == f"2013-06-{due}:00+02:00"


@pytest.mark.parametrize(("minutes", "clock_start", "now", "active", "due"), [
    (75, None, "12:00", 90, "11:15"),
    (30, None, "12:00", 90, "10:30"),
    (120, "10:30", "12:00", 60, None),
    (120, None, "10:30", 30, "12:00"),
])
def test_working_minutes_agree_with_zammad(
    minutes: int, clock_start: str | None, now: str, active: int, due: str | None,
) -> None:
    """New at 10:00, open at 11:00, pending at 11:30, closed at 12:00, round the clock."""
    moves = [move for move in ("10:00 new", "11:00 open", "11:30 pending", "12:00 closed") if move[:5] <= now]
    more = {} if clock_start is None else {"clock_start": f"2013-06-04T{clock_start}:00Z"}
    reading = ticket(plan("24x7"), minutes, *moves, now=f"2013-06-04T{now}:00Z", **more)
    assert reading["active_s"] == active * 60
    assert due is None or reading["due"] == f"2013-06-04T{due}:00+00:00"


@pytest.mark.parametrize(("start", "due"), [("10:00", "10:30"), ("11:15", "12:15"), ("12:00", "12:30")])
def test_a_pause_within_a_span_moves_its_end_as_in_zammad(start: str, due: str) -> None:
    """The end of 30 minutes; zammad lets them run on after the closing, so closed counts here."""
    reading = ticket(plan("24x7"), 30, "10:00 new", "11:00 open", "11:30 pending", "12:00 closed",
                     stopped_states=[], clock_start=f"2013-06-04T{start}:00Z")
    assert reading["due"] == f"2013-06-04T{due}:00+00:00"


@pytest.mark.parametrize(("minutes", "done", "state", "left"), [
    (60, "10:00", "met", 30), (60, "14:00", "breached", -210),
    (180, "11:30", "met", 60), (180, "13:00", "breached", -30),
])
def test_what_was_left_agrees_with_zammad(minutes: int, done: str, state: str, left: int) -> None:
    reading = ticket(plan(EIGHT_TO_SIX), minutes, "09:30 open", f"{done} closed")
    assert (reading["state"], reading["remaining_s"]) == (state, left * 60)
    assert reading["due"] == f"2013-06-04T{9 + (30 + minutes) // 60:02}:30:00+00:00"
