"""Files of processes and procedures: every mistake at once, at its place."""

from __future__ import annotations

from datetime import timedelta

from connector import yaml12
from connector.domain.escalations.actions import Reach, Who
from connector.domain.major.format import between, continuity, process
from connector.domain.major.procedure import procedures_for, process_for, revived
from connector.domain.notices.people import NOBODY, People, Person
from connector.domain.notices.template import Templates
from connector.domain.problems import Problems
from tests.domain.major.scene import procedure

DESK = """
major: standard
applies_to: {kind: incident}
roles:
  incident_manager: {on_duty: {level: 2}}
  communications: {person: ana}
stakeholders: [{group: Management}, team_lead]
children: {same: [service, site], within: 3h}
"""


def found(text: str, read: object = process) -> dict[str, str]:
    problems = Problems()
    assert callable(read)
    assert read(yaml12.parse(text.encode()).data, problems) is None
    return {problem.path: problem.message for problem in problems.found}


def test_a_process_is_read() -> None:
    problems = Problems()
    made = process(yaml12.parse(DESK.encode()).data, problems)
    assert made is not None
    assert not problems.found
    assert made.roles["communications"] == Who(Reach.PERSON, "ana")
    assert made.alike == ("service", "site")
    assert made.window == timedelta(hours=3)
    assert made.update == "major-update"


def test_every_mistake_of_a_process_is_told_at_once() -> None:
    wrong = found("""
major: Big One
roles: {Manager: {person: ana}, communications: {persn: ana}}
stakeholders: [requester, nobody]
templates: {updat: x, ended: 3}
children: {same: [servce], within: 9d}
stakeholder: []
""")
    assert set(wrong) >= {"major", "roles.Manager", "roles.communications.persn", "stakeholders.0", "stakeholders.1",
                          "templates.updat", "templates.ended", "children.same.0", "children.within", "stakeholder"}
    assert "did you mean `service`" in wrong["children.same.0"]


def test_every_mistake_of_a_procedure_is_told_at_once() -> None:
    wrong = found("""
continuity: mail
degraded:
  - {step: a, do: Tell}
  - {step: a, do: " ", within: soon}
  - tell everybody
recovery:
  - {step: b, do: Start, within: 0s, whn: 3}
""", continuity)
    assert set(wrong) == {"applies_to", "degraded.1.step", "degraded.1.do", "degraded.1.within", "degraded.2",
                          "recovery.0.within", "recovery.0.whn"}


def test_a_procedure_without_steps_is_none() -> None:
    assert "no steps" in found("{continuity: mail, applies_to: {service: E-mail}}", continuity)[""]


def test_a_procedure_survives_being_written_down() -> None:
    made = procedure().procedure
    assert revived(made.written()) == made
    assert revived(made.written()).version == made.version


def test_procedures_are_found_by_the_ticket() -> None:
    every = [procedure()]
    assert [one.name for one in procedures_for(every, {"service": "E-mail"})] == ["mail-outage"]
    assert procedures_for(every, {"service": "VPN"}) == ()


def test_the_most_specific_process_applies_and_without_any_the_plain_one() -> None:
    problems = Problems()
    standard = process(yaml12.parse(DESK.encode()).data, problems)
    special = process(yaml12.parse(b"{major: vip, applies_to: {kind: incident, customer: ACME}}").data, problems)
    assert standard is not None
    assert special is not None
    assert process_for([standard, special], {"kind": "incident", "customer": "ACME"}) is special
    assert process_for([standard, special], {"kind": "incident"}) is standard
    assert process_for([standard], {"kind": "problem"}).name == "plain"


def test_names_that_lead_nowhere_are_told_with_their_place() -> None:
    problems = Problems("major/standard.yaml")
    made = process(yaml12.parse(DESK.encode()).data, problems)
    assert made is not None
    steps = procedure("{continuity: m, applies_to: {service: x}, degraded: [{step: a, do: b, role: comunications}]}")
    people = People({"anna": Person("anna", "Anna")})
    wrong = {(one.file, one.path): one.message for one in between([made, made], [steps], people, Templates())}
    assert {path for _, path in wrong} == {"major", "roles.incident_manager", "roles.communications", "stakeholders.0",
                                           "templates.declared", "templates.update", "templates.ended",
                                      "templates.requester_update", "templates.requester_ended",
                                           "degraded.0.role"}
    assert "did you mean `anna`" in wrong["major/standard.yaml", "roles.communications"]


def test_without_teams_no_name_of_a_person_is_wrong() -> None:
    made = process(yaml12.parse(DESK.encode()).data, Problems())
    assert made is not None
    assert not [one for one in between([made], [], NOBODY, Templates()) if one.path.startswith(("roles", "stake"))]
