"""How the rows of an exported file make tickets: the `rows` section of a mapping."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from zoneinfo import ZoneInfo

from connector.domain.mappings.transforms import text, time_format
from connector.domain.problems import Path, Problems, shown

EACH: Final = ("ticket", "audit")
GAPS: Final = ("error", "shift")
FOLDS: Final = ("earlier", "later", "error")
FIRST: Final = "@first"
"""Made column of an audit export: the time of the ticket's first row."""
TIME: Final = "@time"
"""Made column of an audit export: the time of this row."""
_WORDS: Final = ("tool", "time", "tie", "actor", "comment", "note", "timezone", "delimiter", "encoding", "sheet")
_LISTS: Final = ("null", "dates", "case")
KEYS: Final = ("each", "gap", "fold", "carry", "header", *_WORDS, *_LISTS)
_AUDIT: Final = ("time", "tie", "actor", "comment", "note", "case", "carry")


@dataclass(frozen=True, slots=True)
class Carry:
    """A column made from another: its last value that was not one of `skip` (on the first row as it is)."""

    source: str
    skip: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """`each` is `ticket` (a row is a ticket as it is now) or `audit` (a row is one update of a ticket).

    Times without a zone are wall clock of `timezone`. `gap`: what to do with a time that the clock jumped over
    (`error`, or `shift` it forward by the jump); `fold`: which one is meant of a time that came twice.
    `case` names columns that describe the whole ticket and were filled back onto every row, so that no row tells when.
    `tie` orders rows of one ticket at one time; without it the order of the file does. `null` lists texts that mean
    "not known". `dates` are strptime formats tried besides ISO 8601.
    """

    each: str = "ticket"
    tool: str = ""
    time: str = ""
    tie: str = ""
    actor: str = ""
    comment: str = ""
    note: str = ""
    case: frozenset[str] = frozenset()
    carry: Mapping[str, Carry] = field(default_factory=dict)
    timezone: str = "UTC"
    gap: str = "error"
    fold: str = "earlier"
    null: frozenset[str] = frozenset()
    dates: tuple[str, ...] = ()
    delimiter: str = ""
    encoding: str = ""
    sheet: str = ""
    header: int = 1

    @property
    def audit(self) -> bool:
        return self.each == "audit"

    def reads(self) -> frozenset[str]:
        """Columns the section itself names."""
        named = {self.time, self.tie, self.actor, self.comment, self.note, *self.case}
        return frozenset(named | {carry.source for carry in self.carry.values()}) - {""}

    def makes(self) -> frozenset[str]:
        """Columns that are not in the file but made while reading it."""
        return frozenset({FIRST, TIME, *self.carry}) if self.audit else frozenset()

    @classmethod
    def parse(cls, problems: Problems, path: Path, data: Any) -> Rows:
        if not isinstance(data, Mapping):
            problems.add(path, "expected a table with `each: ticket` or `each: audit`")
            return cls()
        problems.keys(path, data, KEYS)
        values: dict[str, Any] = {key: _word(problems, (*path, key), data[key]) for key in _WORDS if key in data}
        for key, allowed in (("each", EACH), ("gap", GAPS), ("fold", FOLDS)):
            if key in data:
                values[key] = _one_of(problems, (*path, key), data[key], allowed)
        for key in _LISTS:
            if key in data:
                values[key] = _list(problems, (*path, key), data[key])
        values["null"] = frozenset(values.get("null", ()))
        values["case"] = frozenset(values.get("case", ()))
        values["carry"] = _carry(problems, (*path, "carry"), data.get("carry", {}))
        if "header" in data:
            values["header"] = _header(problems, (*path, "header"), data["header"])
        _check(problems, path, data, values)
        return cls(**{key: value for key, value in values.items() if value != ""})


def _check(problems: Problems, path: Path, data: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    if "each" not in data:
        problems.add(path, "`each` is missing: `ticket` if a row is a ticket, `audit` if a row is one update of it")
    if values.get("each") == "audit" and "time" not in data:
        problems.add(path, "`time` is missing: the column that says when a row was written")
    if values.get("each") == "ticket":
        for key in _AUDIT:
            if key in data:
                problems.add((*path, key), f"`{key}` is for `each: audit` only")
    if values.get("time") and values["time"] in values["case"]:
        problems.add((*path, "time"), "the time of a row cannot be an attribute of the case")
    if values.get("timezone"):
        try:
            zone(values["timezone"])
        except ValueError as error:
            problems.add((*path, "timezone"), str(error))
    for index, pattern in enumerate(values.get("dates", ())):
        try:
            time_format(pattern)
        except ValueError as error:
            problems.add((*path, "dates", index), str(error))
    if len(values.get("delimiter", "")) > 1 and values["delimiter"] != "\\t":
        problems.add((*path, "delimiter"), "expected one character")
    elif values.get("delimiter", "") in ('"', "\n", "\r", "\0") and "delimiter" in values:
        problems.add((*path, "delimiter"), f"{shown(values['delimiter'])} cannot stand between cells")


def _word(problems: Problems, path: Path, value: Any) -> str:
    if not isinstance(value, str) or not value:
        problems.add(path, f"expected a text, not {shown(value)}")
        return ""
    return value


def _one_of(problems: Problems, path: Path, value: Any, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        problems.add(path, f"{shown(value)} is not one of {', '.join(allowed)}")
        return ""
    return str(value)


def _list(problems: Problems, path: Path, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or any(isinstance(item, (list, dict)) or item is None for item in value):
        problems.add(path, "expected a list of texts")
        return ()
    return tuple(text(item) for item in value)


def _carry(problems: Problems, path: Path, value: Any) -> dict[str, Carry]:
    result: dict[str, Carry] = {}
    if not isinstance(value, Mapping):
        problems.add(path, "expected a table of made columns: `{name: {from: column, skip: [...]}}`")
        return result
    for name, spec in value.items():
        here = (*path, name)
        if not isinstance(spec, Mapping) or set(spec) != {"from", "skip"}:
            problems.add(here, "expected `{from: column, skip: [values that say nothing]}`")
            continue
        source = _word(problems, (*here, "from"), spec["from"])
        result[str(name)] = Carry(source, frozenset(_list(problems, (*here, "skip"), spec["skip"])))
    return result


def _header(problems: Problems, path: Path, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 1000:
        problems.add(path, "expected the number of the row that holds the column names, from 1")
        return 1
    return value


def zone(name: str) -> ZoneInfo:
    """Raises ValueError for a name that is not in the zone database."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{shown(name)} is not a time zone (expected a name such as Europe/Zurich)") from None
