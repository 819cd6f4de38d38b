"""How the rows of an exported file make tickets: the `rows` section of a mapping."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from connector.domain.problems import Path, Problems, shown

GAPS: Final = ("error", "shift")
FOLDS: Final = ("earlier", "later", "error")
KEYS: Final = ("each", "time", "tie", "case", "timezone", "gap", "fold", "null", "true", "false", "dates", "actor",
               "skip", "tool", "delimiter", "encoding", "sheet", "header")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """`each` is `ticket` (a row is a ticket as it is now) or `audit` (a row is one update of a ticket).

    Times without a zone are wall clock of `timezone`. `gap`: what to do with a time that the clock jumped over
    (`error`, or `shift` it forward by the jump); `fold`: which one is meant of a time that came twice.
    `case` names columns that describe the whole ticket and were filled back onto every row, so that no row tells when.
    """

    each: str = "ticket"
    tool: str = ""
    time: str = ""
    tie: str = ""
    actor: str = ""
    case: frozenset[str] = frozenset()
    timezone: str = "UTC"
    gap: str = "error"
    fold: str = "earlier"
    null: frozenset[str] = frozenset()
    true: frozenset[str] = frozenset()
    false: frozenset[str] = frozenset()
    dates: tuple[str, ...] = ()
    skip: Mapping[str, frozenset[str]] | None = None
    delimiter: str = ""
    encoding: str = ""
    sheet: str = ""
    header: int = 1

    @classmethod
    def parse(cls, problems: Problems, path: Path, data: Any) -> Rows:
        if not isinstance(data, Mapping):
            problems.add(path, "expected a table with `each: ticket` or `each: audit`")
            return cls()
        problems.keys(path, data, KEYS)
        values: dict[str, Any] = {}
        for key in ("tool", "time", "tie", "actor", "timezone", "delimiter", "encoding", "sheet"):
            if key in data:
                values[key] = _word(problems, (*path, key), data[key])
        return cls(**values)


def _word(problems: Problems, path: Path, value: Any) -> str:
    if not isinstance(value, str) or not value:
        problems.add(path, f"expected a text, not {shown(value)}")
        return ""
    return value


def zone(name: str) -> ZoneInfo:
    """Raises ValueError for a name that is not in the zone database."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{shown(name)} is not a time zone (expected a name such as Europe/Zurich)") from None
