"""What a look at a ticket remembers: versions, a breach once, a correction when it was none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connector.domain.agreements.assess import agreed, assess
from connector.domain.agreements.registry import Registry
from connector.domain.history import Event, EventKind, Role
from tests.domain.agreements.test_engine import ACME, MON, Story, profile, registry, ticket
from tests.domain.calendars.test_calendar import OFFICE, local

LATE = local(2026, 3, 3, 9)


def told(events: tuple[Event, ...]) -> list[tuple[object, object]]:
    return [(event.data["clock"], event.data["what"]) for event in events if event.kind is EventKind.CLOCK]


def test_a_breach_is_recorded_once_at_the_moment_it_happened() -> None:
    desk, history = registry(), Story().events
    first = assess(ticket(), history, desk, LATE)
    assert told(first.events) == [("acme-gold/first_response/1", "breached"), ("acme-gold/resolution/1", "breached")]
    assert [event.at for event in first.events if event.kind is EventKind.CLOCK] == [
        local(2026, 3, 2, 10), local(2026, 3, 3, 8, 30)]
    again = assess(ticket(), [*history, *first.events], desk, LATE + timedelta(hours=1))
    assert again.events == ()


def test_history_read_late_corrects_a_breach_by_a_new_event_and_a_second_breach_is_told_again() -> None:
    desk, story = registry(), Story()
    first = assess(ticket(), story.events, desk, LATE)
    story.set(local(2026, 3, 2, 9, 30), state="pending", pending_on="customer")
    known = [*story.events, *first.events]
    second = assess(ticket(state="pending", pending_on="customer"), known, desk, LATE)
    assert told(second.events) == [
        ("acme-gold/first_response/1", "corrected"), ("acme-gold/resolution/1", "corrected")]
    story.set(local(2026, 3, 3, 9), state="in_progress", pending_on=None)
    third = assess(ticket(state="in_progress"), [*story.events, *first.events, *second.events], desk,
                   local(2026, 3, 9))
    assert ("acme-gold/resolution/1", "breached") in told(third.events)
    assert len({event.key for event in (*first.events, *second.events, *third.events)}) == len(
        first.events + second.events + third.events)


def test_the_version_in_force_is_remembered_and_stays_until_another_is_applied() -> None:
    old, new = profile(ACME), profile(ACME, targets={"resolution": "1h"})
    first = assess(ticket(), [], Registry.checked([old], {"weekdays": OFFICE}), MON)
    assert [(e.data["profile"], e.data["version"]) for e in first.events if e.kind is EventKind.AGREED] == [
        ("acme-gold", "1")]
    object.__setattr__(new, "version", "2")
    desk = Registry.checked([new], {"weekdays": OFFICE}, None, {("acme-gold", "1"): old})
    kept = assess(ticket(), first.events, desk, MON)
    assert {c.clock.target for c in kept.result.clocks if c.target == "resolution"} == {timedelta(hours=8)}
    applied = [*first.events, agreed("acme-gold", "2", MON + timedelta(minutes=1), "admin")]
    moved = assess(ticket(), applied, desk, MON + timedelta(minutes=1))
    assert {c.clock.target for c in moved.result.clocks} == {timedelta(hours=1)}


def test_the_next_look_is_just_after_the_first_due_time() -> None:
    assert assess(ticket(), [], registry(), MON).next_at == local(2026, 3, 2, 10) + timedelta(microseconds=1)
    pending = Story().set(MON, role=Role.AGENT, state="pending", pending_on="customer")
    assert assess(ticket(state="pending", pending_on="customer"), pending.events, registry(), MON).next_at is None


def test_what_was_recorded_of_a_profile_since_removed_stays() -> None:
    first = assess(ticket(), [], registry(), LATE)
    other = registry(profile(ACME, profile="another"))
    assert told(assess(ticket(), first.events, other, LATE).events) == [
        ("another/first_response/1", "breached"), ("another/resolution/1", "breached")]


def test_a_breach_in_the_hour_that_comes_twice_is_recorded_once() -> None:
    """Local times of that hour equal no time of another zone, so they are compared in UTC."""
    always = {"timezone": "Europe/Zurich", "hours": "24x7"}
    one = profile("{profile: p, agreement: sla, calendar: z, targets: {resolution: 1h}}")
    desk = Registry.checked([one], {"z": always})
    for hour in (23, 24):
        opened = datetime(2026, 10, 24, 0, 30, tzinfo=UTC) + timedelta(hours=hour)
        first = assess(ticket(opened_at=opened), [], desk, opened + timedelta(hours=3))
        assert [event.at for event in first.events if event.kind is EventKind.CLOCK] == [opened + timedelta(hours=1)]
        again = assess(ticket(opened_at=opened), first.events, desk, opened + timedelta(hours=4))
        assert again.events == ()


@pytest.mark.parametrize("zone", ["Europe/Zurich", "America/Montreal", "Australia/Lord_Howe"])
@pytest.mark.parametrize("night", [datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 11, 1, 3, tzinfo=UTC),
                                   datetime(2026, 4, 4, 12, tzinfo=UTC), datetime(2026, 3, 28, 23, tzinfo=UTC)])
def test_in_a_night_of_change_each_look_is_later_than_the_last_and_each_breach_told_once(
    zone: str, night: datetime
) -> None:
    one = profile("{profile: p, agreement: sla, calendar: z, targets: {first_response: 20m, resolution: 1h}}")
    for hours in ("24x7", {"mon-sun": [["00:15", "02:45"], ["03:10", "22:00"]]}):
        desk = Registry.checked([one], {"z": {"timezone": zone, "hours": hours}})
        for minute in range(0, 6 * 60, 25):
            now = night + timedelta(minutes=minute)
            opened, history, looks = now, list[Event](), 0
            while True:
                seen = assess(ticket(opened_at=opened), history, desk, now)
                history += seen.events
                if seen.next_at is None:
                    break
                assert seen.next_at > now
                now, looks = seen.next_at, looks + 1
            assert looks == 2
            assert told(tuple(history)) == [("p/first_response/1", "breached"), ("p/resolution/1", "breached")]
