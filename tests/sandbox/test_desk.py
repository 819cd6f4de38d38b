"""The neutral desk and its handle: every change moves stamps, log and listeners, and nothing else does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from connector import sandbox
from connector.sandbox import Clock, Handle
from connector.sandbox.clock import clock_of
from connector.sandbox.model import Happening

Start = Callable[..., Handle]


@pytest.mark.parametrize("make", ["servicenow", "glpi", "osticket"])
def test_what_is_already_so_is_no_change(start: Start, make: str) -> None:
    handle = start(make)
    id = handle.create(title="x", group="Network")
    ticket = handle.ticket(id)
    seen: list[Happening] = []
    handle.desk.listen(seen.append)
    revision, lines = ticket.revision, len(ticket.log)
    handle.step(5)
    handle.edit(id, title="x", group="Network")
    assert (ticket.revision, len(ticket.log), seen) == (revision, lines, [])
    handle.edit(id, title="y")
    assert (ticket.revision, ticket.updated_at) == (revision + 1, handle.desk.clock.now())
    assert [(h.kind, h.detail) for h in seen] == [("changed", "title")]


@pytest.mark.parametrize("make", ["servicenow", "glpi", "osticket"])
def test_state_and_raw_status_and_dates_stay_in_step(start: Start, make: str) -> None:
    handle = start(make)
    id = handle.create(title="x")
    ticket = handle.ticket(id)
    for state, pending in (("in_progress", None), ("pending", "supplier"), ("resolved", None), ("in_progress", None),
                           ("closed", None)):
        handle.step(60)
        handle.edit(id, state=state, pending_on=pending)
        assert ticket.state == state
        assert handle.side.state_of(ticket.status, ticket.kind) in (state, "in_progress")
        assert (ticket.resolved_at is not None) == (state in ("resolved", "closed"))
        assert (ticket.closed_at is not None) == (state == "closed")
        assert (ticket.pending_since is not None) == (state == "pending")


def test_a_quiet_change_moves_no_stamp_as_scripts_may_do(start: Start) -> None:
    handle = start("servicenow")
    ticket = handle.ticket(handle.create(title="x"))
    at = ticket.updated_at
    handle.step(60)
    handle.desk.change(ticket, 1, {"title": "y"}, quiet=True)
    assert (ticket.title, ticket.updated_at, ticket.revision) == ("y", at, 0)


def test_names_that_are_not_at_this_desk_are_told(start: Start) -> None:
    handle = start("glpi")
    with pytest.raises(KeyError, match="'Nobody' is not at this desk"):
        handle.create(title="x", group="Nobody")
    with pytest.raises(KeyError, match="glpi has no ticket 77"):
        handle.edit("77", title="x")
    with pytest.raises(ValueError, match="no stand-in for 'jira'"):
        sandbox.start("jira")


@pytest.mark.parametrize("make", ["servicenow", "glpi", "osticket"])
def test_secrets_are_the_same_for_the_same_seed_only(start: Start, make: str) -> None:
    one, two, other = (start(make, seed=seed).side.auth() for seed in (1, 1, 2))
    assert one == two
    assert one != other


def test_many_threads_lose_nothing(start: Start) -> None:
    handle = start("glpi")
    id = handle.create(title="x")

    def talk() -> None:
        for _ in range(50):
            handle.comment(id, "x")

    threads = [threading.Thread(target=talk) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ticket = handle.ticket(id)
    assert len({comment.id for comment in ticket.comments}) == 400
    assert ticket.revision == 400


def test_a_clock_runs_stands_or_steps() -> None:
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    still, fast = Clock(0, begin), Clock(1000, begin)
    time.sleep(0.02)
    assert still.now() == begin
    assert fast.now() - begin > timedelta(seconds=15)
    assert still.step(90) == begin + timedelta(seconds=90)
    still.shift = timedelta(hours=-1)
    assert still.now() == begin + timedelta(seconds=90) - timedelta(hours=1)
    with pytest.raises(ValueError):
        still.step(-1)
    with pytest.raises(ValueError):
        Clock(-1)


@pytest.mark.parametrize(("given", "speed"), [(None, 1), ("real", 1), ("manual", 0), (60, 60)])
def test_a_clock_by_its_name(given: float | str | None, speed: float) -> None:
    assert clock_of(given).speed == speed


def test_an_unknown_clock_is_told() -> None:
    with pytest.raises(ValueError, match="sundial"):
        clock_of("sundial")
