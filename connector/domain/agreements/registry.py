"""All profiles, calendars and directory entries in force, and which of them speak for a ticket."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from operator import itemgetter
from typing import Any, Final

from msgspec import Struct

from connector.domain.agreements.profile import SOURCE_FIELDS, Agreement, Chain, Profile, Responder
from connector.domain.agreements.registry_checks import (
    ALWAYS,
    doubles,
    entry_problems,
    no_calendar,
    same_receivers,
    ties,
    unknown_calendars,
    unknown_nests,
)
from connector.domain.calendar import ServiceCalendar
from connector.domain.errors import ConfigError, Problem
from connector.domain.escalations.rules import Rule
from connector.domain.handoffs.receiver import Receiver
from connector.domain.major.procedure import Continuity, Process
from connector.domain.notices.informing import Informing
from connector.domain.notices.people import NOBODY, People
from connector.domain.notices.template import NONE, Templates
from connector.domain.requests.catalogue import Item

Winners = tuple[frozenset[str], tuple[str, ...]]
"""Names of the profiles that speak, and ties in words."""
MOST_REMEMBERED: Final = 20_000


class Hours(Struct, frozen=True, gc=False):
    """The calendar that holds for a ticket, and where it and its zone came from."""

    calendar: ServiceCalendar
    source: str
    zone_source: str


@dataclass(frozen=True, eq=False, slots=True)
class InForce:
    """Profiles that hold together, and what they ask for. Made once for many tickets."""

    profiles: tuple[Profile, ...]
    fields: frozenset[str]
    """Facts that can change what any of them says."""
    asked: frozenset[str]
    """Facts that decide which of them apply."""
    calling: tuple[Profile, ...]
    """Those that may call a ticket a major incident."""
    judging: frozenset[str]
    """Facts that decide whether they do."""
    answered: tuple[tuple[Responder, tuple[Profile, ...]], ...]
    """The profiles by whose messages count as an answer to them."""
    _key: Callable[[Mapping[str, Any]], Any]
    _won: dict[Any, Winners] = field(default_factory=dict)

    @classmethod
    def of(cls, profiles: Iterable[Profile]) -> InForce:
        held = tuple(profiles)
        asked = frozenset().union(*[profile.applies_to.fields for profile in held])
        calling = tuple([profile for profile in held if profile.major.weight])
        return cls(held, frozenset().union(*[profile.fields for profile in held]), asked, calling,
                   frozenset().union(*[profile.major.fields | profile.plan_fields for profile in calling]),
                   tuple([(responder, tuple([profile for profile in held if profile.responder == responder]))
                          for responder in dict.fromkeys([profile.responder for profile in held])]),
                   itemgetter(*sorted(asked)) if asked else lambda facts: None)

    def winners(self, facts: Mapping[str, Any]) -> Winners:
        """`winners` of these profiles; tickets that look alike are asked about once."""
        key = self._key(facts)
        found = self._won.get(key)
        if found is None:
            if len(self._won) >= MOST_REMEMBERED:
                self._won.clear()
            found = self._won[key] = winners(self.profiles, facts)
        return found


@dataclass(frozen=True, eq=False)
class Registry:
    """Immutable; each reading of the files is one of its own.

    `calendars` are written calendars by name; `directory` is kind -> name -> {calendar, timezone}.
    """

    profiles: tuple[Profile, ...]
    calendars: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    directory: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    older: Mapping[tuple[str, str], Profile] = field(default_factory=dict)
    """Earlier versions that running clocks still hold, by (name, version)."""
    people: People = NOBODY
    """Who works here, now: people and rosters have no versions."""
    templates: Templates = NONE
    """What messages say."""
    escalations: Mapping[str, Rule] = field(default_factory=dict)
    older_escalations: Mapping[tuple[str, str], Rule] = field(default_factory=dict)
    """Every kept version of a ladder, that in force included."""
    informing: tuple[Informing, ...] = ()
    """What requesters are told without asking."""
    majors: tuple[Process, ...] = ()
    """How major incidents are treated."""
    continuity: tuple[Continuity, ...] = ()
    """Procedures for services that fail."""
    catalogue: tuple[Item, ...] = ()
    """What can be requested, and what is then done."""
    _built: dict[tuple[str, str, str], ServiceCalendar] = field(default_factory=dict, compare=False)

    @classmethod
    def checked(
        cls,
        profiles: Sequence[Profile],
        calendars: Mapping[str, Mapping[str, Any]],
        directory: Mapping[str, Mapping[str, Mapping[str, Any]]] | None = None,
        older: Mapping[tuple[str, str], Profile] | None = None,
        people: People = NOBODY,
        templates: Templates = NONE,
        escalations: Sequence[Rule] = (),
        older_escalations: Mapping[tuple[str, str], Rule] | None = None,
    ) -> Registry:
        """Raises ConfigError with every problem between the files: names that lead nowhere, doubles, ties."""
        made = cls(tuple(profiles), dict(calendars), directory or {}, older or {}, people, templates,
                   {rule.name: rule for rule in escalations}, older_escalations or {})
        problems = [*doubles(profiles), *same_receivers(profiles), *ties(profiles),
                    *unknown_calendars(profiles, made.calendars), *unknown_nests(profiles)]
        for source, entries in made.directory.items():
            for name, entry in entries.items():
                problems += [Problem(what, path=f"directory.{source}.{name}.{key}")
                             for key, what in entry_problems(entry, made.calendars)]
        if problems:
            raise ConfigError(problems)
        return made

    @cached_property
    def in_force(self) -> InForce:
        return InForce.of(self.profiles)

    @cached_property
    def receivers(self) -> Mapping[str, Receiver]:
        """Who may be handed work, by name."""
        return {profile.receiver.name: profile.receiver for profile in self.profiles if profile.receiver is not None}

    def at(self, name: str, version: str) -> Profile | None:
        """A profile in exactly this version, in force or kept."""
        for profile in self.profiles:
            if profile.name == name and profile.version == version:
                return profile
        return self.older.get((name, version))

    @cached_property
    def escalation_fields(self) -> frozenset[str]:
        """Facts that the ladders in force ask for."""
        return frozenset().union(*(rule.fields for rule in self.escalations.values()))

    def escalation(self, name: str, version: str, start: datetime) -> Rule | None:
        """A ladder in one version, or ("") in the one that was in force at `start`; the first, if that is before all.
        """
        current = self.escalations.get(name)
        if not version and current is not None and current.since <= start:
            return current
        if version and current is not None and current.version == version:
            return current
        kept = [rule for (one, _), rule in self.older_escalations.items() if one == name]
        if version:
            return next((rule for rule in kept if rule.version == version), None)
        kept.sort(key=lambda rule: rule.since)
        return next((rule for rule in reversed(kept) if rule.since <= start), kept[0] if kept else None)

    def chained(self, rule: Rule, chain: Chain, facts: Mapping[str, Any]) -> ServiceCalendar:
        """A calendar of a ladder, as its version knows it. Raises ConfigError when it cannot be."""
        directory = self.directory if rule.directory is None else rule.directory
        calendars = self.calendars if rule.calendars is None else rule.calendars
        name, _ = _find(chain, facts, "calendar", directory)
        zone = _find(rule.timezone, facts, "timezone", directory)[0] if rule.timezone else ""
        return self._calendar("" if rule.calendars is None else f"/{rule.name}/{rule.version}", name, zone, calendars)

    def hours(self, profile: Profile, facts: Mapping[str, Any], named: str | None = None) -> Hours:
        """The calendar of a profile for these facts; `named` (a target's own calendar) wins over the chain."""
        directory = self.directory if profile.directory is None else profile.directory
        name, source = (named, "target") if named else _find(profile.calendar, facts, "calendar", directory)
        zone, zone_source = ("", "calendar")
        if profile.timezone is not None:
            zone, zone_source = _find(profile.timezone, facts, "timezone", directory)
        return Hours(self.calendar(name, zone, profile), source, zone_source)

    def calendar(self, name: str, zone: str = "", profile: Profile | None = None) -> ServiceCalendar:
        """A calendar by name, in its own zone or another, as a profile's version knows it.

        Raises ConfigError when it cannot be.
        """
        if profile is None or profile.calendars is None:
            return self._calendar("", name, zone, self.calendars)
        return self._calendar(profile.version, name, zone, profile.calendars)

    def _calendar(
        self, owner: str, name: str, zone: str, calendars: Mapping[str, Mapping[str, Any]]
    ) -> ServiceCalendar:
        key = (owner, name, zone)
        found = self._built.get(key)
        if found is None:
            data = calendars.get(name)
            if data is None and name == ALWAYS:
                data = {"timezone": "UTC", "hours": ALWAYS}
            if data is None:
                raise ConfigError([Problem(no_calendar(name, self.calendars))])
            data = {**data, "timezone": zone} if zone else data
            found = self._built[key] = ServiceCalendar.from_dict(data, name=name)
        return found


def _find(
    chain: Chain, facts: Mapping[str, Any], attribute: str, directory: Mapping[str, Mapping[str, Mapping[str, Any]]]
) -> tuple[str, str]:
    for source in chain.sources:
        name = facts.get(SOURCE_FIELDS[source])
        entry = directory[source].get(str(name)) if name and source in directory else None
        if entry and entry.get(attribute):
            return str(entry[attribute]), f"{source} {name}"
    return chain.otherwise, "profile"


def winners(profiles: Iterable[Profile], facts: Mapping[str, Any]) -> Winners:
    """Names of the profiles that speak for these facts, and ties in words.

    Of each kind of agreement and party the most specific profile that applies wins; a tie leaves none of them.
    """
    best: dict[tuple[Agreement, str], list[Profile]] = {}
    for profile in profiles:
        if not profile.applies_to.holds(facts):
            continue
        place = (profile.agreement, profile.party)
        held = best.get(place)
        if held is None or profile.applies_to.weight > held[0].applies_to.weight:
            best[place] = [profile]
        elif profile.applies_to.weight == held[0].applies_to.weight:
            held.append(profile)
    tied = (f"{kind}: {' and '.join(p.name for p in held)} apply alike; make one more specific"
            for (kind, _), held in best.items() if len(held) > 1)
    return frozenset(held[0].name for held in best.values() if len(held) == 1), tuple(tied)
