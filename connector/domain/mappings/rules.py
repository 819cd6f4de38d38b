"""One field of a mapping, checked and compiled: how it is read, written, and who owns it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from connector.domain.mappings import transforms
from connector.domain.mappings.transforms import Step, text
from connector.domain.mappings.values import AS_IS, StatePair, Table
from connector.domain.problems import Path, Problems, shown
from connector.domain.ticket import State
from connector.domain.vocabulary import When, canonical, kind_of, reader

Fetch = Callable[[Mapping[str, Any], When], Any]
KEYS: Final = ("from", "value", "values", "else", "transform", "write", "owner", "kinds", "note")
KIND_KEYS: Final = ("from", "value", "values", "else", "transform", "write")


class Owner(StrEnum):
    """Who wins when both sides changed a field (docs/architecture.md)."""

    TOOL = "tool"
    CONNECTOR = "connector"
    NEWEST = "newest"
    SET = "set"
    MANUAL = "manual"


@dataclass(slots=True)
class Rule:
    """A compiled field. `sources` are the tool fields it reads, `targets` those it writes."""

    name: str
    owner: Owner = Owner.TOOL
    sources: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    constant: Any = None
    table: Table | None = None
    steps: list[Step] = field(default_factory=list)
    fetch: Fetch | None = None
    convert: Callable[[Any, When], Any] | None = None

    @property
    def reads_anything(self) -> bool:
        """Whether no raw value is unknown to it: it has no table, or one with an `else`."""
        return self.table is None or self.table.has_others

    def encode(self, value: Any) -> dict[str, Any]:
        """Tool fields and raw values for a canonical value. Raises ValueError."""
        raw: Any
        if self.table is not None:
            raw = self.table.write(value)
        elif value is None:
            raw = ""
        else:
            raw = canonical(self.name, value) if self.name != "state" else text(value[0])
            for step in reversed(self.steps):
                if step.backward is not None:
                    raw = step.backward(raw)
            raw = list(raw) if isinstance(raw, tuple) else raw
        if len(self.targets) == 1 and not (isinstance(raw, tuple) or (self._joined and isinstance(raw, list))):
            return {self.targets[0]: raw}
        return self._spread(raw)

    @property
    def _joined(self) -> bool:
        return len(self.sources) > 1

    def _spread(self, raw: Any) -> dict[str, Any]:
        parts = raw if isinstance(raw, (tuple, list)) else [raw] * len(self.targets) if raw == "" else [raw]
        if len(parts) > len(self.targets) or (self.table is None and len(parts) != len(self.targets)):
            raise ValueError(f"does not divide into {', '.join(self.targets)}")
        return {target: part for target, part in zip(self.targets, parts, strict=False) if part != "*"}


def compile_rule(problems: Problems, path: Path, name: str, spec: Any) -> tuple[Rule, dict[str, Rule]]:
    """The rule of a field, and its variants per kind of ticket."""
    if isinstance(spec, str):
        spec = {"from": spec}
    if not isinstance(spec, Mapping):
        problems.add(path, f"expected a tool field or a table with `from`, not {shown(spec)}")
        return Rule(name), {}
    problems.keys(path, spec, KEYS)
    by_kind_alone = "kinds" in spec and not set(spec) - {"kinds", "owner", "note"}
    base = Rule(name) if by_kind_alone else _compile(problems, path, name, spec)
    variants: dict[str, Rule] = {}
    kinds = spec.get("kinds", {})
    if not isinstance(kinds, Mapping):
        problems.add((*path, "kinds"), "expected a table by kind of ticket")
        kinds = {}
    for kind, own in kinds.items():
        here = (*path, "kinds", kind)
        try:
            canonical("kind", kind)
        except ValueError as error:
            problems.add(here, str(error))
            continue
        if not isinstance(own, Mapping):
            problems.add(here, "expected a table such as `{values: ...}`")
            continue
        problems.keys(here, own, KIND_KEYS)
        outer = {key: value for key, value in spec.items() if key in KIND_KEYS}
        if "values" in own and "write" not in own and isinstance(outer.get("write"), Mapping):
            outer["write"] = True
        variants[str(kind)] = _compile(problems, here, name, {**outer, **own})
    if "kinds" in spec and "from" in spec and "values" not in spec and all("values" in v for v in kinds.values() if
                                                                          isinstance(v, Mapping)):
        base = Rule(name, sources=base.sources)
    owner = _owner(problems, path, name, spec, bool(base.targets or any(v.targets for v in variants.values())))
    for rule in (base, *variants.values()):
        rule.owner = owner
    return base, variants


def _owner(problems: Problems, path: Path, name: str, spec: Mapping[str, Any], written: bool) -> Owner:
    wanted = spec.get("owner", "newest" if written else "tool")
    if wanted not in tuple(Owner):
        problems.add((*path, "owner"), f"{shown(wanted)} is not an owner (expected one of {', '.join(Owner)})")
        return Owner.TOOL
    owner = Owner(wanted)
    if owner is Owner.SET and kind_of(name) != "list":
        problems.add((*path, "owner"), "owner `set` merges lists, and this field is not one")
    if owner is not Owner.TOOL and not written:
        problems.add((*path, "owner"), f"owner `{owner}` needs `write`: without it our value cannot reach the tool")
    return owner


def _compile(problems: Problems, path: Path, name: str, spec: Mapping[str, Any]) -> Rule:
    rule = Rule(name)
    rule.sources = _names(problems, (*path, "from"), spec["from"]) if "from" in spec else ()
    if "value" in spec:
        _constant(problems, path, rule, spec)
        return rule
    if not rule.sources and "write" not in spec:
        problems.add(path, "needs `from`, `value` or `write`")
    rule.targets, overrides = _targets(problems, (*path, "write"), rule.sources, spec.get("write"))
    rule.steps = _steps(problems, path, rule, spec)
    if "values" in spec:
        rule.table = Table(name, len(rule.sources) if rule.sources and not rule.steps else 1)
        rule.table.load(problems, path, spec, overrides, bool(rule.targets))
        _check_else(problems, path, name, spec)
    else:
        if "else" in spec:
            problems.add((*path, "else"), "`else` needs `values`")
        if overrides:
            problems.add((*path, "write"), "a table of written values needs `values`")
        _check_chain(problems, path, rule)
    _bind(rule)
    return rule


def _constant(problems: Problems, path: Path, rule: Rule, spec: Mapping[str, Any]) -> None:
    for other in ("from", "values", "transform", "write", "else"):
        if other in spec:
            problems.add((*path, other), f"`value` is a constant and cannot go with `{other}`")
    try:
        value = Table(rule.name, 1).parse(spec["value"])
    except ValueError as error:
        problems.add((*path, "value"), str(error))
        return
    if value is None:
        problems.add((*path, "value"), "a constant needs a value")
    rule.constant = value
    rule.fetch = lambda record, when: value
    rule.convert = lambda raw, when: value


def _names(problems: Problems, path: Path, spec: Any) -> tuple[str, ...]:
    names = spec if isinstance(spec, list) else [spec]
    if not names or not all(isinstance(name, str) and name for name in names):
        problems.add(path, f"expected the name of a tool field, or a list of names, not {shown(spec)}")
        return ()
    if len(set(names)) != len(names):
        problems.add(path, "a field is named twice")
    return tuple(names)


def _targets(problems: Problems, path: Path, sources: tuple[str, ...],
             spec: Any) -> tuple[tuple[str, ...], Mapping[Any, Any] | None]:
    overrides: Mapping[Any, Any] | None = None
    if isinstance(spec, Mapping):
        if "to" in spec and set(spec) <= {"to", "values"}:
            spec, overrides = spec["to"], spec.get("values")
        else:
            spec, overrides = True, spec
        if overrides is not None and not isinstance(overrides, Mapping):
            problems.add((*path, "values"), "expected a table of our values and the tool's")
            overrides = None
    if spec is None or spec is False:
        return (), None
    if spec is True:
        if not sources:
            problems.add(path, "`write: true` writes the field under `from`, which is missing")
        return sources, overrides
    return _names(problems, path, spec), overrides


def _steps(problems: Problems, path: Path, rule: Rule, spec: Mapping[str, Any]) -> list[Step]:
    if "transform" not in spec:
        return []
    starts = "list" if len(rule.sources) > 1 else _raw_kind(spec["transform"], rule.name)

    def report(index: int, message: str) -> None:
        problems.add((*path, "transform", index) if isinstance(spec["transform"], list) else (*path, "transform"),
                     message)

    steps = transforms.parse(report, spec["transform"], starts)
    if rule.targets:
        for step in steps:
            if step.backward is None and not (step.name == "date" or "values" in spec):
                problems.add((*path, "write"), f"transform `{step.name}` cannot be undone, so the field is read only")
    return steps


def _raw_kind(spec: Any, field: str) -> str:
    """A single raw value may itself be a list (tags, several actors): taken so when the first transform wants one."""
    first = spec[0] if isinstance(spec, list) and spec else spec
    name = next(iter(first), "") if isinstance(first, dict) else first
    return "list" if name in ("join", "first", "last") else "text"


def _check_else(problems: Problems, path: Path, name: str, spec: Mapping[str, Any]) -> None:
    if spec.get("else") == AS_IS and kind_of(name) not in ("text", "custom"):
        problems.add((*path, "else"), f"`{AS_IS}` is for free text, and {name} is not")


def _check_chain(problems: Problems, path: Path, rule: Rule) -> None:
    gives = rule.steps[-1].gives if rule.steps else ("list" if len(rule.sources) > 1 else "raw")
    what = kind_of(rule.name)
    if gives == "list" and what != "list":
        problems.add((*path, "from"), "several values for one: say how with `transform: first` or `{join: \" \"}`")
    if gives == "date" and what != "date":
        problems.add((*path, "transform"), f"`date` is for times, and {rule.name} is not one")
    if what == "level" and gives not in ("raw", "int"):
        problems.add((*path, "transform"), "a level is a whole number: end with `int` or give `values`")


def _bind(rule: Rule) -> None:
    if not rule.sources:
        return
    rule.convert = _converter(rule)
    rule.fetch = _fetcher(rule.sources, rule.convert)


def _converter(rule: Rule) -> Callable[[Any, When], Any]:
    """From one raw value (a tuple for several tool fields) to the canonical one; None when not known."""
    finish: Callable[[Any, When], Any] = _look_up(rule.table) if rule.table else reader(rule.name)
    if rule.name == "state" and rule.table is None:
        plain = finish

        def finish(raw: Any, when: When) -> StatePair:
            return State(plain(raw, when)), None

    if not rule.steps:
        return finish
    forwards = [step.forward for step in rule.steps]

    def convert(raw: Any, when: When) -> Any:
        for forward in forwards:
            raw = forward(raw)
        return None if raw is None or raw == "" else finish(raw, when)

    return convert


def _look_up(table: Table) -> Callable[[Any, When], Any]:
    exact, find, width = table.exact, table.find, table.width

    def look_up(raw: Any, when: When) -> Any:
        key = raw if type(raw) is str else text(raw)
        return exact[key] if key in exact else find(key)

    def look_up_joined(raw: Any, when: When) -> Any:
        key = "/".join([part if type(part) is str else text(part) for part in raw])
        return exact[key] if key in exact else find(key)

    return look_up if width == 1 else look_up_joined


def _fetcher(sources: Sequence[str], convert: Callable[[Any, When], Any]) -> Fetch:
    if len(sources) == 1:
        source = sources[0]
        return lambda record, when: convert(record.get(source), when)
    return lambda record, when: convert(tuple([record.get(source) for source in sources]), when)

