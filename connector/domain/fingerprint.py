"""What the agreements in force come to, in a few letters: another text means that due times may be others.

Besides the written files it holds the opening windows as they are laid out, so that a new version of the time zone
data or of the public holidays shows as well.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import lru_cache

from connector.domain.registry import Registry
from connector.domain.windows import micros

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
    return text.hexdigest()[:16]
