"""Agreements changed: what it would do to the open tickets, and doing it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from connector.domain.agreements.assess import agreed, pinned_versions
from connector.domain.agreements.comparison import Difference, compare
from connector.domain.agreements.engine import Result, clocks
from connector.domain.agreements.fingerprint import fingerprint
from connector.domain.agreements.registry import Registry
from connector.domain.history import Event, effective
from connector.domain.ticket import State
from connector.flows.backtest import parts
from connector.ports import Deps, Stored

FINGERPRINT: Final = ("", "agreements")
"""Where the fingerprint of what was last in force is kept: a cursor of no tool."""


@dataclass(frozen=True, slots=True)
class Changed:
    """An open ticket whose clocks differ."""

    stored: Stored
    differences: list[Difference]


@dataclass(slots=True)
class Applied:
    tickets: int = 0
    versions: dict[str, str] = field(default_factory=dict)


def differences(deps: Deps, edited: Registry, progress: Callable[[int, int], None] | None = None) -> Iterator[Changed]:
    """Every open ticket whose clocks would change if the clocks took up `edited` now."""
    assert deps.registry is not None
    current, now = deps.registry(), deps.now()
    for stored, events in _open(deps, progress):
        line = effective(events)
        before = clocks(stored.ticket, line, current, now, pinned_versions(line))
        if not _open_still(stored, before):
            continue
        after = clocks(stored.ticket, line, edited, now)
        found = compare(before, after)
        if found:
            yield Changed(stored, found)


def apply(
    deps: Deps, actor: str, only: frozenset[str] = frozenset(), progress: Callable[[int, int], None] | None = None
) -> Applied:
    """Bind the clocks of all open tickets to the versions in force (of the profiles in `only`, or of all).

    A transaction per part; started again it goes on where it stopped, since what is bound already is left alone.
    """
    assert deps.registry is not None
    registry = deps.registry()
    done = Applied(versions={p.name: p.version for p in registry.profiles if not only or p.name in only})
    for stored, events in _open(deps, progress):
        line = effective(events)
        pinned = pinned_versions(line)
        new = [agreed(name, done.versions[name], deps.now(), actor) for name, version in pinned.items()
               if name in done.versions and version != done.versions[name]]
        if new and _open_still(stored, clocks(stored.ticket, line, registry, deps.now(), pinned)):
            with deps.store.begin() as tx:
                tx.append((stored.key, event) for event in new)
                tx.schedule({stored.key: deps.now()})
                for event in new:
                    tx.audit(deps.now(), actor, "agreement.apply", str(stored.ticket.ref), dict(event.data))
            done.tickets += 1
    return done


def renewed(deps: Deps, registry: Registry, stop: Callable[[], bool] = lambda: False) -> int:
    """Look at every open ticket again when agreements, holidays or time zones are others than the last time.

    Moments to look again are stored, and would be those of the old rules. Nothing is done when nothing changed. Stopped
    half-way it begins again the next time. Gives the number of tickets to be looked at.
    """
    found = fingerprint(registry, deps.now().year)
    with deps.store.read() as tx:
        if tx.cursor(*FINGERPRINT).get("is") == found:
            return 0
    count = 0
    for first, last in parts(deps.store):
        if stop():
            return count
        with deps.store.begin() as tx:
            living = [s.key for s in tx.walk(first, last) if _living(s)]
            tx.schedule(dict.fromkeys(living, deps.now()))
        count += len(living)
    with deps.store.begin() as tx:
        tx.move_cursor(*FINGERPRINT, {"is": found}, deps.now())
    return count


def _living(stored: Stored) -> bool:
    """Whether a clock of the ticket may still run: some agreements count on until it is closed."""
    return stored.ticket.state not in (State.CLOSED, State.CANCELLED) and not stored.ticket.deleted


def _open_still(stored: Stored, result: Result) -> bool:
    """What is resolved, with no clock open, is judged by what was agreed then."""
    return stored.ticket.state is not State.RESOLVED or any(named.clock.open for named in result.clocks)


def _open(deps: Deps, progress: Callable[[int, int], None] | None) -> Iterator[tuple[Stored, list[Event]]]:
    ranges = parts(deps.store)
    for i, (first, last) in enumerate(ranges):
        with deps.store.read() as tx:
            living = [s for s in tx.walk(first, last) if _living(s)]
            histories = tx.history([stored.key for stored in living])
        for stored in living:
            yield stored, histories[stored.key]
        if progress is not None:
            progress(i + 1, len(ranges))
