"""Who is on duty when: dated shifts over weekly ones over a rotation, in the wall time of one zone.

Windows are half-open and in UTC once computed, so that the day the clocks change is as long as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from connector.domain.calendars.windows import DAY, EPOCH, LocalClock, Window, merge, micros, overlap, without

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Shift:
    """Some people on duty from `begins` to `ends`."""

    begins: datetime
    ends: datetime
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dated:
    """From a local date and time (ordinal of the day, seconds after midnight) to another."""

    begins: tuple[int, int]
    ends: tuple[int, int]
    people: tuple[str, ...]
    place: Place = ()


@dataclass(frozen=True, slots=True)
class Weekly:
    """On some weekdays (0 is Monday) from one time to another; `ends` past 86,400 is on the next day."""

    days: tuple[int, ...]
    begins: int
    ends: int
    people: tuple[str, ...]
    place: Place = ()


@dataclass(frozen=True, slots=True)
class Rotation:
    """People in turn, `days` each, from a local date and time on."""

    begins: tuple[int, int]
    days: int
    people: tuple[str, ...]


Spell = tuple[int, int, tuple[str, ...]]
"""[begins, ends) in microseconds since the epoch, and who."""


@dataclass(frozen=True)
class Roster:
    """`covers` names the calendar in whose hours somebody has to be on duty; "" asks for nothing."""

    timezone: str
    dated: tuple[Dated, ...] = ()
    weekly: tuple[Weekly, ...] = ()
    rotation: Rotation | None = None
    covers: str = ""

    def who(self, at: datetime) -> tuple[str, ...]:
        """Ids of the people on duty at an instant; nobody when there is a gap."""
        found = self.shifts(at, at + timedelta(microseconds=1))
        return tuple(dict.fromkeys(person for shift in found for person in shift.people))

    def changes(self, at: datetime) -> datetime | None:
        """When others are on duty than at `at`, within the next year; None when that does not happen."""
        for days in (8, 60, 366):
            last = at + timedelta(days=days)
            for first in self.shifts(at, last)[:1]:
                edge = first.ends if first.begins == at else first.begins
                if edge < last:
                    return edge
        return None

    def shifts(self, first: datetime, last: datetime) -> list[Shift]:
        """In order, cut to [first, last); people who share the time are in one shift."""
        spells = self._spells(micros(first), micros(last))
        edges = sorted({edge for begins, ends, _ in spells for edge in (begins, ends)})
        found: list[Shift] = []
        for begins, ends in pairwise(edges):
            people = tuple(dict.fromkeys(p for a, b, who in spells if a <= begins and ends <= b for p in who))
            if not people:
                continue
            if found and found[-1].people == people and found[-1].ends == _instant(begins):
                found[-1] = Shift(found[-1].begins, _instant(ends), people)
            else:
                found.append(Shift(_instant(begins), _instant(ends), people))
        return found

    def _spells(self, first: int, last: int) -> list[Spell]:
        """Each layer where no layer above it says anything."""
        found: list[Spell] = []
        taken: list[Window] = []
        clock = LocalClock(ZoneInfo(self.timezone))
        for layer in (self._dated(clock), self._weekly(clock, first, last), self._turns(clock, first, last)):
            spells = [spell for spell in layer if spell[0] < last and spell[1] > first]
            for begins, ends, people in spells:
                free = without(overlap([(begins, ends)], [(first, last)]), taken)
                found.extend((a, b, people) for a, b in free)
            taken = merge([*taken, *((begins, ends) for begins, ends, _ in spells)])
        return found

    def _dated(self, clock: LocalClock) -> Iterator[Spell]:
        for one in self.dated:
            yield clock.instant(*one.begins), clock.instant(*one.ends), one.people

    def _weekly(self, clock: LocalClock, first: int, last: int) -> Iterator[Spell]:
        for ordinal in range(clock.ordinal(first) - 2, clock.ordinal(last) + 2) if self.weekly else ():
            for one in self.weekly:
                if (ordinal - 1) % 7 in one.days:
                    yield clock.instant(ordinal, one.begins), clock.instant(ordinal, one.ends), one.people

    def _turns(self, clock: LocalClock, first: int, last: int) -> Iterator[Spell]:
        if self.rotation is None:
            return
        day, seconds = self.rotation.begins
        every, people = self.rotation.days, self.rotation.people
        begin = max(0, (clock.ordinal(first) - day) // every - 1)
        end = max(0, (clock.ordinal(last) - day) // every + 2)
        for turn in range(begin, end):
            opens, closes = (clock.instant(day + n * every, seconds) for n in (turn, turn + 1))
            yield opens, closes, (people[turn % len(people)],)

    def gaps(self, needed: Iterable[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
        """When somebody is needed and nobody is on duty."""
        asked = merge((micros(begins), micros(ends)) for begins, ends in needed)
        if not asked:
            return []
        held = merge((begins, ends) for begins, ends, _ in self._spells(asked[0][0], asked[-1][1]))
        return [(_instant(begins), _instant(ends)) for begins, ends in without(asked, held)]

    def inner_gaps(self) -> list[tuple[datetime, datetime]]:
        """Gaps between dated shifts that nothing below them fills."""
        if not self.dated or self.weekly or self.rotation:
            return []
        clock = LocalClock(ZoneInfo(self.timezone))
        held = merge((begins, ends) for begins, ends, _ in self._dated(clock))
        return [(_instant(a[1]), _instant(b[0])) for a, b in pairwise(held)]

    def overlaps(self) -> list[tuple[Place, Place]]:
        """Places of shifts of one layer that claim the same time: nobody could say who is meant."""
        clock = LocalClock(ZoneInfo(self.timezone))
        dated = [(clock.instant(*one.begins), clock.instant(*one.ends), one.place) for one in self.dated]
        week = 7 * DAY
        weekly = [(day * DAY + one.begins + turn * week, day * DAY + one.ends + turn * week, one.place)
                  for one in self.weekly for day in one.days for turn in (0, 1)]
        return list(dict.fromkeys([*_clashes(dated), *_clashes(weekly)]))

    @property
    def ends(self) -> datetime | None:
        """When the last dated shift ends, of a roster that has nothing else."""
        if self.weekly or self.rotation or not self.dated:
            return None
        clock = LocalClock(ZoneInfo(self.timezone))
        return max(_instant(ends) for _, ends, _ in self._dated(clock))


def _clashes(spells: Iterable[tuple[int, int, Place]]) -> Iterator[tuple[Place, Place]]:
    latest: tuple[int, int, Place] | None = None
    for spell in sorted(spells):
        if latest is not None and spell[0] < latest[1] and latest[2] != spell[2]:
            yield min(latest[2], spell[2], key=str), max(latest[2], spell[2], key=str)
        if latest is None or spell[1] > latest[1]:
            latest = spell



def _instant(at: int) -> datetime:
    return EPOCH + timedelta(microseconds=at)
