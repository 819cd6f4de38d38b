"""GLPI's search engine over tickets: nested criteria, strict dates, an index by last update.

A criterion is a test of a row. Criteria on the last update also tell from which value on they are certainly true or
false, so that a reading along (last update, id) looks at few rows however many there are.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from connector.sandbox.glpi.options import NAMED, TICKET, USERS, extra
from connector.sandbox.glpi.show import Viewer
from connector.sandbox.glpi.side import SCALE, SOURCES, Glpi, instant, local
from connector.sandbox.model import Ticket

HIGH: Final = "\uffff"
_RELATIVE: Final = re.compile(r"([+-]?\d+)(SECOND|MINUTE|HOUR|DAY|WEEK|MONTH|YEAR)", re.IGNORECASE)
_UNIT: Final = {"SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86_400, "WEEK": 604_800, "MONTH": 2_592_000,
                "YEAR": 31_536_000}
_KEYWORDS: Final = {"notold": {"1", "2", "3", "4"}, "old": {"5", "6"}, "notclosed": {"1", "2", "3", "4", "5"},
                    "process": {"2", "3"}, "waiting": {"4"}, "all": {"1", "2", "3", "4", "5", "6"}}
Test = Callable[[Any], bool]
Get = Callable[[Any], Any]


class BadCriteria(Exception):
    """What GLPI answers with 400 ERROR."""


@dataclass(frozen=True, slots=True)
class Node:
    """`test` decides; rows whose last update is at most `low` never match, those after `sure` always do."""

    test: Test
    low: str = ""
    sure: str = HIGH


EVERY: Final = Node(lambda row: True, "", "")


class Cells:
    """Values of search options of a ticket, for one viewer."""

    def __init__(self, side: Glpi, viewer: Viewer) -> None:
        desk = side.desk
        self.viewer = viewer
        zone = viewer.zone
        dates: dict[int, str] = {15: "opened_at", 16: "closed_at", 17: "resolved_at", 18: "due_at", 151: "due_at",
                                 19: "updated_at", 155: "time_to_own", 158: "time_to_own",
                                 180: "internal_time_to_resolve", 185: "internal_time_to_own"}
        self.stamp: dict[int, Get] = {number: _date_of(name, "UTC") for number, name in dates.items()}
        """Dates as they are stored: compared in UTC, whatever zone they are shown in."""
        self.raw: dict[int, Get] = {
            **{number: _date_of(name, zone) for number, name in dates.items()},
            1: lambda t: side.escape(t.title), 21: lambda t: side.escape(t.description), 2: lambda t: t.id,
            12: lambda t: int(t.status), 10: lambda t: SCALE[t.urgency], 11: lambda t: SCALE[t.impact],
            3: lambda t: t.priority, 14: lambda t: 2 if t.kind == "service_request" else 1,
            7: lambda t: desk.categories[t.category].path if t.category in desk.categories else None,
            80: lambda t: entity_path(side, t.company), 83: lambda t: desk.sites[t.site].name if t.site else None,
            9: lambda t: SOURCES[t.extra.get("requesttypes_id", 1) - 1], 400: lambda t: t.extra.get("pendingreason"),
            45: lambda t: sum(c.extra.get("actiontime", 0) for c in t.comments),
            22: lambda t: str(t.created_by), 64: lambda t: str(t.updated_by), 35: lambda t: 1,
            34: lambda t: _one([a.email for a in t.actors if a.email]),
            **{number: _names_of(side, role, kind) for number, (role, kind) in _ACTORS.items()},
            **{number: _field(name) for number, (_, name) in extra(side.blocks).items()},
        }
        self.ids: dict[int, Callable[[Ticket], set[str]]] = {
            7: lambda t: {str(t.category or 0)}, 80: lambda t: {str(t.company)}, 83: lambda t: {str(t.site)},
            9: lambda t: {str(t.extra.get("requesttypes_id", 1))},
            **{number: _ids_of(role, kind) for number, (role, kind) in _ACTORS.items()},
        }


def _field(name: str) -> Get:
    return lambda t: t.extra.get(name)


def _date_of(name: str, zone: str) -> Get:
    if name in Ticket.__dataclass_fields__:
        return lambda t: local(getattr(t, name), zone)
    return lambda t: local(t.extra.get(name), zone)


def _names_of(side: Glpi, role: str, kind: str) -> Get:
    """People by id, groups and suppliers by name."""
    table: Mapping[int, Any] = side.desk.groups if kind == "group" else side.desk.suppliers

    def get(t: Ticket) -> Any:
        who = [a.who for a in t.actors if a.role == role and a.kind == kind and a.who]
        return _one([str(number) if kind == "person" else table[number].name for number in who])

    return get


def _ids_of(role: str, kind: str) -> Callable[[Ticket], set[str]]:
    return lambda t: {str(a.who) for a in t.actors if a.role == role and a.kind == kind}


_ACTORS: Final = {4: ("requester", "person"), 5: ("assigned", "person"), 66: ("observer", "person"),
                  8: ("assigned", "group"), 71: ("requester", "group"), 65: ("observer", "group"),
                  6: ("assigned", "supplier")}


def _one(values: list[str]) -> Any:
    """A cell with several values is a list, with one a scalar, with none null."""
    return None if not values else values[0] if len(values) == 1 else values


def entity_path(side: Glpi, number: int) -> str:
    company = side.desk.companies[number]
    return company.name if company.parent is None else f"{entity_path(side, company.parent)} > {company.name}"


def node(criteria: Any, cells: Cells, side: Glpi) -> Node:
    """Raises BadCriteria."""
    found: Node | None = None
    for part in _ordered(criteria):
        if not isinstance(part, dict):
            raise BadCriteria("Malformed search criteria")
        made = node(part["criteria"], cells, side) if "criteria" in part else _leaf(part, cells, side)
        link = str(part.get("link", "AND")).upper()
        if link.endswith("NOT"):
            made = _node(made.test, turned=True)
        found = made if found is None else _join(found, made, either=link.startswith("OR"))
    return found or EVERY


def _ordered(criteria: Any) -> list[Any]:
    return [criteria[key] for key in sorted(criteria, key=lambda k: int(k) if str(k).isdigit() else 0)] \
        if isinstance(criteria, dict) else list(criteria)


def _join(left: Node, right: Node, either: bool) -> Node:
    a, b = left.test, right.test
    if either:
        return Node(lambda row: a(row) or b(row), min(left.low, right.low), min(left.sure, right.sure))
    return Node(lambda row: a(row) and b(row), max(left.low, right.low), max(left.sure, right.sure))


def _leaf(part: Mapping[str, Any], cells: Cells, side: Glpi) -> Node:
    if "field" not in part or "searchtype" not in part or "value" not in part:
        raise BadCriteria("Malformed search criteria")
    number = int(part["field"]) if str(part["field"]).isdigit() else 0
    if number not in TICKET:
        raise BadCriteria("Bad field ID in search criteria")
    how, value = str(part["searchtype"]), str(part["value"])
    get = cells.raw[number]
    if how in ("morethan", "lessthan"):
        return _date(number, cells.stamp.get(number, get), how, value, cells, side)
    if how in ("equals", "notequals"):
        return _node(_equals(number, get, value, cells), how == "notequals")
    if how in ("under", "notunder"):
        return _node(lambda row: value in cells.ids[number](row), how == "notunder")
    if how in ("contains", "notcontains"):
        numeric = number in (2, 45)
        return _node(contains(get, value if numeric else side.escape(value), numeric), how == "notcontains")
    raise BadCriteria("Malformed search criteria")


def _node(test: Test, turned: bool) -> Node:
    return Node((lambda row: not test(row)) if turned else test)


def _date(number: int, get: Callable[[Any], Any], how: str, value: str, cells: Cells, side: Glpi) -> Node:
    limit = _moment(value, cells.viewer.zone, side)
    if limit is None:
        return EVERY  # a date that cannot be read is not an error and matches everything
    if how == "lessthan":
        return Node(lambda row: (cell := get(row)) is not None and cell < limit)
    test: Test = lambda row: (cell := get(row)) is not None and cell > limit  # noqa: E731
    return Node(test, limit, limit) if number == 19 else Node(test)


def _moment(value: str, zone: str, side: Glpi) -> str | None:
    relative = _RELATIVE.fullmatch(value.strip())
    if relative:
        return local(side.desk.clock.now() + timedelta(seconds=int(relative[1]) * _UNIT[relative[2].upper()]), "UTC")
    try:
        return local(instant(value, zone), "UTC")
    except ValueError:
        return None


def _equals(number: int, get: Callable[[Any], Any], value: str, cells: Cells) -> Test:
    if number == 12 and value in _KEYWORDS:
        wanted = _KEYWORDS[value]
        return lambda row: row.status in wanted
    if number in cells.ids and (number in USERS or number in NAMED):
        return lambda row: value in cells.ids[number](row)
    return lambda row: str(get(row)) == value


def contains(get: Callable[[Any], Any], value: str, number: bool) -> Test:
    """Part of the text, without regard to case; ^ and $ anchor. A number matches whole, or by < and >."""
    if number:
        found = re.fullmatch(r"\s*([<>]=?)?\s*(-?\d+)\s*", value)
        if not found:
            return lambda row: value in str(get(row))
        limit = int(found[2])
        tests: dict[str | None, Test] = {
            None: lambda row: get(row) == limit, ">": lambda row: get(row) > limit, "<": lambda row: get(row) < limit,
            ">=": lambda row: get(row) >= limit, "<=": lambda row: get(row) <= limit}
        return tests[found[1]]
    start, end = value.startswith("^"), value.endswith("$")
    text = value[start:len(value) - end].lower()

    def test(row: Any) -> bool:
        cell = get(row)
        cells = cell if isinstance(cell, list) else [cell]
        return any(_fits(str(one).lower(), text, start, end) for one in cells if one is not None)

    return test


def _fits(cell: str, text: str, start: bool, end: bool) -> bool:
    if start and end:
        return cell == text
    return cell.startswith(text) if start else cell.endswith(text) if end else text in cell


def narrowed(rows: list[Ticket], keys: list[str], found: Node) -> list[Ticket]:
    """The matching rows of an index in ascending order of last update."""
    low = bisect_right(keys, found.low) if found.low else 0
    sure = max(low, bisect_right(keys, found.sure) if found.sure else 0)
    return [*(row for row in rows[low:sure] if found.test(row)), *rows[sure:]]
