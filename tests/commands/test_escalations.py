"""`connector escalations`: what is in force, what would fire and why, what would have fired, and binding tickets."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from click.testing import CliRunner, Result

from connector.cli import main
from connector.domain.ticket import Kind, State, Ticket
from connector.ports import Change
from connector.store import admin
from connector.store import open as open_store

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)


class Desk:
    """A deployment with the shipped agreements and one open ticket of ACME."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.url = folder, f"sqlite:///{folder}/connector.db"
        shutil.copytree(ROOT / "sla_profiles", folder / "sla_profiles")
        (folder / "connector.yaml").write_text(f"name: desk\nstore: {{url: '{self.url}'}}\n")
        admin.upgrade(self.url)
        store = open_store(self.url)
        with store.begin() as tx:
            tx.save([Change(ticket=Ticket(
                tool="desk", id="1", number="INC1", kind=Kind.INCIDENT, state=State.NEW, priority="P2",
                customer="ACME SA", group="Network", opened_at=NOW, updated_at=NOW))])
        store.close()

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(main, ["--config", str(self.folder / "connector.yaml"), "escalations", *arguments])

    def read(self, *arguments: str) -> Any:
        done = self.run(*arguments, "--json")
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with time_machine.travel(NOW, tick=False):
        yield Desk(tmp_path)


def test_the_ladders_in_force_are_listed_with_their_steps(desk: Desk) -> None:
    found = {rule["rule"]: rule for rule in desk.read("list")}
    steps = [step["step"] for step in found["incident-ladder"]["steps"]]
    assert steps[:2] == ["resolution at 50%", "resolution at 75%"]
    assert "resolution at breach: notify manager 1; internal note" in desk.run("list").output


def test_a_dry_run_of_a_ticket_says_what_would_fire_when_and_why(desk: Desk) -> None:
    done = desk.run("dry-run", "--ticket", "INC1", "--until", "2d")
    assert "incident-ladder: resolution at 50% #1" in done.output
    assert "why: resolution at 50% on acme-gold/resolution/1" in done.output
    found = desk.read("dry-run", "--where", "{priority: P2}", "--until", "2026-03-04")
    assert [one["at"][:16] for one in found["firings"]][:2] == ["2026-03-02T13:00", "2026-03-02T15:00"]
    assert desk.read("dry-run", "--where", "{priority: P1}")["firings"] == []


def test_a_dry_run_writes_nothing(desk: Desk) -> None:
    desk.run("dry-run", "--until", "9d")
    store = open_store(desk.url)
    with store.read() as tx:
        assert tx.history([1])[1] == []
        assert tx.pending(1) == []
    store.close()


def test_the_past_is_simulated_with_counts_and_people(desk: Desk) -> None:
    with time_machine.travel(NOW + timedelta(days=20), tick=False):
        found = desk.read("simulate", "--from", "2026-03-01", "--to", "2026-03-10")
        assert (found["tickets"], found["escalated"]) == (1, 1)
        assert {one["step"]: one["count"] for one in found["steps"]}["resolution at breach"] == 7
        assert "Paul Girard" in found["people"]
        assert "per day: median" in desk.run("simulate", "--from", "2026-03-01", "--to", "2026-03-10").output


def test_what_cannot_be_is_told(desk: Desk) -> None:
    assert "expected a date such as 2026-03-31, or a duration" in desk.run("dry-run", "--until", "soon").output
    assert "there is no escalation `nothing`" in desk.run("apply", "nothing").output
    assert "give --ticket or --where" in desk.run("dry-run", "--ticket", "INC1", "--where", "{}").output
    assert "unknown field `priorty`" in desk.run("dry-run", "--where", "{priorty: P1}").output


def test_applying_says_how_many_tickets_it_bound(desk: Desk) -> None:
    assert "0 tickets bound to version" in desk.run("apply", "incident-ladder").output
