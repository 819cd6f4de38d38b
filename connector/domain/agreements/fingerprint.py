"""What the agreements in force come to, in a few letters: another text means that due times may be others.

Besides the written files it holds the opening windows as they are laid out, so that a new version of the time zone
data or of the public holidays shows as well.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache

import orjson

from connector.domain.agreements.registry import Registry
from connector.domain.calendar import ServiceCalendar
from connector.domain.calendars.windows import micros
from connector.domain.errors import ConfigError

YEARS = 3


@lru_cache(maxsize=4)
def fingerprint(registry: Registry, year: int) -> str:
    """Of a registry, with its calendars from the year before `year` on."""
    text = hashlib.sha256()
    for profile in sorted(registry.profiles, key=lambda profile: profile.name):
        text.update(f"{profile.name} {profile.version}\n".encode())
    for rule in sorted(registry.escalations.values(), key=lambda rule: rule.name):
        text.update(f"ladder {rule.name} {rule.version}\n".encode())
    first, last = (micros(datetime(one, 1, 1, tzinfo=UTC)) for one in (year - 1, year + YEARS))
    zones = {str(entry["timezone"]) for entries in registry.directory.values() for entry in entries.values()
             if entry.get("timezone")}
    zones |= {profile.timezone.otherwise for profile in registry.profiles if profile.timezone}
    for name in sorted(registry.calendars):
        for zone in ("", *sorted(zones)):
            windows = tuple(registry.calendar(name, zone).windows_micros(first, last))
            text.update(f"{name} {zone} {windows}\n".encode())
    for data in _kept(registry):
        with suppress(ConfigError):  # one that this program no longer takes: its clocks say so themselves
            windows = tuple(ServiceCalendar.from_dict(orjson.loads(data)).windows_micros(first, last))
            text.update(f"{data!r} {windows}\n".encode())
    return text.hexdigest()[:16]


def _kept(registry: Registry) -> list[bytes]:
    """Calendars, as JSON, that only earlier versions know: running clocks may still count on them."""
    found = {orjson.dumps(data, option=orjson.OPT_SORT_KEYS)
             for profile in registry.older.values() for data in (profile.calendars or {}).values()}
    return sorted(found - {orjson.dumps(data, option=orjson.OPT_SORT_KEYS) for data in registry.calendars.values()})
