"""The written form of an on-duty roster, part of a group (connector/domain/notices/people_format.py)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from connector.domain.calendars.reader import WEEKDAYS, Reader
from connector.domain.calendars.windows import DAY
from connector.domain.notices.roster import Dated, Roster, Rotation, Weekly
from connector.domain.problems import Path, Problems, shown
from connector.domain.saying import Saying

KEYS: Final = ("timezone", "covers", "rotation", "weekly", "dates")
WHO: Final = ("person", "people")
_EVERY: Final = re.compile(r"(\d{1,3}) ?(d|days?|w|weeks?)")
_MOMENT: Final = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d?:\d\d)")


def roster(data: Any, problems: Problems, at: Path) -> Roster | None:
    """A roster from its table; what is wrong goes to `problems`."""
    if not isinstance(data, Mapping):
        problems.add(at, Saying("expected a table of %(names)s", names=", ".join(KEYS)))
        return None
    problems.keys(at, data, KEYS)
    reader = _Reader(problems, at)
    zone = reader.zone(data.get("timezone"))
    covers = data.get("covers", "")
    if not isinstance(covers, str):
        problems.add((*at, "covers"), Saying("%(value)s is not the name of a calendar", value=shown(covers)))
    found = Roster(zone, reader.dated(data.get("dates", [])), reader.weekly(data.get("weekly", [])),
                   reader.rotation(data.get("rotation")), str(covers))
    if not any(data.get(key) for key in ("rotation", "weekly", "dates")):
        problems.add(at, "puts nobody on duty: expected rotation, weekly or dates")
    return found


def span(data: Mapping[str, Any], reader: Reader, at: Path) -> tuple[int, int] | None:
    """`from` and `to` as seconds from midnight; a `to` not after `from` is on the next day."""
    begins, ends = reader.time(data.get("from"), (*at, "from")), reader.time(data.get("to"), (*at, "to"))
    if begins is None or ends is None:
        return None
    if begins in (ends, DAY):
        reader.bad(at, "is empty; a whole day is from 00:00 to 24:00")
        return None
    return begins, ends if ends > begins else ends + DAY


def days(data: Any, problems: Problems, at: Path) -> tuple[int, ...]:
    """`mon-fri`, `sat` or a list of such; Monday is 0."""
    found: list[int] = []
    for word in data if isinstance(data, (list, tuple)) else [data]:
        first, dash, last = str(word).partition("-")
        if first not in WEEKDAYS or (dash and last not in WEEKDAYS):
            problems.add(at, Saying(
                "%(value)s is not a weekday; expected mon to sun or a range like mon-fri", value=shown(word)))
            continue
        begin = WEEKDAYS.index(first)
        length = (WEEKDAYS.index(last) - begin) % 7 + 1 if dash else 1
        found.extend((begin + n) % 7 for n in range(length))
    return tuple(dict.fromkeys(found))


class _Reader:
    def __init__(self, problems: Problems, at: Path) -> None:
        self.problems, self.at, self.reader = problems, at, Reader(problems)

    def zone(self, data: Any) -> str:
        inner = Problems()
        name = Reader(inner).zone({"timezone": data}).key
        for problem in inner.found:
            self.problems.add((*self.at, "timezone"), problem.message)
        return name

    def _items(self, data: Any, key: str, keys: tuple[str, ...]) -> Sequence[tuple[Path, Mapping[str, Any]]]:
        if not isinstance(data, (list, tuple)):
            self.problems.add((*self.at, key), "expected a list")
            return []
        found = []
        for i, item in enumerate(data):
            place = (*self.at, key, i)
            if isinstance(item, Mapping):
                self.problems.keys(place, item, keys)
                found.append((place, item))
            else:
                self.problems.add(place, Saying(
                    "%(value)s is not a table of %(names)s", value=shown(item), names=", ".join(keys)))
        return found

    def dated(self, data: Any) -> tuple[Dated, ...]:
        found = []
        for place, item in self._items(data, "dates", ("from", "to", *WHO)):
            begins = self._moment(item.get("from"), (*place, "from"))
            ends = self._moment(item.get("to"), (*place, "to"))
            people = self._people(item, place)
            if begins is not None and ends is not None:
                if ends <= begins:
                    self.problems.add((*place, "to"), "is not after `from`")
                else:
                    found.append(Dated(begins, ends, people, place))
        return tuple(found)

    def weekly(self, data: Any) -> tuple[Weekly, ...]:
        found = []
        for place, item in self._items(data, "weekly", ("days", "from", "to", *WHO)):
            times = span(item, self.reader, place)
            on = days(item.get("days", "mon-sun"), self.problems, (*place, "days"))
            people = self._people(item, place)
            if times is not None:
                found.append(Weekly(on, *times, people, place))
        return tuple(found)

    def rotation(self, data: Any) -> Rotation | None:
        if data is None:
            return None
        place = (*self.at, "rotation")
        if not isinstance(data, Mapping):
            self.problems.add(place, "expected {people: [...], from: \"2026-01-05 08:00\", every: 1 week}")
            return None
        self.problems.keys(place, data, ("people", "from", "every"))
        begins = self._moment(data.get("from"), (*place, "from"))
        people = self._people(data, place)
        every = _EVERY.fullmatch(str(data.get("every", "1 week")))
        length = int(every[1]) * (7 if every[2].startswith("w") else 1) if every else 0
        if length < 1:
            self.problems.add((*place, "every"), Saying(
                "%(value)s: expected such as 1 day or 2 weeks", value=shown(data.get("every"))))
        if begins is None or length < 1 or not people:
            return None
        return Rotation(begins, length, people)

    def _moment(self, data: Any, place: Path) -> tuple[int, int] | None:
        match = _MOMENT.fullmatch(data) if isinstance(data, str) else None
        if match is None:
            self.problems.add(place, Saying(
                '%(value)s is not a local date and time; expected "2026-12-24 08:00"', value=shown(data)))
            return None
        day, seconds = self.reader.date(match[1], place), self.reader.time(match[2], place)
        return None if day is None or seconds is None else (day.toordinal(), seconds)

    def _people(self, data: Mapping[str, Any], place: Path) -> tuple[str, ...]:
        given = data.get("people", [data["person"]] if "person" in data else [])
        if "person" in data and "people" in data:
            self.problems.add(place, "has `person` and `people`: one of them")
        if not isinstance(given, (list, tuple)) or not all(isinstance(one, str) and one for one in given) or not given:
            self.problems.add(place, "names nobody; expected `person` or `people`")
            return ()
        return tuple(dict.fromkeys(given))
