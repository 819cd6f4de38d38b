"""`directory.yaml`: which customer, contract, service or site has which calendar and zone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from connector.domain.agreements.profile import SOURCE_FIELDS
from connector.domain.agreements.registry_checks import entry_problems
from connector.domain.problems import Problems

Directory = dict[str, dict[str, dict[str, Any]]]
"""Source (customer, contract, service, site) -> name -> entry."""
KEYS: Final = ("calendar", "timezone", "name", "note")


def read(data: Any, problems: Problems, calendars: Mapping[str, Any] | None) -> Directory:
    """What is wrong goes to `problems`; with `calendars` None, names of calendars are not checked."""
    found: Directory = {}
    if not isinstance(data, dict):
        problems.add((), "expected customers, contracts, services, sites with their entries")
        data = {}
    plurals = {f"{source}s": source for source in SOURCE_FIELDS}
    problems.keys((), data, plurals)
    for key, source in plurals.items():
        entries = data.get(key) or {}
        if not isinstance(entries, dict):
            problems.add((key,), "expected names with {calendar, timezone}")
            continue
        found[source] = {}
        for name, entry in entries.items():
            if not isinstance(entry, dict):
                problems.add((key, name), "expected {calendar, timezone}")
                continue
            problems.keys((key, name), entry, KEYS)
            for part, what in entry_problems(entry, calendars or {}):
                if part != "calendar" or calendars is not None:
                    problems.add((key, name, part), what)
            found[source][str(name)] = entry
    return found
