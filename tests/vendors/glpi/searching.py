"""GLPI's search over tickets in memory, as far as the adapter uses it: dates compare by their local text (as MariaDB
does in the session's zone), rows sort by the instant, `morethan` is strict, a number `contains` `>n`."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import responses

from tests.vendors.glpi.conftest import URL
from tests.vendors.glpi.replay import recorded

FORM = "%Y-%m-%d %H:%M:%S"


@dataclass
class Row:
    id: int
    at: datetime
    name: str = "t"
    deleted: bool = False


@dataclass
class Tool:
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    rows: dict[int, Row] = field(default_factory=dict)
    queries: list[str] = field(default_factory=list)
    before_answer: Callable[[], None] = lambda: None

    def put(self, id: int, at: datetime, name: str = "t") -> None:
        self.rows[id] = Row(id, at, name)

    def attach(self, mock: responses.RequestsMock) -> None:
        listed = recorded("search_options_ticket")["response"]["body"]
        listed.update({"34": {"table": "glpi_tickets_users", "field": "alternative_email"}})
        mock.get(f"{URL}/listSearchOptions/Ticket", json=listed)
        mock.add_callback(responses.GET, f"{URL}/search/Ticket", self.answer)
        mock.get(f"{URL}/search/User", json={"totalcount": 0, "count": 0, "content-range": "0--1/0"})

    def answer(self, request: Any) -> tuple[int, dict[str, str], str]:
        query = urlsplit(request.url).query
        self.queries.append(query)
        assert len(self.queries) < 500, "reading does not end"
        params = dict(parse_qsl(query, keep_blank_values=True))
        wanted = nested(params)
        start, end = map(int, params["range"].split("-"))
        found = [row for row in self.rows.values()
                 if row.deleted == (params.get("is_deleted") == "1") and self._all(row, wanted)]
        found.sort(key=lambda row: (row.at, row.id) if params["sort[0]"] == "19" else (row.id,))
        page = found[start:end + 1]
        body: dict[str, Any] = {"totalcount": len(found), "count": len(page), "content-range": f"{start}-{end}"}
        if page:
            body["data"] = [self._cells(row) for row in page]
        self.before_answer()
        return (200 if len(page) == len(found) else 206), {"Content-Type": "application/json"}, json.dumps(body)

    def _cells(self, row: Row) -> dict[str, Any]:
        local = self._local(row)
        return {"2": row.id, "1": row.name, "12": 1, "14": 1, "10": 3, "11": 3, "3": 3, "15": local, "19": local,
                "21": "x", "80": "Root entity", "4": None, "5": None, "8": None}

    def _local(self, row: Row) -> str:
        return row.at.astimezone(self.zone).strftime(FORM)

    def _all(self, row: Row, criteria: list[dict[str, Any]]) -> bool:
        result = True
        for at, one in enumerate(criteria):
            hit = self._all(row, one["criteria"]) if "criteria" in one else self._hit(row, one)
            result = hit if at == 0 else (result or hit) if one.get("link") == "OR" else (result and hit)
        return result

    def _hit(self, row: Row, one: dict[str, Any]) -> bool:
        value, how = one["value"], one["searchtype"]
        if one["field"] == "19":
            return self._local(row) > value if how == "morethan" else self._local(row) < value
        if one["field"] == "2":
            return row.id > int(value[1:]) if how == "contains" else row.id == int(value)
        raise AssertionError(f"unexpected criterion {one}")


def nested(params: dict[str, str]) -> list[dict[str, Any]]:
    """`criteria[0][criteria][1][field]=..` as lists and tables."""
    tree: dict[str, Any] = {}
    for key, value in params.items():
        if key.startswith("criteria["):
            parts = ["criteria", *key[len("criteria["):-1].split("][")]
            at = tree
            for part in parts[:-1]:
                at = at.setdefault(part, {})
            at[parts[-1]] = value
    return listed(tree).get("criteria", [])


def listed(tree: Any) -> Any:
    if not isinstance(tree, dict):
        return tree
    made = {key: listed(value) for key, value in tree.items()}
    return [made[key] for key in sorted(made, key=int)] if made and all(key.isdigit() for key in made) else made
