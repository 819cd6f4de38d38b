"""Why a due time is what it is: the ledger of a clock as plain lines, for people and machines alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from connector.domain.agreements.clock import Mode, Stretch
from connector.domain.agreements.engine import NamedClock
from connector.domain.calendars.format import horizon_problem

MOST_WINDOWS: Final = 40
"""Opening windows listed per line of the ledger; longer stretches say how many more there are."""


@dataclass(frozen=True, slots=True)
class Line:
    """One stretch of the ledger, with the opening windows that counted and the closed dates that did not."""

    start: datetime
    end: datetime
    mode: Mode
    business: timedelta
    why: str
    windows: tuple[tuple[datetime, datetime], ...] = ()
    more_windows: int = 0
    closed: tuple[tuple[str, str], ...] = ()
    """Dates (ISO) and their names."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything behind one clock."""

    profile: str
    version: str
    agreement: str
    target: str
    cycle: int
    state: str
    rule: str
    """The condition under which the profile applies."""
    priority: str | None
    amount: str
    target_time: timedelta
    calendar: str
    calendar_source: str
    zone: str
    zone_source: str
    start: datetime
    due: datetime | None
    active: timedelta
    paused: timedelta
    remaining: timedelta
    breached_at: datetime | None
    stopped_at: datetime | None
    manual_due: bool
    lines: tuple[Line, ...]
    ahead: Line | None = None
    """From now to due, for a clock that runs: what the due time still counts on."""
    shares: tuple[tuple[int, datetime | None], ...] = ()
    coverage: dict[str, str] = field(default_factory=dict)
    warning: str = ""
    """That the due time lies beyond the holidays its calendar knows."""


def explain(named: NamedClock, now: datetime, shares: tuple[int, ...] = (50, 75, 100)) -> Explanation:
    """The ledger of a clock as it was read at `now`."""
    clock, segment, profile = named.clock, named.segment, named.profile
    hours = segment.hours
    zone = hours.calendar.timezone.key if hours else ""
    return Explanation(
        profile=profile.name,
        version=profile.version,
        agreement=str(profile.agreement),
        target=str(named.target),
        cycle=clock.cycle,
        state=str(clock.state),
        rule=str(profile.applies_to),
        priority=segment.priority,
        amount=str(segment.amount or ""),
        target_time=clock.target,
        calendar=hours.calendar.name if hours else "",
        calendar_source=hours.source if hours else "",
        zone=zone,
        zone_source=hours.zone_source if hours else "",
        start=clock.start,
        due=clock.due,
        active=clock.active,
        paused=clock.paused,
        remaining=clock.remaining,
        breached_at=clock.breached_at,
        stopped_at=clock.stopped_at,
        manual_due=named.manual_due,
        lines=tuple(_line(stretch) for stretch in clock.ledger),
        ahead=_ahead(named, now),
        shares=tuple((share, clock.at_share(share / 100)) for share in shares),
        coverage=dict(profile.coverage),
        warning=_beyond(named),
    )


def lasts(start: datetime, end: datetime) -> timedelta:
    """Real time between two instants. Python takes two times of one zone by the clock on the wall: an hour is lost or
    won over a night of change."""
    return end.astimezone(UTC) - start.astimezone(UTC)


def as_dict(explanation: Explanation) -> dict[str, Any]:
    """JSON-ready: ISO times with their offset, seconds as numbers."""
    return {name: _plain(getattr(explanation, name)) for name in Explanation.__slots__}


def _line(stretch: Stretch) -> Line:
    windows: list[tuple[datetime, datetime]] = []
    more = 0
    if stretch.mode is Mode.RUN:
        for window in stretch.plan.calendar.windows(stretch.start, stretch.end):
            if len(windows) < MOST_WINDOWS:
                windows.append(window)
            else:
                more += 1
    return Line(stretch.start, stretch.end, stretch.mode, stretch.business, stretch.why, tuple(windows), more,
                tuple(_closed(stretch)))


def _closed(stretch: Stretch) -> Iterator[tuple[str, str]]:
    for day, name in stretch.plan.calendar.closures(stretch.start, stretch.end):
        yield day.isoformat(), name


def _ahead(named: NamedClock, now: datetime) -> Line | None:
    clock = named.clock
    if clock.due is None or clock.due <= now or not clock.ledger or clock.ledger[-1].mode is not Mode.RUN:
        return None
    last = clock.ledger[-1]
    if clock.stopped_at is not None:
        return None
    return _line(Stretch(now, clock.due, Mode.RUN, last.plan.calendar.elapsed(now, clock.due), last.plan, "to come"))


def _beyond(named: NamedClock) -> str:
    hours, clock = named.segment.hours, named.clock
    if hours is None or clock.due is None or not clock.open:
        return ""
    problem = horizon_problem(hours.calendar.known_until, clock.due.date())
    return "" if problem is None else problem.message


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        seconds = value.total_seconds()
        return int(seconds) if seconds.is_integer() else seconds
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, Line):
        return {name: _plain(getattr(value, name)) for name in Line.__slots__}
    if isinstance(value, Mode):
        return str(value)
    return value
