"""Closures from iCalendar texts (RFC 5545): all-day events, repeated ones laid out date by date."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any, Final

from dateutil.rrule import DAILY, MONTHLY, WEEKLY, YEARLY, rrule, rrulestr
from icalendar import Calendar, Component

from connector.domain.saying import Saying

DAY: Final = timedelta(days=1)
LAST: Final = date(2299, 12, 31)
MOST: Final = 20_000
"""Dates of one event: more than every week of the years a calendar answers for."""
FREQUENCIES: Final = {"YEARLY": YEARLY, "MONTHLY": MONTHLY, "WEEKLY": WEEKLY, "DAILY": DAILY}


def from_ical(text: str) -> list[dict[str, str]]:
    """All-day events as `{from, to, name}`, ready for a calendar's `holidays`; what returns every year on the same date
    as `{every, until, name}`.

    Repetitions, their exceptions (EXDATE, RDATE, RECURRENCE-ID) and cancelled events are followed. Raises ValueError
    with one argument per event that cannot be: a closure taken wrong is worse than one refused.
    """
    events = _events(text)
    replaced = _replaced(events)
    found: list[dict[str, str]] = []
    wrong: list[str] = []
    for event in events:
        try:
            found += _closures(event, replaced.get(_text(event, "UID"), set()))
        except (ValueError, TypeError, AttributeError, OverflowError, KeyError) as error:
            why = error.args[0] if error.args and isinstance(error.args[0], Saying) else error
            wrong.append(Saying("event %(name)s %(why)s", name=repr(_text(event, "SUMMARY")), why=why))
    if wrong:
        raise ValueError(*wrong)
    return found


def _events(text: str) -> list[Component]:
    try:
        calendars = Calendar.from_ical(text.removeprefix("\ufeff"), multiple=True)
    except (ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(Saying("not a readable iCalendar text: %(why)s", why=error)) from None
    return [event for calendar in calendars for event in calendar.walk("VEVENT")
            if _text(event, "STATUS").upper() != "CANCELLED" or "RECURRENCE-ID" in event]


def _replaced(events: Iterable[Component]) -> dict[str, set[date]]:
    """By series, the dates that an event of its own stands for."""
    found: dict[str, set[date]] = {}
    for event in events:
        if "RECURRENCE-ID" in event:
            found.setdefault(_text(event, "UID"), set()).update(_dates(event, "RECURRENCE-ID"))
    return found


def _closures(event: Component, replaced: set[date]) -> Iterator[dict[str, str]]:
    name = _text(event, "SUMMARY")
    if "RECURRENCE-ID" in event:
        if event["RECURRENCE-ID"].params.get("RANGE"):
            raise ValueError(Saying("changes a whole rest of a series"))
        if _text(event, "STATUS").upper() == "CANCELLED":
            return
        replaced = set()
    first, length = _span(event)
    left_out = {*replaced, *_dates(event, "EXDATE")}
    more = _dates(event, "RDATE")
    rule = event.get("RRULE")
    if isinstance(rule, list):
        raise ValueError(Saying("repeats by more than one rule"))
    if rule is not None and not left_out and not more and _same_date_every_year(rule, first):
        yield {"every": f"{first:%m-%d}", "until": f"{first + length - DAY:%m-%d}", "name": name}
        return
    days = {first, *more, *(() if rule is None else _repeated(rule, first))} - left_out
    for day in sorted(days):
        yield {"from": day.isoformat(), "to": (day + length - DAY).isoformat(), "name": name}


def _span(event: Component) -> tuple[date, timedelta]:
    """First date and length in whole days."""
    start, end = event.decoded("DTSTART", None), event.decoded("DTEND", None)
    first = _date_of(start)
    duration = event.decoded("DURATION", None)
    if first is None or (end is not None and _date_of(end) is None):
        raise ValueError(Saying("is not an all-day event"))
    if end is not None:
        length = (_date_of(end) or first) - first
    elif isinstance(start, datetime) and duration is None:
        raise ValueError(Saying("is not an all-day event"))
    else:
        length = DAY if duration is None else duration
    if length < timedelta(0):
        raise ValueError(Saying("ends before it begins"))
    if length % DAY or (not length and isinstance(start, datetime)):
        raise ValueError(Saying("is not an all-day event"))
    return first, length or DAY


def _text(event: Component, key: str) -> str:
    value = event.get(key, "")
    return str(value[0] if isinstance(value, list) else value)


def _date_of(value: Any) -> date | None:
    """A date, or midnight as the clocks of some place show it (programs that know no dates write that)."""
    if isinstance(value, datetime):
        return value.date() if value.time() == time() and str(value.tzinfo) not in ("UTC", "Etc/UTC") else None
    return value if isinstance(value, date) else None


def _dates(event: Component, key: str) -> set[date]:
    """The dates of EXDATE, RDATE or RECURRENCE-ID."""
    given = event.get(key)
    found: set[date] = set()
    for part in [] if given is None else given if isinstance(given, list) else [given]:
        for one in getattr(part, "dts", [part]):
            if not isinstance(one.dt, date):
                raise ValueError(Saying("has a %(key)s that is not a date", key=key))
            found.add(one.dt.date() if isinstance(one.dt, datetime) else one.dt)
    return found


def _same_date_every_year(rule: Any, first: date) -> bool:
    plain = {"FREQ": ["YEARLY"], "INTERVAL": [1], "BYMONTH": [first.month], "BYMONTHDAY": [first.day]}
    given = {str(key).upper(): value for key, value in rule.items() if str(key).upper() != "WKST"}
    return ("FREQ" in given and all(key in plain and list(value) == plain[key] for key, value in given.items())
            and ("BYMONTHDAY" not in given or "BYMONTH" in given))


def _repeated(rule: Any, first: date) -> Iterator[date]:
    """Dates by an RRULE. UNTIL is held against dates here, as exporters give it as a date, a time or a time in UTC."""
    parts = {str(key).upper(): value for key, value in rule.items()}
    if [str(one).upper() for one in parts.get("FREQ", [])] not in [[name] for name in FREQUENCIES]:
        raise ValueError(Saying("repeats in a way that is not by day, week, month or year"))
    until = parts.get("UNTIL", [None])[0]
    last = LAST if until is None else until.date() if isinstance(until, datetime) else until
    text = ";".join(part for part in rule.to_ical().decode().split(";") if not part.upper().startswith("UNTIL="))
    laid_out = rrulestr(text, dtstart=datetime.combine(first, time()))
    if not isinstance(laid_out, rrule):
        raise ValueError(Saying("repeats by more than one rule"))
    if "COUNT" not in parts:
        laid_out = laid_out.replace(until=datetime.combine(min(last, LAST) + DAY, time()))
    days = [at.date() for at in islice(laid_out, MOST + 1)]
    if len(days) > MOST:
        raise ValueError(Saying("repeats more than %(most)s times: give hours instead of closures", most=f"{MOST:,}"))
    if isinstance(until, datetime) and days and days[-1] > last:
        raise ValueError(Saying("repeats until a time of day in UTC, which leaves open whether its last date counts: "
                                "give UNTIL as a date"))
    return (day for day in days if day <= last)
