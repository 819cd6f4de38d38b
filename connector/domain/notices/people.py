"""People, their groups and the line above them: who is meant, and how they want to be reached. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo

from connector.domain.calendars.windows import DAY, EPOCH, LocalClock, merge, micros
from connector.domain.notices.roster import Roster


class Severity(StrEnum):
    """How much a message matters. Critical ones break quiet hours and are never held for a digest."""

    CRITICAL = "critical"
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


class Way(StrEnum):
    """How a person is reached; also the name of the channel that does it."""

    MAIL = "mail"
    CHAT = "chat"
    SMS = "sms"


WAYS: Final[Mapping[Severity, tuple[Way, ...]]] = {
    Severity.CRITICAL: (Way.SMS, Way.CHAT, Way.MAIL),
    Severity.HIGH: (Way.CHAT, Way.MAIL, Way.SMS),
    Severity.NORMAL: (Way.MAIL, Way.CHAT, Way.SMS),
    Severity.LOW: (Way.MAIL, Way.CHAT, Way.SMS),
}
"""The order in which ways are tried where a person has no wish; those a person lacks are left out."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """Local hours in which only critical messages come: on some weekdays (0 is Monday), `ends` past 86,400 next day."""

    days: tuple[int, ...]
    begins: int
    ends: int


@dataclass(frozen=True, slots=True)
class Person:
    """`secrets` says where an address that holds a secret is found: way -> (`env` or `file`, name)."""

    id: str
    name: str
    email: str = ""
    secrets: Mapping[Way, tuple[str, str]] = field(default_factory=dict)
    logins: Mapping[str, str] = field(default_factory=dict)
    language: str = "en"
    timezone: str = "UTC"
    quiet: tuple[Quiet, ...] = ()
    wishes: Mapping[Severity, tuple[Way, ...]] = field(default_factory=dict)
    manager: str = ""
    file: str = ""

    def has(self, way: Way) -> bool:
        return bool(self.email) if way is Way.MAIL else way in self.secrets

    def ways(self, severity: Severity) -> tuple[Way, ...]:
        """How to reach them, best first; a way follows when the one before failed."""
        return self.wishes.get(severity) or tuple(way for way in WAYS[severity] if self.has(way))

    def quiet_until(self, at: datetime) -> datetime | None:
        """When their quiet hours end, or None when `at` is not in them."""
        if not self.quiet:
            return None
        clock, now = LocalClock(ZoneInfo(self.timezone)), micros(at)
        today = clock.ordinal(now)
        spells = merge((clock.instant(day, one.begins), clock.instant(day, one.ends))
                       for day in range(today - 2, today + 9) for one in self.quiet if (day - 1) % 7 in one.days)
        ends = next((ends for begins, ends in spells if begins <= now < ends), None)
        return None if ends is None else EPOCH + timedelta(microseconds=ends)


@dataclass(frozen=True, slots=True)
class Group:
    """`tools`: what each tool calls it; where it is not said, its own id."""

    id: str
    name: str
    level: int | None = None
    members: tuple[str, ...] = ()
    lead: str = ""
    tools: Mapping[str, str] = field(default_factory=dict)
    duty: Roster | None = None
    file: str = ""

    def name_in(self, tool: str) -> str:
        return self.tools.get(tool, self.id)


@dataclass(frozen=True, eq=False)
class People:
    """Everybody, by id. Lists come without doubles, in the order of the files."""

    people: Mapping[str, Person] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.people)

    @cached_property
    def levels(self) -> frozenset[int]:
        return frozenset(group.level for group in self.groups.values() if group.level is not None)

    @cached_property
    def _logins(self) -> dict[tuple[str, str], str]:
        return {(tool, login.casefold()): person.id for person in self.people.values()
                for tool, login in person.logins.items()}

    @cached_property
    def _names(self) -> dict[tuple[str, str], str]:
        return {(tool, name.casefold()): group.id for group in self.groups.values()
                for tool, name in group.tools.items()}

    def by_login(self, tool: str, login: str) -> Person | None:
        """Who works under this name in a tool."""
        return self.people.get(self._logins.get((tool, login.casefold()), ""))

    def by_email(self, email: str) -> Person | None:
        wanted = email.strip().casefold()
        return next((p for p in self.people.values() if wanted and p.email.casefold() == wanted), None)

    def group_in(self, tool: str, name: str) -> Group | None:
        """The group that a tool calls so."""
        known = self.groups.get(self._names.get((tool, name.casefold()), ""))
        plain = self.groups.get(name)
        return known or (plain if plain is not None and tool not in plain.tools else None)

    def of_level(self, level: int) -> tuple[Group, ...]:
        return tuple(group for group in self.groups.values() if group.level == level)

    def members(self, *groups: Group) -> tuple[Person, ...]:
        return self._people(member for group in groups for member in group.members)

    def lead(self, group: Group) -> Person | None:
        return self.people.get(group.lead)

    def on_duty(self, *groups: Group, at: datetime) -> tuple[Person, ...]:
        """Exactly those on the rosters at `at`; nobody where there is a gap or no roster."""
        return self._people(person for group in groups if group.duty for person in group.duty.who(at))

    def reachable(self, *groups: Group, at: datetime) -> tuple[Person, ...]:
        """Who is on duty, else the leads, else all members: a message to a group never reaches nobody."""
        return (self.on_duty(*groups, at=at) or self._people(group.lead for group in groups)
                or self.members(*groups))

    def line(self, person: Person) -> tuple[Person, ...]:
        """The managers above a person, from their own up to the director."""
        found: list[Person] = []
        above = self.people.get(person.manager)
        while above is not None and above not in found and above != person:
            found.append(above)
            above = self.people.get(above.manager)
        return tuple(found)

    def manager(self, person: Person, level: int) -> Person | None:
        """So many levels up, at most the director; None for who has nobody above."""
        line = self.line(person)
        return line[min(level, len(line)) - 1] if line and level > 0 else None

    def _people(self, ids: Iterator[str] | list[str] | tuple[str, ...]) -> tuple[Person, ...]:
        return tuple(self.people[id] for id in dict.fromkeys(ids) if id in self.people)


NOBODY: Final = People()
_WEEK: Final = 7 * DAY


def always_quiet(quiet: tuple[Quiet, ...]) -> bool:
    """Whether quiet hours leave no moment of a week free."""
    held = merge((day * DAY + one.begins + turn * _WEEK, day * DAY + one.ends + turn * _WEEK)
                 for one in quiet for day in one.days for turn in (0, 1, 2))
    return any(begins <= _WEEK and ends >= 2 * _WEEK for begins, ends in held)
