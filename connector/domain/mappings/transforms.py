"""The closed set of transforms a mapping may name, each with its inverse where it has one.

A transform is written as a word (`strip`) or as a word with an argument (`{split: ","}`). The kind of value it takes
and gives is known, so that a chain is checked when the mapping is loaded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from connector.domain.problems import did_you_mean, shown

TRUE: Final = frozenset({"true", "1", "yes", "y", "on", "t"})
FALSE: Final = frozenset({"false", "0", "no", "n", "off", "f"})
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_CLOCK: Final = re.compile(r"(-?)(?:(\d+)\s*(?:d|days?),?\s+)?(\d+):([0-5]\d)(?::([0-5]\d))?$")


@dataclass(frozen=True, slots=True)
class Step:
    """One transform: `takes` and `gives` are text, list, int, float, bool or date."""

    name: str
    takes: str
    gives: str
    forward: Callable[[Any], Any]
    backward: Callable[[Any], Any] | None


def text(raw: Any) -> str:
    """A scalar as text. Raises ValueError for lists and objects. NUL, which no database keeps, becomes U+FFFD."""
    if type(raw) is str:
        return raw if "\x00" not in raw else raw.replace("\x00", "\ufffd")
    if raw is None:
        return ""
    if isinstance(raw, str):
        return str(raw)
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, float):
        if raw != raw:
            return ""
        return str(int(raw)) if raw.is_integer() and abs(raw) < 1e15 else repr(raw)
    if isinstance(raw, (int, Decimal)):
        return str(raw)
    if isinstance(raw, datetime):
        return raw.isoformat(" ")
    if isinstance(raw, date):
        return raw.isoformat()
    what = "a list" if isinstance(raw, (list, tuple, set)) else f"a {type(raw).__name__}"
    raise ValueError(f"{what} where one value was expected")


def parse(path_of_problem: Callable[[int, str], None], spec: Any, starts: str) -> list[Step]:
    """The steps of a `transform` entry; reports each mistake with its place in the list."""
    entries: Sequence[Any] = spec if isinstance(spec, list) else [spec]
    steps: list[Step] = []
    kind = starts
    for index, entry in enumerate(entries):
        try:
            step = _step(entry)
        except ValueError as error:
            path_of_problem(index, str(error))
            continue
        if step.takes != kind and not (step.takes == "text" and kind in ("int", "float", "bool")):
            path_of_problem(index, f"`{step.name}` takes a {step.takes}, but here it gets a {kind}")
        kind = step.gives
        steps.append(step)
    return steps


def _step(entry: Any) -> Step:
    if isinstance(entry, str):
        name, argument, given = entry, None, False
    elif isinstance(entry, dict) and len(entry) == 1:
        name, argument = next(iter(entry.items()))
        given = True
    else:
        raise ValueError(f"expected a transform such as `strip` or `{{split: \",\"}}`, not {shown(entry)}")
    if name in _PLAIN and not given:
        return _PLAIN[name]
    if name in _WITH_ARGUMENT and given:
        return _WITH_ARGUMENT[name](argument)
    if name in _PLAIN and name not in _WITH_ARGUMENT:
        raise ValueError(f"transform `{name}` takes no argument")
    if name in _WITH_ARGUMENT:
        raise ValueError(f"transform `{name}` needs an argument: `{{{name}: ...}}`")
    raise ValueError(f"unknown transform `{name}`{did_you_mean(str(name), NAMES)}")


def boolean(raw: Any) -> bool:
    """Raises ValueError for what is neither a plain yes nor a plain no."""
    if isinstance(raw, bool):
        return raw
    word = text(raw).strip().lower()
    if word in TRUE:
        return True
    if word in FALSE:
        return False
    raise ValueError(f"{shown(raw)} is neither true nor false")


def integer(raw: Any) -> int:
    if isinstance(raw, int):
        return int(raw)
    try:
        return int(text(raw).strip())
    except ValueError:
        raise ValueError(f"{shown(raw)} is not a whole number") from None


def decimal(raw: Any) -> float:
    try:
        value = float(raw if isinstance(raw, (int, float)) else text(raw).strip())
    except ValueError:
        raise ValueError(f"{shown(raw)} is not a number") from None
    if value in (float("inf"), float("-inf")) or value != value:
        raise ValueError(f"{shown(raw)} is not a finite number")
    return value


def seconds(raw: Any) -> int:
    """Seconds from a number, a clock text (`26:00:00`, `1 day 02:00`) or an offset from 1970-01-01 as ServiceNow
    shows durations (`1970-01-02 02:00:00`)."""
    if isinstance(raw, timedelta):
        return int(raw.total_seconds())
    if isinstance(raw, (int, float)):
        return int(raw)
    word = text(raw).strip()
    if re.fullmatch(r"-?\d+", word):
        return int(word)
    clock = _CLOCK.match(word)
    if clock:
        sign, days, hours, minutes, secs = clock.groups()
        total = int(days or 0) * 86400 + int(hours) * 3600 + int(minutes) * 60 + int(secs or 0)
        return -total if sign else total
    try:
        offset = datetime.strptime(word, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC) - _EPOCH
    except ValueError:
        raise ValueError(f"{shown(raw)} is not a duration") from None
    return int(offset.total_seconds())


def _first(items: Any) -> Any:
    return next((item for item in items if item not in (None, "")), "")


def _collapse(value: Any) -> str:
    return " ".join(text(value).split())


def _keep(value: Any) -> Any:
    return value


def _split(argument: Any) -> Step:
    separator = _word("split", argument)

    def split(value: Any) -> tuple[str, ...]:
        return tuple(part.strip() for part in text(value).split(separator) if part.strip())

    return Step("split", "text", "list", split, lambda items: separator.join(text(item) for item in items))


def _join(argument: Any) -> Step:
    separator = _word("join", argument)
    strip = separator.strip() or separator

    def join(items: Any) -> str:
        return separator.join(text(item) for item in items if item not in (None, ""))

    return Step("join", "list", "text", join, lambda value: [part.strip() for part in text(value).split(strip)])


def _prefix(argument: Any) -> Step:
    prefix = _word("prefix", argument)
    return Step("prefix", "text", "text", lambda v: prefix + text(v), lambda v: text(v).removeprefix(prefix))


def _remove_prefix(argument: Any) -> Step:
    prefix = _word("remove_prefix", argument)
    return Step("remove_prefix", "text", "text", lambda v: text(v).removeprefix(prefix), lambda v: prefix + text(v))


def _replace(argument: Any) -> Step:
    if not (isinstance(argument, list) and len(argument) == 2 and all(isinstance(a, str) for a in argument)
            and argument[0]):
        raise ValueError("`replace` needs two texts: `{replace: [old, new]}`")
    old, new = argument
    return Step("replace", "text", "text", lambda v: text(v).replace(old, new), None)


def _map(argument: Any) -> Step:
    """A table of texts; `"*"` stands for all others, which are otherwise an error."""
    if not isinstance(argument, dict) or not argument:
        raise ValueError("`map` needs a table: `{map: {from: to}}`")
    table = {text(key): text(value) for key, value in argument.items()}
    others = table.pop("*", None)
    back = {value: key for key, value in table.items()}

    def forward(value: Any) -> str:
        found = table.get(text(value), others)
        if found is None:
            raise ValueError(f"unknown value {shown(value)}")
        return found

    def backward(value: Any) -> str:
        try:
            return back[text(value)]
        except KeyError:
            raise ValueError(f"no value gives {shown(value)}") from None

    return Step("map", "text", "text", forward, backward if len(back) == len(table) else None)


def _date(argument: Any) -> Step:
    """A date in a given strptime format, handed on as ISO text for the tool's own zone to be applied."""
    pattern = time_format(_word("date", argument))

    def forward(value: Any) -> Any:
        if isinstance(value, datetime):
            return value
        try:
            at = datetime.strptime(text(value).strip(), pattern)  # noqa: DTZ007
        except ValueError:
            raise ValueError(f"{shown(value)} is not a date of the form {pattern}") from None
        return at.astimezone(UTC) if at.tzinfo else at.isoformat(" ")

    return Step("date", "text", "date", forward, None)


