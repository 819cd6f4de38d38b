"""The generated desk: the same for the same seed, plausible, and alive."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from typing import Any

import pytest

from connector import sandbox
from connector.sandbox import Clock, Handle
from connector.sandbox.model import Ticket
from connector.sandbox.rhythm import HOURS, WEEKDAYS, ZONE, lasting, spread, stream, worked
from connector.sandbox.stories import ASKED, REOPENED

START = datetime(2026, 3, 2, tzinfo=UTC)
Start = Callable[..., Handle]


@pytest.fixture(scope="module")
def year() -> Iterator[Handle]:
    with sandbox.start("servicenow", tickets=4000, days=365, clock=Clock(0, START), seed=5) as handle:
        yield handle


def lived(handle: Handle, kind: str) -> list[Ticket]:
    """Tickets old enough to have lived their life."""
    return [t for t in handle.desk.tickets.values() if t.kind == kind and t.opened_at < START - timedelta(days=60)]


def told(handle: Handle) -> list[Any]:
    return [(t.id, t.title, t.opened_at, [(c.at, c.field, str(c.new)) for c in t.log], [c.text for c in t.comments])
            for t in handle.desk.tickets.values()]


@pytest.mark.parametrize("make", ["servicenow", "glpi", "osticket"])
def test_the_same_seed_gives_the_same_desk(start: Start, make: str) -> None:
    one, two, other = (start(make, tickets=120, clock=Clock(0, START), seed=seed) for seed in (3, 3, 4))
    assert told(one) == told(two)
    assert told(one) != told(other)


def test_the_back_history_ends_now_and_has_the_size_asked_for(year: Handle) -> None:
    tickets = year.desk.tickets.values()
    opened = [t for t in tickets if t.kind != "task"]
    assert len(opened) + len(year.desk.deletions) == 4000
    assert min(t.opened_at for t in tickets) > START - timedelta(days=365)
    assert max(t.updated_at for t in tickets) <= START


def test_what_happened_is_written_down_in_the_order_of_time(year: Handle) -> None:
    lines = sorted((c for t in year.desk.tickets.values() for c in t.log), key=lambda line: line.id)
    assert all(a.at <= b.at for a, b in pairwise(lines))
    assert all(t.updated_at == max(c.at for c in t.log) for t in year.desk.tickets.values())


def test_hours_and_weekdays_follow_the_log_they_are_modelled_on(year: Handle) -> None:
    local = [t.opened_at.astimezone(ZONE) for t in year.desk.tickets.values() if t.kind != "task"]
    hours, days = Counter(at.hour for at in local), Counter(at.weekday() for at in local)
    for at in (3, 9, 12, 15, 20):
        assert abs(hours[at] / len(local) - HOURS[at] / sum(HOURS)) < 0.02
    for day in range(7):
        assert abs(days[day] / len(local) - WEEKDAYS[day] / sum(WEEKDAYS)) < 0.03
    assert max(days, key=lambda day: days[day]) == 0


def test_shares_of_pendings_reassignments_and_reopenings_are_those_stated(year: Handle) -> None:
    incidents = lived(year, "incident")
    def share(field: str, test: Callable[[Any, Any], bool]) -> float:
        return sum(any(c.field == field and test(c.old, c.new) for c in t.log) for t in incidents) / len(incidents)

    assert abs(share("pending_on", lambda old, new: new == "customer") - ASKED) < 0.03
    assert 0.35 < share("group", lambda old, new: True) < 0.6
    assert 0.01 < share("supplier", lambda old, new: new is not None) < 0.2
    assert abs(share("state", lambda old, new: old == "resolved" and new == "in_progress") - REOPENED) < 0.01


def test_every_level_of_support_works_and_most_is_solved_at_the_first(year: Handle) -> None:
    levels = Counter(year.desk.groups[t.group].level for t in lived(year, "incident") if t.group)
    assert set(levels) == {1, 2, 3, 4}
    assert levels[1] > levels[3]
    assert Counter(t.impact for t in lived(year, "incident")).most_common(1)[0][0] == "medium"


def test_old_tickets_are_closed_and_requests_have_tasks(year: Handle) -> None:
    assert {t.state for t in lived(year, "incident")} <= {"closed", "cancelled"}
    parents = {t.parent for t in year.desk.tickets.values() if t.kind == "task"}
    requests = {t.id for t in lived(year, "service_request")}
    assert len(requests & parents) / len(requests) > 0.9


def test_people_write_in_their_own_language(year: Handle) -> None:
    people = year.desk.people
    asked = {(people[t.requester].language, t.title) for t in year.desk.tickets.values() if t.requester}
    assert ("fr", "Mot de passe expiré") in asked
    assert ("en", "Mot de passe expiré") not in asked


def test_time_moves_the_desk(start: Start) -> None:
    handle = start("glpi", tickets=200, days=10, live=True, clock=Clock(0, START))
    before = len(handle.desk.tickets), sum(len(t.log) for t in handle.desk.tickets.values())
    handle.step(2 * 86_400)
    after = len(handle.desk.tickets), sum(len(t.log) for t in handle.desk.tickets.values())
    assert after[0] > before[0] + 10
    assert after[1] > before[1] + 100
    newest = max(t.opened_at for t in handle.desk.tickets.values())
    assert START < newest <= START + timedelta(days=2)


def test_a_ticket_that_somebody_else_ended_is_left_alone(start: Start) -> None:
    handle = start("osticket", tickets=60, days=2, clock=Clock(0, START))
    busy = [t for t in handle.desk.tickets.values() if t.state in ("new", "in_progress", "pending")]
    assert len(busy) > 5
    for ticket in busy:
        handle.edit(str(ticket.id), state="closed")
    lines = {t.id: len(t.log) for t in busy}
    handle.step(40 * 86_400)
    assert {t.id: len(t.log) for t in busy} == lines


def test_a_live_stream_has_the_volume_asked_for() -> None:
    arrivals = list(islice(stream(random.Random(1), START, 700), 4000))
    four_weeks = sum(at < START + timedelta(days=28) for at in arrivals)
    assert abs(four_weeks - 2800) < 160  # three standard deviations of a Poisson count
    assert all(a <= b for a, b in pairwise(arrivals))


def test_a_short_back_history_stays_within_its_time() -> None:
    assert spread(random.Random(1), START, START + timedelta(minutes=5), 3)[-1] < START + timedelta(minutes=5)


def test_work_is_done_in_office_hours_only() -> None:
    friday = datetime(2026, 3, 6, 16, 30, tzinfo=UTC)  # 17:30 in Zurich
    assert worked(friday, timedelta(hours=1)) == datetime(2026, 3, 9, 7, 30, tzinfo=UTC)
    assert worked(friday, timedelta(minutes=20)) == friday + timedelta(minutes=20)


def test_durations_are_spread_around_their_median() -> None:
    rng = random.Random(1)
    hours = sorted(lasting(rng, 40, 1.1) / timedelta(hours=1) for _ in range(2001))
    assert 34 < hours[1000] < 46
    assert hours[-1] <= 24 * 60
