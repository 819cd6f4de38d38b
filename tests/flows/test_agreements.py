"""A changed agreement: what it would do is shown first, then done once, on record."""

from __future__ import annotations

from datetime import timedelta

from connector.domain.agreements.fingerprint import fingerprint
from connector.domain.agreements.registry import Registry
from connector.domain.ticket import State
from connector.flows import agreements, assess
from connector.store import SqlStore
from tests.domain.agreements.test_engine import ACME, MON, profile, registry
from tests.domain.calendars.test_calendar import OFFICE, local
from tests.flows.test_assess import Desk

NOW = local(2026, 3, 2, 14)


def edited(resolution: str) -> Registry:
    new = profile(ACME, targets={"first_response": "1h", "resolution": resolution})
    object.__setattr__(new, "version", "2")
    return Registry.checked([new], {"weekdays": OFFICE}, None, {("acme-gold", "1"): profile(ACME)})


def desk_at_two(store: SqlStore) -> tuple[Desk, int]:
    desk = Desk(store)
    key = desk.add(1)
    desk.add(2, state=State.RESOLVED)
    desk.tick(NOW)
    return desk, key


def what(desk: Desk, new: Registry) -> list[tuple[str, str]]:
    return [(d.clock, d.what) for changed in agreements.differences(desk.deps, new) for d in changed.differences]


def test_differences_name_what_is_newly_breached_moved_and_healed(sqlite_store: SqlStore) -> None:
    desk, _ = desk_at_two(sqlite_store)
    assert what(desk, edited("2h")) == [("acme-gold/resolution/1", "breached")]
    assert what(desk, edited("9h")) == [("acme-gold/resolution/1", "moved")]
    assert what(desk, registry()) == []
    late = Registry.checked([profile(ACME, targets={"first_response": "5h", "resolution": "8h"})], {"weekdays": OFFICE})
    assert what(desk, late) == [("acme-gold/first_response/1", "healed")]


def test_running_clocks_take_a_new_version_only_when_it_is_applied(store: SqlStore) -> None:
    desk, key = desk_at_two(store)
    new = edited("2h")
    object.__setattr__(desk.deps, "registry", lambda: new)
    desk.tick(NOW + timedelta(minutes=1))
    assert desk.told(key) == ["acme-gold/first_response/1 breached"]
    assert agreements.apply(desk.deps, "admin").tickets == 1
    assert agreements.apply(desk.deps, "admin").tickets == 0, "what is bound already is left alone"
    assess.tick(desk.deps)
    assert desk.told(key) == ["acme-gold/first_response/1 breached", "acme-gold/resolution/1 breached"]


def test_only_the_named_profiles_are_applied(sqlite_store: SqlStore) -> None:
    desk, _ = desk_at_two(sqlite_store)
    object.__setattr__(desk.deps, "registry", lambda: edited("2h"))
    assert agreements.apply(desk.deps, "admin", frozenset({"other"})).tickets == 0
    assert MON < NOW


def test_what_is_new_in_force_is_looked_at_once(store: SqlStore) -> None:
    """Other files, other holidays, other zone data: the stored moments of the next look are those of the old rules."""
    desk, _ = desk_at_two(store)
    desk.add(3, state=State.CLOSED)
    desk.add(4, state=State.CANCELLED)
    desk.tick(NOW)
    assert desk.tick(NOW + timedelta(minutes=1)).looked == 0
    new = Registry.checked([profile(ACME)], {"weekdays": {**OFFICE, "timezone": "Europe/Lisbon"}})
    object.__setattr__(desk.deps, "registry", lambda: new)
    assert desk.tick(NOW + timedelta(minutes=2)).looked == 2, "resolved may run on until closed; closed may not"
    assert desk.tick(NOW + timedelta(minutes=3)).looked == 0


def test_stopped_half_way_it_begins_again(sqlite_store: SqlStore) -> None:
    desk, _ = desk_at_two(sqlite_store)
    new = edited("2h")
    assert agreements.renewed(desk.deps, new, lambda: True) == 0
    assert agreements.renewed(desk.deps, new) == 2
    assert agreements.renewed(desk.deps, new) == 0


def until_closed(resolution: str, version: str) -> Registry:
    new = profile(ACME, targets={"resolution": resolution}, conditions={"stop": {"state": "closed"}})
    object.__setattr__(new, "version", version)
    old = profile(ACME, targets={"resolution": "8h"}, conditions={"stop": {"state": "closed"}})
    return Registry.checked([new], {"weekdays": OFFICE}, None, {("acme-gold", "1"): old})


def test_a_resolved_ticket_whose_clock_runs_until_it_is_closed_is_open(sqlite_store: SqlStore) -> None:
    desk = Desk(sqlite_store)
    object.__setattr__(desk.deps, "registry", lambda: until_closed("8h", "1"))
    desk.add(1, state=State.RESOLVED)
    desk.tick(NOW)
    new = until_closed("2h", "2")
    assert what(desk, new) == [("acme-gold/resolution/1", "breached")]
    object.__setattr__(desk.deps, "registry", lambda: new)
    assert agreements.apply(desk.deps, "admin").tickets == 1


def test_a_resolved_ticket_without_an_open_clock_keeps_what_was_agreed(sqlite_store: SqlStore) -> None:
    desk = Desk(sqlite_store)
    desk.add(1, state=State.RESOLVED)
    desk.tick(NOW)
    assert what(desk, edited("1m")) == []
    object.__setattr__(desk.deps, "registry", lambda: edited("1m"))
    assert agreements.apply(desk.deps, "admin").tickets == 0


def test_asking_whether_something_changed_costs_one_short_reading(sqlite_store: SqlStore) -> None:
    desk, _ = desk_at_two(sqlite_store)
    held = registry()
    agreements.renewed(desk.deps, held)
    before = fingerprint.cache_info()
    for _ in range(5):
        assert agreements.renewed(desk.deps, held) == 0
    after = fingerprint.cache_info()
    assert (after.hits - before.hits, after.misses - before.misses) == (5, 0), "the calendars are not laid out again"
