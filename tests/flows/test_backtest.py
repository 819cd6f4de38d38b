"""Backtests over a store: every ticket once, whatever the parts."""

from __future__ import annotations

from datetime import UTC, timedelta

from msgspec.structs import replace

from connector.domain.agreements.backtest import Tally
from connector.domain.agreements.conditions import condition
from connector.domain.history import Event, EventKind
from connector.domain.problems import Problems
from connector.flows import backtest
from connector.flows.backtest import Question, measure, parts
from connector.ports import Change
from connector.store import SqlStore
from tests.domain.agreements.test_engine import ACME, MON, profile, registry, ticket
from tests.domain.calendars.test_calendar import local

NOW = local(2026, 4, 1)


def fill(store: SqlStore, n: int) -> None:
    changes = []
    for i in range(n):
        end = (MON + timedelta(hours=i % 30)).astimezone(UTC)
        event = Event(key="r", at=end, kind=EventKind.CHANGED, field="state", old="new", new="resolved")
        one = replace(ticket(group=f"g{i % 3}"), id=str(i), opened_at=MON.astimezone(UTC), updated_at=end)
        changes.append(Change(ticket=one, events=[event]))
    with store.begin() as tx:
        tx.save(changes)


def whole(store: SqlStore, question: Question) -> Tally:
    total = Tally()
    for first, last in parts(store):
        total.merge(measure(store, question, first, last))
    return total


def test_every_ticket_counts_once_whatever_the_parts(store: SqlStore) -> None:
    fill(store, 90)
    question = Question(registry(), NOW)
    one = whole(store, question).as_dict()
    backtest.PART, kept = 7, backtest.PART
    try:
        assert len(parts(store)) == 13
        assert whole(store, question).as_dict() == one
    finally:
        backtest.PART = kept
    assert one["tickets"] == 90
    figures = one["targets"]["resolution"]["all"]["all"]
    assert figures["met"] + figures["breached"] == 90
    assert set(one["targets"]["resolution"]["group"]) == {"g0", "g1", "g2"}


def test_it_asks_only_for_the_tickets_wanted(sqlite_store: SqlStore) -> None:
    fill(sqlite_store, 30)
    where = condition({"group": "g1"}, Problems())
    assert whole(sqlite_store, Question(registry(), NOW, where=where)).tickets == 10
    assert whole(sqlite_store, Question(registry(), NOW, since=MON + timedelta(hours=1))).tickets == 0


def test_it_says_what_would_change(sqlite_store: SqlStore) -> None:
    fill(sqlite_store, 30)
    strict = registry(profile(ACME, targets={"resolution": "30m"}))
    told = whole(sqlite_store, Question(strict, NOW, current=registry())).as_dict()
    changed = {(c["before"], c["now"]): c["tickets"] for c in told["compared"] if c["target"] == "resolution"}
    assert changed["met", "breached"] == 23
    assert ("breached", "met") not in changed


def test_an_empty_store_has_no_parts(store: SqlStore) -> None:
    assert parts(store) == []
