"""The clocks of a handoff: when each runs, what breaks it, and that the customer's clock is the mirror image."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from connector.domain.agreements.clock import ClockState, Mode
from connector.domain.agreements.engine import clocks
from connector.domain.agreements.explain import explain
from connector.domain.handoffs.chain import EntryKind
from connector.domain.handoffs.clocks import Reading, reading
from connector.domain.handoffs.handoff import Handoff, IllegalMove, Moved, move, note
from connector.domain.handoffs.look import contract_of, look
from connector.domain.handoffs.mirror import holder, holding, wanted
from connector.domain.handoffs.moves import HandoffState, Move, Side
from connector.domain.history import Event, EventKind, Origin, Role
from connector.domain.ticket import Kind, PendingOn, State, Ticket
from connector.domain.values import put
from tests.flows.handoff_world import HOSTING, profile, registry

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
TICKET = Ticket(tool="desk", id="1", kind=Kind.INCIDENT, state=State.IN_PROGRESS, opened_at=NOON, updated_at=NOON)
REGISTRY = registry()
RECEIVER = REGISTRY.receivers["hosting"]
US, THEM = Side.OURS, Side.THEIRS


class Story:
    """Moves at hours after noon."""

    def __init__(self, **values: Any) -> None:
        self.handoff = Handoff(id="h1", ticket=1, receiver="hosting", contract="hosting-uc", version="1",
                               created_at=NOON, **values)
        self.entries: list[Any] = []

    def add(self, moved: Moved) -> Story:
        self.handoff = moved.handoff
        self.entries.extend(moved.entries)
        return self

    def move(self, hours: float, side: Side, what: Move, reason: str = "because", **body: Any) -> Story:
        return self.add(move(self.handoff, side, what, NOON + hours * HOUR, reason=reason, body=body))

    def say(self, hours: float, side: Side) -> Story:
        return self.add(note(self.handoff, side, EntryKind.COMMENT, NOON + hours * HOUR, body={"text": "hm"}))

    def reading(self, hours: float) -> Reading:
        return reading(self.handoff, self.entries, contract_of(self.handoff, REGISTRY), REGISTRY, TICKET,
                       NOON + hours * HOUR)

    def told(self, hours: float, target: str) -> list[tuple[str, float]]:
        """State and hours used of each run of a target's clock."""
        return [(str(one.clock.state), one.clock.active / HOUR) for one in self.reading(hours).clocks
                if one.target == target]

    def look(self, hours: float) -> list[str]:
        found = look(self.handoff, self.entries, contract_of(self.handoff, REGISTRY), REGISTRY, TICKET,
                     NOON + hours * HOUR)
        self.add(found.moved)
        return [" ".join(str(entry.body.get(name)) for name in ("target", "cycle", "what"))
                for entry in found.moved.entries]


def accepted(**values: Any) -> Story:
    return Story(**values).move(0, US, Move.OFFER).move(0.5, THEM, Move.ACKNOWLEDGE)


def test_acknowledgement_runs_from_each_offer_to_their_first_answer() -> None:
    story = Story().move(0, US, Move.OFFER).move(0.5, THEM, Move.DECLINE).move(3, US, Move.OFFER)
    story.move(5, THEM, Move.START)
    assert story.told(6, "acknowledge") == [("met", 0.5), ("breached", 2.0)]


def test_a_first_response_is_a_word_or_work_and_not_the_receipt() -> None:
    story = accepted()
    assert story.told(1, "first_response") == [("running", 1.0)]
    assert story.say(1.5, US).told(2, "first_response") == [("running", 2.0)]
    assert story.say(2, THEM).told(9, "first_response") == [("met", 2.0)]


def test_updates_are_owed_while_they_have_the_work() -> None:
    story = accepted().say(2, THEM).move(6, THEM, Move.PROPOSE)
    assert story.told(50, "update") == [("met", 1.5), ("met", 4.0)]
    story.move(50, US, Move.REJECT)
    assert story.told(56, "update")[-1] == ("breached", 6.0)


def test_resolution_runs_while_they_have_it_and_stops_when_proposed() -> None:
    story = accepted()
    assert story.told(2.5, "resolution") == [("running", 2.0)]
    story.move(3.5, THEM, Move.PROPOSE)
    assert story.told(20, "resolution") == [("met", 3.0)]
    story.move(20, US, Move.REJECT)
    assert story.told(21, "resolution") == [("running", 4.0)], "what we took to look at it is not theirs"
    story.move(22, THEM, Move.PROPOSE).move(23, US, Move.ACCEPT).move(24, US, Move.CLOSE)
    assert story.told(99, "resolution") == [("met", 5.0)]


