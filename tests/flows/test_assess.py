"""The tick: what is due is looked at once, remembered once, and comes back when time changes something."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from connector.domain.agreements.assess import Assessment
from connector.domain.history import Event, EventKind, Role
from connector.domain.ticket import Ticket
from connector.flows import assess
from connector.ports import Change, Deps
from connector.store import SqlStore
from tests.domain.agreements.test_engine import MON, registry, ticket
from tests.domain.calendars.test_calendar import local


class Desk:
    def __init__(self, store: SqlStore) -> None:
        self.time = MON
        self.store = store
        self.deps = Deps(store=store, tools={}, now=lambda: self.time, registry=registry)

    def add(self, number: int, **fields: Any) -> int:
        one = replace(ticket(**fields), id=str(number), opened_at=MON.astimezone(UTC), updated_at=MON.astimezone(UTC))
        with self.store.begin() as tx:
            return tx.save([Change(ticket=one, next_check_at=self.time)])[0]

    def tick(self, at: datetime) -> assess.Report:
        self.time = at
        return assess.tick(self.deps)

    def told(self, key: int) -> list[str]:
        with self.store.read() as tx:
            history = tx.history([key])[key]
        return [f"{e.data['clock']} {e.data['what']}" for e in history if e.kind is EventKind.CLOCK]


def test_a_breach_is_remembered_when_it_happens_and_only_once(store: SqlStore) -> None:
    desk = Desk(store)
    key = desk.add(1)
    assert desk.tick(MON).events == 1, "the version that applies"
    due = local(2026, 3, 2, 10)
    assert desk.tick(due).looked == 0, "met is at or before due"
    assert desk.tick(due + timedelta(microseconds=1)).looked == 1
    assert desk.told(key) == ["acme-gold/first_response/1 breached"]
    assert desk.tick(due + timedelta(hours=1)).looked == 0
    assert desk.tick(local(2026, 3, 4)).events == 1
    assert desk.told(key) == ["acme-gold/first_response/1 breached", "acme-gold/resolution/1 breached"]
    assert desk.tick(local(2026, 3, 9)).looked == 0, "nothing more can change by time alone"


def test_more_tickets_than_a_batch_are_all_looked_at(store: SqlStore) -> None:
    desk = Desk(store)
    with store.begin() as tx:
        tx.save([Change(ticket=replace(ticket(), id=str(n)), next_check_at=MON) for n in range(assess.BATCH + 3)])
    assert desk.tick(MON).looked == assess.BATCH + 3
    assert desk.tick(MON).looked == 0


def test_a_ticket_no_profile_speaks_for_is_counted_and_not_looked_at_again(store: SqlStore) -> None:
    desk = Desk(store)
    desk.add(1, customer="Nobody")
    report = desk.tick(MON)
    assert (report.looked, report.unmatched, report.events) == (1, 1, 0)
    assert desk.tick(MON + timedelta(days=30)).looked == 0


def test_without_agreements_nothing_is_looked_at(store: SqlStore) -> None:
    desk = Desk(store)
    desk.add(1)
    assert assess.tick(Deps(store=store, tools={}, now=lambda: MON)).looked == 0


def test_a_ticket_whose_clocks_fail_stops_no_other_and_is_tried_again(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(store)
    bad, good = desk.add(1), desk.add(2)
    real = assess.assess

    def failing(one: Ticket, *rest: Any) -> Assessment:
        if one.id == "1":
            raise ZeroDivisionError
        return real(one, *rest)

    monkeypatch.setattr(assess, "assess", failing)
    late = local(2026, 3, 2, 12)
    assert desk.tick(late).failed == 1
    assert (desk.told(bad), desk.told(good)) == ([], ["acme-gold/first_response/1 breached"])
    monkeypatch.undo()
    assert desk.tick(late + assess.AGAIN).failed == 0
    assert desk.told(bad) == ["acme-gold/first_response/1 breached"]


def test_history_from_before_the_opening_is_counted_and_logged_on_the_ticket_once(store: SqlStore) -> None:
    desk = Desk(store)
    key = desk.add(1)
    odd = Event(key="odd", at=(MON - timedelta(hours=3)).astimezone(UTC), kind=EventKind.CHANGED, field="state",
                old="new", new="in_progress", role=Role.AGENT)
    with store.begin() as tx:
        tx.append([(key, odd)])
    assert desk.tick(MON).clamped == 1
    with store.begin() as tx:
        assert [e.data["event"] for e in tx.history([key])[key] if e.kind is EventKind.CLAMPED] == ["odd"]
        tx.schedule({key: MON})
    assert desk.tick(MON).clamped == 0
