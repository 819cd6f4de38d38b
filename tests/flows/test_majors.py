"""Major incidents at work: declared once, everybody told once, updates in the incident and its children."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta

import pytest

from connector.domain.errors import Refused
from connector.domain.escalations.actions import Reach, Who
from connector.domain.history import effective
from connector.domain.major import moves
from connector.domain.major.procedure import Process
from connector.domain.major.record import State, What
from connector.domain.notices.people import People, Person
from connector.domain.notices.template import Templates
from connector.flows import majors
from connector.messages import shipped
from connector.store import SqlStore
from tests.domain.calendars.test_calendar import local
from tests.domain.escalations.ladders import rule
from tests.domain.major.scene import procedure
from tests.flows.fake_channel import FakeChannel, with_channels
from tests.flows.looking import history, stored
from tests.flows.test_escalate import World

PEOPLE = People({id: Person(id, id.title(), email=f"{id}@desk.example") for id in ("ana", "bob", "carla")})
PROCESS = Process("standard", roles={"incident_manager": Who(Reach.PERSON, "ana"),
                                     "communications": Who(Reach.PERSON, "bob")},
                  stakeholders=(Who(Reach.PERSON, "carla"), Who(Reach.PERSON, "ana")))
LADDER = "{steps: [{clock: resolution, at: 50%, do: [declare_major_incident]}]}"


class Desk(World):
    def __init__(self, store: SqlStore) -> None:
        super().__init__(store, rule(LADDER), people=PEOPLE)
        self.registry = replace(self.registry, majors=(PROCESS,), continuity=(procedure(),),
                                templates=Templates(shipped()))
        self.mail = FakeChannel()
        self.deps = with_channels(self.deps, self.mail)

    def key(self, id: str) -> int:
        return stored(self.deps, id).key

    def said(self, id: str) -> list[str]:
        return [event.text for event in effective(history(self.deps, id)) if event.kind == "commented"]


@pytest.fixture
def desk(store: SqlStore) -> Desk:
    return Desk(store)


def to(desk: Desk) -> list[str]:
    return sorted(str(one.payload["to"]).split("@")[0] for one in desk.mail.got)


def test_a_declaration_gives_roles_attaches_the_procedure_and_tells_everybody_once(desk: Desk) -> None:
    id = desk.opened(service="E-mail")
    found = majors.declare(desk.deps, desk.key(id), "ana", "nobody has mail")
    desk.tick()
    assert found.roles == {"incident_manager": "ana", "communications": "bob"}
    assert [one.name for one in found.procedures] == ["mail-outage"]
    assert to(desk) == ["ana", "bob", "carla"]
    with pytest.raises(Refused, match="already"):
        majors.declare(desk.deps, desk.key(id), "bob", "really")
    desk.tick()
    assert len(desk.mail.got) == 3


def test_an_update_reaches_stakeholders_the_incident_and_its_children_once(desk: Desk) -> None:
    id, child, other = (desk.opened(service="E-mail") for _ in range(3))
    key = desk.key(id)
    majors.declare(desk.deps, key, "ana", "nobody has mail")
    desk.tick()
    desk.mail.got.clear()
    majors.act(desk.deps, key, lambda r, s, now: moves.link(r, f"desk/{child}", now, "ana", str(s.ticket.ref)), "ana")
    for _ in range(2):
        majors.act(desk.deps, key, lambda r, s, now: moves.move(
            r, What.UPDATE, now, "bob", "A disk is full.", once="form-1"), "bob")
        desk.tick()
    assert to(desk) == ["ana", "bob", "carla"]
    assert "A disk is full." in desk.mail.got[0].payload["text"]
    assert desk.said(id) == desk.said(child) == ["A disk is full."]
    assert desk.said(other) == []


def test_a_child_linked_later_is_told_the_last_update(desk: Desk) -> None:
    id, child = desk.opened(), desk.opened()
    key = desk.key(id)
    majors.declare(desk.deps, key, "ana", "nobody has mail")
    majors.act(desk.deps, key, lambda r, s, now: moves.move(r, What.UPDATE, now, "bob", "On it.", once="1"), "bob")
    majors.act(desk.deps, key, lambda r, s, now: moves.link(r, f"desk/{child}", now, "ana"), "ana")
    desk.tick()
    assert desk.said(child) == ["On it."]


def test_a_ladder_declares_once(desk: Desk) -> None:
    id = desk.opened(service="E-mail")
    desk.at(local(2026, 3, 2, 10).astimezone(UTC))
    desk.at(local(2026, 3, 2, 10).astimezone(UTC) + timedelta(hours=3))
    found = majors.standing(desk.deps, desk.key(id)).record
    assert found is not None
    assert (found.n, found.rule, found.state) == (1, "ladder", State.DEGRADED)
    assert to(desk) == ["ana", "bob", "carla"]


def test_nothing_is_done_to_what_is_no_major_incident(desk: Desk) -> None:
    id = desk.opened()
    with pytest.raises(Refused, match="no major incident"):
        majors.act(desk.deps, desk.key(id), lambda r, s, now: moves.move(r, What.RECOVERED, now, "a"), "a")


def test_its_recovery_is_told(desk: Desk) -> None:
    id = desk.opened()
    majors.declare(desk.deps, desk.key(id), "ana", "nobody has mail")
    desk.tick()
    desk.mail.got.clear()
    majors.act(desk.deps, desk.key(id), lambda r, s, now: moves.move(r, What.RECOVERED, now, "ana"), "ana")
    desk.tick()
    assert to(desk) == ["ana", "bob", "carla"]
