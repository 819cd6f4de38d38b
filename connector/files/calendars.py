"""Closures kept in iCalendar files beside a calendar, read in, so that the pure calendar holds dates only."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from connector.domain.calendars.ical import from_ical
from connector.domain.problems import Problems
from connector.domain.saying import Saying

LARGEST: Final = 4 * 1024 * 1024
SOME_DATE: Final = "2000-01-01"
"""In the place of a file that cannot be read: the calendar is refused anyway."""


def with_ical(data: dict[str, Any], path: Path, folder: Path, problems: Problems) -> dict[str, Any]:
    """`holidays: [{ical: file.ics}]` as the dates of the file, which must be inside `folder`."""
    holidays = data.get("holidays")
    if not isinstance(holidays, list) or not any(isinstance(h, dict) and "ical" in h for h in holidays):
        return data
    inline: list[Any] = []
    further: list[Any] = []
    for i, item in enumerate(holidays):
        if not isinstance(item, dict) or "ical" not in item:
            inline.append(item)
            continue
        found = _closures(item, path.parent, folder, problems, i)
        # All but one stand after the rest of the list, so that what is wrong in it keeps its line.
        inline.append(found[0] if found else SOME_DATE)
        further += found[1:]
    return {**data, "holidays": [*inline, *further]}


def _closures(item: dict[Any, Any], beside: Path, folder: Path, problems: Problems, i: int) -> list[dict[str, str]]:
    file = (beside / str(item["ical"])).resolve()
    if set(item) != {"ical"} or file.suffix != ".ics" or not file.is_relative_to(folder.resolve()):
        problems.add(("holidays", i, "ical"), "expected an .ics file inside the folder of agreements, and nothing else")
        return []
    try:
        with file.open("rb") as stream:
            raw = stream.read(LARGEST + 1)
        if len(raw) > LARGEST:
            raise ValueError(Saying("is larger than %(size)s MB", size=LARGEST // 1024 // 1024))
        found = from_ical(raw.decode("utf-8-sig"))
    except OSError as error:
        problems.add(("holidays", i, "ical"), Saying(
            "%(item)s: cannot be read: %(why)s", item=item["ical"], why=error.strerror))
        return []
    except UnicodeDecodeError:
        problems.add(("holidays", i, "ical"), Saying("%(item)s: is not UTF-8", item=item["ical"]))
        return []
    except ValueError as error:
        for message in error.args:
            problems.add(("holidays", i, "ical"), Saying("%(item)s: %(message)s", item=item["ical"], message=message))
        return []
    if not found:
        problems.add(("holidays", i, "ical"), Saying("%(item)s: holds no event", item=item["ical"]))
    return found
