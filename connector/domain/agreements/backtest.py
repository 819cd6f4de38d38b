"""What a profile would have meant for tickets of the past: counts that can be merged, saved and taken up again.

Memory does not grow with the number of tickets: lateness is kept in buckets one percent wide.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from connector.domain.agreements.clock import BREACHED, CANCELLED, MET, PAUSED, RUNNING
from connector.domain.agreements.engine import NamedClock, Result
from connector.domain.ticket import Ticket, Value, value_of

DIMENSIONS: Final = ("all", "priority", "group", "month")
GROWTH: Final = 1.01
MOST_VALUES: Final = 500
"""Values kept apart in one dimension; further ones are counted together."""
OTHERS: Final = "(others)"


@dataclass(slots=True)
class Histogram:
    """Seconds, in buckets of one percent: quantiles are right to one percent."""

    buckets: dict[int, int] = field(default_factory=dict)

    def add(self, seconds: float, times: int = 1) -> None:
        bucket = 0 if seconds < 1 else 1 + int(math.log(seconds) / math.log(GROWTH))
        self.buckets[bucket] = self.buckets.get(bucket, 0) + times

    def quantile(self, share: float) -> float | None:
        """The upper end, in seconds, of the bucket that holds this share; None when empty."""
        total = sum(self.buckets.values())
        if not total:
            return None
        wanted, seen = math.ceil(share * total), 0
        for bucket in sorted(self.buckets):
            seen += self.buckets[bucket]
            if seen >= wanted:
                return GROWTH**bucket if bucket else 1.0
        raise AssertionError("unreachable: the buckets add up to their total")


@dataclass(slots=True)
class Cell:
    """Clocks of one target and one value of a dimension, by how they ended."""

    states: dict[str, int] = field(default_factory=dict)
    lateness: Histogram = field(default_factory=Histogram)

    def as_dict(self) -> dict[str, Any]:
        """`met_share` leaves out clocks that have not ended: they could still go either way."""
        met, breached = self.states.get(MET, 0), self.states.get(BREACHED, 0)
        decided = met + breached
        return {
            "met": met,
            "breached": breached,
            "open": self.states.get(RUNNING, 0) + self.states.get(PAUSED, 0),
            "cancelled": self.states.get(CANCELLED, 0),
            "met_share": met / decided if decided else None,
            "lateness_p50_s": self.lateness.quantile(0.5),
            "lateness_p90_s": self.lateness.quantile(0.9),
        }


Key = tuple[str, str, str]
"""Target, dimension, value."""


@dataclass(slots=True)
class Tally:
    """The outcome so far. `compared` counts (target, outcome before, outcome now) against the profiles in force."""

    tickets: int = 0
    unmatched: int = 0
    cells: dict[Key, Cell] = field(default_factory=dict)
    compared: dict[tuple[str, str, str], int] = field(default_factory=dict)
    confusion: dict[tuple[str, str], int] = field(default_factory=dict)
    """(value of the compared field, met or breached) -> tickets."""
    _widths: dict[tuple[str, str], int] = field(default_factory=dict)

    def add(self, ticket: Ticket, result: Result, before: Result | None = None, against: str | None = None) -> None:
        self.tickets += 1
        self.unmatched += not result.clocks
        for named in result.clocks:
            target, state = str(named.target), str(named.clock.state)
            late = _lateness(named).total_seconds() if named.clock.state is BREACHED else None
            for dimension, value in _values(ticket, named):
                cell = self._cell((target, dimension, value))
                cell.states[state] = cell.states.get(state, 0) + 1
                if late is not None:
                    cell.lateness.add(late)
        if before is not None:
            self._compare(before, result)
        if against is not None:
            self._confuse(value_of(ticket, against), result)

    def merge(self, other: Tally) -> None:
        self.tickets += other.tickets
        self.unmatched += other.unmatched
        for key, cell in other.cells.items():
            mine = self._cell(key)
            for state, count in cell.states.items():
                mine.states[state] = mine.states.get(state, 0) + count
            for bucket, count in cell.lateness.buckets.items():
                mine.lateness.buckets[bucket] = mine.lateness.buckets.get(bucket, 0) + count
        for pair, count in other.compared.items():
            self.compared[pair] = self.compared.get(pair, 0) + count
        for two, count in other.confusion.items():
            self.confusion[two] = self.confusion.get(two, 0) + count

    def _cell(self, key: Key) -> Cell:
        cell = self.cells.get(key)
        if cell is None:
            width = self._widths.get(key[:2], 0)
            if width >= MOST_VALUES:
                return self.cells.setdefault((*key[:2], OTHERS), Cell())
            self._widths[key[:2]] = width + 1
            cell = self.cells[key] = Cell()
        return cell

    def _compare(self, before: Result, now: Result) -> None:
        old, new = _outcomes(before), _outcomes(now)
        for target in old.keys() | new.keys():
            pair = (target, old.get(target, "none"), new.get(target, "none"))
            self.compared[pair] = self.compared.get(pair, 0) + 1

    def _confuse(self, value: Value, result: Result) -> None:
        outcome = _outcomes(result).get("resolution", "none")
        two = ("unknown" if value is None else str(value).lower(), outcome)
        self.confusion[two] = self.confusion.get(two, 0) + 1

    def as_dict(self) -> dict[str, Any]:
        """Target -> dimension -> value -> figures, and the comparisons."""
        targets: dict[str, dict[str, dict[str, Any]]] = {}
        for (target, dimension, value), cell in sorted(self.cells.items()):
            targets.setdefault(target, {}).setdefault(dimension, {})[value] = cell.as_dict()
        return {
            "tickets": self.tickets,
            "unmatched": self.unmatched,
            "targets": targets,
            "compared": [{"target": t, "before": a, "now": b, "tickets": n}
                         for (t, a, b), n in sorted(self.compared.items())],
            "confusion": [{"value": v, "outcome": o, "tickets": n} for (v, o), n in sorted(self.confusion.items())],
        }

    def save(self) -> dict[str, Any]:
        """Everything, JSON-ready, for `load`."""
        return {
            "tickets": self.tickets,
            "unmatched": self.unmatched,
            "cells": [[*key, cell.states, list(cell.lateness.buckets.items())] for key, cell in self.cells.items()],
            "compared": [[*key, n] for key, n in self.compared.items()],
            "confusion": [[*key, n] for key, n in self.confusion.items()],
        }

    @classmethod
    def load(cls, saved: Mapping[str, Any]) -> Tally:
        cells = {
            (str(t), str(d), str(v)): Cell(dict(states), Histogram({int(b): int(n) for b, n in buckets}))
            for t, d, v, states, buckets in saved["cells"]
        }
        widths: dict[tuple[str, str], int] = {}
        for key in cells:
            widths[key[:2]] = widths.get(key[:2], 0) + (key[2] != OTHERS)
        return cls(int(saved["tickets"]), int(saved["unmatched"]), cells,
                   {(a, b, c): n for a, b, c, n in saved["compared"]},
                   {(a, b): n for a, b, n in saved["confusion"]}, widths)


def _values(ticket: Ticket, named: NamedClock) -> tuple[tuple[str, str], ...]:
    start = named.clock.start
    return (("all", "all"), ("priority", named.segment.priority or "unknown"), ("group", ticket.group or "unknown"),
            ("month", f"{start.year}-{start.month:02}"))


def _lateness(named: NamedClock) -> timedelta:
    """Business time over the target, never negative."""
    return max(timedelta(0), -named.clock.remaining)


def _outcomes(result: Result) -> dict[str, str]:
    """Target -> how its worst cycle stands."""
    order = ("breached", "running", "paused", "met", "cancelled")
    found: dict[str, str] = {}
    for named in result.clocks:
        state = str(named.clock.state)
        held = found.get(named.target)
        if held is None or order.index(state) < order.index(held):
            found[str(named.target)] = state
    return found