def test_only_a_reason_the_contract_lists_pauses() -> None:
    listed = accepted().move(1.5, THEM, Move.WAIT, "Customer Information")
    assert listed.told(40, "resolution") == [("paused", 1.0)]
    other = accepted().move(1.5, THEM, Move.WAIT, "spare part on its way")
    assert other.told(4.5, "resolution") == [("running", 4.0)]
    lines = next(one for one in other.reading(4.5).clocks if one.target == "resolution").clock.ledger
    assert {line.mode for line in lines} == {Mode.RUN}


def test_work_handed_back_keeps_the_rest_of_its_time_for_the_same_receiver() -> None:
    story = accepted().move(3.5, THEM, Move.HAND_BACK)
    assert story.told(9, "resolution") == [("paused", 3.0)]
    story.move(9, US, Move.OFFER)
    assert story.told(10, "resolution") == [("paused", 3.0)], "an offer is not yet theirs"
    assert story.move(10, THEM, Move.ACKNOWLEDGE).told(14, "resolution") == [("running", 7.0)]
    assert story.told(15.5, "resolution") == [("breached", 8.5)]


def test_called_back_work_has_no_clock_any_more() -> None:
    assert accepted().move(2, US, Move.WITHDRAW).told(50, "resolution") == [("cancelled", 1.5)]
    assert Story().move(0, US, Move.OFFER).move(2, US, Move.WITHDRAW).told(50, "acknowledge")[0][0] == "cancelled"


def test_giving_back_is_measured_only_when_it_was() -> None:
    assert accepted().told(50, "hand_back") == []
    assert accepted().move(2, THEM, Move.HAND_BACK).told(50, "hand_back") == [("breached", 2.0)]
    assert Story().move(0, US, Move.OFFER).move(0.25, THEM, Move.DECLINE).told(9, "hand_back") == [("met", 0.25)]


def test_approval_is_our_time() -> None:
    story = accepted().move(2, THEM, Move.PROPOSE)
    assert story.told(7, "approval") == [("breached", 5.0)]
    assert story.move(8, US, Move.REJECT).move(9, THEM, Move.PROPOSE).told(10, "approval") == [
        ("breached", 6.0), ("running", 1.0)]


@pytest.mark.parametrize(("opened", "settled", "used"), [
    ("runs", "", 6.0), ("frozen", "", 2.0), ("credited", "", 2.0), ("runs", "credited", 2.0), ("frozen", "runs", 6.0),
])
def test_what_a_dispute_does_to_the_clock_is_said(opened: str, settled: str, used: float) -> None:
    story = accepted().move(1.5, THEM, Move.DISPUTE, effect=opened)
    story.move(5.5, US, Move.SETTLE, **({"effect": settled} if settled else {}))
    assert story.told(6.5, "resolution") == [("running", used)]


def test_a_dispute_still_open_runs_unless_it_is_frozen() -> None:
    for effect, used in (("runs", 3.0), ("credited", 3.0), ("frozen", 1.0)):
        assert accepted().move(1.5, US, Move.DISPUTE, effect=effect).told(3.5, "resolution")[0][1] == used


def test_a_breach_that_a_settled_dispute_takes_back_is_corrected() -> None:
    story = accepted().move(1.5, THEM, Move.DISPUTE, effect="credited")
    told = story.look(9)
    assert "resolution 1 breached" in told
    assert "resolution" in story.handoff.late
    story.move(9.5, US, Move.SETTLE)
    assert set(story.look(10)) == {f"{name} 1 corrected" for name in ("first_response", "update", "resolution")}
    assert story.handoff.late == ()


def test_looking_again_tells_nothing_new_and_says_when_to_come_back() -> None:
    story = Story().move(0, US, Move.OFFER)
    found = story.reading(0)
    assert found.next_at is not None
    assert abs(found.next_at - (NOON + HOUR)) < timedelta(seconds=1)
    assert story.look(1) == []
    assert story.look(1.01) == ["acknowledge 1 breached"]
    assert story.look(1.02) == []


def test_silence_counts_from_their_last_word_while_it_is_their_turn() -> None:
    story = accepted()
    assert story.reading(1).silent_at == NOON + 6.5 * HOUR
    story.say(2, US)
    assert story.reading(3).silent_at == NOON + 6.5 * HOUR, "our words break no silence"
    assert story.look(6.5)[-1] == "None None silent"
    assert story.say(7, THEM).reading(8).silent_at == NOON + 13 * HOUR
    assert story.move(8, THEM, Move.PROPOSE).reading(99).silent_at is None
    assert story.move(99, US, Move.REJECT).reading(100).silent_at == NOON + 105 * HOUR


