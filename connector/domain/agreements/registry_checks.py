"""Problems between the files of agreements: names that lead nowhere, doubles, ties."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from connector.domain.agreements.conditions import NEVER
from connector.domain.agreements.profile import Agreement, Profile
from connector.domain.calendars.reader import is_zone
from connector.domain.errors import Problem
from connector.domain.problems import did_you_mean, shown

ZONE_EXPECTED: Final = "expected an IANA name such as Europe/Zurich"
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
            yield Problem(f"{shown(zone)} is not a known time zone; {ZONE_EXPECTED}", profile.file, path="timezone")


def no_calendar(name: str, calendars: Mapping[str, Any]) -> str:
    return f"there is no calendar `{name}`{did_you_mean(name, calendars)}"


def unknown_nests(profiles: Sequence[Profile]) -> Iterator[Problem]:
    """Profiles that nest in others and are not there, or cannot nest."""
    names = {profile.name: profile.agreement for profile in profiles}
    for profile in profiles:
        for name in profile.nests:
            if names.get(name) is Agreement.SLA:
                yield Problem(f"`{name}` is an SLA; only an OLA or UC nests in another agreement", profile.file,
                              path="nests")
            if name not in names:
                yield Problem(f"there is no profile `{name}`{did_you_mean(name, names)}", profile.file, path="nests")


def entry_problems(entry: Mapping[str, Any], calendars: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is wrong with an entry of the directory: its key, and what."""
    zone, calendar = entry.get("timezone"), entry.get("calendar")
    if zone is not None and not is_zone(zone):
        yield "timezone", f"{shown(zone)} is not a known time zone; {ZONE_EXPECTED}"
    if calendar is not None and calendar not in (*calendars, ALWAYS):
        yield "calendar", no_calendar(str(calendar), calendars)


def doubles(profiles: Sequence[Profile]) -> Iterable[Problem]:
    seen: dict[str, Profile] = {}
    for profile in profiles:
        if profile.name in seen:
            yield Problem(f"profile `{profile.name}` is also in {seen[profile.name].file or 'another file'}",
                          profile.file, path="profile")
        seen[profile.name] = profile


def same_receivers(profiles: Sequence[Profile]) -> Iterable[Problem]:
    seen: dict[str, Profile] = {}
    for profile in profiles:
        if profile.receiver is None:
            continue
        other = seen.setdefault(profile.receiver.name, profile)
        if other is not profile:
            yield Problem(f"`{profile.receiver.name}` is also the receiver of {other.file or other.name}", profile.file,
                          path="receiver.name")


def ties(profiles: Sequence[Profile]) -> Iterable[Problem]:
    seen: dict[tuple[Agreement, str, Hashable], Profile] = {}
    for profile in profiles:
        if profile.applies_to is NEVER:
            continue
        key = (profile.agreement, profile.party, profile.applies_to.same or profile.applies_to.text)
        if key in seen:
            yield Problem(f"applies to the same tickets as `{seen[key].name}`: {profile.applies_to}", profile.file,
                          path="applies_to")
        seen[key] = profile
