"""What a change of agreements does, clock by clock: named, and nothing told where nothing changes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connector.domain.agreements.comparison import compare, headline
from connector.domain.agreements.engine import Result
from connector.domain.agreements.registry import Registry
from tests.domain.agreements.test_engine import ACME, Story, profile
from tests.domain.calendars.test_calendar import OFFICE, local

NOW = local(2026, 3, 2, 14)


def under(**targets: str) -> Result:
    desk = Registry.checked([profile(ACME, targets=targets)] if targets else [], {"weekdays": OFFICE})
    return Story().read(NOW, desk)


def what(before: Result, after: Result) -> list[tuple[str, str]]:
    return [(one.clock, one.what) for one in compare(before, after)]


def test_the_same_agreements_change_nothing() -> None:
    assert what(under(resolution="8h"), under(resolution="8h")) == []


@pytest.mark.parametrize(("old", "new", "named"), [
    ("8h", "9h", "moved"), ("8h", "2h", "breached"), ("2h", "8h", "healed"), ("2h", "3h", "moved"),
])
def test_what_happens_to_a_clock_has_a_name(old: str, new: str, named: str) -> None:
    assert what(under(resolution=old), under(resolution=new)) == [("acme-gold/resolution/1", named)]


def test_clocks_that_come_and_go() -> None:
    assert what(under(resolution="8h"), under(first_response="8h")) == [
        ("acme-gold/first_response/1", "new"), ("acme-gold/resolution/1", "gone")]
    assert what(under(resolution="8h"), under()) == [("acme-gold/resolution/1", "gone")]


def test_a_clock_in_another_state_with_no_due_to_move() -> None:
    def read(condition: str) -> Result:
        one = profile(ACME, targets={"resolution": "8h"}, conditions={"pause": [], condition: {"state": "pending"}})
        story = Story().set(local(2026, 3, 2, 10), state="pending")
        return story.read(NOW, Registry.checked([one], {"weekdays": OFFICE}))

    assert what(read("pause"), read("cancel")) == [("acme-gold/resolution/1", "other")]


def test_it_tells_both_states_and_dues() -> None:
    one = compare(under(resolution="8h"), under(resolution="2h"))[0]
    assert (one.old_state, one.new_state) == ("running", "breached")
    assert (one.old_due, one.new_due) == (local(2026, 3, 3, 8, 30), local(2026, 3, 2, 11))


def test_dues_in_the_hour_that_comes_twice_are_told_apart() -> None:
    always = {"timezone": "Europe/Zurich", "hours": "24x7"}
    opened = datetime(2026, 10, 24, 23, 30, tzinfo=UTC)

    def read(amount: str, zone: str = "Europe/Zurich") -> Result:
        one = profile("{profile: p, agreement: sla, calendar: z}", targets={"resolution": amount})
        return Story().read(opened, Registry.checked([one], {"z": {**always, "timezone": zone}}), opened_at=opened)

    assert what(read("1h"), read("2h")) == [("p/resolution/1", "moved")], "02:30 and 02:30 again"
    assert what(read("1h"), read("1h", "UTC")) == [], "the same instant"


def test_the_headline_counts_each_kind() -> None:
    found = [*compare(under(resolution="8h"), under(resolution="9h")), *compare(under(resolution="8h"), under())]
    assert headline(found) == {"moved": 1, "gone": 1}
    assert headline([]) == {}
