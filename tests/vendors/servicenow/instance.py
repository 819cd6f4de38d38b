"""An instance in memory, after docs/decisions/0021's facts: conditions it does not know are dropped, access rules hide
rows after the limit, fields that may not be written are ignored with 200. It answers through `responses`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlsplit

import requests
import responses

from connector.domain.mapping import Mapping
from connector.settings import Secret, ToolSettings
from connector.vendors.servicenow import build
from connector.vendors.servicenow.adapter import ServiceNow
from tests.vendors.servicenow.maps import the_mapping

BASE = "https://acme.service-now.com"
NOW = datetime(2025, 11, 24, 10, 0, 0, tzinfo=UTC)
Row = dict[str, Any]
Answer = tuple[int, dict[str, str], str | bytes]
_CONDITION = re.compile(
    r"([a-z_][a-z0-9_.]*)(ISNOTEMPTY|ISEMPTY|INSTANCEOF|>=|<=|!=|NOT IN|IN|LIKE|STARTSWITH|=|>|<)(.*)", re.DOTALL)


def sid(number: int) -> str:
    return f"{number:032x}"


def text(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S")


class Instance:
    """Tables of rows. `before` is called at each request and may change the tables; `closed` tables answer 403;
    `hidden` ids (by table: `hidden_in`) are seen by the count only; `during` is called with the rows of a page after
    they were sorted and before they are written out; `readonly` fields are ignored in writes; `say` overrides."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[str, Row]] = {}
        self.now = NOW
        self.closed: set[str] = set()
        self.hidden: set[str] = set()
        self.hidden_in: dict[str, set[str]] = {}
        self.unreadable: set[str] = set()
        self.readonly: set[str] = set()
        self.dropped: set[str] = set()
        self.headers: dict[str, str] = {}
        self.counts = True
        self.say: list[Answer | Exception | None] = []
        self.before: Callable[[requests.PreparedRequest], None] = lambda request: None
        self.during: Callable[[list[Row]], None] = lambda rows: None
        self.requests: list[requests.PreparedRequest] = []
        self.user = "svc_sync"
        self._next = 900_000

    # content

    def put(self, table: str, number: int | None = None, **fields: Any) -> Row:
        if number is None:
            self._next += 1
            number = self._next
        row = {"sys_id": sid(number), "sys_class_name": table, "sys_created_on": text(self.now),
               "sys_updated_on": text(self.now), "sys_mod_count": "0", "sys_created_by": "alice",
               "number": f"T{number}", **fields}
        self.tables.setdefault(table, {})[row["sys_id"]] = row
        return row

    def incident(self, number: int, **fields: Any) -> Row:
        return self.put("incident", number, **{"state": "1", "hold_reason": "", "short_description": "Printer",
                                               "opened_at": text(self.now), "impact": "2", "urgency": "2",
                                               "priority": "3", "assignment_group": "", **fields})

    def touch(self, row: Row, **fields: Any) -> None:
        row.update(fields, sys_updated_on=text(self.now), sys_mod_count=str(int(row["sys_mod_count"]) + 1))

    # answering

    @contextmanager
    def open(self) -> Iterator[Instance]:
        with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
            address = re.compile(re.escape(BASE) + "/api/now/(?!attachment).*")
            for method in ("GET", "POST", "PATCH", "PUT", "DELETE"):
                mock.add_callback(method, address, callback=self.answer)
            self.mock = mock
            yield self

    def answer(self, request: requests.PreparedRequest) -> Answer:
        self.requests.append(request)
        self.before(request)
        said = self.say.pop(0) if self.say else None
        if isinstance(said, Exception):
            raise said
        if said is not None:
            return said
        parts = urlsplit(request.url or "")
        params = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        path = parts.path.removeprefix("/api/now/").split("/")
        if path[0] == "table":
            return self._table(request, path[1], path[2] if len(path) > 2 else "", params)
        return self.json(400, error("Requested URI does not represent any resource", ""))

    def json(self, status: int, body: Any, **headers: str) -> Answer:
        date = format_datetime(self.now, usegmt=True)
        return status, {"Content-Type": "application/json;charset=UTF-8", "Date": date, **self.headers,
                        **headers}, json.dumps(body)

    def _table(self, request: requests.PreparedRequest, table: str, id: str, params: dict[str, str]) -> Answer:
        if table in self.closed:
            return self.json(403, error("User Not Authorized", "Failed API level ACL Validation"))
        if request.method == "GET":
            return self._list(table, params)
        body = json.loads(request.body or b"{}")
        if request.method == "POST":
            row = self.put(table, **{**body, "sys_created_by": self.user})
            self._write(table, row, {name: "" for name in self.readonly if name in body})
            return self.json(201, {"result": self._show(row, params)})
        if request.method != "PATCH":
            return self.json(405, error("Method not supported", ""))
        found = self.tables.get(table, {}).get(id)
        if found is None or id in self.hidden:
            return self.json(404, GONE)
        self._write(table, found, {name: value for name, value in body.items() if name not in self.readonly})
        return self.json(200, {"result": self._show(found, params)})

    def _write(self, table: str, row: Row, body: dict[str, str]) -> None:
        for element in ("comments", "work_notes"):
            if body.get(element):
                self.put("sys_journal_field", element_id=row["sys_id"], element=element, value=body.pop(element),
                         name="task", sys_created_by=self.user)
        self.touch(row, **body)

    def _list(self, table: str, params: dict[str, str]) -> Answer:
        rows = [row for name in ([table] if table != "task" else self._tasks())
                for row in self.tables.get(name, {}).values()]
        rows = self.select(rows, params.get("sysparm_query", ""))
        limit, offset = int(params.get("sysparm_limit", 10_000)), int(params.get("sysparm_offset", 0))
        hidden = self.hidden | self.hidden_in.get(table, set())
        page = [row for row in rows[offset:offset + limit] if row["sys_id"] not in hidden]
        self.during(page)
        shown = [self._show(row, params) for row in page]
        return self.json(200, {"result": shown}, **({"X-Total-Count": str(len(rows))} if self.counts else {}))

    def _tasks(self) -> list[str]:
        return [name for name in self.tables if not name.startswith(("sys_", "metric", "cmdb", "core", "cmn"))]

    def select(self, rows: list[Row], query: str) -> list[Row]:
        orders: list[tuple[str, bool]] = []
        groups: list[list[Callable[[Row], bool]]] = []
        for part in query.split("^") if query else []:
            if part.startswith("ORDERBY"):
                down = part.startswith("ORDERBYDESC")
                orders.append((part[11 if down else 7:], down))
                continue
            test = self._condition(part.removeprefix("OR"))
            if test is None:
                continue
            if part.startswith("OR") and groups:
                groups[-1].append(test)
            else:
                groups.append([test])
        rows = [row for row in rows if all(any(test(row) for test in group) for group in groups)]
        for field, down in reversed(orders):
            rows.sort(key=lambda row: str(row.get(field, "")), reverse=down)
        return rows

    def _condition(self, part: str) -> Callable[[Row], bool] | None:
        match = _CONDITION.fullmatch(part)
        if match is None:
            return None
        field, operator, value = match.groups()
        known = any(field in row for rows in self.tables.values() for row in rows.values())
        if field in self.dropped or not known:
            return None
        if value == "javascript:gs.getUserName()":
            value = self.user
        tests: dict[str, Callable[[str], bool]] = {
            "=": lambda have: have.casefold() == value.casefold(), "!=": lambda have: have != value,
            ">": lambda have: have > value, ">=": lambda have: have >= value, "<": lambda have: have < value,
            "<=": lambda have: have <= value, "IN": lambda have: have in value.split(","),
            "LIKE": lambda have: value.casefold() in have.casefold(), "INSTANCEOF": lambda have: have == value,
            "ISEMPTY": lambda have: not have, "ISNOTEMPTY": bool,
        }
        return lambda row: tests[operator](str(row.get(field, "")))

    def _show(self, row: Row, params: dict[str, str]) -> Row:
        wanted = [name for name in params.get("sysparm_fields", "").split(",") if name] or list(row)
        shown = {name: self._walk(row, name) for name in wanted if name not in self.unreadable}
        shown = {name: value for name, value in shown.items() if value is not None}
        display = params.get("sysparm_display_value", "false")
        if display == "true":
            journals = list(self.tables.get("sys_journal_field", {}).values())
            for element in ("comments", "work_notes"):
                if element in wanted and element not in self.unreadable:
                    shown[element] = "\n\n".join(entry["value"] for entry in journals if entry["element"] == element
                                                 and entry["element_id"] == row["sys_id"])
        if display == "all":
            return {name: {"value": value, "display_value": f"<{value}>"} for name, value in shown.items()}
        return shown

    def _walk(self, row: Row, name: str) -> Any:
        if name in row:
            return row[name]
        field, _, rest = name.partition(".")
        if not rest or field not in row:
            return None
        for rows in self.tables.values():
            if row[field] in rows:
                return self._walk(rows[row[field]], rest)
        return ""

    # looking back

    def queries(self) -> list[str]:
        """Method, path and decoded query of every request so far."""
        return [f"{request.method} {unquote_plus((request.url or '').removeprefix(BASE))}" for request in self.requests]

    def count(self, method: str = "", part: str = "") -> int:
        return sum(1 for query in self.queries() if query.startswith(method) and part in query)


def error(message: str, detail: str) -> dict[str, Any]:
    return {"error": {"message": message, "detail": detail}, "status": "failure"}


def settings(**changes: Any) -> ToolSettings:
    given: dict[str, Any] = {"name": "snow", "vendor": "servicenow", "url": BASE, "mapping": "servicenow.yaml",
                             "auth": {"method": "basic", "user": "svc_sync", "password": Secret("pässword")}, **changes}
    return ToolSettings(**given)


def adapter(instance: Instance, mapping: Mapping | None = None, **changes: Any) -> ServiceNow:
    """An adapter over one table unless told otherwise, its clock that of the instance."""
    changes.setdefault("options", {"tables": ["incident"]})
    vendor = build(settings(**changes), mapping or the_mapping(), lambda: instance.now)
    assert isinstance(vendor, ServiceNow)
    return vendor


def later(instance: Instance, **delta: int) -> None:
    instance.now += timedelta(**delta)


GONE = error("No Record found", "Record doesn't exist or ACL restricts the record retrieval")
