"""Problems between the files of agreements: names that lead nowhere, doubles, ties."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from connector.domain.agreements.conditions import NEVER
from connector.domain.agreements.profile import Agreement, Profile
from connector.domain.calendars.reader import is_zone
from connector.domain.errors import Problem
from connector.domain.problems import missing, shown
from connector.domain.saying import Saying

ALWAYS: Final = "24x7"
"""The calendar that needs no file: open always."""


def unknown_calendars(profiles: Iterable[Profile], calendars: Mapping[str, Any]) -> Iterator[Problem]:
    """Calendars and zones that profiles name and nobody knows. An empty name was told before."""
    for profile in profiles:
        wanted = {profile.calendar.otherwise: "calendar"}
        for target in profile.targets:
            for amount in (*target.amounts.values(), target.otherwise):
                if amount and amount.calendar:
                    wanted.setdefault(amount.calendar, f"targets.{target.name}")
        for key, amount in profile.receiver.amounts.items() if profile.receiver is not None else ():
            if amount.calendar:
                wanted.setdefault(amount.calendar, f"receiver.{key}")
        for name, path in wanted.items():
            if name and name not in calendars and name != ALWAYS:
                yield Problem(no_calendar(name, calendars), profile.file, path=path)
        zone = profile.timezone.otherwise if profile.timezone else ""
        if zone and not is_zone(zone):
            yield Problem(_unknown_zone(zone), profile.file, path="timezone")


def no_calendar(name: str, calendars: Mapping[str, Any]) -> str:
    return missing(Saying("calendar"), name, calendars)


def _unknown_zone(zone: object) -> Saying:
    return Saying("%(value)s is not a known time zone; expected an IANA name such as Europe/Zurich", value=shown(zone))


def unknown_nests(profiles: Sequence[Profile]) -> Iterator[Problem]:
    """Profiles that nest in others and are not there, or cannot nest."""
    names = {profile.name: profile.agreement for profile in profiles}
    for profile in profiles:
        for name in profile.nests:
            if names.get(name) is Agreement.SLA:
                yield Problem(Saying(
                    "`%(name)s` is an SLA; only an OLA or UC nests in another agreement", name=name), profile.file,
                              path="nests")
            if name not in names:
                yield Problem(missing(Saying("profile"), name, names), profile.file, path="nests")


def entry_problems(entry: Mapping[str, Any], calendars: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is wrong with an entry of the directory: its key, and what."""
    zone, calendar = entry.get("timezone"), entry.get("calendar")
    if zone is not None and not is_zone(zone):
        yield "timezone", _unknown_zone(zone)
    if calendar is not None and calendar not in (*calendars, ALWAYS):
        yield "calendar", no_calendar(str(calendar), calendars)


def doubles(profiles: Sequence[Profile]) -> Iterable[Problem]:
    seen: dict[str, Profile] = {}
    for profile in profiles:
        if profile.name in seen:
            yield Problem(Saying(
                "`%(name)s` is also in %(file)s", name=profile.name,
                file=seen[profile.name].file or Saying("another file")),
                          profile.file, path="profile")
        seen[profile.name] = profile


def same_receivers(profiles: Sequence[Profile]) -> Iterable[Problem]:
    seen: dict[str, Profile] = {}
    for profile in profiles:
        if profile.receiver is None:
            continue
        other = seen.setdefault(profile.receiver.name, profile)
        if other is not profile:
            yield Problem(Saying(
                "`%(name)s` is also the receiver of %(file)s",
                name=profile.receiver.name, file=other.file or other.name), profile.file,
                          path="receiver.name")


def ties(profiles: Sequence[Profile]) -> Iterable[Problem]:
    seen: dict[tuple[Agreement, str, Hashable], Profile] = {}
    for profile in profiles:
        if profile.applies_to is NEVER:
            continue
        key = (profile.agreement, profile.party, profile.applies_to.same or profile.applies_to.text)
        if key in seen:
            yield Problem(Saying(
                "applies to the same tickets as `%(name)s`: %(applies_to)s",
                name=seen[key].name, applies_to=profile.applies_to), profile.file,
                          path="applies_to")
        seen[key] = profile
