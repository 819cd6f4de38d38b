"""What each field of a ticket may hold: checks of canonical values, used by mappings in both directions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from connector.domain.mappings.transforms import boolean, integer, text
from connector.domain.problems import shown
from connector.domain.ticket import FIELDS, PRIORITIES, STAMPS, Kind, PendingOn, Scale, State, Value

MAPPED: Final[tuple[str, ...]] = (*FIELDS, *sorted(STAMPS))
"""Every field a mapping may fill, besides `custom.<name>`."""
REQUIRED: Final = ("kind", "state", "opened_at", "updated_at")
DATES: Final = frozenset({"opened_at", "updated_at", "resolved_at", "closed_at", "due_at"})
NAMES: Final[dict[str, tuple[str, ...]]] = {
    "kind": tuple(Kind),
    "state": tuple(State),
    "pending_on": tuple(PendingOn),
    "impact": tuple(Scale),
    "urgency": tuple(Scale),
    "priority": PRIORITIES,
}
"""Fields with a fixed list of values."""
LEVELS: Final = range(1, 5)

When = Callable[[str], datetime | None]
"""A tool's date parser: raw text to an aware time in UTC, None for "not set"; raises ValueError."""


def kind_of(field: str) -> str:
    """What a field holds: names, date, level, flag, list, custom or text."""
    if field in NAMES:
        return "names"
    if field in DATES:
        return "date"
    return {"level": "level", "deleted": "flag", "tags": "list"}.get(field, "custom" if "." in field else "text")


def canonical(field: str, value: Any) -> Value:
    """A canonical value as a person wrote it in YAML, or as a patch brings it. Raises ValueError."""
    if value is None:
        return None
    what = kind_of(field)
    if what == "names":
        return _name(field, value)
    if what == "level":
        return level(value)
    if what == "flag":
        return boolean(value)
    if what == "list":
        return tags(value)
    if what == "date":
        return aware(value)
    if what == "custom":
        return scalar(value)
    return text(value)


_ENUMS: Final[dict[str, Callable[[str], Value]]] = {
    "kind": Kind, "state": State, "pending_on": PendingOn, "impact": Scale, "urgency": Scale, "priority": str,
}


def _name(field: str, value: Any) -> Value:
    if value not in NAMES[field]:
        raise ValueError(f"{shown(value)} is not a {field} (expected one of {', '.join(NAMES[field])})")
    return _ENUMS[field](str(value))


def level(value: Any) -> int:
    number = integer(value)
    if isinstance(value, bool) or number not in LEVELS:
        raise ValueError(f"{shown(value)} is not a support level (expected 1, 2, 3 or 4)")
    return number


def tags(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"{shown(value)} is not a list")
    return tuple(text(item) for item in value if item not in (None, ""))


def scalar(value: Any) -> Value:
    """A custom value: text, number or truth value, as it comes."""
    return value if isinstance(value, (bool, int)) else (value if isinstance(value, float) and value == value
                                                         and abs(value) != float("inf") else text(value))


def aware(value: Any) -> datetime:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError(f"{shown(value)} is not a time with a zone")
    return value.astimezone(UTC)


def reader(field: str) -> Callable[[Any, When], Value]:
    """Turns a raw, non-empty value without a values table into the field's own kind."""
    what = kind_of(field)
    if what == "text":
        return _read_text
    if what == "date":
        return read_date
    if what == "names":
        return lambda raw, when: _name(field, text(raw))
    plains: dict[str, Callable[[Any], Value]] = {"level": level, "flag": boolean, "list": tags, "custom": scalar}
    plain = plains[what]
    return lambda raw, when: plain(raw)


def _read_text(raw: Any, when: When) -> Value:
    return raw if type(raw) is str and "\x00" not in raw else text(raw)


def read_date(raw: Any, when: When) -> Value:
    if isinstance(raw, datetime):
        if raw.tzinfo is not None:
            return raw.astimezone(UTC)
        raw = raw.isoformat(" ")
    try:
        at = when(raw if type(raw) is str else text(raw))
    except ValueError as error:
        why = f": {error}" if shown(raw) in str(error) else f" {shown(raw)}"
        raise ValueError(f"unreadable date{why}") from None
    except (OverflowError, TypeError):
        raise ValueError(f"date out of range {shown(raw)}") from None
    if at is not None and at.tzinfo is None:
        raise ValueError(f"date without a zone {shown(raw)}")
    return at
