"""The values table of one field: raw keys to canonical values, and the one raw value that each is written as."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Any, Final

from connector.domain.mappings.transforms import text
from connector.domain.problems import Path, Problems, did_you_mean, shown
from connector.domain.ticket import PendingOn, State, Value
from connector.domain.vocabulary import canonical

StatePair = tuple[State, PendingOn | None]
AS_IS: Final = "as_is"
"""Written as `else: as_is` on a free text field: a value not in the table is taken as it is."""
_MISSING: Final = object()


def state_pair(value: Any) -> StatePair:
    """`pending`, `pending/customer` or `{state: pending, pending_on: customer}`. Raises ValueError."""
    if isinstance(value, Mapping):
        extra = set(value) - {"state", "pending_on"}
        if extra or "state" not in value:
            raise ValueError(f"expected {{state: ..., pending_on: ...}}, not {shown(dict(value))}")
        name, reason = value["state"], value.get("pending_on")
    else:
        name, _, rest = text(value).partition("/")
        reason = rest or None
    state, pending_on = canonical("state", name), canonical("pending_on", reason)
    assert isinstance(state, State)
    if pending_on is not None and state is not State.PENDING:
        raise ValueError(f"only pending has a reason, not {state}")
    return state, pending_on if isinstance(pending_on, PendingOn) else None


def state_name(pair: StatePair) -> str:
    return f"{pair[0]}/{pair[1]}" if pair[1] else str(pair[0])


class Table:
    """Looks raw values up. With several tool fields a key joins their values by `/`; a shorter key, or `*` in a place,
    stands for whatever is there, and the most exact key wins."""

    def __init__(self, field: str, width: int) -> None:
        self.field = field
        self.width = width
        self.exact: dict[str, Any] = {}
        self.raw: dict[str, Any] = {}
        self.patterns: list[tuple[tuple[str, ...], Any]] = []
        self.others: Any = _MISSING
        self._back: dict[Any, Any] = {}
        # The few keys that patterns take come with every ticket.
        self._fitting = lru_cache(1000)(self._search)

    def load(self, problems: Problems, path: Path, spec: Mapping[str, Any], writes: Mapping[Any, Any] | None,
             writable: bool) -> None:
        values = spec.get("values", {})
        if not isinstance(values, Mapping) or not values:
            problems.add((*path, "values"), "expected a table of the tool's values and ours")
            return
        for key, value in values.items():
            self._enter(problems, (*path, "values", key), key, value)
        self.patterns.sort(key=lambda pattern: sum(part == "*" for part in pattern[0]))
        if "else" in spec:
            self._load_others(problems, (*path, "else"), spec["else"])
        if writable:
            self._load_back(problems, path, writes or {})

    def _enter(self, problems: Problems, path: Path, key: Any, value: Any) -> None:
        if key is None:
            problems.add(path, 'a key is missing: write "" for "not set"')
            return
        name = text(key)
        if name in self.raw:
            problems.add(path, f"the value {shown(name)} is there twice (keys are compared as text)")
            return
        try:
            found = self.parse(value)
        except ValueError as error:
            problems.add(path, str(error))
            return
        if found is None and self.field in ("kind", "state"):
            problems.add(path, f"a ticket always has a {self.field}")
            return
        self.raw[name] = key
        parts = tuple(name.split("/")) if self.width > 1 else (name,)
        if len(parts) > self.width:
            problems.add(path, f"{len(parts)} values joined by `/`, but `from` names {self.width} fields")
            return
        if self.width > 1 and (len(parts) < self.width or "*" in parts):
            self.patterns.append((parts + ("*",) * (self.width - len(parts)), found))
        else:
            self.exact[name] = found

    def parse(self, value: Any) -> Any:
        if value is None:
            return None
        return state_pair(value) if self.field == "state" else canonical(self.field, value)

    def _load_others(self, problems: Problems, path: Path, value: Any) -> None:
        if value == AS_IS:
            self.others = AS_IS
            return
        try:
            self.others = self.parse(value) if value is not None else None
        except ValueError as error:
            problems.add(path, str(error))
        if self.others is None and self.field in ("kind", "state"):
            problems.add(path, f"a ticket always has a {self.field}")

    # reading

    def find(self, key: str) -> Any:
        """The canonical value of a key. Raises ValueError naming it when the table does not have it."""
        found = self.exact.get(key, _MISSING)
        if found is not _MISSING:
            return found
        found = self._fitting(key)
        if found is not _MISSING:
            return found
        if self.others is AS_IS:
            return key
        if self.others is not _MISSING:
            return self.others
        raise ValueError(f"unknown value {shown(key)}")

    def _search(self, key: str) -> Any:
        """What the most exact pattern that takes a key says."""
        parts = key.split("/", self.width - 1)
        parts += [""] * (self.width - len(parts))
        for pattern, value in self.patterns:
            if all(want in ("*", part) for want, part in zip(pattern, parts, strict=True)):
                return value
        return _MISSING

    def knows(self, key: str) -> bool:
        """Whether the table itself has the key (`else` apart): for the check against a live tool."""
        parts = key.split("/")
        return key in self.exact or key in self.raw or any(p[: len(parts)] == tuple(parts) for p in self._all_parts())

    @property
    def has_others(self) -> bool:
        """Whether an `else` takes what the table does not have."""
        return self.others is not _MISSING

    def _all_parts(self) -> list[tuple[str, ...]]:
        return [tuple(name.split("/")) for name in self.raw] if self.width > 1 else []

    def find_part(self, place: int, part: str, pick: Callable[[Any], Any] = lambda value: value) -> Any:
        """What one tool field of several says alone, if all keys with it agree. Raises ValueError if not."""
        fitting = [value for parts, value in self._parts_and_values() if part == parts[place]]
        fitting = fitting or [value for parts, value in self._parts_and_values() if parts[place] == "*"]
        said = {pick(value) for value in fitting}
        if len(said) != 1:
            raise ValueError(f"unknown value {shown(part)}" if not said else f"{shown(part)} alone is ambiguous")
        return said.pop()

    def _parts_and_values(self) -> list[tuple[tuple[str, ...], Any]]:
        return [*((tuple(key.split("/")), value) for key, value in self.exact.items()), *self.patterns]

    # writing

    def _load_back(self, problems: Problems, path: Path, writes: Mapping[Any, Any]) -> None:
        for value, key in writes.items():
            self._load_write(problems, (*path, "write", value), value, key)
        pairs = [(value, key) for key, value in self._written().items() if value is not None]
        pairs.sort(key=lambda pair: repr(pair[0]))
        for value, group in groupby(pairs, key=lambda pair: pair[0]):
            keys = [key for _, key in group]
            if value in self._back:
                continue
            if len(keys) > 1:
                listed = ", ".join(keys)
                problems.add((*path, "values"), f"`{self._label(value)}` can be written as {listed}: "
                             f"say which under `write`, for example `write: {{{self._label(value)}: {keys[0]}}}`")
            else:
                self._back[value] = self._split(keys[0])

    def _written(self) -> dict[str, Any]:
        """Keys that can be written back: not the empty one, and without `*` in the middle."""
        by_pattern = {key: value for key, value in self._named_patterns() if "*" not in key}
        return {key: value for key, value in {**self.exact, **by_pattern}.items() if key}

    def _named_patterns(self) -> list[tuple[str, Any]]:
        return [("/".join(parts).removesuffix("/*" * _trailing(parts)), value) for parts, value in self.patterns]

    def _load_write(self, problems: Problems, path: Path, value: Any, key: Any) -> None:
        try:
            wanted = self.parse(value)
        except ValueError as error:
            problems.add(path, str(error))
            return
        if wanted is None:
            problems.add(path, 'for "not set" list "" under `values`')
            return
        name = text(key)
        if name not in self.raw:
            problems.add(path, f"{shown(key)} is not among `values`{did_you_mean(name, self.raw)}")
            return
        read = self._reads_as(name)
        loose = self.field == "state" and wanted[1] is None and read is not None and read[0] == wanted[0]
        if read != wanted and not loose:
            problems.add(path, f"{shown(key)} is read as `{self._label(read)}`, so it cannot be written "
                               f"for `{self._label(wanted)}`")
            return
        self._back[wanted] = self._split(name)

    def _reads_as(self, name: str) -> Any:
        return self.exact[name] if name in self.exact else dict(self._named_patterns()).get(name)

    def _split(self, name: str) -> Any:
        if self.width == 1:
            return self.raw[name]
        return tuple(_number(part) for part in name.split("/"))

    def _empty(self) -> str:
        if self.exact.get("", _MISSING) is None:
            return ""
        raise ValueError("it cannot be emptied: the table has no value for that")

    def _label(self, value: Any) -> str:
        return state_name(value) if self.field == "state" and value is not None else str(value)

    def write(self, value: Value | StatePair) -> Any:
        """The raw value (a tuple for several tool fields). Raises ValueError."""
        try:
            return self._back[value]
        except KeyError:
            if value is None:
                return self._empty()
            if self.others is AS_IS and isinstance(value, str) and value not in self.raw:
                return value
            known = ", ".join(sorted(self._label(v) for v in self._back))
            raise ValueError(f"{shown(self._label(value))} has no value in the tool (it has {known})") from None


def _trailing(parts: Sequence[str]) -> int:
    count = 0
    for part in reversed(parts):
        if part != "*":
            break
        count += 1
    return count


def _number(part: str) -> Any:
    """Parts of a joined key are numbers where they look like one, as a single YAML key would be."""
    return int(part) if part.lstrip("-").isdigit() and text(int(part)) == part else part
