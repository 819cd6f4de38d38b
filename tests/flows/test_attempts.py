"""Every try of every kind of delivery leaves what happened: done, again, refused, or nobody knows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from connector.domain.attempt import Attempt, Outcome
from connector.domain.errors import ConnectorError, Gone, NotFound, Postponed, Refused, TryLater
from connector.flows import deliver, editing, intake, redeliver
from connector.flows.deliver import LEASE
from connector.ports import Deps
from connector.store import SqlStore
from connector.store.queries import Queries
from tests.flows.fake_channel import FakeChannel, order, with_channels
from tests.flows.fake_tool import Clock, FakeTool, Killed


@pytest.fixture
def mail() -> FakeChannel:
    return FakeChannel()


@pytest.fixture
def both(deps: Deps, mail: FakeChannel) -> Deps:
    return with_channels(deps, mail)


def send(deps: Deps, *keys: str) -> None:
    with deps.store.begin() as tx:
        tx.enqueue([order(key) for key in keys], deps.now())


def tries(deps: Deps, id: int = 1) -> list[Attempt]:
    with deps.store.read() as tx:
        return tx.attempts(id)


def outcomes(deps: Deps, id: int = 1) -> list[Outcome]:
    return [one.outcome for one in tries(deps, id)]


def failing(mail: FakeChannel, error: BaseException) -> None:
    def at(moment: str) -> None:
        mail.at = lambda moment: None
        raise error
    mail.at = at


def test_a_delivery_that_is_done_keeps_its_try(both: Deps, clock: Clock) -> None:
    send(both, "a")
    deliver.tick(both)
    (one,) = tries(both)
    assert (one.n, one.outcome, one.reason, one.started_at) == (1, Outcome.DONE, "", clock())
    assert one.ms is not None


@pytest.mark.parametrize(("error", "outcome"), [
    (TryLater("down"), Outcome.RETRY), (Postponed("mailbox full"), Outcome.RETRY), (Gone("410", 410), Outcome.RETRY),
    (Refused("no such mailbox"), Outcome.REFUSED), (NotFound("gone"), Outcome.REFUSED),
    (ConnectorError("odd"), Outcome.RETRY), (ZeroDivisionError(), Outcome.RETRY)])
def test_how_a_try_failed_is_kept_with_its_reason(both: Deps, mail: FakeChannel, error: Exception,
                                                  outcome: Outcome) -> None:
    send(both, "a")
    failing(mail, error)
    deliver.tick(both)
    (one,) = tries(both)
    assert one.outcome is outcome
    assert one.reason == (str(error) or "internal error (ZeroDivisionError)")


def test_each_try_of_one_delivery_is_a_line(both: Deps, mail: FakeChannel, clock: Clock) -> None:
    send(both, "a")
    for _ in range(2):
        failing(mail, TryLater("down"))
        deliver.tick(both)
        clock.forward(600)
    deliver.tick(both)
    assert [(one.n, one.outcome) for one in tries(both)] == [
        (1, Outcome.RETRY), (2, Outcome.RETRY), (3, Outcome.DONE)]
    assert [later.started_at - one.started_at for one, later in zip(tries(both), tries(both)[1:], strict=False)] == [
        timedelta(seconds=600)] * 2


def test_what_is_given_up_after_its_time_was_refused(both: Deps, mail: FakeChannel, clock: Clock) -> None:
    mail.give_up = timedelta(hours=1)
    send(both, "a")
    for _ in range(11):
        failing(mail, Postponed("full"))
        deliver.tick(both)
        clock.forward(1200)
    assert outcomes(both)[-1] is Outcome.REFUSED
    assert tries(both)[-1].reason.startswith("given up after 200 minutes: full")


def test_a_worker_killed_after_it_sent_leaves_a_try_without_a_known_answer(both: Deps, mail: FakeChannel,
                                                                          clock: Clock) -> None:
    send(both, "a")
    began = clock()
    failing(mail, Killed())
    with pytest.raises(Killed):
        deliver.tick(both)
    assert outcomes(both) == [], "nothing was written before it was sent"
    clock.forward(LEASE.total_seconds())
    deliver.tick(both)
    lost, done = tries(both)
    assert (lost.n, lost.outcome, lost.ms, lost.started_at) == (1, Outcome.LOST, None, began)
    assert (done.n, done.outcome) == (2, Outcome.DONE)


@pytest.mark.parametrize("what", ["update", "comment", "create"])
def test_writes_into_a_tool_keep_their_tries(deps: Deps, tool: FakeTool, clock: Clock, what: str) -> None:
    tool.opened("1")
    intake.poll(deps, "desk")
    assert isinstance(deps.store, SqlStore)
    with deps.store.read() as tx:
        (key,) = (row.key for row in tx.run(text("SELECT key FROM tickets")))
    if what == "update":
        editing.edit(deps, key, {"title": "ours"}, "anna")
    elif what == "comment":
        from connector.domain.ticket import Comment
        editing.comment(deps, key, Comment(text="hello", public=False, author="anna"), "anna", "once")
    else:
        from connector.domain.ticket import Draft, Kind
        editing.create(deps, "desk", Draft(kind=Kind.INCIDENT, fields={"title": "new"}), "once", "anna")

    def down(verb: str, moment: str) -> None:
        if verb == what and moment == "before":
            tool.at = lambda verb, moment: None
            raise TryLater("the tool is down")
    tool.at = down
    deliver.tick(deps)
    clock.forward(3600)
    deliver.tick(deps)
    assert [(one.n, one.outcome, one.reason) for one in tries(deps)] == [
        (1, Outcome.RETRY, "the tool is down"), (2, Outcome.DONE, "")]


def test_what_is_sent_again_is_tried_under_its_own_name(both: Deps, mail: FakeChannel) -> None:
    hosting = FakeChannel("supplier:hosting")
    deps = with_channels(both, mail, hosting)
    with deps.store.begin() as tx:
        tx.enqueue([order("handoff/1/1", target="supplier:hosting")], deps.now())
    deliver.tick(deps)
    assert isinstance(deps.store, SqlStore)
    row = Queries(deps.store).delivery(1)
    assert row is not None
    told = {"target": row.target, "verb": row.verb, "lane": row.lane, "payload": row.payload, "ticket": row.ticket}
    assert redeliver.again(deps, 1, row.key, row.state, told, "anna")
    deliver.tick(deps)
    assert (outcomes(deps, 1), outcomes(deps, 2)) == ([Outcome.DONE], [Outcome.DONE])
