"""What only the web keeps in the store: sessions, and answers for repeated requests. On both engines."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from connector.store import SqlStore
from connector.store.accounts import Accounts
from connector.store.answers import KEPT, Answer, Answers, Busy, Clash
from connector.store.sessions import IDLE, LONGEST, Sessions
from connector.store.tables import sessions as table
from tests.web.world import HASH, NOW


@pytest.fixture
def user(store: SqlStore) -> int:
    return Accounts(store).create_user("a", HASH, "agent", NOW).id


def test_a_session_is_found_by_its_secret_and_the_store_holds_only_a_digest(store: SqlStore, user: int) -> None:
    sessions = Sessions(store)
    secret = sessions.open(user, 1, NOW, "Firefox")
    found = sessions.find(secret, NOW)
    assert found is not None
    assert (found.user, found.epoch, found.agent) == (user, 1, "Firefox")
    assert sessions.find("other", NOW) is None
    with store.read() as tx:
        assert secret not in str(tx.run(select(table)).all())


def test_a_session_lives_while_used_and_at_most_a_shift(store: SqlStore, user: int) -> None:
    sessions = Sessions(store)
    secret = sessions.open(user, 1, NOW)
    assert sessions.find(secret, NOW + IDLE) is None
    at = NOW
    while at < NOW + LONGEST - timedelta(hours=1):
        at += timedelta(hours=1)
        assert sessions.find(secret, at) is not None
    assert sessions.find(secret, NOW + LONGEST) is None


def test_use_is_noted_once_a_minute(store: SqlStore, user: int) -> None:
    sessions = Sessions(store)
    secret = sessions.open(user, 1, NOW)
    sessions.find(secret, NOW + timedelta(seconds=50))
    assert sessions.of(user, NOW)[0].seen_at == NOW
    sessions.find(secret, NOW + timedelta(seconds=61))
    assert sessions.of(user, NOW)[0].seen_at == NOW + timedelta(seconds=61)


def test_sessions_are_closed_one_by_one_or_all_others(store: SqlStore, user: int) -> None:
    sessions = Sessions(store)
    one, two, three = (sessions.open(user, 1, NOW) for _ in range(3))
    sessions.close(one)
    assert sessions.find(one, NOW) is None
    sessions.close_others(user, two)
    assert sessions.find(two, NOW) is not None
    assert sessions.find(three, NOW) is None


def test_old_sessions_are_removed(store: SqlStore, user: int) -> None:
    sessions = Sessions(store)
    sessions.open(user, 1, NOW)
    sessions.open(user, 1, NOW + LONGEST)
    with store.read() as tx:
        assert len(tx.run(select(table)).all()) == 1


def test_a_repeat_gets_the_first_answer(store: SqlStore) -> None:
    answers = Answers(store)
    assert answers.begin("me", "k", "d", NOW) is None
    answers.finish("me", "k", 202, {"Location": "/x"}, b"\x00{}")
    assert answers.begin("me", "k", "d", NOW) == Answer(status=202, headers={"Location": "/x"}, body=b"\x00{}")


def test_while_the_first_is_at_work_a_repeat_is_told_so(store: SqlStore) -> None:
    answers = Answers(store)
    answers.begin("me", "k", "d", NOW)
    with pytest.raises(Busy):
        answers.begin("me", "k", "d", NOW + timedelta(seconds=5))


def test_a_request_whose_process_died_may_be_sent_again(store: SqlStore) -> None:
    answers = Answers(store)
    answers.begin("me", "k", "d", NOW)
    assert answers.begin("me", "k", "d", NOW + timedelta(minutes=3)) is None


def test_a_key_of_another_request_clashes(store: SqlStore) -> None:
    answers = Answers(store)
    answers.begin("me", "k", "d", NOW)
    with pytest.raises(Clash):
        answers.begin("me", "k", "other", NOW)
    assert answers.begin("you", "k", "other", NOW) is None


def test_a_forgotten_key_and_an_old_one_are_new_again(store: SqlStore) -> None:
    answers = Answers(store)
    answers.begin("me", "k", "d", NOW)
    answers.forget("me", "k")
    assert answers.begin("me", "k", "other", NOW) is None
    answers.finish("me", "k", 200, {}, b"")
    assert answers.begin("me", "k", "third", NOW + KEPT + timedelta(seconds=1)) is None
