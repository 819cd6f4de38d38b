"""A service calendar as the weeks to come, for people to see whether it says what they meant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from babel.dates import format_skeleton

from connector import yaml12
from connector.domain.calendar import ServiceCalendar
from connector.domain.errors import ConfigError
from connector.web import i18n, sayings


@dataclass(frozen=True, slots=True)
class Day:
    """`hours` as people write them, 24:00 for the end of a day; `closed`: the name of a holiday or closed date."""

    date: date
    name: str
    hours: tuple[str, ...]
    closed: str | None
    today: bool


@dataclass(frozen=True, slots=True)
class Preview:
    name: str
    zone: str
    weeks: tuple[tuple[Day, ...], ...]


def preview(calendar: ServiceCalendar, now: datetime, weeks: int) -> Preview:
    """Whole weeks, from the Monday of this one, in the calendar's own zone."""
    today = now.astimezone(calendar.timezone).date()
    monday = today - timedelta(days=today.weekday())
    days = [_day(calendar, monday + timedelta(days=n), today) for n in range(7 * weeks)]
    whole = tuple(tuple(days[at : at + 7]) for at in range(0, len(days), 7))
    return Preview(calendar.name, calendar.timezone.key, whole)


def _day(calendar: ServiceCalendar, day: date, today: date) -> Day:
    start, end = (datetime.combine(one, time(), calendar.timezone) for one in (day, day + timedelta(days=1)))
    hours = tuple(f"{opens:%H:%M}\u2013{'24:00' if closes >= end else f'{closes:%H:%M}'}"
                  for opens, closes in calendar.windows(start, end))
    closed = next((sayings.holiday(name, day, [calendar]) for on, name in calendar.closures(start, end) if on == day),
                  None)
    name = format_skeleton("MMMEd", datetime.combine(day, time(12)), locale=i18n.locale())
    return Day(day, name, hours, closed, day == today)


def name_in(text: str, key: str = "calendar") -> str:
    """The name a calendar's (or profile's) file gives it; "" when it cannot be read."""
    try:
        data = yaml12.parse(text.encode()).data
    except ConfigError:
        return ""
    name = data.get(key) if isinstance(data, dict) else None
    return name if isinstance(name, str) else ""