def time_format(pattern: str) -> str:
    """The pattern itself if strptime understands it and it holds year, month and day. Raises ValueError."""
    sample = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)
    try:
        back = datetime.strptime(sample.strftime(pattern), pattern)  # noqa: DTZ007
    except ValueError as error:
        raise ValueError(f"{shown(pattern)} is not a date format: {error}") from None
    if (back.year, back.month, back.day) != (2001, 2, 3):
        raise ValueError(f"{shown(pattern)} does not hold year, month and day")
    return pattern


def _cut(argument: Any) -> Step:
    if not isinstance(argument, int) or isinstance(argument, bool) or argument < 1:
        raise ValueError("`cut` needs a length: `{cut: 255}`")
    return Step("cut", "text", "text", lambda v: text(v)[:argument], lambda v: text(v)[:argument])


def _bool(argument: Any) -> Step:
    """Own words for yes and no: `{bool: {true: [Si], false: [No]}}`; written as the first of each."""
    table = {text(key): value for key, value in argument.items()} if isinstance(argument, dict) else {}
    if set(table) != {"true", "false"} or not all(isinstance(words, list) and words for words in table.values()):
        raise ValueError("`bool` needs the words of both: `{bool: {true: [Si], false: [No]}}`")
    yes, no = ([text(word) for word in table[key]] for key in ("true", "false"))
    if set(yes) & set(no):
        raise ValueError(f"{shown((set(yes) & set(no)).pop())} stands for both true and false")

    def forward(value: Any) -> bool:
        word = text(value)
        if word not in yes and word not in no:
            raise ValueError(f"{shown(word)} is neither true nor false")
        return word in yes

    return Step("bool", "text", "bool", forward, lambda value: yes[0] if value else no[0])


def _word(name: str, argument: Any) -> str:
    if not isinstance(argument, str) or not argument:
        raise ValueError(f"`{name}` needs a text: `{{{name}: \"...\"}}`")
    return argument


_PLAIN: Final = {
    step.name: step
    for step in (
        Step("strip", "text", "text", lambda v: text(v).strip(), _keep),
        Step("collapse", "text", "text", _collapse, _keep),
        Step("upper", "text", "text", lambda v: text(v).upper(), lambda v: text(v).upper()),
        Step("lower", "text", "text", lambda v: text(v).lower(), lambda v: text(v).lower()),
        Step("first", "list", "text", _first, lambda v: [v]),
        Step("last", "list", "text", lambda items: _first(reversed(list(items))), lambda v: [v]),
        Step("bool", "text", "bool", boolean, _keep),
        Step("int", "text", "int", integer, _keep),
        Step("float", "text", "float", decimal, _keep),
        Step("seconds", "text", "int", seconds, None),
    )
}
_WITH_ARGUMENT: Final[dict[str, Callable[[Any], Step]]] = {
    "split": _split, "join": _join, "prefix": _prefix, "remove_prefix": _remove_prefix, "replace": _replace,
    "map": _map, "date": _date, "cut": _cut, "bool": _bool,
}
NAMES: Final = tuple(dict.fromkeys((*_PLAIN, *_WITH_ARGUMENT)))