def test_the_clocks_can_be_explained() -> None:
    story = accepted(priority="P1").move(1.5, THEM, Move.WAIT, "customer information")
    named = next(one for one in story.reading(3).clocks if one.target == "resolution")
    told = explain(named, NOON + 3 * HOUR)
    assert (told.profile, told.amount, told.calendar) == ("hosting-uc", "8h", "24x7")
    assert [(line.mode, line.why) for line in told.lines] == [
        (Mode.RUN, "acknowledge"), (Mode.PAUSE, "customer information")]


def test_a_handoff_keeps_the_version_of_its_contract() -> None:
    old = profile({**HOSTING, "targets": {"resolution": "2h"}}, "0")
    contracts = replaced(old)
    story = accepted()
    assert contract_of(replace(story.handoff, version="0"), contracts) is old
    assert contract_of(replace(story.handoff, version="gone"), contracts) is not None
    assert contract_of(replace(story.handoff, contract="gone"), contracts) is None


def replaced(old: Any) -> Any:
    made = registry()
    return type(made)(made.profiles, made.calendars, made.directory, {(old.name, old.version): old})


def test_without_a_contract_there_is_no_clock() -> None:
    assert reading(Story().handoff, [], None, REGISTRY, TICKET, NOON) == Reading()


# the mirror


def test_who_a_ticket_waits_for() -> None:
    story = accepted()
    assert holder(story.handoff, RECEIVER) is PendingOn.SUPPLIER
    assert holder(accepted().move(1, THEM, Move.WAIT, "customer information").handoff, RECEIVER) is PendingOn.CUSTOMER
    assert holder(accepted().move(1, THEM, Move.WAIT, "lunch").handoff, RECEIVER) is PendingOn.SUPPLIER
    assert holder(accepted().move(1, US, Move.DISPUTE, effect="frozen").handoff, RECEIVER) is None
    assert holder(accepted().move(1, US, Move.DISPUTE, effect="runs").handoff, RECEIVER) is PendingOn.SUPPLIER
    assert holder(story.move(1, THEM, Move.PROPOSE).handoff, RECEIVER) is None
    waiting = accepted().move(1, THEM, Move.WAIT, "customer information").handoff
    assert holding([waiting, accepted().handoff], REGISTRY.receivers) is PendingOn.SUPPLIER


MOVES = st.lists(st.tuples(
    st.sampled_from([(side, what) for what in Move for side in (US, THEM)]), st.integers(0, 7200),
    st.sampled_from(["customer information", "lunch"]), st.sampled_from(["runs", "frozen"])), max_size=30)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(MOVES)
def test_the_customers_clock_is_paused_on_the_supplier_exactly_while_the_suppliers_runs(
        tries: list[tuple[tuple[Side, Move], int, str, str]]) -> None:
    story, ticket, now = Story(), TICKET, NOON
    events = [Event(key="created", at=NOON, kind=EventKind.CREATED)]
    for (side, what), seconds, reason, effect in tries:
        now += timedelta(seconds=seconds)
        before = holder(story.handoff, RECEIVER)
        body = {"effect": effect} if what is Move.DISPUTE else {}
        try:
            story.add(move(story.handoff, side, what, now, reason=reason, body=body))
        except IllegalMove:
            continue
        patch = wanted(ticket, before, holder(story.handoff, RECEIVER), None)
        for name, value in patch.items():
            events.append(Event(key=f"{len(events)}", at=now, kind=EventKind.CHANGED, seq=len(events), field=name,
                                old=getattr(ticket, name), new=value, role=Role.SUPPLIER, origin=Origin.CONNECTOR))
        ticket = put(ticket, patch)
    now += timedelta(seconds=1)
    customer = next(one.clock for one in clocks(ticket, events, REGISTRY, now).clocks
                    if one.profile.name == "customer")
    waited = sum((line.business for line in customer.ledger
                  if line.mode is Mode.PAUSE and "supplier" in line.why), timedelta(0))
    mine = [one.clock for one in reading(story.handoff, story.entries, contract_of(story.handoff, REGISTRY), REGISTRY,
                                         ticket, now).clocks if one.target == "resolution"]
    assert waited == sum((clock.active for clock in mine), timedelta(0))
    assert (ticket.pending_on is PendingOn.SUPPLIER) == any(
        clock.ledger and clock.ledger[-1].mode is Mode.RUN and clock.stopped_at is None
        and clock.state is not ClockState.CANCELLED for clock in mine)
    assert story.handoff.state in HandoffState
