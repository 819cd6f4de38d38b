"""A ticket's clocks as text for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import click

from connector.domain.agreements.clock import Mode
from connector.domain.agreements.explain import Explanation, Line, lasts
from connector.domain.ticket import Ticket

MODES = {Mode.RUN: "runs", Mode.PAUSE: "paused", Mode.STOP: "stopped", Mode.CANCEL: "cancelled", Mode.OFF: "off"}


def print_ledger(ticket: Ticket, told: Sequence[Explanation], problems: Sequence[str], now: datetime) -> None:
    click.echo(f"{ticket.number or ticket.ref}  {ticket.title}")
    click.echo(f"as of {now:%Y-%m-%d %H:%M:%S %Z}")
    for problem in problems:
        click.echo(f"! {problem}")
    for one in told:
        print_clock(one)


def print_clock(one: Explanation) -> None:
    """All its times in the zone of its calendar, which is shown."""
    zone = ZoneInfo(one.zone or "UTC")

    def at(moment: datetime | None) -> str:
        return "not known" if moment is None else f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"

    cycle = f" (cycle {one.cycle})" if one.cycle > 1 else ""
    name = f"{one.agreement.upper()} {one.profile} version {one.version}"
    click.echo(f"\n{name}: {one.target}{cycle} {one.state.upper()}")
    by_hand = " (set by hand in the tool)" if one.manual_due else ""
    click.echo(f"  due        {at(one.due)}{by_hand}")
    click.echo(f"  target     {one.amount} = {_span(one.target_time)}, priority {one.priority or 'not known'}")
    click.echo(f"  used       {_span(one.active)}, paused {_span(one.paused)}, remaining {_span(one.remaining)}")
    click.echo(f"  calendar   {one.calendar} (from {one.calendar_source}), zone {zone.key} (from {one.zone_source})")
    click.echo(f"  applies    {one.rule}")
    shares = ", ".join(f"{share} % {at(moment)}" for share, moment in one.shares)
    click.echo(f"  thresholds {shares}")
    if one.warning:
        click.echo(f"  ! {one.warning}")
    for line in (*one.lines, *((one.ahead,) if one.ahead else ())):
        _line(line, at, zone)
    for name, text in one.coverage.items():
        click.echo(f"  {name:<10} {text}")


def _line(line: Line, at: Callable[[datetime], str], zone: ZoneInfo) -> None:
    click.echo(f"  {at(line.start)} .. {at(line.end)}  {MODES[line.mode]:<9} {_span(line.business):>12}  {line.why}")
    for window in line.windows:
        opens, closes = (edge.astimezone(zone) for edge in window)
        until = at(closes) if closes.date() != opens.date() else f"{closes:%H:%M:%S %Z}"
        click.echo(f"      {opens:%a %Y-%m-%d %H:%M:%S} .. {until}  {_span(lasts(*window))}")
    if line.more_windows:
        click.echo(f"      and {line.more_windows} windows more")
    for day, name in line.closed:
        click.echo(f"      {day} closed: {name or 'holiday'}")


def _span(amount: timedelta) -> str:
    """Hours, minutes and seconds, never rounded to minutes."""
    total = int(abs(amount).total_seconds())
    sign = "-" if amount < timedelta(0) else ""
    return f"{sign}{total // 3600} h {total // 60 % 60:02} min {total % 60:02} s"
