"""Reading a record by a fixed list of short steps: the hot path of every poll, so the plain cases are inlined."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from connector.domain.mappings.rules import Fetch, Rule
from connector.domain.mappings.transforms import text
from connector.domain.vocabulary import When, kind_of

Failed = Callable[[Rule, ValueError], None]


class Plan:
    """The rules that fill one group of fields. `drop` is cut from the front of their names."""

    __slots__ = ("others", "singles", "texts")

    def __init__(self, rules: Iterable[Rule], drop: str = "") -> None:
        self.texts: list[tuple[str, str, Rule]] = []
        self.singles: list[tuple[str, str, Callable[[Any, When], Any], Rule]] = []
        self.others: list[tuple[str, Fetch, Rule]] = []
        for rule in rules:
            name = rule.name.removeprefix(drop)
            if rule.fetch is None or rule.convert is None:
                continue
            if len(rule.sources) != 1 or takes_empty(rule):
                self.others.append((name, rule.fetch, rule))
            elif rule.table is None and not rule.steps and kind_of(rule.name) == "text":
                self.texts.append((name, rule.sources[0], rule))
            else:
                self.singles.append((name, rule.sources[0], rule.convert, rule))

    def fill(self, values: dict[str, Any], record: Mapping[str, Any], when: When, failed: Failed) -> None:
        """Put what the record says into `values`; what is empty is left out."""
        get = record.get
        for name, source, rule in self.texts:
            raw = get(source)
            if raw is None or raw == "" or raw == []:
                continue
            try:
                values[name] = raw if type(raw) is str and "\x00" not in raw else text(raw)
            except ValueError as error:
                failed(rule, error)
        for name, source, convert, rule in self.singles:
            raw = get(source)
            if raw is None or raw == "" or raw == []:
                continue
            try:
                value = convert(raw, when)
            except ValueError as error:
                failed(rule, error)
            else:
                if value is not None:
                    values[name] = value
        for name, fetch, rule in self.others:
            try:
                value = fetch(record, when)
            except ValueError as error:
                failed(rule, error)
            else:
                if value is not None:
                    values[name] = value


def takes_empty(rule: Rule) -> bool:
    """Whether an empty raw value means something to this rule: several tool fields, or a table that lists ""."""
    return not rule.sources or len(rule.sources) > 1 or (rule.table is not None and "" in rule.table.exact)
