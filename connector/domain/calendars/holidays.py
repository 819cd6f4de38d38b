"""Closed dates that follow a rule: public holidays of a country and its parts, and dates that return every year."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import holidays as library

from connector.domain.calendars.windows import YearRule


def public_holidays(spec: Mapping[str, Any]) -> YearRule:
    """Rule for `{country, subdivision, language, categories}`. Raises ValueError naming what is unknown."""
    country = str(spec["country"])
    subdivision = None if spec.get("subdivision") is None else str(spec["subdivision"])
    supported = library.list_supported_countries(include_aliases=True)
    if country not in supported:
        raise ValueError(f"no public holidays are known for country {country!r}; expected an ISO 3166 code such as CH")
    if subdivision is not None and subdivision not in (*supported[country], *_other_names(country)):
        raise ValueError(f"{country} has no subdivision {subdivision!r}; expected one of "
                         f"{', '.join(supported[country]) or 'none'}")
    categories, language = _categories(spec), spec.get("language")
    languages = library.list_localized_countries(include_aliases=True).get(country, [])
    if language is not None and language not in languages:
        raise ValueError(f"{country} has no holiday names in language {language!r}; expected one of "
                         f"{', '.join(languages) or 'none'}")

    named = language or _plain_language(country)

    @lru_cache(maxsize=512)
    def rule(year: int) -> Mapping[date, str]:
        return _named(country, subdivision, categories, year, named)

    try:
        rule(2026)
    except (NotImplementedError, ValueError) as error:
        raise ValueError(f"public holidays of {country}: {error}") from None
    return rule


def _other_names(country: str) -> tuple[str, ...]:
    """What the subdivisions of a country are called besides their codes."""
    return tuple(getattr(getattr(library, country, None), "subdivisions_aliases", ()))


def known_to(country: str) -> date:
    """The last date up to which the library knows the public holidays of a country that `public_holidays` takes."""
    return date(library.country_holidays(country).end_year, 12, 31)


def _plain_language(country: str) -> str | None:
    """English where there is any. Without a language the library would take that of the machine: names would differ
    from one host to the next."""
    languages = library.list_localized_countries(include_aliases=True).get(country, [])
    named = next((name for name in ("en_US", "en_GB", "en") if name in languages), None)
    return named or getattr(getattr(library, country, None), "default_language", None)


def _named(country: str, subdivision: str | None, categories: tuple[str, ...], year: int, language: str | None
           ) -> Mapping[date, str]:
    found = library.country_holidays(country, subdiv=subdivision, years=year, language=language,
                                     categories=categories, expand=False)
    return {day: str(name) for day, name in found.items()}


def translated(spec: Mapping[str, Any], day: date, name: str, language: str) -> str:
    """What the public holiday `name` of `{country, ...}` on that day is called in a language (`fr`); "" where that is
    not known, where the spec calls the day otherwise, and where it names a language itself. `spec` is one that
    `public_holidays` takes."""
    country = str(spec["country"])
    languages = library.list_localized_countries(include_aliases=True).get(country, [])
    found = next((name for name in languages if name.split("_")[0] == language), None)
    if found is None or spec.get("language") is not None:
        return ""
    subdivision = None if spec.get("subdivision") is None else str(spec["subdivision"])
    asked = country, subdivision, _categories(spec), day.year
    return _cached(*asked, found).get(day, "") if _cached(*asked, _plain_language(country)).get(day) == name else ""


_cached = lru_cache(maxsize=512)(_named)


def _categories(spec: Mapping[str, Any]) -> tuple[str, ...]:
    value = spec.get("categories", ["public"])
    if isinstance(value, (list, tuple)) and value and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise ValueError(f"{value!r} is not a list of holiday categories; expected one such as [public]")


def every_year(first: str, last: str, name: str) -> YearRule:
    """Rule for the dates MM-DD to MM-DD of every year, over new year when `last` is earlier; 02-29 in leap years."""
    begins, ends = _month_day(first), _month_day(last)

    @lru_cache(maxsize=512)
    def rule(year: int) -> Mapping[date, str]:
        found: dict[date, str] = {}
        for start_year in (year - 1, year):
            end_year = start_year if ends >= begins else start_year + 1
            day, until = _at_or_after(start_year, begins), _at_or_before(end_year, ends)
            while day <= until:
                if day.year == year:
                    found[day] = name
                day += timedelta(days=1)
        return found

    return rule


def _month_day(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d\d)-(\d\d)", text)
    if match:
        month, day = int(match[1]), int(match[2])
        try:
            date(2024, month, day)
        except ValueError:
            pass
        else:
            return month, day
    raise ValueError(f"{text!r} is not a date of the year; expected MM-DD")


def _at_or_after(year: int, when: tuple[int, int]) -> date:
    return date(year, 3, 1) if when == (2, 29) and not _leap(year) else date(year, *when)


def _at_or_before(year: int, when: tuple[int, int]) -> date:
    return date(year, 2, 28) if when == (2, 29) and not _leap(year) else date(year, *when)


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
