"""What broken promises of a handoff cost by its contract: figures where the contract has them, else its words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final

from connector.domain.agreements.clock import NOTHING, ClockState
from connector.domain.agreements.engine import NamedClock
from connector.domain.agreements.profile import TargetName
from connector.domain.handoffs.receiver import Penalty

_UNITS: Final = {"hour": timedelta(hours=1), "day": timedelta(days=1)}


@dataclass(frozen=True, slots=True)
class Owed:
    """One broken promise. `late` is business time beyond the target; `amount` None where the contract has no figure
    that can be computed for one handoff (per month, or words only). `final`: it can no longer grow."""

    target: str
    cycle: int
    late: timedelta
    amount: Decimal | None
    currency: str
    text: str
    final: bool


def owed(clocks: Iterable[NamedClock], penalties: Iterable[Penalty]) -> Iterator[Owed]:
    """Per breach the amount once; per hour or day for each begun one (a day is 24 hours of the contract's calendar).

    What is ours to keep (approval) costs the receiver nothing.
    """
    agreed = list(penalties)
    for named in clocks:
        clock = named.clock
        if clock.breached_at is None or clock.state is ClockState.CANCELLED or named.target is TargetName.APPROVAL:
            continue
        late = max(NOTHING, -clock.remaining)
        for penalty in agreed:
            if penalty.target == named.target:
                yield Owed(str(named.target), clock.cycle, late, _amount(penalty, late), penalty.currency, penalty.text,
                           clock.stopped_at is not None or penalty.per in ("", "breach"))


def _amount(penalty: Penalty, late: timedelta) -> Decimal | None:
    if not penalty.amount or penalty.per == "month":
        return None
    unit = _UNITS.get(penalty.per)
    begun = 1 if unit is None else max(1, -(-late // unit))
    return Decimal(penalty.amount) * begun
