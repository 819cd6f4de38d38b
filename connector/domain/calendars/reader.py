"""The parts of a written calendar: zone, times of day, dates, windows, weeks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo, available_timezones

from connector.domain.calendars.windows import DAY, Span
from connector.domain.problems import Path, Problems, shown
from connector.domain.saying import Saying

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIME: Final = re.compile(r"([01]?[0-9]|2[0-4]):([0-5][0-9])(?::([0-5][0-9]))?")
NOT_PLACES: Final = {"localtime", "Factory"}
"""In the database, but the first is another zone on every machine and the second says that none was chosen."""
_ALWAYS: Final = ("24x7", "always")


def is_zone(name: Any) -> bool:
    """Whether this is the name of a zone of the IANA database."""
    return isinstance(name, str) and name in _zones()


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones()) - NOT_PLACES


class Reader:
    """Collects problems while it reads, so that all of them can be told together."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems

    def bad(self, path: Path, message: str) -> None:
        self.problems.add(path, message)

    def zone(self, data: Mapping[str, Any]) -> ZoneInfo:
        name = data.get("timezone")
        if name is None:
            self.bad(("timezone",), "is required: an IANA time zone such as Europe/Zurich")
        elif not is_zone(name):
            self.bad(("timezone",), Saying("%(value)s is not a known time zone; expected an IANA name such as "
                                           "Europe/Zurich", value=shown(name)))
        else:
            return ZoneInfo(name)
        return ZoneInfo("UTC")

    def text(self, value: Any, path: Path) -> str:
        if not isinstance(value, (str, int, float)) or isinstance(value, bool):
            self.bad(path, Saying("%(value)s is not a text", value=shown(value)))
        return str(value)

    def time(self, value: Any, path: Path) -> int | None:
        match = _TIME.fullmatch(value) if isinstance(value, str) else None
        if match:
            hours, minutes, seconds = int(match[1]), int(match[2]), int(match[3] or 0)
            total = hours * 3600 + minutes * 60 + seconds
            if total <= DAY:
                return total
        self.bad(path, Saying("%(value)s is not a time of day; expected HH:MM or HH:MM:SS between 00:00 and 24:00",
                              value=shown(value)))
        return None

    def date(self, value: Any, path: Path) -> date | None:
        if isinstance(value, date):
            return date(value.year, value.month, value.day)
        try:
            if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
                return date.fromisoformat(value)
        except ValueError:
            pass
        self.bad(path, Saying("%(value)s is not a date; expected YYYY-MM-DD", value=shown(value)))
        return None

    def spans(self, value: Any, path: Path) -> tuple[Span, ...]:
        """Windows of one date, in order, touching ones joined."""
        if not isinstance(value, (list, tuple)):
            self.bad(path, Saying('%(value)s is not a list of windows; expected [["08:00", "17:00"], ...]',
                                  value=shown(value)))
            return ()
        found: list[tuple[int, int, Path]] = []
        for i, item in enumerate(value):
            where = (*path, i)
            if not isinstance(item, (list, tuple)) or len(item) != 2:
                self.bad(where, Saying('%(value)s is not a window; expected ["08:00", "17:00"]', value=shown(item)))
                continue
            opens, closes = self.time(item[0], where), self.time(item[1], where)
            if opens is None or closes is None:
                continue
            if opens in (closes, DAY):
                self.bad(where, Saying('%(value)s is an empty window; a whole day is ["00:00", "24:00"]',
                                       value=list(item)))
                continue
            found.append((opens, closes if closes > opens else closes + DAY, where))
        found.sort()
        joined: list[Span] = []
        for opens, closes, where in found:
            if joined and opens < joined[-1][1]:
                self.bad(where, "overlaps another window of the same day")
            elif joined and opens == joined[-1][1]:
                joined[-1] = (joined[-1][0], closes)
            else:
                joined.append((opens, closes))
        return tuple(joined)

    def week(self, value: Any, path: Path) -> tuple[tuple[Span, ...], ...]:
        if isinstance(value, str) and value in _ALWAYS:
            return (((0, DAY),),) * 7
        week: list[tuple[Span, ...]] = [()] * 7
        if not isinstance(value, Mapping):
            self.bad(path, Saying("%(value)s is not a week; expected mon..sun with windows, or 24x7",
                                  value=shown(value)))
            return tuple(week)
        given: set[int] = set()
        for key, windows in value.items():
            where = (*path, key)
            days = _days(str(key))
            if not days:
                self.bad(where, Saying("%(value)s is not a weekday; expected mon to sun or a range like mon-fri",
                                       value=shown(key)))
                continue
            spans = self.spans(windows, where)
            for day in days:
                if day in given:
                    self.bad(where, Saying("%(day)s is given twice", day=WEEKDAYS[day]))
                given.add(day)
                week[day] = spans
        for day in range(7):
            following = week[(day + 1) % 7]
            if week[day] and following and week[day][-1][1] - DAY > following[0][0]:
                self.bad((*path, WEEKDAYS[day]), Saying("runs past midnight into a window of %(day)s",
                                                        day=WEEKDAYS[(day + 1) % 7]))
        return tuple(week)


def _days(key: str) -> Sequence[int]:
    if key in WEEKDAYS:
        return (WEEKDAYS.index(key),)
    first, dash, last = key.partition("-")
    if dash and first in WEEKDAYS and last in WEEKDAYS and WEEKDAYS.index(first) < WEEKDAYS.index(last):
        return range(WEEKDAYS.index(first), WEEKDAYS.index(last) + 1)
    return ()
