"""Agreements changed: what it would do to the open tickets, and doing it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from connector.domain.assess import agreed, pinned_versions
from connector.domain.comparison import Difference, compare
from connector.domain.engine import clocks
from connector.domain.history import Event, effective
from connector.domain.registry import Registry
from connector.domain.ticket import ENDED
from connector.flows.backtest import parts
from connector.ports import Deps, Stored


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
        pinned = pinned_versions(effective(events))
        new = [agreed(name, done.versions[name], deps.now(), actor) for name, version in pinned.items()
               if name in done.versions and version != done.versions[name]]
        if new:
            with deps.store.begin() as tx:
                tx.append((stored.key, event) for event in new)
                tx.schedule({stored.key: deps.now()})
                for event in new:
                    tx.audit(deps.now(), actor, "agreement.apply", str(stored.ticket.ref), dict(event.data))
            done.tickets += 1
    return done


def _open(deps: Deps, progress: Callable[[int, int], None] | None) -> Iterator[tuple[Stored, list[Event]]]:
    ranges = parts(deps.store)
    for i, (first, last) in enumerate(ranges):
        with deps.store.read() as tx:
            living = [s for s in tx.walk(first, last) if s.ticket.state not in ENDED and not s.ticket.deleted]
            histories = tx.history([stored.key for stored in living])
        for stored in living:
            yield stored, histories[stored.key]
        if progress is not None:
            progress(i + 1, len(ranges))
