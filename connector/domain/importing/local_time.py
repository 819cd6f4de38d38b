"""Times of an exported file: many forms, mostly without a zone, to aware times in UTC."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

from connector.domain.importing.rows import Rows, zone
from connector.domain.problems import shown


def parser(rows: Rows) -> Callable[[str], datetime]:
    """A parser of the file's times, by its formats, zone and rules for the days the clock changes.

    Raises ValueError for an unreadable text, a time the clock jumped over (`gap: error`) and, with `fold: error`, one
    that came twice. PEP 495: `fold=0` of a repeated hour is the earlier, and in a gap it lands after the jump.
    """
    tz = zone(rows.timezone)

    @lru_cache(maxsize=20_000)
    def parse(raw: str) -> datetime:
        at = read(raw, rows.dates)
        if at.tzinfo is not None:
            return in_utc(at)
        first, second = at.replace(tzinfo=tz, fold=0), at.replace(tzinfo=tz, fold=1)
        result = in_utc(first)
        if first.utcoffset() == second.utcoffset():
            return result
        if result.astimezone(tz).replace(tzinfo=None, fold=0) != at.replace(fold=0):
            if rows.gap == "error":
                raise ValueError(f"{shown(raw)} does not exist in {rows.timezone}: the clock jumped over it")
            return result
        if rows.fold == "error":
            raise ValueError(f"{shown(raw)} came twice in {rows.timezone}: the clock was set back")
        return second.astimezone(UTC) if rows.fold == "later" else result

    return parse


def in_utc(at: datetime) -> datetime:
    """Raises ValueError for the first and last hours a date can hold."""
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"date out of range {shown(at.isoformat(' '))}") from None


def read(raw: str, formats: tuple[str, ...]) -> datetime:
    """By the first fitting format; ISO 8601 always fits. Raises ValueError."""
    word = raw.strip()
    for pattern in formats:
        try:
            return datetime.strptime(word, pattern)  # noqa: DTZ007 (the zone is the caller's business)
        except ValueError:
            continue
    if word.isdigit() and len(word) != 8:  # eight digits are a date in the basic form of ISO 8601
        raise ValueError(f"{shown(raw)} is a number, not a date")
    try:
        return datetime.fromisoformat(word)
    except ValueError:
        raise ValueError(f"{shown(raw)} is not a date (ISO 8601, or one of rows.dates)") from None
