"""People and groups of all files together: names that lead nowhere, doubles, managers in a circle, holes in rosters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from connector.domain.calendar import ServiceCalendar
from connector.domain.errors import ConfigError, Problem
from connector.domain.notices.people import Group, People, Person
from connector.domain.notices.roster import Roster
from connector.domain.problems import dotted, missing
from connector.domain.saying import Saying

AHEAD: Final = timedelta(days=28)
"""How far ahead a roster is looked through for gaps."""
ENDS_SOON: Final = timedelta(days=14)
ALWAYS: Final = "24x7"


def checked(
    people: Sequence[Person], groups: Sequence[Group], calendars: Mapping[str, Any]
) -> tuple[People, list[Problem]]:
    """Everybody, and the problems between the files; gaps between dated shifts are warnings."""
    made = People({person.id: person for person in people}, {group.id: group for group in groups})
    return made, [*_doubles(people, groups), *_unknown(made), *_circles(made), *_rosters(made, calendars)]


def roster_problems(people: People, calendars: Mapping[str, Any], now: datetime) -> list[Problem]:
    """What `connector check` tells of the coming weeks: when nobody is on duty though somebody has to be, and rosters
    that are about to end. Warnings."""
    found = []
    for group in people.groups.values():
        if group.duty is None:
            continue
        ends = group.duty.ends
        if ends is not None and ends - now < ENDS_SOON:
            found.append(_warning(group, Saying(
                "ends at %(at)s: after that nobody is on duty", at=_shown(ends, group.duty))))
        calendar = _calendar(group.duty, calendars)
        if calendar is not None:
            gaps = group.duty.gaps(calendar.windows(now, now + AHEAD))
            found += [_warning(group, _nobody(a, b, group.duty))
                      for a, b in gaps[:3]]
            if len(gaps) > 3:
                found.append(_warning(group, Saying(
                    "and %(count)s more gaps in the next %(days)s days", count=len(gaps) - 3, days=AHEAD.days)))
    return found


def _calendar(duty: Roster, calendars: Mapping[str, Any]) -> ServiceCalendar | None:
    if not duty.covers:
        return None
    always = {"timezone": duty.timezone, "hours": ALWAYS} if duty.covers == ALWAYS else None
    data = calendars.get(duty.covers, always)
    if data is None:
        return None
    try:
        return ServiceCalendar.from_dict(data)
    except ConfigError:
        return None


def _doubles(people: Sequence[Person], groups: Sequence[Group]) -> Iterator[Problem]:
    every: tuple[tuple[str, Sequence[Person | Group]], ...] = (("people", people), ("groups", groups))
    for kind, many in every:
        seen: dict[str, Person | Group] = {}
        for one in many:
            if one.id in seen:
                yield Problem(Saying(
                    "`%(name)s` is also in %(file)s", name=one.id,
                    file=seen[one.id].file or Saying("another file")), one.file,
                              path=f"{kind}.{one.id}")
            seen[one.id] = one
    names: list[tuple[tuple[str, str, str], Person | Group, str]]
    names = [*(((tool, "login", name.casefold()), person, f"people.{person.id}.logins.{tool}")
               for person in people for tool, name in person.logins.items()),
             *(((tool, "group", name.casefold()), group, f"groups.{group.id}.tools.{tool}")
               for group in groups for tool, name in group.tools.items())]
    held: dict[tuple[str, str, str], str] = {}
    for key, holder, path in names:
        if held.setdefault(key, holder.id) != holder.id:
            told = Saying("is also the login of `%(holder)s` in %(tool)s", holder=held[key], tool=key[0]) \
                if key[1] == "login" else \
                Saying("is also the group of `%(holder)s` in %(tool)s", holder=held[key], tool=key[0])
            yield Problem(told, holder.file, path=path)


def _unknown(made: People) -> Iterator[Problem]:
    for person in made.people.values():
        if person.manager:
            yield from _known(made, person.manager, person.file, f"people.{person.id}.manager")
    for group in made.groups.values():
        at = f"groups.{group.id}"
        if group.lead:
            yield from _known(made, group.lead, group.file, f"{at}.lead")
        for i, member in enumerate(group.members):
            yield from _known(made, member, group.file, f"{at}.members.{i}")
        if group.duty is not None:
            shifts = [(one.people, one.place) for one in group.duty.dated]
            shifts += [(one.people, one.place) for one in group.duty.weekly]
            for names, place in shifts:
                for name in names:
                    yield from _known(made, name, group.file, dotted(place))
            for name in group.duty.rotation.people if group.duty.rotation else ():
                yield from _known(made, name, group.file, f"{at}.on_duty.rotation.people")


def _known(made: People, name: str, file: str, path: str) -> Iterator[Problem]:
    if name not in made.people:
        yield Problem(missing(Saying("person"), name, made.people), file, path=path)


def _circles(made: People) -> Iterator[Problem]:
    told: set[frozenset[str]] = set()
    for person in made.people.values():
        line, above = [person.id], made.people.get(person.manager)
        while above is not None and above.id not in line:
            line.append(above.id)
            above = made.people.get(above.manager)
        if above is not None and above.id == person.id and frozenset(line) not in told:
            told.add(frozenset(line))
            yield Problem(Saying(
                "the line of managers goes round in a circle: %(names)s", names=" -> ".join([*line, person.id])),
                          person.file, path=f"people.{person.id}.manager")


def _rosters(made: People, calendars: Mapping[str, Any]) -> Iterator[Problem]:
    for group in made.groups.values():
        duty = group.duty
        if duty is None:
            continue
        if duty.covers and duty.covers != ALWAYS and duty.covers not in calendars:
            yield Problem(missing(Saying("calendar"), duty.covers, calendars), group.file,
                          path=f"groups.{group.id}.on_duty.covers")
        for first, second in duty.overlaps():
            yield Problem(Saying(
                "is at the same time as %(place)s: who is meant?", place=dotted(first[3:])), group.file,
                          path=dotted(second))
        for begins, ends in duty.inner_gaps():
            yield _warning(group, _nobody(begins, ends, duty))


def _nobody(begins: datetime, ends: datetime, duty: Roster) -> Saying:
    return Saying("nobody is on duty from %(begins)s to %(ends)s", begins=_shown(begins, duty), ends=_shown(ends, duty))


def _warning(group: Group, message: str) -> Problem:
    return Problem(message, group.file, path=f"groups.{group.id}.on_duty", severity="warning")


def _shown(at: datetime, duty: Roster) -> str:
    return f"{at.astimezone(ZoneInfo(duty.timezone)):%Y-%m-%d %H:%M %Z}"
