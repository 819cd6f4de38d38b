"""Tables and encoded queries as the Table API knows them.

Everything is text, "" for nothing. An invalid part of a query is dropped and the rest runs, as on a real instance
without glide.invalid_query.returns_no_rows (research: servicenow.md section 2).
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

Get = Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `ref` names the table a reference points to; `label` gives the display value where it differs."""

    name: str
    get: Get
    kind: str = "string"
    ref: str = ""
    label: Get | None = None

    def key(self, row: Any) -> Any:
        text = self.get(row)
        return (int(text) if text.lstrip("-").isdigit() else 0) if self.kind == "integer" else text


@dataclass(slots=True)
class Table:
    """`rows` gives all rows; `narrow` gives those with certain values of a column without looking at all of them."""

    name: str
    columns: dict[str, Column]
    rows: Callable[[], Sequence[Any]]
    narrow: Mapping[str, Callable[[Sequence[str]], Sequence[Any]]] = field(default_factory=dict)
    display: str = "name"
    sorted: dict[tuple[str, ...], tuple[int, list[Any], list[Any]]] = field(default_factory=dict)


Tables = Mapping[str, Table]
_OPERATORS: Final = ("NOT IN", "NOT LIKE", "ISNOTEMPTY", "ISEMPTY", "STARTSWITH", "ENDSWITH", "DOES NOT CONTAIN",
                     "CONTAINS", "LIKE", "INSTANCEOF", "EMPTYSTRING", "ANYTHING", "BETWEEN", "IN", "!=", ">=", "<=",
                     "=", ">", "<")
