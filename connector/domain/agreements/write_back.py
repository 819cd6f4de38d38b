"""What a tool is told of its tickets' clocks: fields of its own choosing, as the mapping's section `clocks` names them.

```yaml
clocks:
  custom.sla_due: resolution.due
  custom.sla_state: resolution.state
  custom.ola_left: ola.resolution.remaining
```
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from connector.domain.agreements.clock import Clock, ClockState, Mode
from connector.domain.agreements.engine import NamedClock, Result
from connector.domain.agreements.profile import Agreement, TargetName
from connector.domain.history import Event, EventKind, Origin
from connector.domain.mappings.rules import Owner, Rule
from connector.domain.problems import Path, Problems, did_you_mean, shown
from connector.domain.ticket import ENDED, Ticket, Value, value_of
from connector.domain.values import same

SECTION: Final = "clocks"
NATIVE: Final = frozenset({
    "time_to_resolve", "time_to_own", "internal_time_to_resolve", "internal_time_to_own", "slas_id_ttr", "slas_id_tto",
    "olas_id_ttr", "olas_id_tto", "due", "sla", "duedate", "sla_id", "est_duedate", "sla_due", "made_sla",
})
"""Fields by which tools keep or compute a service level of their own: two that write one field would never agree."""


class Part(StrEnum):
    """`remaining` is that of the last change of the clock, so that it is not written at every tick."""

    DUE = "due"
    STATE = "state"
    REMAINING = "remaining"


@dataclass(frozen=True, slots=True)
class Told:
    """One value to tell: which part of the clock of which target of which agreement."""

    agreement: Agreement
    target: TargetName
    part: Part


def parse(
    problems: Problems, data: Any, base: Mapping[str, Rule], variants: Mapping[str, Mapping[str, Rule]], vendor: str
) -> dict[str, Told]:
    """The section checked: every field is there, is ours, can be written, and none of the tool's own service level."""
    if not isinstance(data, Mapping):
        problems.add((SECTION,), "expected a table such as {custom.sla_due: resolution.due}")
        return {}
    found: dict[str, Told] = {}
    for name, text in data.items():
        path = (SECTION, name)
        told = _told(problems, path, text)
        rules = [base[name], *variants[name].values()] if name in base else []
        if _usable(problems, path, str(name), rules, vendor) and told is not None:
            found[str(name)] = told
    return found


def _told(problems: Problems, path: Path, text: Any) -> Told | None:
    words = str(text).split(".") if isinstance(text, str) else []
    if len(words) == 2:
        words.insert(0, Agreement.SLA)
    if len(words) != 3:
        problems.add(path, f"expected a part of a clock, as resolution.due or ola.resolution.state, not {shown(text)}")
        return None
    kinds: tuple[type[StrEnum], ...] = (Agreement, TargetName, Part)
    bad = [(word, kind) for word, kind in zip(words, kinds, strict=True) if word not in tuple(kind)]
    for word, kind in bad:
        problems.add(path, f"unknown `{word}`{did_you_mean(word, tuple(kind))}")
    return None if bad else Told(Agreement(words[0]), TargetName(words[1]), Part(words[2]))


def _usable(problems: Problems, path: Path, name: str, rules: list[Rule], vendor: str) -> bool:
    before = len(problems.found)
    if not name.startswith("custom."):
        problems.add(path, "only fields of one's own (`custom.<name>`) can hold what a clock says")
    elif not rules:
        problems.add(path, f"`{name}` is not among the `fields`")
    else:
        targets = {target for rule in rules for target in rule.targets}
        if not targets:
            problems.add(path, f"`{name}` cannot be written: give it `write`")
        if any(rule.owner is not Owner.CONNECTOR for rule in rules):
            problems.add(path, f"`{name}` must have `owner: connector`, since nobody else may write it")
        for target in sorted(targets & NATIVE):
            problems.add(path, f"`{target}` belongs to the service level of {vendor} itself, which would overwrite it: "
                               "use a field of your own")
    return len(problems.found) == before


def wanted(told: Mapping[str, Told], result: Result, ticket: Ticket, events: Iterable[Event]) -> dict[str, Value]:
    """The fields whose value in the tool is another than the clocks say now.

    A value we have written is not written again when the tool did not keep it, and a ticket that had ended before it
    was ever written to is left alone.
    """
    written = _written(told, events)
    if ticket.deleted or (ticket.state in ENDED and not written):
        return {}
    found: dict[str, Value] = {}
    for name, what in told.items():
        value = _value(what, result.clocks)
        last = written.get(name)
        if not same(value_of(ticket, name), value) and not (name in written and same(last, value)):
            found[name] = value
    return found


def _written(told: Mapping[str, Told], events: Iterable[Event]) -> dict[str, Value]:
    """What we last wrote to each field."""
    ours = [e for e in events if e.kind is EventKind.CHANGED and e.origin is Origin.CONNECTOR and e.field in told]
    return {event.field: event.new for event in sorted(ours, key=lambda event: (event.at, event.seq))}


def _value(what: Told, clocks: Iterable[NamedClock]) -> str | None:
    mine = [c for c in clocks
            if c.profile.agreement is what.agreement and not c.profile.party and c.target is what.target]
    if not mine:
        return None
    clock = max(mine, key=lambda c: (c.clock.state is not ClockState.CANCELLED, c.clock.start, c.clock.cycle)).clock
    if what.part is Part.STATE:
        return str(clock.state)
    if what.part is Part.DUE:
        return None if clock.due is None else written_time(clock.due)
    return written_span(_left(clock))


def _left(clock: Clock) -> timedelta:
    """What was left of the target when the clock last changed."""
    if clock.state is ClockState.BREACHED and clock.stopped_at is None:
        return timedelta(0)
    since = timedelta(0)
    if clock.stopped_at is None:
        for stretch in reversed(clock.ledger):
            if stretch.mode is not Mode.RUN or stretch.plan != clock.ledger[-1].plan:
                break
            since += stretch.business
    return clock.remaining + since


def written_time(at: datetime) -> str:
    """UTC, to the second: what tools take and people can sort."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def written_span(amount: timedelta) -> str:
    seconds = round(abs(amount).total_seconds())
    sign = "-" if amount < timedelta(0) and seconds else ""
    return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
