"""GLPI's /search and /listSearchOptions, and the lists of tickets behind them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, request

from connector.sandbox.glpi import options, search
from connector.sandbox.glpi.errors import Fail, answer, denied
from connector.sandbox.glpi.forms import listed, nested
from connector.sandbox.glpi.ranges import asked
from connector.sandbox.glpi.search import Cells
from connector.sandbox.glpi.sessions import Session, current
from connector.sandbox.glpi.show import Item, Kind
from connector.sandbox.glpi.side import Glpi, local
from connector.sandbox.model import Ticket


class Finder:
    def __init__(self, side: Glpi) -> None:
        self.side = side
        self.desk = side.desk
        self._index: dict[tuple[bool, str], tuple[int, list[Ticket], list[str]]] = {}

    def tickets(self, session: Session, trashed: bool, order: str) -> tuple[list[Ticket], list[str]]:
        """Visible tickets by id, or by last update with their keys. Kept while nothing changes."""
        key = (trashed, order)
        known = self._index.get(key)
        if known is None or known[0] != self.desk.generation:
            rows = [t for t in self.desk.tickets.values() if t.trashed == trashed]
            rows.sort(key=_id if order == "id" else _changed)
            known = self._index[key] = (self.desk.generation, rows, [])
        rows = known[1]
        all_seen = session.central and not session.root and len(session.entities) == len(self.desk.companies)
        if not all_seen or any(t.hidden for t in rows):
            rows = [t for t in rows if session.sees(t)]
        if order == "id":
            return rows, []
        if rows is known[1] and known[2]:
            return rows, known[2]
        keys = [local(t.updated_at, "UTC") or "" for t in rows]
        if rows is known[1]:
            self._index[key] = (self.desk.generation, rows, keys)
        return rows, keys

    def options(self, kind: Kind) -> Response:
        current(self.side)
        return answer(options.listed(kind.name, request.args.get("raw") == "true", self.side.blocks))

    def search(self, kind: Kind) -> Response:
        session = current(self.side)
        if not session.central and not kind.central:
            raise denied()
        given = nested()
        try:
            if kind.name == "Ticket":
                rows, cells = self._tickets(session, given)
            else:
                rows, cells = self._others(kind, session, given)
        except search.BadCriteria as error:
            raise Fail("ERROR", str(error)) from None
        numbers = self._columns(kind.name, given, session)
        start, end, total = asked(len(rows))
        shown = [(self._key(number), cells[number]) for number in numbers if number in cells]
        part = [{key: get(row) for key, get in shown} for row in rows[start:end + 1]]
        sort, order = self._sort(given)
        told: Item = {"totalcount": total, "count": len(part), "sort": sort or ["1"], "order": order or ["ASC"]}
        if part:
            told["data"] = part
        if request.args.get("withindexes") == "true" and part:
            told["data"] = {str(cells[2](row)): one for row, one in zip(rows[start:end + 1], part, strict=True)}
        span = f"{start}-{min(end, total - 1)}/{total}"
        told["content-range"] = span
        headers = {"Accept-Range": f"{kind.name} 1000", **({"Content-Range": span} if total else {})}
        return answer(told, 206 if len(part) < total else 200, headers)

    @staticmethod
    def _sort(given: Item) -> tuple[list[int], list[str]]:
        sort, order = (listed(given.get(name, {})) or [text for text in (request.args.get(name),) if text]
                       for name in ("sort", "order"))
        if not all(str(number).isdigit() for number in sort):
            raise Fail("ERROR", "sort param is not a number")
        numbers = [int(number) for number in sort]
        return numbers, [str(one).upper() for one in order] + ["ASC"] * (len(numbers) - len(order))

    def _tickets(self, session: Session, given: Item) -> tuple[list[Ticket], dict[int, Callable[[Any], Any]]]:
        cells = Cells(self.side, session.viewer)
        found = search.node(given.get("criteria", {}), cells, self.side)
        sort, order = self._sort(given)
        trashed = request.args.get("is_deleted") in ("1", "true")
        ascending = "DESC" not in order
        if sort[:1] == [2] and ascending:
            rows = [row for row in self.tickets(session, trashed, "id")[0] if found.test(row)]
        else:
            rows = search.narrowed(*self.tickets(session, trashed, "date_mod"), found)
            if sort not in ([19], [19, 2]) or not ascending:
                self._order(rows, sort or [1], order or ["ASC"], cells)
        return rows, cells.raw

    @staticmethod
    def _order(rows: list[Ticket], sort: list[int], order: list[str], cells: Cells) -> None:
        for number, way in reversed(list(zip(sort, order, strict=False))):
            get = cells.raw.get(number)
            if get is None:
                raise Fail("ERROR", "sort param is not a known search option")
            rows.sort(key=_by(get), reverse=way == "DESC")

    def _others(self, kind: Kind, session: Session, given: Item) -> tuple[list[Any], dict[int, Callable[[Any], Any]]]:
        known = options.OTHERS.get(kind.name, {1: ("Name", "name"), 2: ("ID", "id")})
        rows = [kind.show(row, session.viewer) for row in kind.rows(session.viewer)]
        if kind.name == "User":
            for row in rows:
                row["email"] = self.desk.people[row["id"]].email
        if request.args.get("is_deleted") in ("1", "true"):
            rows = []
        cells = {number: _cell(column) for number, (_, column) in known.items()}
        found = _plain(given.get("criteria", {}), cells)
        return [row for row in rows if found(row)], cells

    def _columns(self, itemtype: str, given: Item, session: Session) -> list[int]:
        """What is shown: asked for, searched, the title; the entity where there are several."""
        forced = [int(number) for number in listed(given.get("forcedisplay", {})) if str(number).isdigit()]
        searched = list(_searched(given.get("criteria", {})))
        if itemtype != "Ticket":
            return list(dict.fromkeys([1, *forced, *searched]))
        if not forced:
            return list(options.DEFAULT)
        several = [80] if len(session.entities) > 1 else []
        return list(dict.fromkeys([*(n for n in forced if n == 2), 1, *several, *forced, *searched]))

    @staticmethod
    def _key(number: int) -> str:
        if request.args.get("uid_cols") == "true" and number in options.TICKET:
            return f"Ticket.{options.TICKET[number][5]}"
        return str(number)


def _id(ticket: Ticket) -> Any:
    return ticket.id


def _changed(ticket: Ticket) -> Any:
    """By last update as GLPI stores it, in whole seconds."""
    return ticket.updated_at.replace(microsecond=0), ticket.id


def _by(get: Callable[[Any], Any]) -> Callable[[Any], tuple[int, Any]]:
    return lambda row: _rank(get(row))


def _cell(column: str) -> Callable[[Any], Any]:
    return lambda row: row.get(column)


def _rank(value: Any) -> tuple[int, Any]:
    """Nothing first, numbers and texts by themselves."""
    if value is None:
        return 0, 0
    if isinstance(value, list):
        value = ", ".join(value)
    return (1, value) if isinstance(value, int) else (2, str(value).lower())


def _searched(criteria: Any) -> list[int]:
    found: list[int] = []
    for part in listed(criteria) if criteria else []:
        if isinstance(part, dict) and "criteria" in part:
            found += _searched(part["criteria"])
        elif isinstance(part, dict) and str(part.get("field", "")).isdigit():
            found.append(int(part["field"]))
    return found


def _plain(criteria: Any, cells: dict[int, Callable[[Any], Any]]) -> Callable[[Any], bool]:
    """Criteria over a small list: equals and contains."""
    made: search.Test | None = None
    for part in listed(criteria) if criteria else []:
        if not isinstance(part, dict) or not {"field", "searchtype", "value"} <= part.keys():
            raise search.BadCriteria("Malformed search criteria")
        get = cells.get(int(part["field"]) if str(part["field"]).isdigit() else 0)
        if get is None:
            raise search.BadCriteria("Bad field ID in search criteria")
        value = str(part["value"])
        one = search.contains(get, value, False) if part["searchtype"] == "contains" else _equal(get, value)
        made = one if made is None else _both(made, one, str(part.get("link", "AND")).upper().startswith("OR"))
    return made or (lambda row: True)


def _equal(get: Callable[[Any], Any], value: str) -> search.Test:
    return lambda row: str(get(row)) == value


def _both(a: search.Test, b: search.Test, either: bool) -> search.Test:
    return (lambda row: a(row) or b(row)) if either else (lambda row: a(row) and b(row))