_CONDITION: Final = re.compile(rf"([a-z0-9_.]+)({'|'.join(re.escape(op) for op in _OPERATORS)})(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Condition:
    field: str
    op: str
    value: str
    test: Callable[[Any], bool]


@dataclass(slots=True)
class Query:
    """Groups are joined by ^NQ; a group is a list of conditions, each a list of alternatives (^OR)."""

    groups: list[list[list[Condition]]]
    order: tuple[str, ...]
    dropped: list[str]


def walk(tables: Tables, table: Table, path: str) -> Column | None:
    """A column by its name, through references where it has dots. None when there is no such column."""
    head, _, rest = path.partition(".")
    column = table.columns.get(head)
    if column is None or not rest:
        return column
    target = tables.get(column.ref)
    inner = walk(tables, target, rest) if target is not None else None
    if target is None or inner is None:
        return None
    by_id = target.narrow["sys_id"]

    def follow(get: Get) -> Get:
        def through(row: Any) -> str:
            found = by_id([column.get(row)])
            return get(found[0]) if found else ""
        return through

    return Column(path, follow(inner.get), inner.kind, inner.ref, follow(inner.label) if inner.label else None)


def parse(text: str, tables: Tables, table: Table) -> Query:
    query = Query([[]], (), [])
    for part in text.split("^"):
        if part in ("", "EQ"):
            continue
        if part.startswith("ORDERBY"):
            name = part.removeprefix("ORDERBY")
            down = name.startswith("DESC") and name.removeprefix("DESC") in table.columns
            name = name.removeprefix("DESC") if down else name
            if walk(tables, table, name) is not None:
                query.order += (f"-{name}" if down else name,)
            else:
                query.dropped.append(part)
            continue
        if part.startswith("NQ"):
            query.groups.append([])
            part = part.removeprefix("NQ")
        either = part.startswith("OR") and bool(query.groups[-1])
        condition = _condition(part.removeprefix("OR"), tables, table)
        if condition is None:
            query.dropped.append(part)
        elif either:
            query.groups[-1][-1].append(condition)
        else:
            query.groups[-1].append([condition])
    return query


def _condition(part: str, tables: Tables, table: Table) -> Condition | None:
    match = _CONDITION.fullmatch(part)
    column = walk(tables, table, match[1]) if match else None
    if match is None or column is None:
        return None
    return Condition(match[1], match[2], match[3], _test(column, match[2], match[3]))


def _test(column: Column, op: str, value: str) -> Callable[[Any], bool]:
    get = column.get
    if op in ("=", "!=", "IN", "NOT IN"):
        wanted = frozenset(value.split(",")) if "IN" in op else frozenset((value,))
        return (lambda row: get(row) not in wanted) if op in ("!=", "NOT IN") else (lambda row: get(row) in wanted)
    if op in ("ISEMPTY", "EMPTYSTRING"):
        return lambda row: get(row) == ""
    if op == "ISNOTEMPTY":
        return lambda row: get(row) != ""
    if op == "ANYTHING":
        return lambda row: True
    if op == "STARTSWITH":
        return lambda row: get(row).startswith(value)
    if op == "ENDSWITH":
        return lambda row: get(row).endswith(value)
    if op == "INSTANCEOF":
        return lambda row: value in (get(row), "task")
    if op in ("LIKE", "CONTAINS"):
        return lambda row: value in get(row)
    if op in ("NOT LIKE", "DOES NOT CONTAIN"):
        return lambda row: value not in get(row)
    if op == "BETWEEN":
        low, _, high = value.partition("@")
        return lambda row: low <= get(row) <= high
    return _compare(column, op, value)


def _compare(column: Column, op: str, value: str) -> Callable[[Any], bool]:
    """An empty cell is NULL: no comparison is true of it."""
    get, key = column.get, column.key
    limit: Any = value
    if column.kind == "integer":
        limit = int(value) if value.lstrip("-").isdigit() else 0
    if op == ">":
        return lambda row: get(row) != "" and key(row) > limit
    if op == ">=":
        return lambda row: get(row) != "" and key(row) >= limit
    if op == "<":
        return lambda row: get(row) != "" and key(row) < limit
    return lambda row: get(row) != "" and key(row) <= limit


def select(tables: Tables, table: Table, query: Query, generation: int) -> list[Any]:
    """The rows a query gives, in its order."""
    groups = query.groups
    if len(groups) == 1:
        for alternatives in groups[0]:
            first = alternatives[0]
            if len(alternatives) == 1 and first.op in ("=", "IN") and first.field in table.narrow:
                values = first.value.split(",") if first.op == "IN" else [first.value]
                return _sort(tables, table, query.order, _filter(table.narrow[first.field](values), groups))
    rows, keys = _in_order(tables, table, query.order, generation)
    if len(groups) != 1 or not query.order or query.order[0].startswith("-"):
        return _filter(rows, groups)
    low, high, rest = 0, len(rows), []
    column = table.columns.get(query.order[0])
    for alternatives in groups[0]:
        first = alternatives[0]
        if column is None or column.kind == "integer" or len(alternatives) > 1 or first.field != column.name:
            rest.append(alternatives)
        elif first.op in (">", ">="):
            low = max(low, (bisect_right if first.op == ">" else bisect_left)(keys, first.value))
        elif first.op in ("<", "<="):
            high = min(high, (bisect_left if first.op == "<" else bisect_right)(keys, first.value))
            rest.append(alternatives)  # empty cells sort first and are not smaller
        elif first.op == "=":
            low, high = max(low, bisect_left(keys, first.value)), min(high, bisect_right(keys, first.value))
        else:
            rest.append(alternatives)
    return _filter(rows[low:high], [rest])


def _filter(rows: Sequence[Any], groups: list[list[list[Condition]]]) -> list[Any]:
    if not any(groups):
        return list(rows)
    if len(groups) == 1:
        found = list(rows)
        for alternatives in groups[0]:
            tests = [condition.test for condition in alternatives]
            found = [row for row in found if any(test(row) for test in tests)]
        return found
    return [row for row in rows if any(all(any(c.test(row) for c in either) for either in group) for group in groups)]


def _in_order(tables: Tables, table: Table, order: tuple[str, ...], generation: int) -> tuple[list[Any], list[Any]]:
    known = table.sorted.get(order)
    if known is not None and known[0] == generation:
        return known[1], known[2]
    rows = _sort(tables, table, order, list(table.rows()))
    column = walk(tables, table, order[0].removeprefix("-")) if order else None
    keys = [column.get(row) for row in rows] if column is not None else []
    table.sorted[order] = (generation, rows, keys)
    return rows, keys


def _sort(tables: Tables, table: Table, order: tuple[str, ...], rows: list[Any]) -> list[Any]:
    for name in reversed(order):
        column = walk(tables, table, name.removeprefix("-"))
        if column is not None:
            rows.sort(key=column.key, reverse=name.startswith("-"))
    return rows
