"""Fields that both sides hold: who wins, what is told to whom, what waits for a person, and when it is enough."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.handoffs.chain import Entry, EntryKind
from connector.domain.handoffs.exchange import MOST_WRITES, Kept, begun, decided, drift, exchanged, heard
from connector.domain.handoffs.handoff import Handoff, Held
from connector.domain.handoffs.moves import Side
from connector.domain.handoffs.receiver import Reach, Receiver, ReceiverKind, Shares
from connector.domain.mappings.rules import Owner
from connector.domain.ticket import Kind, State, Ticket
from connector.domain.values import put

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RULES = {"title": Owner.TOOL, "category": Owner.CONNECTOR, "site": Owner.NEWEST, "tags": Owner.SET,
         "group": Owner.MANUAL, "priority": Owner.NEWEST}
RECEIVER = Receiver(name="r", kind=ReceiverKind.SUPPLIER, reach=Reach(portal=True), shares=Shares(tuple(RULES)),
                    mirrors=RULES, severities={"P1": "Sev 1", "P2": "Sev 2"})
TICKET = Ticket(tool="desk", id="1", kind=Kind.INCIDENT, state=State.IN_PROGRESS, opened_at=NOON, updated_at=NOON,
                title="mail", category="mail", site="Basel", tags=("a", "b"), group="desk", priority="P2")


class Two:
    """Both sides, and what passed between them."""

    def __init__(self) -> None:
        self.at = NOON
        self.ticket = TICKET
        self.ours_at: dict[str, datetime] = {}
        self.handoff = begun(Handoff(id="h1", ticket=1, receiver="r", created_at=NOON), TICKET, RECEIVER, NOON)
        self.theirs: dict[str, Any] = {name: getattr(TICKET, name) for name in RULES}
        self.entries: list[Entry] = []
        self.writes = 0

    def ours(self, **values: Any) -> Two:
        self.at += MINUTE
        self.ticket = put(self.ticket, values)
        self.ours_at.update(dict.fromkeys(values, self.at))
        return self

    def say(self, **values: Any) -> Two:
        self.at += MINUTE
        self.theirs.update(values)
        self.handoff = heard(self.handoff, RECEIVER, {
            name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}, self.at)
        return self

    def settle(self, closed: frozenset[str] = frozenset()) -> Two:
        made = exchanged(self.handoff, self.ticket, RECEIVER, self.at, ours_at=self.ours_at, closed=closed)
        self.entries += made.moved.entries
        self.handoff = made.moved.handoff
        self.writes += len(made.to_tool)
        self.ticket = put(self.ticket, made.to_tool)
        for entry in made.moved.entries:
            if entry.kind is EntryKind.EDITED and entry.side is Side.SYSTEM:
                self.theirs |= {name: tuple(new) if isinstance(new, list) else new
                                for name, (_, new) in entry.body.items()}
                self.writes += len(entry.body)
        return self

    def both(self, name: str) -> tuple[Any, Any]:
        return getattr(self.ticket, name), self.theirs[name]

    def drifts(self) -> list[str]:
        return [one.field for one in drift(self.handoff, self.ticket, RECEIVER)]

    def told(self, kind: EntryKind) -> list[dict[str, Any]]:
        return [entry.body for entry in self.entries if entry.kind is kind]


def test_a_change_on_one_side_is_passed_to_the_other_and_then_there_is_silence() -> None:
    two = Two().ours(site="Bern").settle()
    assert two.both("site") == ("Bern", "Bern")
    two.say(category="network").settle()
    assert two.both("category") == ("network", "network")
    assert [(entry.side, entry.body) for entry in two.entries] == [
        (Side.SYSTEM, {"site": ["Basel", "Bern"]}), (Side.THEIRS, {"category": ["mail", "network"]})]
    before = two.handoff
    assert two.say(site="Bern").settle().settle().handoff == before
    assert len(two.entries) == 2


@pytest.mark.parametrize(("name", "ours", "theirs", "kept"), [
    ("title", "x", "y", "x"), ("category", "x", "y", "y"), ("site", "x", "y", "y"),
    ("tags", ("a", "c"), ("b", "d"), ("c", "d")),
])
def test_who_wins_when_both_changed_it(name: str, ours: Any, theirs: Any, kept: Any) -> None:
    two = Two().ours(**{name: ours}).say(**{name: theirs}).settle()
    assert two.both(name) == (kept, kept)
    (conflict,) = two.told(EntryKind.CONFLICT)
    assert conflict["field"] == name


def test_of_equal_times_the_tool_is_the_newer() -> None:
    two = Two().ours(site="x").say(site="y")
    two.ours_at["site"] = two.at
    assert two.settle().both("site") == ("x", "x")


def test_a_field_the_tool_owns_goes_back_to_its_value_at_the_partner() -> None:
    two = Two().say(title="theirs").settle()
    assert two.both("title") == ("mail", "mail")
    assert two.told(EntryKind.CONFLICT) == [{"field": "title", "theirs": "theirs", "why": "the tool owns this field"}]


def test_a_manual_conflict_waits_for_a_person_with_both_values_shown() -> None:
    two = Two().ours(group="net").say(group="mail").settle()
    (waits,) = drift(two.handoff, two.ticket, RECEIVER)
    assert (waits.field, waits.ours, waits.theirs, waits.held) == ("group", "net", "mail", Held.CONFLICT)
    assert waits.since == two.at
    two.at += MINUTE
    assert len(two.settle().told(EntryKind.CONFLICT)) == 1, "it is told once"
    assert two.drifts() == ["group"]
    made = decided(two.handoff, two.ticket, RECEIVER, "group", Kept.THEIRS, two.at, actor="ines")
    assert made.to_tool == {"group": "mail"}
    kept = decided(two.handoff, two.ticket, RECEIVER, "group", Kept.OURS, two.at, actor="ines")
    assert kept.to_tool == {}
    assert kept.moved.entries[-1].body == {"group": ["mail", "net"]}
    two.handoff = kept.moved.handoff
    two.theirs["group"] = "net"
    assert two.settle().drifts() == []
    with pytest.raises(KeyError):
        decided(two.handoff, two.ticket, RECEIVER, "group", Kept.OURS, two.at, actor="ines")


def test_what_cannot_be_written_to_the_tool_differs_and_is_told_once() -> None:
    two = Two().say(site="Bern").settle(frozenset({"site"}))
    for _ in range(3):
        two.at += MINUTE
        two.settle(frozenset({"site"}))
    assert [one["why"] for one in two.told(EntryKind.CONFLICT)] == ["site cannot be written there"]
    (left,) = drift(two.handoff, two.ticket, RECEIVER)
    assert left.since == NOON + MINUTE


def test_sides_that_correct_each_other_are_stopped() -> None:
    two = Two()
    for n in range(41):
        two.say(site=f"x{n % 2}").settle()
    assert two.writes == MOST_WRITES
    assert [one.get("why") for one in two.told(EntryKind.CONFLICT)] == ["flapping"]
    (left,) = drift(two.handoff, two.ticket, RECEIVER)
    assert left.held is Held.FLAPPING


def test_the_work_of_people_is_not_taken_for_flapping() -> None:
    two = Two()
    for n in range(20):
        two.at += timedelta(minutes=30)
        two.say(site=f"x{n}").settle()
    assert two.both("site") == ("x19", "x19")


def test_a_priority_in_their_words_is_ours_and_moves_the_contracts_targets() -> None:
    two = Two().say(priority="sev 1").settle()
    assert two.ticket.priority == "P1"
    assert (two.handoff.priority, two.handoff.severity) == ("P1", "Sev 1")


def test_values_that_cannot_be_are_refused_all_at_once_and_other_fields_ignored() -> None:
    with pytest.raises(ValueError, match=r"fields\.title: .*; fields\.priority: "):
        Two().say(title=["a", "list"], priority="huge", colour="red")
    assert Two().say(colour="red").settle().entries == []


EDITS = st.lists(st.tuples(st.booleans(), st.sampled_from(["title", "category", "site"]), st.sampled_from("xyz"),
                           st.booleans()), max_size=25)


@settings(max_examples=150, derandomize=True, deadline=None)
@given(EDITS)
def test_random_edits_of_both_sides_settle_in_at_most_two_writes_a_change(
        edits: list[tuple[bool, str, str, bool]]) -> None:
    two = Two()
    for mine, name, value, settles in edits:
        two.at += timedelta(hours=1)
        (two.ours if mine else two.say)(**{name: value})
        if settles:
            two.settle()
    two.at += timedelta(hours=2)
    two.settle()
    assert two.drifts() == []
    for name in ("title", "category", "site"):
        assert two.both(name)[0] == two.both(name)[1]
    assert two.writes <= 2 * len(edits)
    silent = two.writes
    assert two.settle().settle().writes == silent
