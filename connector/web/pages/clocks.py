"""The clocks of a ticket as people read them: state, due, what is left, and the ledger behind it all."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from types import MappingProxyType
from typing import Any, Final

from babel.dates import format_date, format_skeleton, format_time
from flask import Flask

from connector.domain.agreements.assess import assess
from connector.domain.agreements.clock import ClockState, Mode
from connector.domain.agreements.engine import NamedClock
from connector.domain.agreements.explain import Explanation, Line, as_dict, explain, lasts
from connector.domain.agreements.profile import Agreement
from connector.domain.history import EventKind
from connector.store.views import TicketDetail
from connector.web import i18n, reasons, sayings, words, words_handoffs
from connector.web.auth.identity import Who
from connector.web.i18n import _, mark
from connector.web.i18n import span as span
from connector.web.services import services

WIDEST: Final = 1.5
"""A bar shows at most this many times the target."""
NEAR: Final = 0.75
LOOKS: Final = {
    ClockState.RUNNING: ("accent", "play-circle"),
    ClockState.PAUSED: ("warn", "pause-circle"),
    ClockState.MET: ("good", "check-circle"),
    ClockState.BREACHED: ("bad", "exclamation-octagon"),
    ClockState.CANCELLED: ("", "x-circle"),
}
_SAYINGS: Final = {
    "opened": mark("opened"),
    "answer": mark("answer"),
    "message from the requester": mark("message from the requester"),
    "handed over": mark("handed over"),
    "no longer applies": mark("the agreement no longer applies"),
    "pause before the agreement applied does not count": mark("pause before the agreement applied does not count"),
    "to come": mark("to come"),
    "merged": mark("merged tickets"),
    "deleted": mark("Deleted"),
    "restored": mark("restored"),
    "not with them": mark("not with them"),
    "disputed": mark("Disputed"),
    "message of ours": mark("message of ours"),
    "the contract does not pause for this reason": mark("the contract does not pause for this reason"),
}
USED_UP: Final = ": pause used up"
_FAILED: Final = re.compile(r"(.+)/(\w+) cannot be computed: (.+)", re.DOTALL)
_TIE: Final = re.compile(r"(sla|ola|uc): (.+) apply alike; .*")
UNMATCHED: Final = "no profile applies to this ticket"


@dataclass(frozen=True, slots=True)
class Bar:
    """How much of the target is used, as shares of the bar's width in percent."""

    filled: float
    marks: tuple[tuple[float, int], ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One clock as the page shows it."""

    told: Explanation
    tone: str
    icon: str
    share: float
    bar: Bar
    open: bool
    zone: tzinfo
    named: NamedClock

    @property
    def reasons(self) -> dict[str, sayings.Shape]:
        """Pauses without a reason of their own: their condition is the reason."""
        return sayings.reasons(self.named.profile)

    def holiday(self, iso: str, name: str) -> str:
        """The name of a closed date on any calendar this clock ran on."""
        hours = self.named.segment.hours
        calendars = {id(stretch.plan.calendar): stretch.plan.calendar for stretch in self.named.clock.ledger}
        ahead = [hours.calendar] if hours else []
        return sayings.holiday(name, date.fromisoformat(iso), [*calendars.values(), *ahead])


@dataclass(frozen=True, slots=True)
class Clocks:
    """`problems`: why a ticket has no clock of a kind, in the engine's words."""

    rows: tuple[Row, ...]
    problems: tuple[str, ...]
    now: datetime
    clamped: int = 0
    """Events that were told for a time before the opening."""

    @property
    def coverages(self) -> dict[str, dict[str, str]]:
        """What each agreement includes, excludes and bills, once per agreement."""
        return {row.told.profile: row.told.coverage for row in self.rows if row.told.coverage}


def of(detail: TicketDetail, asking: Who) -> Clocks | None:
    """The clocks of a ticket as they stand now; None where there are no agreements at all.

    A supplier's user sees the contracts with suppliers only. They are read from the whole history, which
    `detail` no longer holds for such a user.
    """
    parts = services()
    if parts.agreements is None:
        return None
    whole = detail if asking.supplier is None else parts.queries.ticket(detail.key) or detail
    now = parts.now()
    result = assess(whole.ticket, whole.events, parts.agreements.current(), now).result
    shown = [named for named in result.clocks if asking.supplier is None or named.profile.agreement is Agreement.UC]
    problems = result.problems if asking.supplier is None else ()
    clamped = sum(event.kind is EventKind.CLAMPED for event in whole.events)
    return Clocks(tuple(_row(named, now) for named in sorted(shown, key=_order)), problems, now, clamped)


def of_readings(named: Sequence[NamedClock], problems: Sequence[str], now: datetime) -> Clocks:
    """Clocks read elsewhere, in their order."""
    return Clocks(tuple(_row(one, now) for one in named), tuple(problems), now)


def _order(named: NamedClock) -> tuple[int, str, bool, int, int]:
    """Customers' agreements first; of one profile the open clocks before the ended ones, the newest cycle first."""
    kinds, targets = list(Agreement), [target.name for target in named.profile.targets]
    return (kinds.index(named.profile.agreement), named.profile.name, not named.clock.open,
            targets.index(named.target), -named.clock.cycle)


def _row(named: NamedClock, now: datetime) -> Row:
    clock = named.clock
    tone, icon = LOOKS[clock.state]
    share = clock.active / clock.target if clock.target else 1.0
    if clock.state is ClockState.RUNNING and share >= NEAR:
        tone = "warn"
    zone = named.segment.hours.calendar.timezone if named.segment.hours else i18n.zone()
    return Row(explain(named, now), tone, icon, share, _bar(share), clock.open, zone, named)


def _bar(share: float) -> Bar:
    whole = min(max(1.0, share), WIDEST)
    return Bar(100 * min(share, whole) / whole, tuple((mark_ / whole, mark_) for mark_ in (50, 75, 100)))


def local(at: datetime, zone: tzinfo | None = None, *, day: bool = True) -> str:
    """An instant in the zone of a calendar, where its opening hours are round numbers."""
    there = at.astimezone(zone or i18n.zone())
    clock = format_time(there, "medium" if there.second else "short", locale=i18n.locale())
    return f"{_day(there)}, {clock}" if day else clock


def zoned(at: datetime, zone: tzinfo | None = None) -> str:
    """The same with the name of the zone."""
    return f"{local(at, zone)} {at.astimezone(zone or i18n.zone()).tzname() or ''}".rstrip()


def stretch(start: datetime, end: datetime, zone: tzinfo) -> str:
    """From when to when; the day of the end only when it is another one."""
    same = start.astimezone(zone).date() == end.astimezone(zone).date()
    return f"{local(start, zone)} \u2013 {local(end, zone, day=not same)}"


def _day(there: datetime) -> str:
    return format_skeleton("yMMMEd", there, tzinfo=there.tzinfo, locale=i18n.locale())


def holiday(iso: str) -> str:
    return format_date(date.fromisoformat(iso), format="full", locale=i18n.locale())


def why(text: str, reasons: Mapping[str, sayings.Shape] = MappingProxyType({})) -> str:
    """The engine's reasons in the reader's words; a reason written in a profile stays as it was written."""
    if text.endswith(USED_UP):
        return _("%(reason)s: pause used up") % {"reason": why(text.removesuffix(USED_UP), reasons)}
    if text in reasons:
        return sayings.shaped(reasons[text])
    if text in _SAYINGS:
        return _(_SAYINGS[text])
    return ", ".join(_said(part) for part in text.split(", "))


def _said(part: str) -> str:
    if part in _SAYINGS:
        return _(_SAYINGS[part])
    if part in words_handoffs.MOVED:
        return words.word("moved", part)
    name, _space, value = part.partition(" ")
    if name not in words.FIELDS and not name.startswith("custom."):
        return part
    said = words.value_name(name, value) if value else _("not known")
    return f"{words.field_name(name)}{_(':')} {said}"


def source(text: str) -> str:
    """Where a calendar or zone was found: `profile`, `target`, `calendar`, or an entry such as `customer ACME SA`."""
    plain = {"profile": _("the profile"), "target": _("the target"), "calendar": _("the calendar"),
             "else": _("the profile")}
    kind, _space, name = text.partition(" ")
    return plain.get(text) or (f"{words.word('fields', kind)} {name}" if name else text)


def mode(line: Line) -> str:
    says = {Mode.RUN: _("runs"), Mode.PAUSE: _("paused"), Mode.STOP: _("stopped"), Mode.CANCEL: _("does not apply"),
            Mode.OFF: _("not started")}
    return says[line.mode]


def days(line: Line, zone: tzinfo) -> Sequence[tuple[str, str, timedelta]]:
    """The windows of a line: day, hours, business time."""
    return [(_day(opens.astimezone(zone)),
             f"{local(opens, zone, day=False)} \u2013 {_closing(opens, closes, zone)}", lasts(opens, closes))
            for opens, closes in line.windows]


def _closing(opens: datetime, closes: datetime, zone: tzinfo) -> str:
    """Midnight as the end of its day, the way calendars write it."""
    end = closes.astimezone(zone)
    midnight = end.time() == time() and end.date() > opens.astimezone(zone).date()
    return "24:00" if midnight else local(closes, zone, day=opens.astimezone(zone).date() != end.date())


def out(clocks: Clocks | None, now: datetime) -> dict[str, Any]:
    """The same for programs."""
    if clocks is None:
        return {"as_of": now, "problems": ["there are no agreements"], "items": []}
    return {"as_of": clocks.now, "problems": list(clocks.problems), "items": [as_dict(row.told) for row in clocks.rows]}


def about(seconds: float | None) -> str:
    """An amount from a statistic, to the minute at most."""
    return "\u2013" if seconds is None else span(timedelta(minutes=max(1, round(seconds / 60))))


def problem(text: str) -> str:
    """Why there is no clock."""
    if text == UNMATCHED:
        return _("No agreement applies to this ticket, so it has no clock.")
    failed = _FAILED.fullmatch(text)
    if failed is not None:
        says = _("%(target)s of %(profile)s cannot be computed: %(why)s")
        return says % {"target": words.word("targets", failed[2]), "profile": failed[1], "why": failed[3]}
    tie = _TIE.fullmatch(text)
    if tie is None:
        return sayings.said(text)
    says = _("%(kind)s: the agreements %(names)s apply alike, so none of them has a clock. Make one more specific.")
    return says % {"kind": words.word("agreements", tie[1]), "names": tie[2].replace(" and ", ", ")}


def install(app: Flask) -> None:
    env: Any = app.jinja_env
    env.filters.update(span=span, local=local, zoned=zoned, stretch=stretch, holiday=holiday, why=why, source=source,
                       mode=mode, about=about, clock_problem=problem, rule=sayings.rule, applies=sayings.applies,
                       said=reasons.told, amount=sayings.amount)
    env.globals.update(days=days)
