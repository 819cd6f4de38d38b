"""Deliveries to people and suppliers: the same outbox, another kind of target."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from connector.domain.errors import Gone, Postponed, Refused, TryLater
from connector.domain.notices.fallback import chained
from connector.flows import deliver, switch
from connector.flows.breaker import OPEN_AFTER, Gate
from connector.flows.deliver import LEASE, STREAM
from connector.ports import Deps
from connector.store import SqlStore
from tests.flows.fake_channel import FakeChannel, order, with_channels
from tests.flows.fake_tool import Clock, Killed


@pytest.fixture
def mail() -> FakeChannel:
    return FakeChannel()


@pytest.fixture
def chat() -> FakeChannel:
    return FakeChannel("chat")


@pytest.fixture
def both(deps: Deps, mail: FakeChannel, chat: FakeChannel) -> Deps:
    return with_channels(deps, mail, chat)


def send(deps: Deps, *keys: str, lane: str = "") -> None:
    with deps.store.begin() as tx:
        tx.enqueue([order(key, lane=lane) for key in keys], deps.now())


def states(deps: Deps) -> dict[str, str]:
    assert isinstance(deps.store, SqlStore)
    with deps.store.read() as tx:
        rows = tx.run(text("SELECT key, state FROM deliveries")).all()
    return dict(rows)


def raising(error: Exception, moment: str = "before"):  # type: ignore[no-untyped-def]
    def at(now: str) -> None:
        if now == moment:
            raise error
    return at


def up(moment: str) -> None: ...


def test_a_delivery_goes_to_the_channel_of_its_name_once_and_in_the_order_of_its_lane(
    both: Deps, mail: FakeChannel, chat: FakeChannel,
) -> None:
    mail.concurrency = 4
    send(both, "a", "b", "c", lane="handoff/1")
    deliver.tick(both)
    assert deliver.tick(both) == 0
    assert (mail.keys, chat.keys) == (["a", "b", "c"], [])
    assert set(states(both).values()) == {"done"}


def test_an_answer_that_was_lost_is_told_to_the_channel_at_the_next_try(
    both: Deps, mail: FakeChannel, clock: Clock,
) -> None:
    send(both, "a")
    mail.at = raising(TryLater("timed out"), "after")
    deliver.tick(both)
    mail.at = up
    clock.forward(60)
    deliver.tick(both)
    assert [delivery.attempts for delivery in mail.got] == [0, 1]
    assert mail.keys == ["a", "a"], "the same key, so that the other side can tell"


def test_the_wait_a_channel_asks_for_holds_for_all_that_is_sent_to_it(
    both: Deps, mail: FakeChannel, clock: Clock,
) -> None:
    send(both, "a", "b")
    mail.at = raising(TryLater("429", timedelta(seconds=300)))
    assert deliver.tick(both) == 1
    mail.at = up
    clock.forward(299)
    assert deliver.tick(both) == 0
    clock.forward(60)
    assert deliver.tick(both) == 2


def test_what_only_this_one_delivery_must_wait_for_holds_no_other_up(both: Deps, mail: FakeChannel) -> None:
    send(both, *(str(n) for n in range(2 * OPEN_AFTER)))
    mail.at = raising(Postponed("mailbox full"))
    assert deliver.tick(both) == 2 * OPEN_AFTER
    with both.store.read() as tx:
        assert Gate.load(tx.cursors(STREAM).get("mail", {})) == Gate()


def test_what_a_channel_refuses_is_buried_and_the_lane_goes_on(both: Deps, mail: FakeChannel) -> None:
    send(both, "a", "b", lane="one")

    def no_a(moment: str) -> None:
        mail.at = up
        raise Refused("550 no such mailbox")
    mail.at = no_a
    deliver.tick(both)
    assert states(both) == {"a": "dead", "b": "done"}


def test_a_channel_that_is_gone_is_left_alone_until_a_person_enables_it_and_nothing_is_lost(
    both: Deps, mail: FakeChannel, clock: Clock,
) -> None:
    send(both, "a", "b", lane="one")
    mail.at = raising(Gone("410 Gone", 410))
    assert deliver.tick(both) == 1
    mail.at = up
    for _ in range(20):
        clock.forward(24 * 3600)
        assert deliver.tick(both) == 0
    with both.store.read() as tx:
        assert switch.disabled(tx) == {"mail": "410 Gone"}
    assert switch.enable(both, "mail", "anna")
    assert not switch.enable(both, "mail", "anna")
    deliver.tick(both)
    assert mail.keys == ["a", "b"]


def test_a_process_with_an_old_view_of_the_gate_does_not_enable_a_channel_again(
    both: Deps, mail: FakeChannel, clock: Clock,
) -> None:
    send(both, "a", "b")
    busy = deliver._Round(both, __import__("random").Random(1))
    mail.at = raising(Gone("410"))
    deliver.tick(both)
    mail.at = up
    busy.gates["mail"].failed(clock(), "old news")
    busy.close()
    assert busy.claim() == []
    assert mail.keys == []


def test_after_the_time_of_its_channel_a_delivery_is_given_up(both: Deps, mail: FakeChannel, clock: Clock) -> None:
    send(both, "a")
    mail.give_up = timedelta(hours=6)
    mail.at = raising(TryLater("down"))
    for _ in range(12):
        assert states(both) == {"a": "waiting"}
        deliver.tick(both)
        clock.forward(1800)
    deliver.tick(both)
    clock.forward(1800)
    deliver.tick(both)
    assert states(both) == {"a": "dead"}


def test_a_killed_worker_leaves_a_lease_that_another_takes_over_once(
    both: Deps, mail: FakeChannel, clock: Clock,
) -> None:
    def die(moment: str) -> None:
        raise Killed
    send(both, "a")
    mail.at = die
    with pytest.raises(Killed):
        deliver.tick(both)
    mail.at = up
    assert deliver.tick(both) == 0
    clock.forward(LEASE.total_seconds() + 1)
    assert deliver.tick(both) == 1
    assert states(both) == {"a": "done"}
    assert [delivery.attempts for delivery in mail.got] == [1]


def test_a_mistake_in_a_channel_does_not_stop_the_other_channels(
    both: Deps, mail: FakeChannel, chat: FakeChannel,
) -> None:
    send(both, "a")
    with both.store.begin() as tx:
        tx.enqueue([order("b", "chat")], both.now())
    mail.at = raising(ZeroDivisionError())
    deliver.tick(both)
    assert states(both) == {"a": "waiting", "b": "done"}


def test_a_message_that_one_channel_refuses_goes_the_other_way(
    both: Deps, mail: FakeChannel, chat: FakeChannel,
) -> None:
    with both.store.begin() as tx:
        tx.enqueue([chained([order("a/chat", "chat"), order("a/mail")], timedelta(minutes=5))], both.now())
    chat.at = raising(Refused("no such room"))
    deliver.tick(both)
    assert states(both) == {"a/chat": "dead", "a/mail": "done"}


def test_messages_before_a_channel_that_is_down_go_the_other_way_when_their_patience_is_over(
    both: Deps, mail: FakeChannel, chat: FakeChannel, clock: Clock,
) -> None:
    with both.store.begin() as tx:
        tx.enqueue([chained([order(f"{n}/chat", "chat"), order(f"{n}/mail")], timedelta(minutes=5))
                    for n in range(12)], both.now())
    chat.at = raising(TryLater("down"))
    for _ in range(5):
        deliver.tick(both)
        assert mail.keys == []
        clock.forward(60)
    clock.forward(61)
    deliver.tick(both)
    deliver.tick(both)
    assert sorted(mail.keys) == sorted(f"{n}/mail" for n in range(12))
    chat.at = up
    clock.forward(3600)
    assert deliver.tick(both) == 0, "who was told another way is not told twice"


def test_deliveries_to_a_channel_nobody_has_set_up_wait_for_it(deps: Deps, mail: FakeChannel) -> None:
    send(deps, "a")
    assert deliver.tick(deps) == 0
    assert deliver.tick(with_channels(deps, mail)) == 1


def test_no_more_a_minute_than_the_channel_allows(both: Deps, mail: FakeChannel, clock: Clock) -> None:
    mail.per_minute = 12
    send(both, *(str(n) for n in range(60)))
    sent = 0
    for _ in range(120):
        sent += deliver.tick(both)
        clock.forward(1)
    assert 24 <= sent <= 26, "twelve a minute and a burst of two"
