"""Many tickets together get the clocks that each gets alone."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.agreements.engine import History, clocks, clocks_of_many
from connector.domain.agreements.registry import Registry
from connector.domain.history import effective
from tests.domain.agreements.stories import NIGHTS, NOWS, STORIES, M, Story, Told, scene
from tests.domain.agreements.test_engine import profile
from tests.domain.agreements.test_engine_property import EVERYTHING, OLA

IMPOSSIBLE = datetime(1850, 1, 1, tzinfo=UTC)
"""Before all calendars."""
HOURS = scene("Europe/Zurich", 0)[0]
STRICT = profile(EVERYTHING, targets={"resolution": "5m", "next_response": "5m"})
SUPPLIER = profile("{profile: uc, agreement: uc, calendar: hours, targets: {resolution: 1h, acknowledge: 5m}, "
                   "responder: {roles: [agent, supplier], internal_notes: true}}")
DESK = Registry.checked([profile(EVERYTHING), profile(OLA), SUPPLIER], {"hours": HOURS}, older={("all", "0"): STRICT})
VERSIONS = st.sampled_from([None, "0", "1", "gone"])
TICKETS = st.lists(st.tuples(st.sampled_from((*NIGHTS, IMPOSSIBLE)), STORIES, VERSIONS), max_size=6)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(TICKETS, st.sampled_from(NIGHTS), NOWS)
def test_together_or_alone_makes_no_difference(
    tickets: list[tuple[datetime, Story, str | None]], begin: datetime, minutes: int
) -> None:
    now = begin + M * minutes
    asked = [history(origin, story, version) for origin, story, version in tickets]
    alone = [clocks(ticket, events, DESK, now, pinned) for ticket, events, pinned in asked]
    assert clocks_of_many(asked, DESK, now) == alone


def history(origin: datetime, story: Story, version: str | None) -> History:
    told = Told(origin, story)
    return History(told.ticket, effective(told.events), None if version is None else {"all": version})


def test_a_ticket_that_cannot_be_computed_says_so_and_leaves_the_others_alone() -> None:
    good, bad = history(NIGHTS[0], [], None), history(IMPOSSIBLE, [], None)
    results = clocks_of_many([good, bad, good], DESK, NIGHTS[0] + M * 600)
    assert results[0] == results[2]
    assert len(results[0].clocks) > 2
    assert not results[0].problems
    assert not results[1].clocks
    assert [problem for problem in results[1].problems if "cannot be computed" in problem] == list(results[1].problems)
    assert results[1].problems


def test_each_ticket_holds_its_own_version() -> None:
    old, new = history(NIGHTS[0], [], "0"), history(NIGHTS[0], [], "1")
    strict, kind = clocks_of_many([old, new], DESK, NIGHTS[0] + M * 60)
    assert [c.clock.target for c in strict.clocks if c.profile.name == "all"] == [M * 5]
    assert M * 5 not in [c.clock.target for c in kind.clocks if c.profile.name == "all"]


def test_no_tickets_no_results() -> None:
    assert clocks_of_many([], DESK, NIGHTS[0]) == []
