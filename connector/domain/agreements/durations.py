"""Durations as people write them: "15m", "1h30m", "3 working days"."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from connector.domain.calendar import ServiceCalendar
from connector.domain.problems import Path, Problems, shown
from connector.domain.saying import Saying

_PARTS: Final = re.compile(" ?".join(rf"(?:([0-9]{{1,9}}){unit})?" for unit in "wdhms"))
_DAYS: Final = re.compile(r"([0-9]{1,9}) (?:working|business) days?")
LONGEST: Final = timedelta(days=3660)
MOST_DAYS: Final = 3660
"""Ten years: more is a slip, and calendars end somewhere."""
EXPECTED: Final = Saying('expected a duration such as 15m, 4h, 1h30m or "3 working days"')


@dataclass(frozen=True, slots=True)
class Amount:
    """How much time a target gives: business time, or working days (None when it is business time).

    `calendar` names another calendar than the profile's; `end_of_day` lets working days end with the day.
    """

    time: timedelta = timedelta(0)
    working_days: int | None = None
    end_of_day: bool = False
    calendar: str | None = None
    text: str = ""

    def from_start(self, start: datetime, calendar: ServiceCalendar) -> timedelta:
        """The amount as business time of `calendar` for a clock that starts at `start`.

        Working days become the business time until the same local time (or the end of the day) that many working days
        later, so that pauses, shares and remaining time work alike for every target.
        """
        if self.working_days is None:
            return self.time
        return calendar.elapsed(start, calendar.add_days(start, self.working_days, self.end_of_day))

    @property
    def says_days(self) -> bool:
        """Whether it counts in days or weeks of 24 hours, which few calendars have."""
        return self.working_days is None and any(unit in self.text.split(" of ")[0] for unit in "dw")

    def __str__(self) -> str:
        return self.text


def duration(value: Any) -> timedelta:
    """A plain duration: weeks, days (24 h), hours, minutes, seconds, largest first. Raises ValueError."""
    text = value.strip() if isinstance(value, str) else ""
    match = _PARTS.fullmatch(text) if text else None
    if not match:
        raise ValueError(Saying("%(value)s is not a duration; %(expected)s", value=shown(value), expected=EXPECTED))
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    found = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    if found > LONGEST:
        raise ValueError(Saying("%(value)s is too long: at most ten years", value=shown(value)))
    return found


def amount(data: Any, problems: Problems, path: Path = ()) -> Amount | None:
    """A target's amount from its written form; None when it was wrong (told to `problems`)."""
    if isinstance(data, Mapping):
        problems.keys(path, data, ("within", "calendar", "at"))
        if isinstance(data.get("within"), Mapping):
            problems.add((*path, "within"), Saying("is a table; %(expected)s", expected=EXPECTED))
            return None
        ends = data.get("at")
        if ends not in (None, "end of day"):
            problems.add((*path, "at"), Saying("%(value)s is unknown; expected end of day", value=shown(ends)))
        found = amount(data.get("within"), problems, (*path, "within"))
        if found is None:
            return None
        if ends and found.working_days is None:
            problems.add((*path, "at"), "end of day goes with working days only")
        calendar = data.get("calendar")
        if calendar is not None and (not isinstance(calendar, str) or not calendar):
            problems.add((*path, "calendar"), Saying("%(value)s is not the name of a calendar", value=shown(calendar)))
            return None
        text = found.text + (f" of {calendar}" if calendar else "") + (", end of day" if ends else "")
        return Amount(found.time, found.working_days, bool(ends), calendar, text)
    days = _DAYS.fullmatch(data.strip()) if isinstance(data, str) else None
    if days and not 1 <= int(days[1]) <= MOST_DAYS:
        problems.add(path, Saying("%(value)s: expected from 1 to %(most)s working days", value=shown(data),
                                  most=MOST_DAYS))
        return None
    if days:
        return Amount(working_days=int(days[1]), text=str(data))
    try:
        return Amount(duration(data), text=str(data))
    except ValueError as error:
        problems.add(path, error.args[0])
        return None
