"""Real processes killed at every boundary while steps are due: the same steps, the same writes, each once."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.domain.history import EventKind
from connector.flows import intake
from connector.jobs import orphans
from connector.store import SqlStore
from connector.store import open as open_store
from tests.domain.calendars.test_calendar import local
from tests.flows.fake_tool import ME, Clock, FakeTool, connect
from tests.flows.looking import history
from tests.flows.test_killed import ask, ended, worker
from tests.flows.worker import serve

MON = local(2026, 3, 2, 8).astimezone(UTC)
LADDER = """
steps:
  - {clock: resolution, at: 50%, do: [{comment: {to: internal, text: half}}]}
  - {clock: resolution, at: 75%, do: [{assign: {group: Network}}, {tag: urgent}]}
  - {clock: resolution, at: due, do: [{comment: {to: internal, text: due}}], repeat: {every: 30m, at_most: 2}}
"""
MOMENTS = [MON + timedelta(hours=h) for h in (2, 3, 4, 5.5)]
EXPECTED = [*[("resolution at due", n, "fired") for n in (1, 2)], ("resolution at 50%", 1, "fired"),
            ("resolution at 75%", 1, "fired")]


@pytest.fixture
def tool() -> FakeTool:
    found = FakeTool(Clock(MON - timedelta(seconds=10)))
    for id in ("a", "b"):
        found.opened(id, priority="P2", group="Desk")
    return found


def told(store: SqlStore, tool: FakeTool, id: str) -> list[tuple[Any, ...]]:
    events = [e for e in history(connect(store, tool), id) if e.kind is EventKind.ESCALATED]
    assert len({event.key for event in events}) == len(events)
    return sorted((e.data["step"], e.data["n"], e.data["what"]) for e in events)


def moments(tool: FakeTool) -> Iterator[datetime]:
    for at in MOMENTS:
        tool.clock.now = at
        yield at


def test_killed_at_any_boundary_the_same_steps_reach_the_tool_once(
    sqlite_url: str, tmp_path: Path, tool: FakeTool
) -> None:
    store = open_store(sqlite_url)
    intake.poll(connect(store, tool), "desk")
    socket, deaths = str(tmp_path / "tool"), 0
    serve(tool, socket)
    with worker(sqlite_url, socket) as process:
        for at in moments(tool):
            boundary, quiet = 0, 0
            while quiet < 2:
                boundary += 1
                ask(process, dies_at=boundary, now=at.isoformat(), ladder=LADDER)
                code = ended(process)
                assert code in (0, -signal.SIGKILL)
                deaths += code != 0
                quiet = quiet + 1 if code == 0 else 0
    assert deaths > 40, "many boundaries"
    for id in ("a", "b"):
        assert told(store, tool, id) == sorted(EXPECTED)
        assert tool.notes(id) == ["half", "due", "due"]
        assert (tool.tickets[id].group, tool.tickets[id].tags) == ("Network", ("urgent",))
        ours = [event.field for event in tool.log[id] if event.actor == ME and event.kind is EventKind.CHANGED]
        assert sorted(ours) == ["group", "tags"]
    store.close()


def test_the_work_of_a_process_that_is_gone_is_given_back_and_that_of_others_is_not() -> None:
    assert orphans.gone(f"{orphans.place()}:{2**22 + 1}:abc")
    assert not orphans.gone(orphans.owner())
    assert not orphans.gone("elsewhere/1:99999999:abc")
    assert not orphans.gone("worker 7")
