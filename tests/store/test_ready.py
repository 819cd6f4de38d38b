"""Statements made beforehand take and give the same values as those SQLAlchemy executes."""

from __future__ import annotations

from datetime import timedelta, timezone

from sqlalchemy import bindparam, select

from connector.ports import Change
from connector.store import SqlStore
from connector.store.ready import Ready
from connector.store.tables import inbox, tickets
from tests.store.making import NOW, ticket

_TICKET = select(tickets.c.title, tickets.c.deleted, tickets.c.missing_since, tickets.c.next_check_at).where(
    tickets.c.next_check_at == bindparam("at"))


def test_times_and_truths_come_back_as_the_columns_say(store: SqlStore) -> None:
    with store.begin() as tx:
        tx.save([Change(ticket=ticket(), missing_since=NOW, next_check_at=NOW + timedelta(microseconds=1))])
    elsewhere = (NOW + timedelta(microseconds=1)).astimezone(timezone(timedelta(hours=5)))
    with store.read() as tx:
        (row,) = Ready(_TICKET).run(tx.conn, at=elsewhere)
        assert row == tuple(tx.run(_TICKET, at=elsewhere).one())
        assert row[1:] == (False, NOW, NOW + timedelta(microseconds=1))
        assert row[1] is False


def test_text_that_no_database_takes_is_cleaned_on_its_way_in(store: SqlStore) -> None:
    with store.begin() as tx:
        assert tx.first_time("s", "m\0\ud800", "d", NOW) == "new"
        assert tx.first_time("s", "m\0\ud800", "d", NOW) == "repeat"
    with store.read() as tx:
        found = Ready(select(inbox.c.message, inbox.c.at).where(inbox.c.message == bindparam("message")))
        assert [tuple(row) for row in found.run(tx.conn, message="m\0\ud800")] == [("m\N{REPLACEMENT CHARACTER}?", NOW)]
