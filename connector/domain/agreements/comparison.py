"""What a change of agreements does to the clocks of a ticket that is still open."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from connector.domain.agreements.clock import ClockState
from connector.domain.agreements.engine import NamedClock, Result


@dataclass(frozen=True, slots=True)
class Difference:
    """One clock before and after. `what` is new, gone, breached (newly), healed, moved or other."""

    clock: str
    what: str
    old_state: str | None
    new_state: str | None
    old_due: datetime | None
    new_due: datetime | None


def compare(before: Result, after: Result) -> list[Difference]:
    """Differences only, by clock."""
    old = {clock.key: clock for clock in before.clocks}
    new = {clock.key: clock for clock in after.clocks}
    return [
        found
        for key in sorted(old.keys() | new.keys())
        if (found := _difference(key, old.get(key), new.get(key))) is not None
    ]


def _difference(key: str, old: NamedClock | None, new: NamedClock | None) -> Difference | None:
    a, b = (None if one is None else one.clock for one in (old, new))
    old_due, new_due = (None if one is None or one.due is None else one.due.astimezone(UTC) for one in (a, b))
    if a is not None and b is not None and (a.state, old_due) == (b.state, new_due):
        return None
    what = "other"
    if a is None or b is None:
        what = "new" if a is None else "gone"
    elif b.state is ClockState.BREACHED and a.state is not ClockState.BREACHED:
        what = "breached"
    elif a.state is ClockState.BREACHED and b.state is not ClockState.BREACHED:
        what = "healed"
    elif old_due != new_due:
        what = "moved"
    return Difference(
        key, what, str(a.state) if a else None, str(b.state) if b else None, a.due if a else None, b.due if b else None
    )


def headline(differences: Iterator[Difference] | list[Difference]) -> dict[str, int]:
    """How many of each kind."""
    counts: dict[str, int] = {}
    for difference in differences:
        counts[difference.what] = counts.get(difference.what, 0) + 1
    return counts
