"""Clocks: one rule per test, and a slow walk through the minutes as second opinion."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.agreements.clock import Clock, ClockState, Mode, Plan, Turn, read
from connector.domain.agreements.replay import replay
from connector.domain.calendar import ServiceCalendar
from connector.domain.errors import ConfigError
from tests.domain.calendars.test_calendar import OFFICE, local, plans

RUN, PAUSE, STOP, CANCEL, OFF = Mode.RUN, Mode.PAUSE, Mode.STOP, Mode.CANCEL, Mode.OFF
CALENDAR = ServiceCalendar.from_dict(OFFICE)
ALWAYS = ServiceCalendar.from_dict({"timezone": "Europe/Zurich", "hours": "24x7"})
FOUR = Plan(CALENDAR, timedelta(hours=4))
MON = local(2026, 3, 2, 9)


def hours(n: float) -> timedelta:
    return timedelta(hours=n)


def clock(*moves: tuple[datetime, Mode], now: datetime, plan: Plan = FOUR, within: timedelta | None = None) -> Clock:
    return read([Turn(at, mode, plan) for at, mode in moves], now, reopen_within=within)[-1]


def test_a_running_clock_knows_its_due_and_what_remains() -> None:
    seen = clock((MON, RUN), now=local(2026, 3, 2, 11))
    assert (seen.state, seen.due, seen.remaining) == (ClockState.RUNNING, local(2026, 3, 2, 14), hours(2))


def test_done_at_the_due_instant_is_met_and_a_moment_later_is_not() -> None:
    due = local(2026, 3, 2, 14)
    assert clock((MON, RUN), (due, STOP), now=due).state is ClockState.MET
    late = clock((MON, RUN), (due + timedelta(seconds=1), STOP), now=due + hours(9))
    assert (late.state, late.breached_at) == (ClockState.BREACHED, due)


def test_due_on_closing_time_is_breached_by_an_answer_in_the_evening() -> None:
    plan = Plan(CALENDAR, hours(7.5))
    assert clock((MON, RUN), (local(2026, 3, 2, 18), STOP), now=local(2026, 3, 3), plan=plan).breached_at == local(
        2026, 3, 2, 17, 30)


def test_while_paused_due_is_undefined_and_nothing_breaches() -> None:
    seen = clock((MON, RUN), (local(2026, 3, 2, 10), PAUSE), now=local(2026, 5, 1))
    assert (seen.state, seen.due, seen.remaining) == (ClockState.PAUSED, None, hours(3))


def test_a_pause_adds_its_business_time_not_its_wall_time() -> None:
    seen = clock((MON, RUN), (local(2026, 3, 2, 10), PAUSE), (local(2026, 3, 3, 9), RUN), now=local(2026, 3, 3, 9))
    assert (seen.due, seen.paused) == (local(2026, 3, 3, 12), hours(7.5))


def test_a_pause_outside_hours_adds_nothing() -> None:
    seen = clock((local(2026, 3, 2, 16), RUN), (local(2026, 3, 2, 18), PAUSE), (local(2026, 3, 3, 7), RUN),
                 now=local(2026, 3, 3, 8))
    assert (seen.due, seen.paused) == (local(2026, 3, 3, 10, 30), timedelta(0))


def test_a_target_used_up_before_the_pause_stays_breached_with_its_due() -> None:
    seen = clock((MON, RUN), (local(2026, 3, 2, 15), PAUSE), now=local(2026, 3, 4))
    assert (seen.state, seen.due, seen.remaining) == (ClockState.BREACHED, local(2026, 3, 2, 14), hours(-1))


def test_a_pause_seen_late_counts_from_when_it_happened() -> None:
    moves = [(MON, RUN), (local(2026, 3, 2, 13, 59), PAUSE), (local(2026, 3, 2, 14, 5), RUN)]
    shuffled = moves[:]
    random.Random(1).shuffle(shuffled)
    assert clock(*moves, now=local(2026, 3, 2, 14, 6)) == clock(*shuffled, now=local(2026, 3, 2, 14, 6))
    assert clock(*moves, now=local(2026, 3, 2, 14, 6)).state is ClockState.RUNNING


def test_pending_to_on_hold_is_one_pause() -> None:
    seen = clock((MON, RUN), (local(2026, 3, 2, 10), PAUSE), (local(2026, 3, 2, 11), PAUSE),
                 (local(2026, 3, 2, 14), RUN), now=local(2026, 3, 2, 14))
    assert seen.paused == hours(3)


def test_born_pending_starts_paused_and_solved_while_pending_is_met() -> None:
    assert clock((MON, PAUSE), now=local(2026, 3, 2, 10)).state is ClockState.PAUSED
    seen = clock((MON, PAUSE), (local(2026, 3, 2, 11), STOP), now=local(2026, 3, 2, 12))
    assert (seen.state, seen.active, seen.due) == (ClockState.MET, timedelta(0), local(2026, 3, 2, 16))


def test_reopened_within_the_grace_it_goes_on_with_the_stopped_time_as_pause() -> None:
    moves = ((MON, RUN), (local(2026, 3, 2, 11), STOP), (local(2026, 3, 3, 9), RUN))
    seen = clock(*moves, now=local(2026, 3, 3, 9), within=hours(24))
    assert (seen.cycle, seen.active, seen.due) == (1, hours(2), local(2026, 3, 3, 11))
    later = read([Turn(at, mode, FOUR) for at, mode in moves], local(2026, 3, 3, 9), reopen_within=hours(12))
    assert [(c.cycle, c.state, c.start) for c in later] == [
        (1, ClockState.MET, MON), (2, ClockState.RUNNING, local(2026, 3, 3, 9))]


def test_a_breach_is_never_erased() -> None:
    easy = Plan(CALENDAR, hours(40))
    turns = [Turn(MON, RUN, FOUR), Turn(local(2026, 3, 2, 15), RUN, easy), Turn(local(2026, 3, 2, 16), STOP, easy)]
    assert read(turns, local(2026, 3, 4))[-1].state is ClockState.BREACHED


def test_a_higher_priority_counts_from_the_start_and_keeps_the_pauses() -> None:
    urgent = Plan(CALENDAR, hours(2))
    turns = [Turn(MON, RUN, FOUR), Turn(local(2026, 3, 2, 10), PAUSE, FOUR), Turn(local(2026, 3, 2, 11), RUN, FOUR),
             Turn(local(2026, 3, 2, 11, 30), RUN, urgent)]
    assert read(turns, local(2026, 3, 2, 11, 30))[-1].due == local(2026, 3, 2, 12)


def test_a_change_that_is_in_breach_at_once_can_be_given_a_floor() -> None:
    at = local(2026, 3, 2, 11)
    strict = read([Turn(MON, RUN, FOUR), Turn(at, RUN, Plan(CALENDAR, hours(1)))], at + hours(0.1))[-1]
    assert (strict.state, strict.breached_at) == (ClockState.BREACHED, at)
    kind = read([Turn(MON, RUN, FOUR), Turn(at, RUN, Plan(CALENDAR, hours(1), floor=hours(0.5)))], at + hours(0.1))[-1]
    assert (kind.state, kind.due) == (ClockState.RUNNING, at + hours(0.5))


def test_a_change_of_reason_at_the_due_instant_does_not_move_due_to_the_next_opening() -> None:
    plan = Plan(CALENDAR, hours(3))
    noon = local(2026, 3, 2, 12)
    turns = [Turn(MON, RUN, plan, "assigned"), Turn(noon, RUN, plan, "reassigned")]
    assert read(turns, noon)[-1].due == noon
    assert read(turns, local(2026, 3, 2, 12, 30))[-1].breached_at == noon


def test_leaving_a_profile_and_coming_back_gives_no_new_time() -> None:
    moves = ((MON, RUN), (local(2026, 3, 2, 11), CANCEL))
    assert clock(*moves, now=local(2026, 3, 2, 12)).state is ClockState.CANCELLED
    back = clock(*moves, (local(2026, 3, 2, 14), RUN), now=local(2026, 3, 2, 14))
    assert (back.start, back.remaining) == (MON, hours(2))


def test_a_clock_that_never_started_has_no_reading() -> None:
    assert read([Turn(MON, OFF, FOUR)], local(2026, 3, 4)) == []


def test_of_one_instant_the_last_move_counts() -> None:
    assert clock((MON, RUN), (MON, PAUSE), now=MON).state is ClockState.PAUSED


def test_shares_of_a_target_are_instants_in_business_time() -> None:
    now = local(2026, 3, 2, 15, 30)
    seen = clock((MON, RUN), (local(2026, 3, 2, 10), PAUSE), (local(2026, 3, 2, 15), RUN), now=now)
    assert seen.at_share(0.25) == local(2026, 3, 2, 10)
    assert seen.at_share(0.5) == local(2026, 3, 2, 16)
    assert seen.at_share(1.0) == seen.due
    assert seen.at_share(1.5) == local(2026, 3, 3, 10, 30)
    paused = clock((MON, RUN), (local(2026, 3, 2, 10), PAUSE), now=local(2026, 3, 2, 11))
    assert paused.at_share(0.25) == local(2026, 3, 2, 10)
    assert paused.at_share(0.5) is None


def test_a_night_of_change_counts_real_hours() -> None:
    plan = Plan(ALWAYS, hours(8))
    assert clock((local(2026, 10, 24, 22), RUN), now=local(2026, 10, 24, 23), plan=plan).due == local(2026, 10, 25, 5)
    assert clock((local(2026, 3, 28, 22), RUN), now=local(2026, 3, 28, 23), plan=plan).due == local(2026, 3, 29, 7)


# a slow second opinion

MINUTE = timedelta(minutes=5)


def slow(calendar: ServiceCalendar, moves: list[tuple[datetime, Mode]], amount: timedelta, now: datetime) -> tuple[
        timedelta, timedelta, datetime | None]:
    """Active, paused and breach instant by walking five minutes at a time, asking only whether it is open."""
    active = paused = timedelta(0)
    reached: datetime | None = None
    breached: datetime | None = None
    at, mode = moves[0]
    while at < now:
        mode = [m for t, m in moves if t <= at][-1]
        opened = calendar.is_open(at)
        if mode is RUN:
            if active == amount:
                if reached is None and opened:
                    reached = at
                if reached is not None and breached is None:
                    breached = reached
            if opened:
                active += MINUTE
                if active == amount:
                    reached = at + MINUTE
        else:
            reached = None
            paused += MINUTE if opened else timedelta(0)
        at += MINUTE
    return active, paused, breached


@settings(max_examples=60, deadline=None, derandomize=True)
@given(plans(), st.lists(st.tuples(st.integers(0, 1500), st.sampled_from([RUN, PAUSE])), min_size=1, max_size=8),
       st.integers(1, 300), st.integers(0, 400), st.randoms(use_true_random=False))
def test_it_agrees_with_walking_the_minutes(
    plan: tuple[dict[str, object], object], moves: list[tuple[int, Mode]], amount: int, tail: int,
    rng: random.Random,
) -> None:
    data, first = plan
    calendar = ServiceCalendar.from_dict(data)
    origin = datetime.combine(first, datetime.min.time(), ZoneInfo(str(data["timezone"]))).astimezone(UTC)  # type: ignore[arg-type]
    line = sorted(dict(moves).items())
    timed = [(origin + MINUTE * i, mode) for i, mode in line]
    now = timed[-1][0] + MINUTE * tail
    target = Plan(calendar, MINUTE * amount)
    turns = [Turn(at, mode, target) for at, mode in timed]
    rng.shuffle(turns)
    seen = read(turns, now)[-1]
    active, paused, breached = slow(calendar, timed, target.amount, now)
    at = None if seen.breached_at is None else seen.breached_at.astimezone(UTC)
    assert (seen.active, seen.paused, at) == (active, paused, breached)
    assert seen.active + seen.paused == calendar.elapsed(seen.start, now)
    assert sum((line.business for line in seen.ledger if line.mode is RUN), timedelta()) == seen.active


# replay


def case(**more: object) -> dict[str, object]:
    return {"calendar": OFFICE, "target_s": 14400, "paused_states": ["pending"], "stopped_states": ["solved"],
            "events": [{"at": "2026-03-02T09:00:00+01:00", "state": "new"},
                       {"at": "2026-03-02T10:00:00+01:00", "state": "pending"},
                       {"at": "2026-03-02T08:15:00Z", "state": "open"}], **more}


def test_replay_takes_cases_and_gives_readings() -> None:
    assert replay([case(), case(now="2026-03-02T18:00:00+01:00", paused_states=[])]) == [
        {"state": "paused", "due": None, "active_s": 3600, "remaining_s": 10800, "paused_s": 0},
        {"state": "breached", "due": "2026-03-02T14:00:00+01:00", "active_s": 27000, "remaining_s": -12600,
         "paused_s": 0},
    ]


def test_replay_can_start_the_clock_later_than_the_first_event() -> None:
    assert replay([case(clock_start="2026-03-02T09:30:00+01:00")])[0]["active_s"] == 1800


def test_replay_tells_every_problem_with_its_place() -> None:
    with pytest.raises(ConfigError) as caught:
        replay([case(), case(target_s="4h", events=[{"at": "2026-03-02T09:00:00", "state": "new"}]), {}, 5])
    assert [p.path for p in caught.value.problems] == [
        "[1].target_s", "[1].events[0].at", "[2].calendar", "[2].target_s", "[2].events", "[3]"]
