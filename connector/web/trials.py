"""Edited agreements tried before they are saved: on the open tickets, and on the past, as far as a page can wait."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from connector.domain.agreements.backtest import Tally
from connector.domain.agreements.comparison import headline
from connector.domain.agreements.registry import Registry
from connector.flows import agreements
from connector.flows.agreements import Changed
from connector.flows.backtest import Question, measure, parts
from connector.web.services import Services

SECONDS: Final = 8.0
"""How long a page waits for a trial. `connector sla` has no such limit."""
MOST_TICKETS: Final = 20_000
MOST_ROWS: Final = 100
STEP: Final = 500


class _Enough(Exception):
    pass


@dataclass(slots=True)
class DryRun:
    """`cut`: not every open ticket was looked at in the time given."""

    changed: list[Changed] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    tickets: int = 0
    cut: bool = False


@dataclass(slots=True)
class Past:
    """The newest tickets under the edited agreements, by target and counted once each: before is what those in force
    say of the same."""

    tickets: int
    unmatched: int
    targets: list[dict[str, Any]]
    changes: list[dict[str, Any]]
    cut: bool


def dry_run(services: Services, edited: Registry, seconds: float = SECONDS) -> DryRun:
    """What the clocks of open tickets would do if they took up `edited` now."""
    done, until = DryRun(), time.monotonic() + seconds
    every = []

    def tell(at: int, of: int) -> None:
        if at < of and time.monotonic() > until:
            raise _Enough

    try:
        for one in agreements.differences(services.deps, edited, tell):
            every.extend(one.differences)
            done.tickets += 1
            if len(done.changed) < MOST_ROWS:
                done.changed.append(one)
    except _Enough:
        done.cut = True
    done.counts = headline(every)
    return done


def past(services: Services, edited: Registry, seconds: float = SECONDS) -> Past:
    """The newest tickets first, until the time or the number is used up."""
    assert services.deps.registry is not None
    question = Question(edited, services.now(), services.deps.registry())
    total, until, cut = Tally(), time.monotonic() + seconds, False

    def late() -> bool:
        return time.monotonic() > until

    for first, last in _newest_first(services):
        if total.tickets >= MOST_TICKETS or late():
            cut = True
            break
        total.merge(measure(services.deps.store, question, first, last, late))
        cut = late()
    return _told(total.as_dict(), cut)


def _newest_first(services: Services) -> list[tuple[int, int]]:
    return [(max(first, last - at - STEP + 1), last - at)
            for first, last in reversed(parts(services.deps.store)) for at in range(0, last - first + 1, STEP)]


def _told(found: dict[str, Any], cut: bool) -> Past:
    targets = []
    for target, dimensions in found["targets"].items():
        rows = [row for row in found["compared"] if row["target"] == target]
        before, now = _by(rows, "before"), _by(rows, "now")
        targets.append({**dimensions["all"]["all"], "target": target, "before": _share(before),
                        "met_share": _share(now), "met": now["met"], "breached": now["breached"],
                        "open": now["running"] + now["paused"]})
    changes = sorted((row for row in found["compared"] if row["before"] != row["now"]),
                     key=lambda row: (row["target"], -row["tickets"]))
    return Past(found["tickets"], found["unmatched"], targets, changes, cut)


def _by(rows: list[dict[str, Any]], side: str) -> Counter[str]:
    """Tickets by outcome. Clocks cannot be counted here: a ticket may have had another number of them before."""
    counts: Counter[str] = Counter()
    for row in rows:
        counts[row[side]] += row["tickets"]
    return counts


def _share(counts: Counter[str]) -> float | None:
    decided = counts["met"] + counts["breached"]
    return counts["met"] / decided if decided else None


@dataclass(slots=True)
class Bound:
    tickets: int
    cut: bool


def apply(services: Services, actor: str, profile: str, seconds: float = 20.0) -> Bound:
    """Bind the clocks of open tickets to the version in force; cut short it goes on when it is called again."""
    until, count = time.monotonic() + seconds, 0

    def tell(at: int, of: int) -> None:
        if at < of and time.monotonic() > until:
            raise _Enough

    try:
        count = agreements.apply(services.deps, actor, frozenset({profile}), tell).tickets
    except _Enough:
        return Bound(count, True)
    return Bound(count, False)
