"""Service requests: approvals one after the other, tasks as soon as they may, and nothing twice."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.agreements.durations import Amount
from connector.domain.errors import Refused
from connector.domain.escalations.actions import Reach, Who
from connector.domain.history import Event, effective
from connector.domain.requests import moves
from connector.domain.requests.catalogue import Approval, Need, Plan, Task, Unanswered
from connector.domain.requests.record import ENDED, SETTLED, Record, State, TaskState, What, record

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = Amount(timedelta(hours=1), text="1h")
PEOPLE = {"boss": ("boss",), "buyers": ("ana", "bob"), "deputy": ("dora",), "nobody": ()}


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def find(who: Who | None, up: int) -> tuple[str, ...]:
    return PEOPLE["boss"] if who is None else PEOPLE[who.name]


def due(amount: Amount, begins: datetime) -> datetime:
    return begins + amount.time


def group(name: str) -> Who:
    return Who(Reach.GROUP, name)


TASKS = (Task("order", "Order", group("buyers"), within=HOUR), Task("account", "Account", group("buyers")),
         Task("deliver", "Deliver", receiver="field", within=HOUR, after=("order", "account")))


class Request:
    """Takes an event only if its key is new, like the store."""

    def __init__(self, *approvals: Approval, tasks: tuple[Task, ...] = TASKS) -> None:
        self.kept: dict[str, Event] = {}
        self.take(moves.start(Plan("laptop", approvals=approvals, tasks=tasks), NOON))

    def take(self, event: Event) -> None:
        self.kept.setdefault(event.key, event)

    @property
    def line(self) -> list[Event]:
        return effective(self.kept.values())

    @property
    def record(self) -> Record:
        found = record(self.line)
        assert found is not None
        return found

    def look(self, minutes: float) -> list[str]:
        events, after = moves.coming(self.record, at(minutes), find, due)
        for event in events:
            assert event.key not in self.kept
            self.take(event)
        assert self.record == after
        return [str(event.data["what"]) for event in events]

    def answer(self, minutes: float, approval: str, person: str, yes: bool = True) -> None:
        self.take(moves.answer(self.record, approval, person, yes, at(minutes), person, "words"))

    def settle(self, minutes: float, task: str, done: bool = True) -> None:
        self.take(moves.settle(self.record, task, done, at(minutes), "ana", "words"))


def test_without_approvals_the_tasks_start_at_once_those_that_wait_do_not() -> None:
    request = Request()
    assert request.look(1) == ["task_started", "task_started"]
    assert request.record.doing("order").due == at(61)
    assert request.record.doing("deliver").state is TaskState.WAITING


def test_a_second_look_adds_nothing() -> None:
    request = Request(Approval("manager"))
    assert request.look(1) == ["asked"]
    assert request.look(1) == []


def test_approvals_are_asked_one_after_the_other() -> None:
    request = Request(Approval("manager"), Approval("buying", group("buyers")))
    request.look(1)
    assert set(request.record.approvals) == {"manager"}
    request.answer(2, "manager", "boss")
    assert request.look(3) == ["asked"]
    request.answer(4, "buying", "bob")
    assert request.look(5) == ["task_started", "task_started"]


def test_all_means_everybody_asked() -> None:
    request = Request(Approval("buying", group("buyers"), need=Need.ALL))
    request.look(1)
    request.answer(2, "buying", "ana")
    assert request.look(3) == []
    request.answer(4, "buying", "bob")
    assert request.record.state is State.FULFILLING


def test_a_refusal_says_why_and_ends_the_request() -> None:
    request = Request(Approval("buying", group("buyers"), need=Need.ALL))
    request.look(1)
    with pytest.raises(Refused, match="why it is refused"):
        moves.answer(request.record, "buying", "ana", False, at(2), "ana")
    request.answer(2, "buying", "ana", yes=False)
    assert (request.record.state, request.record.why) == (State.REFUSED, "words")
    assert request.look(3) == []


def test_only_who_was_asked_answers_and_only_once() -> None:
    request = Request(Approval("buying", group("buyers"), need=Need.ALL))
    with pytest.raises(Refused, match="not asked"):
        request.answer(0, "buying", "ana")
    request.look(1)
    request.answer(2, "buying", "ana")
    for person in ("ana", "boss"):
        with pytest.raises(Refused):
            request.answer(3, "buying", person)


def test_the_substitute_is_asked_when_time_is_over_and_stands_for_all() -> None:
    request = Request(Approval("buying", group("buyers"), need=Need.ALL, within=HOUR, substitute=group("deputy")))
    request.look(1)
    assert request.look(60) == []
    assert moves.next_at(request.record) == at(61)
    assert request.look(61) == ["substituted"]
    request.answer(62, "buying", "dora")
    assert request.record.state is State.FULFILLING


def test_where_nobody_can_be_asked_the_substitute_is_at_once() -> None:
    request = Request(Approval("ghosts", group("nobody"), substitute=group("deputy")))
    assert request.look(1) == ["asked", "substituted"]


def test_an_approval_by_nobody_is_never_taken_as_given() -> None:
    request = Request(Approval("ghosts", group("nobody"), need=Need.ALL))
    request.look(1)
    assert request.record.state is State.APPROVING


def test_an_unanswered_approval_waits_or_refuses_as_the_item_says() -> None:
    waits = Request(Approval("manager", within=HOUR))
    waits.look(1)
    assert waits.look(500) == ["approval_late"]
    assert waits.look(501) == []
    ends = Request(Approval("manager", within=HOUR, substitute=group("deputy"), unanswered=Unanswered.REFUSED))
    ends.look(1)
    assert ends.look(61) == ["substituted"]
    assert ends.look(121) == ["expired"]
    assert ends.record.state is State.REFUSED


def test_of_two_answers_at_once_the_first_decides() -> None:
    request = Request(Approval("buying", group("buyers")))
    request.look(1)
    before = request.record
    request.take(moves.answer(before, "buying", "ana", True, at(2), "ana"))
    request.take(moves.answer(before, "buying", "bob", False, at(3), "bob", "too dear"))
    assert request.record.state is State.FULFILLING


def test_a_failed_task_holds_up_what_comes_after_it_until_somebody_decides() -> None:
    request = Request()
    request.look(1)
    request.settle(2, "account")
    request.settle(3, "order", done=False)
    assert request.look(4) == []
    request.take(moves.again(request.record, "order", at(5), "ana"))
    assert request.look(6) == ["task_started"]
    assert request.record.doing("order").tries == 2
    request.settle(7, "order", done=False)
    request.take(moves.drop(request.record, "order", at(8), "ana", "one was left over"))
    assert request.look(9) == ["task_started"]
    request.settle(10, "deliver")
    assert request.look(11) == ["completed"]
    assert request.record.ended_at == at(11)


def test_a_task_settled_twice_at_once_is_settled_as_said_first() -> None:
    request = Request()
    request.look(1)
    before = request.record
    request.take(moves.settle(before, "order", True, at(2), "ana"))
    request.take(moves.settle(before, "order", False, at(3), "bob", "sold out"))
    assert request.record.doing("order").state is TaskState.DONE


def test_a_task_is_late_against_its_own_time() -> None:
    request = Request()
    request.look(1)
    assert not request.record.doing("order").late(at(61))
    assert request.record.doing("order").late(at(62))
    assert not request.record.doing("account").late(at(999))
    request.settle(50, "order")
    assert not request.record.doing("order").late(at(999))


def test_a_cancelled_request_goes_nowhere() -> None:
    request = Request(Approval("manager"))
    request.look(1)
    request.take(moves.cancel(request.record, at(2), "ana", "not needed"))
    assert request.look(3) == []
    assert moves.next_at(request.record) is None
    with pytest.raises(Refused):
        request.answer(4, "manager", "boss")
    with pytest.raises(Refused):
        moves.cancel(request.record, at(5), "ana", "again")


PLANS = st.builds(
    lambda approvals, links: (approvals, tuple(
        Task(f"t{i}", f"T{i}", within=HOUR, after=tuple(f"t{j}" for j in sorted(before) if j < i))
        for i, before in enumerate(links))),
    st.lists(st.builds(Approval, id=st.just(""), by=st.sampled_from([None, group("buyers"), group("nobody")]),
                       need=st.sampled_from(Need), within=st.sampled_from([None, HOUR]),
                       substitute=st.sampled_from([None, group("deputy")]), unanswered=st.sampled_from(Unanswered)),
             max_size=3),
    st.lists(st.sets(st.integers(0, 4)), min_size=1, max_size=5),
)
PERSONS = ("boss", "ana", "bob", "dora")
Doing = Callable[[Request, int, int], Event]
DOINGS: dict[str, Doing] = {
    "yes": lambda r, m, x: moves.answer(r.record, f"a{x % 3}", PERSONS[x % 4], True, at(m), "x"),
    "no": lambda r, m, x: moves.answer(r.record, f"a{x % 3}", PERSONS[x % 4], False, at(m), "x", "words"),
    "done": lambda r, m, x: moves.settle(r.record, f"t{x % 5}", True, at(m), "x"),
    "failed": lambda r, m, x: moves.settle(r.record, f"t{x % 5}", False, at(m), "x", "words"),
    "again": lambda r, m, x: moves.again(r.record, f"t{x % 5}", at(m), "x"),
    "drop": lambda r, m, x: moves.drop(r.record, f"t{x % 5}", at(m), "x", "words"),
    "cancel": lambda r, m, x: moves.cancel(r.record, at(m), "x", "words"),
}
STORY = st.lists(st.tuples(st.integers(0, 40), st.sampled_from(
    ["yes"] * 6 + ["done"] * 6 + ["no", "failed", "again", "drop", "look", "look", "cancel"]), st.integers(0, 59),
    st.booleans()), max_size=60)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(PLANS, STORY, st.randoms())
def test_whatever_people_do_and_whenever_we_look_the_order_of_the_plan_holds(
    drawn: tuple[list[Approval], tuple[Task, ...]], story: list[tuple[int, str, int, bool]], rng: random.Random,
) -> None:
    approvals = [Approval(f"a{i}", one.by, one.up, one.need, one.within, one.substitute, one.unanswered)
                 for i, one in enumerate(drawn[0])]
    request, minutes = Request(*approvals, tasks=drawn[1]), 0
    for passed, what, who, lost in story:
        minutes += passed
        if what == "look":
            if lost:
                moves.coming(request.record, at(minutes), find, due)  # killed before it was kept
            else:
                request.look(minutes)
            continue
        before = request.record
        try:
            event = DOINGS[what](request, minutes, who)
        except Refused:
            continue
        assert event.key not in request.kept
        request.take(event)
        assert request.record.count == before.count + 1
    request.look(minutes)
    assert request.look(minutes) == []
    shuffled = list(request.kept.values())
    rng.shuffle(shuffled)
    assert record(effective(shuffled)) == request.record
    _holds(request)


def _holds(request: Request) -> None:
    """No task before its approvals and predecessors; the end exactly when everything is settled."""
    found, settled = request.record, dict[str, datetime]()
    granted = all(one.id in found.approvals and found.approvals[one.id].granted(one.need)
                  for one in found.plan.approvals)
    for event in request.line:
        what, task = event.data["what"], found.plan.task(str(event.data.get("task", "")))
        if what == What.TASK_STARTED:
            assert task is not None
            assert granted
            assert set(task.after) <= set(settled)
        elif what in (What.TASK_DONE, What.TASK_DROPPED):
            assert task is not None
            settled[task.id] = event.at
    everything = all(found.doing(task.id).state in SETTLED for task in found.plan.tasks)
    if found.state is State.COMPLETED:
        assert everything
    elif granted and everything:
        assert found.state in ENDED
