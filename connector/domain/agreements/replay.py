"""Replays a list of states through one clock: for support, tests and audits.

A case is `{calendar, target_s, events: [{at, state}], paused_states, stopped_states, clock_start?, now?}`. The rules
are in docs/sla-profiles.md, section Replay.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from connector.domain.agreements.clock import Mode, Plan, Turn, read
from connector.domain.calendar import OUT_OF_RANGE, CalendarError, ServiceCalendar
from connector.domain.errors import ConfigError, Problem
from connector.domain.problems import shown

KEYS: Final = ("calendar", "target_s", "events", "paused_states", "stopped_states", "clock_start", "now")
LONGEST: Final = 10**9
"""Seconds: more than thirty years around the clock."""
FIRST: Final = datetime(1900, 1, 1, tzinfo=UTC)
LAST: Final = datetime(2300, 1, 1, tzinfo=UTC)
SLIP: Final = 0.8
"""How alike two words are when one is a slip of the other (0 to 1, as difflib counts)."""


def replay(cases: Any, file: str = "") -> list[dict[str, Any]]:
    """`[{state, due, active_s, remaining_s, paused_s}]`, one per case. Raises ConfigError with every problem."""
    if not isinstance(cases, list):
        raise ConfigError([Problem(f"{shown(cases)} is not a list of cases; expected [{{calendar, target_s, events}}, "
                                   "...]", file=file)])
    problems: list[Problem] = []
    results: list[dict[str, Any]] = []
    built: dict[str, ServiceCalendar] = {}
    for i, case in enumerate(cases):
        try:
            results.append(_one(case, built))
        except ConfigError as error:
            problems += [Problem(p.message, file=file, path=f"[{i}].{p.path}".rstrip(".")) for p in error.problems]
        except CalendarError as error:
            problems.append(Problem(str(error), file=file, path=f"[{i}]"))
    if problems:
        raise ConfigError(problems)
    return results


def _one(case: Any, built: dict[str, ServiceCalendar]) -> dict[str, Any]:
    """`built`: calendars of earlier cases by what is written, so that each is laid out once."""
    if not isinstance(case, Mapping):
        raise ConfigError([Problem(f"{shown(case)} is not a case; expected {{calendar, target_s, events}}")])
    problems = [*_slips(case, KEYS, "")]
    problems += [Problem("is required", path=key) for key in ("calendar", "target_s", "events") if key not in case]
    paused, stopped = _states(case, "paused_states", problems), _states(case, "stopped_states", problems)
    target = _target(case["target_s"], problems) if "target_s" in case else timedelta(0)
    events = _events(case["events"], problems) if "events" in case else []
    start = _time(case["clock_start"], "clock_start", problems) if case.get("clock_start") is not None else None
    now = _time(case["now"], "now", problems) if case.get("now") is not None else None
    calendar = _calendar(case["calendar"], built, problems) if "calendar" in case else None
    if not events and start is None and not problems:
        problems.append(Problem("expected at least one event or a clock_start", path="events"))
    if not problems and now is not None and now < (start or min(at for at, _ in events)):
        problems.append(Problem("is before the clock starts", path="now"))
    if problems or calendar is None:
        raise ConfigError(problems)
    return _read(calendar, target, events, paused, stopped, start, now)


def _calendar(data: Any, built: dict[str, ServiceCalendar], problems: list[Problem]) -> ServiceCalendar | None:
    written = repr(data)
    if written in built:
        return built[written]
    try:
        found = built[written] = ServiceCalendar.from_dict(data)
        return found
    except ConfigError as error:
        problems += [Problem(p.message, path=f"calendar.{p.path}".rstrip(".")) for p in error.problems
                     if p.severity == "error"]
        return None


def _slips(table: Mapping[Any, Any], known: Sequence[str], prefix: str) -> list[Problem]:
    """Keys that look like a slip of a known one. Others (a name, a note, what somebody expects) are left alone."""
    near = {str(key): difflib.get_close_matches(str(key), known, 1, SLIP) for key in table if key not in known}
    return [Problem(f"unknown key, did you mean `{names[0]}`?", path=f"{prefix}{key}")
            for key, names in near.items() if names]


def _read(
    calendar: ServiceCalendar,
    target: timedelta,
    events: Sequence[tuple[datetime, str]],
    paused: frozenset[str],
    stopped: frozenset[str],
    start: datetime | None,
    now: datetime | None,
) -> dict[str, Any]:
    plan = Plan(calendar, target)

    def turn(at: datetime, state: str) -> Turn:
        mode = Mode.STOP if state in stopped else Mode.PAUSE if state in paused else Mode.RUN
        return Turn(at, mode, plan)

    ordered = sorted(events, key=lambda event: event[0])
    start = start or ordered[0][0]
    before = [state for at, state in ordered if at <= start]
    turns = [turn(start, before[-1] if before else ""), *(turn(at, state) for at, state in ordered if at > start)]
    clock = read(turns, max(now or turns[-1].at, start))[-1]
    return {
        "state": str(clock.state),
        "due": None if clock.due is None else clock.due.astimezone(calendar.timezone).isoformat(),
        "active_s": _seconds(clock.active),
        "remaining_s": _seconds(clock.remaining),
        "paused_s": _seconds(clock.paused),
    }


def _seconds(amount: timedelta) -> int | float:
    seconds = amount.total_seconds()
    return int(seconds) if seconds.is_integer() else seconds


def _states(case: Mapping[str, Any], key: str, problems: list[Problem]) -> frozenset[str]:
    value = () if case.get(key) is None else case[key]
    if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
        return frozenset(value)
    problems.append(Problem(f"{shown(value)} is not a list of states", path=key))
    return frozenset()


def _target(value: Any, problems: list[Problem]) -> timedelta:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= LONGEST:
        return timedelta(seconds=value)
    problems.append(Problem(f"{shown(value)} is not a number of seconds from 0 to {LONGEST:,}", path="target_s"))
    return timedelta(0)


def _events(value: Any, problems: list[Problem]) -> list[tuple[datetime, str]]:
    found: list[tuple[datetime, str]] = []
    if not isinstance(value, (list, tuple)):
        problems.append(Problem(f"{shown(value)} is not a list of events", path="events"))
        return found
    for i, item in enumerate(value):
        if not isinstance(item, Mapping):
            problems.append(Problem(f"{shown(item)} is not an event; expected {{at, state}}", path=f"events[{i}]"))
            continue
        problems += _slips(item, ("at", "state"), f"events[{i}].")
        at, state = _time(item.get("at"), f"events[{i}].at", problems), item.get("state")
        if not isinstance(state, str):
            problems.append(Problem(f"{shown(state)} is not a state; expected a text", path=f"events[{i}].state"))
        elif at is not None:
            found.append((at, state))
    return found


def _time(value: Any, path: str, problems: list[Problem]) -> datetime | None:
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        at = None
    if at is None or at.tzinfo is None:
        problems.append(Problem(f"{shown(value)} is not a time with its zone, like 2026-03-02T08:00:00+01:00",
                                path=path))
        return None
    if not FIRST <= at < LAST:
        problems.append(Problem(f"{shown(value)}: {OUT_OF_RANGE}", path=path))
        return None
    return at
