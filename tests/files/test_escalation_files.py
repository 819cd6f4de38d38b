"""Ladders as files: found, checked against everything they name, kept by version since they came into force."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector.domain.errors import ConfigError
from connector.files.in_force import Agreements
from connector.files.profiles import load
from connector.store import SqlStore

ROOT = Path(__file__).parents[2]
LADDER = Path("escalations") / "incident-ladder.yaml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "sla_profiles", tmp_path / "sla_profiles")
    return tmp_path / "sla_profiles"


def problems(folder: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(folder)
    return [str(problem).removeprefix(f"{folder}/") for problem in caught.value.problems]


def test_the_shipped_ladder_loads_and_climbs_to_the_director() -> None:
    (rule,) = [r for r in load(ROOT / "sla_profiles").registry.escalations.values() if r.name == "incident-ladder"]
    assert [step.name for step in rule.steps] == [
        "resolution at 50%", "resolution at 75%", "resolution 1h before due", "resolution at breach"]


def test_a_name_that_leads_nowhere_is_told_with_its_line(folder: Path) -> None:
    text = (folder / LADDER).read_text()
    (folder / LADDER).write_text(text.replace("{level: 2}}, {notify", "{group: Netwrok}}, {notify"))
    (told,) = problems(folder)
    assert told.startswith("escalations/incident-ladder.yaml:7:")
    assert "there is no group `Netwrok`, did you mean `Network`?" in told


def test_a_profile_that_names_no_ladder_is_told(folder: Path) -> None:
    (folder / LADDER).unlink()
    assert any("customers/acme.yaml:" in one and "there is no escalation" in one for one in problems(folder))


def test_without_teams_no_name_of_people_is_refused(folder: Path) -> None:
    shutil.rmtree(folder / "teams")
    assert "incident-ladder" in load(folder).registry.escalations


def test_a_mistake_of_form_has_line_and_column(folder: Path) -> None:
    (folder / LADDER).write_text("escalation: incident-ladder\nsteps:\n  - {on: opened, do: [{notfy: x}]}\n")
    (told,) = problems(folder)
    assert told == ("escalations/incident-ladder.yaml:3:24: steps.0.do.0.notfy: unknown action `notfy`, "
                    "did you mean `notify`?")


def test_versions_are_kept_with_the_moment_they_came_into_force(folder: Path, sqlite_store: SqlStore) -> None:
    now = datetime(2026, 3, 2, 8, tzinfo=UTC)
    first = Agreements(folder, sqlite_store, lambda: now).current().escalations["incident-ladder"]
    assert first.since == now
    text = (folder / LADDER).read_text()
    (folder / LADDER).write_text(text.replace("at: 50%", "at: 40%"))
    later = now + timedelta(days=1)
    registry = Agreements(folder, sqlite_store, lambda: later).current()
    second = registry.escalations["incident-ladder"]
    assert second.since == later
    assert second.version != first.version
    again = Agreements(folder, sqlite_store, lambda: later + timedelta(days=1)).current()
    assert again.escalations["incident-ladder"].since == later
    assert registry.escalation("incident-ladder", "", now + timedelta(hours=1)).version == first.version  # type: ignore[union-attr]
    assert registry.escalation("incident-ladder", "", later).version == second.version  # type: ignore[union-attr]
    assert registry.escalation("incident-ladder", first.version, later) is not None
