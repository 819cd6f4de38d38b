"""Words, dates and numbers in the reader's language. Plain Babel and Jinja: see docs/decisions/0080."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_datetime, format_skeleton, format_time, format_timedelta
from babel.numbers import format_decimal, format_percent
from babel.support import NullTranslations, Translations
from flask import Flask, g, has_request_context, request

FOLDER: Final = Path(__file__).parent / "translations"
LOCALES: Final = ("en", "en_GB", "fr", "fr_CH", "fr_CA")
"""What a person can choose. Words come by language, formats by the whole locale."""
_SPOKEN: ContextVar[tuple[str, str] | None] = ContextVar("spoken", default=None)
"""Locale and time zone of a document, which need not be those of whoever asks for it."""


@contextmanager
def speaking(name: str, timezone: str) -> Iterator[None]:
    """Within it all words, times and numbers are in this language, also outside of a request."""
    token = _SPOKEN.set((name if name in LOCALES else "en", timezone))
    try:
        yield
    finally:
        _SPOKEN.reset(token)


def _(text: str) -> str:
    return typeset(translations(locale().language).ugettext(text), locale())


def ngettext(one: str, many: str, n: int) -> str:
    return typeset(translations(locale().language).ungettext(one, many, n), locale())


@cache
def typeset(text: str, by: Locale) -> str:
    """French as it is printed: spaces that do not break before `: ; ? ! %` and within quotation marks, and curved
    apostrophes. The catalogue is written as people type. In Canada no space goes before `; ? !` (Office quebecois de
    la langue francaise, Banque de depannage linguistique: Espacement des signes de ponctuation).
    """
    if by.language != "fr":
        return text
    text = re.sub(r"(?<=[^\W\d_])'(?=[\w%<`\u00ab])", "\u2019", text)
    text = re.sub(r" (?=[:%\u00bb](?![\w(]))|(?<=\u00ab) ", "\u00a0", text)
    return re.sub(r" (?=[;?!](?!\w))", "" if by.territory == "CA" else "\u202f", text)


def mark(text: str) -> str:
    """Marks a text for translation where it is defined; `_` translates it where it is shown."""
    return text


@cache
def translations(language: str) -> NullTranslations:
    return NullTranslations() if language == "en" else Translations.load(FOLDER, [language])


def locale() -> Locale:
    """The locale of the current request: set by who is signed in, else what the browser asks for, else English."""
    spoken = _SPOKEN.get()
    if spoken is not None:
        return _parse(spoken[0])
    return _parse(getattr(g, "locale", "") or "en") if has_request_context() else _parse("en")


@cache
def _parse(name: str) -> Locale:
    return Locale.parse(name)


def zone() -> ZoneInfo:
    spoken = _SPOKEN.get()
    if spoken is not None:
        return _zone(spoken[1])
    name: str = getattr(g, "timezone", "UTC") if has_request_context() else "UTC"
    return _zone(name)


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def choose(accepted: Sequence[str], languages: Sequence[str]) -> str:
    """The first accepted locale we have (`fr-CH` before `fr`), of the offered languages; else English."""
    known = [name for name in LOCALES if name.split("_")[0] in languages]
    for asked in accepted:
        name = asked.replace("-", "_")
        for candidate in (name, name.split("_")[0]):
            for have in known:
                if have.lower() == candidate.lower():
                    return have
    return known[0] if known else "en"


def set_for_request(preferred: str, timezone: str, languages: Sequence[str]) -> None:
    g.locale = preferred if preferred in LOCALES else choose([tag for tag, _q in request.accept_languages], languages)
    g.timezone = timezone


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant as the reader sees it: to the second, to the minute, without the date when it is today."""

    iso: str
    absolute: str
    brief: str
    short: str
    relative: str
    zone: str


def moment(at: datetime, now: datetime) -> Moment:
    local = at.astimezone(zone())
    abbreviation = local.tzname() or ""
    return Moment(
        iso=at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        absolute=f"{format_datetime(local, 'medium', locale=locale())} {abbreviation}",
        brief=f"{_with_day(local, 'yMMMd')} {abbreviation}",
        short=_short(local, now.astimezone(zone())),
        relative=relative(at - now),
        zone=abbreviation,
    )


def _short(local: datetime, today: datetime) -> str:
    """The time, with the day when it is another one and the year when it is another one."""
    if local.date() == today.date():
        return format_time(local, "short", locale=locale())
    return _with_day(local, "MMMd" if local.year == today.year else "yMMMd")


def _with_day(local: datetime, skeleton: str) -> str:
    day = format_skeleton(skeleton, local, tzinfo=local.tzinfo, locale=locale())
    return f"{day}, {format_time(local, 'short', locale=locale())}"


def relative(delta: timedelta) -> str:
    """`3 minutes ago`, `in 2 hours`; `now` within five seconds."""
    if abs(delta) < timedelta(seconds=5):
        return _("now")
    return format_timedelta(delta, add_direction=True, threshold=1.1, locale=locale())


def duration(delta: timedelta) -> str:
    return format_timedelta(delta, threshold=1.1, locale=locale())


def span(amount: timedelta) -> str:
    """Hours, minutes and seconds, never rounded to minutes; the units read alike in both languages."""
    seconds = round(abs(amount).total_seconds())
    hours, minutes, rest = seconds // 3600, seconds // 60 % 60, seconds % 60
    given = [f"{number(hours)} h"] if hours else []
    given += [f"{minutes} min"] if minutes or (hours and rest) else []
    given += [f"{rest} s"] if rest or not given else []
    return ("\u2212" if amount < timedelta(0) and seconds else "") + " ".join(given)


def number(value: float, format: str | None = None) -> str:
    return format_decimal(value, format=format, locale=locale())


def percent(value: float) -> str:
    """Whole percents, one decimal below ten."""
    pattern = locale().percent_formats[None].pattern
    return format_percent(
        value, format=re.sub(r"0(?!.*0)", "0.#", pattern) if 0 < value < 0.1 else None, locale=locale()
    )


def size(count: int) -> str:
    """Bytes in decimal units; French counts octets."""
    value, unit = float(count), "B"
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            break
        value /= 1000
    unit = unit.replace("B", "o") if locale().language == "fr" else unit
    return f"{number(value, '#,##0' if unit in ('B', 'o') else '#,##0.#')} {unit}"


def install(app: Flask) -> None:
    env: Any = app.jinja_env
    env.add_extension("jinja2.ext.i18n")
    env.install_gettext_callables(_, ngettext, newstyle=True)
    env.filters.update(relative=relative, duration=duration, number=number, percent=percent, filesize=size)
    env.globals.update(current_locale=locale, moment=moment)
