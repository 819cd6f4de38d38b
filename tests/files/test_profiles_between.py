"""What is wrong between files is told together with what is wrong in them, and nothing is told that is not sure."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from connector.domain.errors import ConfigError
from connector.files.profiles import load
from tests.files.test_profiles import change, problems

SHIPPED = Path(__file__).parents[2] / "sla_profiles"
UNREADABLE = "profile: [unclosed\nagreement: sla\n"


@pytest.fixture
def slips(folder: Path) -> Path:
    """A step that tells nobody there is, and a manager who is not there."""
    change(folder / "escalations/incident-ladder.yaml", "do: [{notify: assignee}]",
           "do: [{notify: {person: nobody}}]")
    change(folder / "teams/people.yaml", "manager: lead-support", "manager: lead-supportt")
    return folder


def told(folder: Path) -> tuple[bool, bool]:
    """Whether the slip of the ladder and that of the team are told."""
    found = problems(folder)
    return (any("there is no person `nobody`" in problem for problem in found),
            any("lead-supportt" in problem for problem in found))


def test_mistakes_of_ladders_and_teams_are_told_together(slips: Path) -> None:
    assert told(slips) == (True, True)


@pytest.mark.parametrize("text", [UNREADABLE, "profile: acme-gold\nagreement: slo\n", "agreement: sla\n", "7\n", ""])
def test_mistakes_of_ladders_and_teams_are_told_whatever_is_wrong_with_a_profile(slips: Path, text: str) -> None:
    (slips / "customers/acme.yaml").write_text(text)
    assert told(slips) == (True, True)
    assert any("/customers/acme.yaml" in problem for problem in problems(slips))


def test_a_profile_that_cannot_be_read_is_not_missed_by_those_who_name_it(folder: Path) -> None:
    (folder / "suppliers/hosting-uc.yaml").write_text(UNREADABLE)
    found = problems(folder)
    assert [problem for problem in found if "/suppliers/hosting-uc.yaml" not in problem] == []


def test_a_ladder_that_cannot_be_read_is_not_missed_by_the_profiles_that_climb_it(folder: Path) -> None:
    (folder / "escalations/incident-ladder.yaml").write_text("escalation: incident-ladder\nsteps: 7\n")
    assert {problem.partition(":")[0] for problem in problems(folder)} == {"/escalations/incident-ladder.yaml"}


def test_a_team_with_a_mistake_hides_no_mistake_elsewhere_and_misses_nobody(folder: Path) -> None:
    change(folder / "teams/groups.yaml", "Service Desk:\n    level: 1", "Service Desk:\n    level: one")
    change(folder / "customers/acme.yaml", "nests: [hosting-uc]", "nests: [hosting]")
    found = problems(folder)
    assert any("there is no profile `hosting`" in problem for problem in found)
    assert {problem.partition(":")[0] for problem in found} == {"/teams/groups.yaml", "/customers/acme.yaml"}


def test_a_calendar_without_name_is_not_missed(folder: Path) -> None:
    change(folder / "calendars/weekdays.yaml", "calendar: weekdays", "name: weekdays")
    change(folder / "customers/acme.yaml", "nests: [hosting-uc]", "nests: [hosting]")
    found = problems(folder)
    assert not any("there is no calendar" in problem for problem in found)
    assert any("there is no profile `hosting`" in problem for problem in found)


def test_contracts_that_do_not_fit_are_told_with_mistakes_of_ladders(slips: Path) -> None:
    change(slips / "suppliers/hosting-uc.yaml", "P1: 2h", "P1: 5h")
    assert told(slips) == (True, True)
    assert any("ends after that of `acme-gold`" in problem for problem in problems(slips))


def test_two_profiles_that_apply_alike_are_told_with_everything_else(slips: Path) -> None:
    text = (slips / "customers/standard.yaml").read_text()
    (slips / "customers/twin.yaml").write_text(text.replace("profile: standard", "profile: twin"))
    assert told(slips) == (True, True)
    assert any("applies to the same tickets as `standard`" in problem for problem in problems(slips))


def test_a_key_given_twice_is_told_with_the_other_mistakes_of_its_file(folder: Path) -> None:
    change(folder / "customers/acme.yaml", "agreement: sla", "agreement: sla\nagreement: sla")
    change(folder / "customers/acme.yaml", "P2: 1h", "P2: 1 hour")
    found = problems(folder)
    assert any("duplicate key `agreement`" in problem for problem in found)
    assert any("'1 hour' is not a duration" in problem for problem in found)


def test_a_profile_that_is_tried_is_no_double_of_the_one_it_replaces(folder: Path, tmp_path: Path) -> None:
    tried = tmp_path / "tried.yaml"
    shutil.copy(folder / "customers/acme.yaml", tried)
    assert len(load(folder, extra=tried).registry.profiles) == len(load(folder).registry.profiles)
    tried.write_text(tried.read_text().replace("P2: 1h", "P2: 1 hour"))
    with pytest.raises(ConfigError) as caught:
        load(folder, extra=tried)
    assert [Path(problem.file).name for problem in caught.value.problems] == ["tried.yaml"]


def test_a_calendar_without_name_tells_its_other_mistakes_too(folder: Path) -> None:
    change(folder / "calendars/lyon.yaml", "calendar: lyon", "name: lyon")
    change(folder / "calendars/lyon.yaml", "Europe/Paris", "Europe/Lyon")
    told_paths = {problem.split(": ")[1] for problem in problems(folder)}
    assert {"calendar", "name", "timezone"} <= told_paths


def test_every_event_of_a_closure_file_that_cannot_be_read_is_told(folder: Path) -> None:
    (folder / "calendars/closed.ics").write_text(
        "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n"
        "BEGIN:VEVENT\nUID:1\nSUMMARY:Noon\nDTSTART:20260101T120000Z\nEND:VEVENT\n"
        "BEGIN:VEVENT\nUID:2\nSUMMARY:Twice\nDTSTART;VALUE=DATE:20260101\nRRULE:FREQ=YEARLY\nRRULE:FREQ=DAILY\n"
        "END:VEVENT\nEND:VCALENDAR\n")
    change(folder / "calendars/lyon.yaml", "holidays:\n", "holidays:\n  - {ical: closed.ics}\n")
    found = problems(folder)
    assert any("event 'Noon' is not an all-day event" in problem for problem in found)
    assert any("event 'Twice' repeats by more than one rule" in problem for problem in found)
