"""A major incident from its declaration to its closing: what may be done when, and what is then on record."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.errors import Refused
from connector.domain.history import Event, effective
from connector.domain.major import moves
from connector.domain.major.checklist import following, lines
from connector.domain.major.children import suggested
from connector.domain.major.closing import closing, stamp, timeline
from connector.domain.major.procedure import Process
from connector.domain.major.record import ACTIVE, Record, State, What, latest, records
from connector.domain.ticket import State as TicketState
from tests.domain.major.scene import NOON, Scene, at, procedure, ticket

REPORT = {"impact": "nobody had mail for an hour", "cause": "a full disk"}


def recovered() -> Scene:
    scene = Scene()
    scene.declare()
    scene.take(moves.move(scene.record, What.RECOVERED, at(60), "ana"))
    return scene


def test_a_declared_ticket_is_active_until_it_is_closed() -> None:
    scene = recovered()
    assert scene.record.active
    scene.take(moves.close(scene.record, REPORT, at(90), "ana"))
    assert scene.record.state is State.CLOSED
    assert scene.record.report == REPORT
    assert scene.record.lasted == timedelta(minutes=60)


def test_what_is_declared_is_not_declared_again() -> None:
    scene = Scene()
    scene.declare()
    with pytest.raises(Refused, match="already"):
        scene.declare(5)


def test_what_ended_may_be_declared_again_even_in_the_same_instant() -> None:
    scene = recovered()
    scene.take(moves.close(scene.record, REPORT, at(90), "ana"))
    scene.declare(90)
    assert [one.n for one in records(scene.line)] == [1, 2]
    assert scene.record.active


def test_only_what_is_recovered_is_closed_and_everything_missing_is_told_at_once() -> None:
    scene = Scene()
    scene.declare()
    scene.attach()
    scene.take(moves.move(scene.record, What.RECOVERING, at(5), "ana"))
    with pytest.raises(Refused) as caught:
        moves.close(scene.record, {"impact": " ", "blame": "x"}, at(10), "ana")
    for words in ("only what is recovered", "unknown part blame", "impact is required", "cause is required",
                  "mail-outage/start", "mail-outage/drain"):
        assert words in str(caught.value)


def test_a_relapse_opens_the_steps_of_the_recovery_again() -> None:
    scene = Scene()
    scene.declare()
    scene.attach()
    scene.take(moves.mark(scene.record, What.DONE, "mail-outage/tell", at(3), "ana"))
    scene.take(moves.move(scene.record, What.RECOVERING, at(5), "ana"))
    scene.take(moves.mark(scene.record, What.DONE, "mail-outage/start", at(10), "ana"))
    scene.take(moves.move(scene.record, What.RELAPSED, at(15), "bob", "the disk is full again"))
    assert scene.record.state is State.DEGRADED
    assert set(scene.record.marks) == {"mail-outage/tell"}
    assert scene.record.recovering_at is None


def test_a_step_of_the_recovery_waits_for_its_beginning() -> None:
    scene = Scene()
    scene.declare()
    scene.attach()
    with pytest.raises(Refused, match="has not begun"):
        moves.mark(scene.record, What.DONE, "mail-outage/start", at(1), "ana")


def test_a_step_counts_from_the_tick_before_it() -> None:
    scene = Scene()
    scene.declare()
    scene.attach(1)
    scene.take(moves.mark(scene.record, What.DONE, "mail-outage/tell", at(11), "ana"))
    scene.take(moves.mark(scene.record, What.DONE, "mail-outage/queue", at(50), "bob"))
    tell, queue = lines(scene.record, at(60))[:2]
    assert (tell.began, tell.due, tell.took, tell.late) == (at(1), at(16), timedelta(minutes=10), False)
    assert (queue.began, queue.due, queue.took, queue.late) == (at(11), at(41), timedelta(minutes=39), True)


def test_an_open_step_is_late_once_its_time_has_passed() -> None:
    scene = Scene()
    scene.declare()
    scene.attach()
    assert not lines(scene.record, at(15))[0].late
    assert lines(scene.record, at(15.1))[0].late


def test_steps_may_be_done_out_of_order() -> None:
    scene = Scene()
    scene.declare()
    scene.attach()
    scene.take(moves.mark(scene.record, What.DONE, "mail-outage/queue", at(20), "bob"))
    every = lines(scene.record, at(25))
    assert every[1].began == at(0)
    nxt = following(every, scene.record.state)
    assert nxt is not None
    assert nxt.path == "mail-outage/tell"


def test_in_recovery_its_steps_come_first() -> None:
    scene = Scene()
    scene.declare()
    scene.attach()
    scene.take(moves.move(scene.record, What.RECOVERING, at(5), "ana"))
    nxt = following(lines(scene.record, at(6)), scene.record.state)
    assert nxt is not None
    assert nxt.path == "mail-outage/start"


def test_a_changed_file_does_not_touch_what_is_attached() -> None:
    scene = Scene()
    scene.declare()
    scene.attach()
    assert scene.record.procedures == (procedure().procedure,)
    with pytest.raises(Refused, match="attached already"):
        scene.attach(5)


def test_two_people_ticking_a_step_at_once_tick_it_once() -> None:
    scene = Scene()
    scene.declare()
    scene.attach()
    before = scene.record
    scene.take(moves.mark(before, What.DONE, "mail-outage/tell", at(3), "ana"))
    scene.take(moves.mark(before, What.DONE, "mail-outage/tell", at(4), "bob"))
    assert scene.record.marks["mail-outage/tell"].by == "ana"


def test_of_a_closing_and_a_relapse_at_once_the_first_counts() -> None:
    scene = recovered()
    before = scene.record
    scene.take(moves.move(before, What.RELAPSED, at(70), "bob", "mail stands still"))
    scene.take(moves.close(before, REPORT, at(71), "ana"))
    assert scene.record.state is State.DEGRADED
    scene.take(moves.move(scene.record, What.RECOVERED, at(80), "bob"))
    scene.take(moves.close(scene.record, REPORT, at(90), "ana"))
    assert scene.record.state is State.CLOSED


def test_an_update_sent_twice_under_one_name_is_one() -> None:
    scene = Scene()
    scene.declare()
    for minutes in (5, 6):
        scene.take(moves.move(scene.record, What.UPDATE, at(minutes), "ana", "we are on it", once="form-1"))
    assert [said.text for said in scene.record.updates] == ["we are on it"]


def test_words_are_required_where_they_matter() -> None:
    scene = Scene()
    scene.declare()
    for what in (What.UPDATE, What.DECISION, What.STOOD_DOWN):
        with pytest.raises(Refused, match="words are required"):
            moves.move(scene.record, what, at(1), "ana", "  ")


def test_a_clock_that_goes_back_does_not_change_the_order() -> None:
    scene = Scene()
    scene.declare(10)
    scene.take(moves.move(scene.record, What.RECOVERED, at(5), "ana"))
    assert scene.record.state is State.RECOVERED
    assert scene.record.recovered_at == at(10)


def test_roles_go_from_one_to_another() -> None:
    scene = Scene()
    scene.declare()
    scene.take(moves.name(scene.record, "incident_manager", "ana", at(1), "ana"))
    scene.take(moves.name(scene.record, "incident_manager", "bob", at(2), "ana"))
    assert scene.record.roles == {"incident_manager": "bob"}
    scene.take(moves.name(scene.record, "incident_manager", "", at(3), "ana"))
    assert scene.record.roles == {}
    scene.take(moves.name(scene.record, "incident_manager", "bob", at(4), "ana"))
    assert scene.record.roles == {"incident_manager": "bob"}


def test_children_are_linked_once_and_never_the_incident_itself() -> None:
    scene = Scene()
    scene.declare()
    scene.take(moves.link(scene.record, "desk/2", at(1), "ana", own="desk/1"))
    for child in ("desk/1", "desk/2"):
        with pytest.raises(Refused):
            moves.link(scene.record, child, at(2), "ana", own="desk/1")
    scene.take(moves.unlink(scene.record, "desk/2", at(3), "ana"))
    assert scene.record.children == ()


def test_children_are_suggested_by_service_and_time() -> None:
    scene = Scene()
    scene.declare()
    scene.take(moves.link(scene.record, "desk/5", at(1), "ana"))
    near, far = ticket("2", opened_at=at(30)), ticket("3", opened_at=at(121))
    others = [ticket("1"), far, near, ticket("4", service="VPN"), ticket("5"), ticket("7", opened_at=at(-10)),
              ticket("6", state=TicketState.CLOSED)]
    assert [one.id for one in suggested(ticket(), scene.record, Process(), others)] == ["7", "2"]


def test_an_incident_without_a_service_takes_nobody_along() -> None:
    scene = Scene()
    scene.declare()
    assert suggested(ticket(service=""), scene.record, Process(), [ticket("2", service="")]) == []


def test_the_closing_tells_durations_and_the_longest_silence() -> None:
    scene = Scene()
    scene.declare(10)
    for minutes in (20, 50):
        scene.take(moves.move(scene.record, What.UPDATE, at(minutes), "ana", "news", once=str(minutes)))
    scene.take(moves.follow_up(scene.record, "watch the disk", "bob", date(2026, 3, 9), at(55), "ana"))
    scene.take(moves.move(scene.record, What.RECOVERED, at(60), "ana"))
    scene.take(moves.close(scene.record, REPORT, at(90), "ana"))
    told = closing(ticket(), scene.line, scene.record, at(500)).durations
    assert [told.to_declare, told.to_first_update, told.to_recover, told.to_close, told.longest_silence] == [
        timedelta(minutes=m) for m in (10, 10, 50, 80, 30)]
    assert scene.record.follow_ups[0].due == date(2026, 3, 9)


def test_the_timeline_ends_with_the_incident_and_tells_no_other() -> None:
    scene = recovered()
    scene.take(moves.close(scene.record, REPORT, at(90), "ana"))
    first = scene.record
    scene.declare(200)
    assert [event.data["what"] for event in timeline(scene.line, first)] == ["declared", "recovered", "closed"]
    assert [event.data["n"] for event in timeline(scene.line, scene.record)] == [2]


def test_a_moment_is_told_with_its_zone() -> None:
    assert stamp(NOON, "Europe/Zurich") == "2026-03-02 13:00:00 Europe/Zurich (+01:00)"


PATHS = ("mail-outage/tell", "mail-outage/queue", "mail-outage/start", "mail-outage/drain")
Action = Callable[[Scene, float], Event]
ACTIONS: dict[str, Action] = {
    "declare": lambda s, m: moves.declare(latest(s.line), at(m), "ana", "bad"),
    "attach": lambda s, m: moves.attach(s.record, procedure().procedure, at(m), "ana"),
    "close": lambda s, m: moves.close(s.record, REPORT, at(m), "ana"),
    "link": lambda s, m: moves.link(s.record, "desk/2", at(m), "ana"),
    "unlink": lambda s, m: moves.unlink(s.record, "desk/2", at(m), "ana"),
    "name": lambda s, m: moves.name(s.record, "communications", "bob", at(m), "ana"),
    **{what: (lambda s, m, what=what: moves.move(s.record, what, at(m), "ana", "words"))  # type: ignore[misc]
       for what in (What.UPDATE, What.DECISION, What.RECOVERING, What.RECOVERED, What.RELAPSED, What.STOOD_DOWN)},
    **{f"{what} {path}": (lambda s, m, what=what, path=path: moves.mark(  # type: ignore[misc]
        s.record, what, path, at(m), "ana", "words"))
       for what in (What.DONE, What.SKIPPED, What.UNDONE) for path in PATHS},
}


@settings(derandomize=True, max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(sorted(ACTIONS))), max_size=40), st.randoms())
def test_every_move_that_is_allowed_counts_and_the_order_of_arrival_does_not(
    story: list[tuple[int, str]], rng: random.Random,
) -> None:
    scene, minutes = Scene(), 0
    scene.declare()
    for passed, action in story:
        minutes += passed
        before = scene.record
        try:
            event = ACTIONS[action](scene, minutes)
        except Refused:
            continue
        assert event.key not in scene.kept, "a new move has a key of its own"
        scene.take(event)
        _grew(before, scene.record)
    shuffled = list(scene.kept.values())
    rng.shuffle(shuffled)
    assert records(effective(shuffled)) == records(scene.line)
    for one in records(scene.line)[:-1]:
        assert one.state not in ACTIVE
    every = lines(scene.record, at(minutes))
    assert all(line.took is None or line.took >= timedelta(0) for line in every)
    assert closing(ticket(), scene.line, scene.record, at(minutes)).durations.longest_silence >= timedelta(0)


def _grew(before: Record, after: Record) -> None:
    assert after.count == before.count + 1
    assert after != before
