"""Stock osTicket and the plugin coming and going, over real HTTP against the stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connector import sandbox
from connector.domain.errors import Refused, TryLater, Unsupported
from connector.domain.mapping import Mapping
from connector.domain.ticket import Draft, Kind
from connector.ports import Capability, Vendor
from connector.sandbox.osticket import OsTicket as Side
from connector.vendors.osticket import build

DRAFT = Draft(kind=Kind.INCIDENT, fields={"title": "Only one", "description": "a < b\n& \U0001f525", "priority": "P1",
                                         "requester": "Ana", "requester_email": "ana.new@example.com"})


@pytest.fixture
def desk() -> Iterator[sandbox.Handle]:
    with sandbox.start("osticket", seed=3, tickets=3, days=1, clock="manual") as handle:
        yield handle


def without_plugin(desk: sandbox.Handle, mapping: Mapping) -> Vendor:
    switch(desk, "plugin", False)
    return build(desk.settings("desk", Path("m")), mapping, desk.desk.clock.now)


def switch(desk: sandbox.Handle, name: str, on: bool) -> None:
    assert isinstance(desk.side, Side)
    desk.side.switches[name] = on


def made(desk: sandbox.Handle) -> list[tuple[str, str, int]]:
    assert isinstance(desk.side, Side)
    return [(desk.side.number(t.id), t.description, t.priority) for t in desk.desk.tickets.values()
            if t.title == "Only one"]


def test_a_stock_creation_arrives_as_it_was_meant(desk: sandbox.Handle, mapping: Mapping) -> None:
    ref = without_plugin(desk, mapping).create(DRAFT, "k/1")
    number, text, priority = made(desk)[0]
    assert ref.id == f"#{number}"
    assert text.replace("&lt;", "<").replace("&amp;", "&") == "a < b\n& :fire:"
    assert priority == 4


@pytest.mark.parametrize("kind", ["lost_answer", "html_200", "error_after", "half"])
def test_a_stock_creation_whose_answer_was_lost_is_found_and_not_repeated(kind: str, desk: sandbox.Handle,
                                                                         mapping: Mapping) -> None:
    vendor = without_plugin(desk, mapping)
    desk.faults.add(kind, method="POST", path="tickets.json", after=True)
    with pytest.raises(TryLater):
        vendor.create(DRAFT, "k/1")
    ref = without_plugin(desk, mapping).create(DRAFT, "k/1", again=True)
    assert [f"#{number}" for number, *_ in made(desk)] == [ref.id]


def test_a_stock_creation_that_never_arrived_is_done_at_the_next_try(desk: sandbox.Handle, mapping: Mapping) -> None:
    vendor = without_plugin(desk, mapping)
    desk.faults.add("closed", method="POST", path="tickets.json")
    with pytest.raises(TryLater):
        vendor.create(DRAFT, "k/1")
    assert vendor.create(DRAFT, "k/1", again=True).id == f"#{made(desk)[0][0]}"
    assert len(made(desk)) == 1


def test_the_question_never_makes_a_ticket(desk: sandbox.Handle, mapping: Mapping) -> None:
    before = len(desk.desk.tickets)
    assert without_plugin(desk, mapping).find("never") is None
    assert len(desk.desk.tickets) == before


def test_a_domain_that_cannot_be_looked_up_is_a_refusal(desk: sandbox.Handle, mapping: Mapping) -> None:
    vendor = without_plugin(desk, mapping)
    switch(desk, "verify_email", True)
    with pytest.raises(Refused, match="verify_email_addrs"):
        vendor.create(DRAFT, "k/1")


def test_a_plugin_switched_off_for_an_upgrade_is_waited_for(desk: sandbox.Handle, mapping: Mapping) -> None:
    vendor = build(desk.settings("desk", Path("m")), mapping, desk.desk.clock.now)
    assert Capability.READ in vendor.capabilities()
    switch(desk, "plugin", False)
    with pytest.raises(TryLater):
        list(vendor.changed({}))
    with pytest.raises(TryLater):
        vendor.create(DRAFT, "k/1")
    switch(desk, "plugin", True)
    assert list(vendor.changed({}))


def test_a_plugin_that_was_never_there_is_a_matter_for_a_person(desk: sandbox.Handle, mapping: Mapping) -> None:
    with pytest.raises(Unsupported, match="install plugins/osticket"):
        list(without_plugin(desk, mapping).changed({}))


def test_after_the_plugin_lost_its_cursors_nothing_is_missed(desk: sandbox.Handle, mapping: Mapping) -> None:
    vendor = build(desk.settings("desk", Path("m")), mapping, desk.desk.clock.now)
    cursor = list(vendor.changed({}))[-1].cursor
    desk.step(10)
    new = desk.create(title="Later")
    desk.step(10)
    desk.side.expire()
    assert new in {ticket.id for page in vendor.changed(cursor) for ticket in page.tickets}
