"""Major incidents at work: declared once, everybody told once, updates in the incident and its children."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, timedelta

import pytest

from connector.domain.errors import Refused
from connector.domain.escalations.actions import Reach, Who
from connector.domain.history import Event, effective
from connector.domain.major import moves
from connector.domain.major.procedure import Process
from connector.domain.major.record import Record, State, What
from connector.domain.mapping import Mapping
from connector.domain.notices.people import People, Person
from connector.domain.notices.template import Templates
from connector.flows import majors
from connector.messages import shipped
from connector.store import SqlStore
from tests.domain.calendars.test_calendar import local
from tests.domain.escalations.ladders import rule
from tests.domain.major.scene import procedure
from tests.flows.fake_channel import FakeChannel, with_channels
from tests.flows.fake_tool import WRITTEN, Killed
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

    def knows_parents(self) -> None:
        fields = {**WRITTEN["fields"], "parent": {"from": "parent", "owner": "newest", "write": True}}
        mapping = Mapping.from_dict(WRITTEN | {"fields": fields})
        self.deps = replace(self.deps, tools={"desk": replace(self.deps.tools["desk"], mapping=mapping)})

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
    for one in (id, child):
        (said,) = desk.said(one)
        assert "A disk is full." in said
        assert "need not do anything" in said
    assert desk.said(other) == []


def test_a_child_linked_later_is_told_the_last_update(desk: Desk) -> None:
    id, child = desk.opened(), desk.opened()
    key = desk.key(id)
    majors.declare(desk.deps, key, "ana", "nobody has mail")
    majors.act(desk.deps, key, lambda r, s, now: moves.move(r, What.UPDATE, now, "bob", "On it.", once="1"), "bob")
    majors.act(desk.deps, key, lambda r, s, now: moves.link(r, f"desk/{child}", now, "ana"), "ana")
    desk.tick()
    (said,) = desk.said(child)
    assert "On it." in said


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


def follow(desk: Desk, key: int, make: Callable[[Record], Event]) -> None:
    majors.act(desk.deps, key, lambda record, stored, now: make(record), "ana")
    desk.tick()


def test_the_end_is_told_to_every_requester_once_in_their_language(desk: Desk) -> None:
    id, child, gone = desk.opened(), desk.opened(), desk.opened()
    key, now = desk.key(id), desk.clock.now
    majors.declare(desk.deps, key, "ana", "nobody has mail")
    for one in (child, gone):
        follow(desk, key, lambda r, one=one: moves.link(r, f"desk/{one}", now, "ana"))  # type: ignore[misc]
    follow(desk, key, lambda r: moves.unlink(r, f"desk/{gone}", now, "ana"))
    follow(desk, key, lambda r: moves.move(r, What.RECOVERED, now, "ana", "Mail is back."))
    for one in (id, child):
        (said,) = desk.said(one)
        assert "Mail is back." in said
        assert "is over" in said
    assert desk.said(gone) == []


def test_a_child_has_its_parent_in_the_tool_where_the_mapping_writes_one(desk: Desk) -> None:
    desk.knows_parents()
    id, child = desk.opened(), desk.opened()
    key, now = desk.key(id), desk.clock.now
    majors.declare(desk.deps, key, "ana", "nobody has mail")
    follow(desk, key, lambda r: moves.link(r, f"desk/{child}", now, "ana"))
    assert desk.tool.tickets[child].parent == id
    assert desk.tool.notes(child) == []
    follow(desk, key, lambda r: moves.unlink(r, f"desk/{child}", now, "ana"))
    assert desk.tool.tickets[child].parent == ""


def test_without_such_a_field_a_note_says_what_a_child_belongs_to(desk: Desk) -> None:
    id, child = desk.opened(), desk.opened()
    key, now = desk.key(id), desk.clock.now
    majors.declare(desk.deps, key, "ana", "nobody has mail")
    follow(desk, key, lambda r: moves.link(r, f"desk/{child}", now, "ana"))
    follow(desk, key, lambda r: moves.unlink(r, f"desk/{child}", now, "ana"))
    said = desk.tool.notes(child)
    assert [("part of" in one, "no longer" in one) for one in said] == [(True, False), (True, True)]


def test_another_parent_set_in_the_tool_is_not_taken_away(desk: Desk) -> None:
    desk.knows_parents()
    id, child, other = desk.opened(), desk.opened(), desk.opened()
    key, now = desk.key(id), desk.clock.now
    majors.declare(desk.deps, key, "ana", "nobody has mail")
    follow(desk, key, lambda r: moves.link(r, f"desk/{child}", now, "ana"))
    desk.clock.forward(5)
    desk.tool.edited(child, parent=other)
    desk.sync()
    follow(desk, key, lambda r: moves.unlink(r, f"desk/{child}", desk.clock.now, "ana"))
    assert desk.tool.tickets[child].parent == other


def test_who_has_something_to_do_afterwards_is_told_and_it_is_done_once(desk: Desk) -> None:
    id = desk.opened()
    key, now = desk.key(id), desk.clock.now
    majors.declare(desk.deps, key, "ana", "nobody has mail")
    desk.tick()
    desk.mail.got.clear()
    follow(desk, key, lambda r: moves.move(r, What.RECOVERED, now, "ana"))
    follow(desk, key, lambda r: moves.close(r, {"impact": "no mail", "cause": "a disk"}, now, "ana"))
    desk.mail.got.clear()
    follow(desk, key, lambda r: moves.follow_up(r, "Buy disks.", "bob", date(2026, 3, 20), now, "ana", "1"))
    assert to(desk) == ["bob"]
    assert "Buy disks." in desk.mail.got[0].payload["text"]
    found = majors.standing(desk.deps, key).record
    assert found is not None
    (one,) = found.follow_ups
    assert (one.late(date(2026, 3, 20)), one.late(date(2026, 3, 21))) == (False, True)
    follow(desk, key, lambda r: moves.followed_up(r, one.said.key, now, "bob", "Bought."))
    with pytest.raises(Refused, match="done already"):
        follow(desk, key, lambda r: moves.followed_up(r, one.said.key, now, "bob"))
    after = majors.standing(desk.deps, key).record
    assert after is not None
    assert after.state is State.CLOSED
    assert not after.follow_ups[0].late(date(2027, 1, 1))


@pytest.mark.parametrize("verb", ["comment", "update"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_process_killed_while_children_are_told_tells_each_once(desk: Desk, verb: str, moment: str) -> None:
    id, *children = (desk.opened() for _ in range(3))
    key, now = desk.key(id), desk.clock.now
    majors.declare(desk.deps, key, "ana", "nobody has mail")
    for child in children:
        follow(desk, key, lambda r, child=child: moves.link(r, f"desk/{child}", now, "ana"))  # type: ignore[misc]

    def dies(what: str, when: str) -> None:
        if (what, when) == (verb, moment):
            desk.tool.at = lambda verb, moment: None
            raise Killed

    desk.tool.at = dies
    with suppress(Killed):
        follow(desk, key, lambda r: moves.move(r, What.UPDATE, now, "bob", "A disk is full.", once="1"))
    for _ in range(3):
        desk.clock.forward(700)
        desk.sync()
    assert [sum("A disk is full." in text for text in desk.tool.notes(one)) for one in (id, *children)] == [1, 1, 1]


def test_of_two_who_link_the_same_child_at_once_one_is_told_no(desk: Desk) -> None:
    id, child = desk.opened(), desk.opened()
    key, now = desk.key(id), desk.clock.now
    majors.declare(desk.deps, key, "ana", "nobody has mail")

    def link(_: int) -> bool:
        try:
            majors.act(desk.deps, key, lambda r, s, _: moves.link(r, f"desk/{child}", now, "ana"), "ana")
        except Refused:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(link, range(2))) == [False, True]
    desk.tick()
    assert len(desk.tool.notes(child)) == 1
