"""`connector check`: all problems of all files together, and what a live tool says of the mapping."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import time_machine
from click.testing import CliRunner

from connector import vendors
from connector.checks import deployment as check
from connector.cli import main
from connector.commands.demo_desk import Tools
from connector.wiring import utc_now

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "mappings", tmp_path / "mappings")
    shutil.copytree(ROOT / "sla_profiles", tmp_path / "sla_profiles")
    (tmp_path / "connector.yaml").write_text("""\
name: desk
channels: {mail: {host: localhost, security: none, from: desk@example.org}}
tools:
  glpi:
    vendor: glpi
    url: https://glpi.example.org
    mapping: mappings/glpi.yaml
    auth: {user_token: {env: GLPI_USER_TOKEN}}
""")
    return tmp_path


def run(folder: Path) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["--config", str(folder / "connector.yaml"), "check"],
                              env={"GLPI_USER_TOKEN": "a-token-of-forty-characters-more-or-less"})
    return done.exit_code, done.output


def test_right_files_have_no_errors(folder: Path) -> None:
    assert run(folder) == (0, "no errors (1 tools)\n")


def test_problems_of_settings_mappings_and_agreements_are_told_together(folder: Path) -> None:
    mapping, profile = folder / "mappings/glpi.yaml", folder / "sla_profiles/customers/acme.yaml"
    mapping.write_text(mapping.read_text().replace("pending_on: customer", "pending_on: client", 1))
    profile.write_text(profile.read_text().replace("P2: 8h", "P2: eight"))
    code, output = run(folder)
    assert code == 1
    assert "mappings/glpi.yaml:" in output
    assert "customers/acme.yaml:" in output
    (folder / "connector.yaml").write_text("name: desk\ntools:\n  glpi: {vendor: glpy}\n")
    code, output = run(folder)
    assert "connector.yaml:3:" in output
    assert "customers/acme.yaml:" in output, "agreements are checked although the settings are wrong"


def test_a_mapping_for_another_make_is_told(folder: Path) -> None:
    text = (folder / "connector.yaml").read_text()
    (folder / "connector.yaml").write_text(text.replace("mappings/glpi.yaml", "mappings/osticket.yaml"))
    assert "is for osticket, but tool `glpi` is a glpi" in run(folder)[1]


@pytest.fixture(scope="module")
def tools() -> Iterator[Tools]:
    with Tools(3, 1) as running:
        yield running


@pytest.mark.parametrize("make", ["servicenow", "glpi", "osticket"])
def test_live_the_shipped_mapping_fits_the_tool(tools: Tools, make: str) -> None:
    settings = tools.handles[make].settings(make, ROOT / f"mappings/{make}.yaml")
    mapping = check.settings.load_mapping(settings.mapping)
    answer = check.live(settings, mapping, lambda: vendors.build(settings, mapping, utc_now))
    assert answer.diagnosis is not None
    assert answer.diagnosis.version
    assert [str(problem) for problem in answer.problems if problem.severity == "error"] == []


def test_live_a_state_the_mapping_lacks_is_told(tools: Tools, folder: Path) -> None:
    path = folder / "mappings/glpi.yaml"
    text = path.read_text()
    changed = "\n".join(line for line in text.splitlines() if not line.strip().startswith("3: in_progress"))
    changed = changed.replace(", 3: in_progress", "").replace("3: in_progress, ", "")
    assert changed != text
    path.write_text(changed)
    settings = tools.handles["glpi"].settings("glpi", path)
    mapping = check.settings.load_mapping(path)
    answer = check.live(settings, mapping, lambda: vendors.build(settings, mapping, utc_now))
    assert any("values of `status` that the mapping lacks: 3 (Planned)" in str(p) for p in answer.problems)


def test_live_a_tool_that_does_not_answer_is_told_and_nothing_else_breaks(tools: Tools) -> None:
    settings = tools.handles["glpi"].settings("glpi", ROOT / "mappings/glpi.yaml", url="http://127.0.0.1:9")
    mapping = check.settings.load_mapping(settings.mapping)
    answer = check.live(settings, mapping, lambda: vendors.build(settings, mapping, utc_now))
    assert answer.diagnosis is None
    assert "no answer from http://127.0.0.1:9" in str(answer.problems[0])


@pytest.mark.parametrize("name", ["acme.yaml", "customer/acme.yaml", "customers/acme.yml", "customers/old/acme.yaml"])
def test_agreements_that_lie_where_nobody_reads_them_are_told(folder: Path, name: str) -> None:
    file = folder / "sla_profiles" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("profile: acme\n")
    code, said = run(folder)
    assert code == 0
    assert f"{file}: warning: is not read: expected NAME.yaml in calendars, customers" in said


def test_what_deserves_a_warning_is_told_at_its_line_and_is_no_error(folder: Path) -> None:
    profile, calendar = folder / "sla_profiles/customers/acme.yaml", folder / "sla_profiles/calendars/weekdays.yaml"
    profile.write_text(profile.read_text().replace("P4: 1 working day", "P4: 1d"))
    calendar.write_text(calendar.read_text().partition("holidays:")[0] + 'holidays: ["2026-01-01"]\n')
    with time_machine.travel(datetime(2026, 12, 21, 9, tzinfo=UTC), tick=False):
        code, said = run(folder)
    assert code == 0
    assert "customers/acme.yaml:14:3: warning: targets.first_response: `1d`: a day is 24 hours of `weekdays`" in said
    assert "calendars/weekdays.yaml:6:1: warning: holidays: holidays are known until 2026-12-31 only" in said
