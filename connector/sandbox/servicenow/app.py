"""The ServiceNow stand-in over HTTP: Table API, stats, attachments, tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import orjson
from flask import Flask, Response, request

from connector.sandbox.model import Ticket
from connector.sandbox.servicenow import records, words
from connector.sandbox.servicenow.answers import NOT_FOUND, Wrong, answer, failed
from connector.sandbox.servicenow.attachments import Attachments
from connector.sandbox.servicenow.login import Door
from connector.sandbox.servicenow.side import Aborted, ServiceNow
from connector.sandbox.servicenow.table import Column, Table, parse, select, walk
from connector.sandbox.servicenow.tasks import wanted

DEFAULT_LIMIT: Final = 10_000
Fields = list[tuple[str, Column]]


def make_app(side: ServiceNow) -> Flask:
    app = Flask("sandbox-servicenow")
    api = Api(side)
    for root in ("/api/now", "/api/now/v1", "/api/now/v2"):
        table = f"{root}/table/<name>"
        app.add_url_rule(table, f"list{root}", api.table, methods=["GET", "POST"])
        app.add_url_rule(f"{table}/<id>", f"one{root}", api.record, methods=["GET", "PATCH", "PUT", "DELETE"])
        app.add_url_rule(f"{root}/stats/<name>", f"stats{root}", api.stats, methods=["GET"])
        app.add_url_rule(f"{root}/attachment", f"files{root}", api.list_files, methods=["GET"])
        app.add_url_rule(f"{root}/attachment/file", f"upload{root}", api.attachments.upload, methods=["POST"])
        app.add_url_rule(f"{root}/attachment/upload", f"form{root}", api.attachments.upload_form, methods=["POST"])
        app.add_url_rule(f"{root}/attachment/<id>", f"meta{root}", api.attachments.file, methods=["GET", "DELETE"])
        app.add_url_rule(f"{root}/attachment/<id>/file", f"bytes{root}", api.attachments.download, methods=["GET"])
    app.add_url_rule("/oauth_token.do", "token", api.door.token, methods=["POST"])
    app.before_request(api.enter)
    app.register_error_handler(Wrong, lambda e: failed(e.status, e.message, e.detail))
    app.register_error_handler(Aborted, lambda e: failed(403, "Operation Failed", str(e)))
    app.register_error_handler(404, lambda e: failed(400, "Requested URI does not represent any resource", None))
    app.register_error_handler(405, lambda e: failed(405, "Method not allowed", None))
    return app


class Api:
    def __init__(self, side: ServiceNow) -> None:
        self.side = side
        self.desk = side.desk
        self.tables = records.build(side)
        self.door = Door(side)
        self.attachments = Attachments(side)

    # ---- who asks

    def enter(self) -> Response | None:
        if request.path == "/oauth_token.do":
            return None
        if not self.door.known(request.headers.get("Authorization", "")) and not self.door.key():
            return failed(401, "User Not Authenticated", "Required to provide Auth information")
        if request.method in ("POST", "PUT", "PATCH") and "/table/" in request.path \
                and "json" not in request.headers.get("Content-Type", ""):
            return failed(415, "Unsupported Media Type", None)
        return None

    # ---- tables

    def table(self, name: str) -> Response:
        table = self._table(name)
        return self._insert(table) if request.method == "POST" else self._list(table)

    def _table(self, name: str) -> Table:
        if name not in self.tables:
            raise Wrong(400, f"Invalid table {name}", None)
        return self.tables[name]

    def _list(self, table: Table) -> Response:
        limit, offset = self._number("sysparm_limit", DEFAULT_LIMIT), self._number("sysparm_offset", 0)
        with self.desk.lock:
            rows = self._rows(table)
            page = [row for row in rows[offset:offset + limit] if not self._hidden(row)]
            fields = self._fields(table)
            shown = self._shower(fields)
            result = [shown(row) for row in page]
        headers = {}
        if request.args.get("sysparm_no_count") != "true":
            headers["X-Total-Count"] = str(len(rows))
        if request.args.get("sysparm_suppress_pagination_header") != "true":
            headers["Link"] = self._links(offset, limit, len(rows))
        return answer({"result": result}, 200, headers)

    def _rows(self, table: Table) -> list[Any]:
        query = parse(request.args.get("sysparm_query", ""), self.tables, table)
        for name, value in request.args.items():
            if not name.startswith("sysparm_") and name in table.columns:
                query.groups[-1] += parse(f"{name}={value}", self.tables, table).groups[0]
        return select(self.tables, table, query, self.desk.generation)

    @staticmethod
    def _number(name: str, default: int) -> int:
        text = request.args.get(name, "")
        return int(text) if text.isdigit() else default

    @staticmethod
    def _hidden(row: Any) -> bool:
        return isinstance(row, Ticket) and row.hidden

    def _links(self, offset: int, limit: int, total: int) -> str:
        """As the real instance does, with its own host name in it."""
        limit = max(limit, 1)
        places = {"first": 0, "prev": offset - limit, "next": offset + limit,
                  "last": max(0, (total - 1) // limit * limit)}
        kept = [(rel, at) for rel, at in places.items()
                if not (rel == "next" and at >= total) and not (rel == "prev" and offset == 0)]
        args = {name: value for name, value in request.args.items() if name != "sysparm_offset"}
        query = "&".join(f"{name}={value}" for name, value in args.items())
        base = f"{self.side.url}{request.path}?{query}&sysparm_offset="
        return ",".join(f'<{base}{at}>;rel="{rel}"' for rel, at in kept).replace(" ", "%20")

    def _fields(self, table: Table) -> Fields:
        asked = [name for name in request.args.get("sysparm_fields", "").split(",") if name]
        found = ((name, walk(self.tables, table, name)) for name in asked or sorted(table.columns))
        return [(name, column) for name, column in found if column is not None]

    def _shown(self, row: Any, fields: Fields) -> dict[str, Any]:
        return self._shower(fields)(row)

    def _shower(self, fields: Fields) -> Callable[[Any], dict[str, Any]]:
        display = request.args.get("sysparm_display_value", "false")
        bare = request.args.get("sysparm_exclude_reference_link") == "true"
        if display == "false" and bare:
            gets = [(name, column.get) for name, column in fields]
            return lambda row: {name: get(row) for name, get in gets}
        return lambda row: {name: self._cell(row, column, display, bare) for name, column in fields}

    def _cell(self, row: Any, column: Column, display: str, bare: bool) -> Any:
        value = column.get(row)
        if display == "false":
            if column.ref and value and not bare:
                return {"link": f"{self.side.url}/api/now/table/{column.ref}/{value}", "value": value}
            return value
        shown = column.label(row) if column.label else self._label(column, value)
        if display == "all":
            cell = {"display_value": shown, "value": value}
            return {**cell, "link": f"{self.side.url}/api/now/table/{column.ref}/{value}"} \
                if column.ref and value and not bare else cell
        if column.ref and value and not bare:
            return {"display_value": shown, "link": f"{self.side.url}/api/now/table/{column.ref}/{value}"}
        return shown

    def _label(self, column: Column, value: str) -> str:
        if not column.ref or not value or column.ref not in self.tables:
            return value
        target = self.tables[column.ref]
        rows = target.narrow["sys_id"]([value])
        return target.columns[target.display].get(rows[0]) if rows else ""

    def _find(self, table: Table, id: str) -> Any:
        rows = table.narrow["sys_id"]([id])
        if not rows or self._hidden(rows[0]):
            raise Wrong(*NOT_FOUND)
        return rows[0]

    def record(self, name: str, id: str) -> Response:
        table = self._table(name)
        with self.desk.lock:
            row = self._find(table, id)
            if request.method == "GET":
                return answer({"result": self._shown(row, self._fields(table))})
            if not isinstance(row, Ticket):
                raise Wrong(403, "Operation Failed", "ACL Exception Update Failed due to security constraints")
            if request.method == "DELETE":
                self.desk.delete(row, self.side.account().id)
                return Response(status=204)
            changes, journals = wanted(self.side, self._body())
            self._write(row, changes, journals)
            return self._written(table, row, 200)

    def _insert(self, table: Table) -> Response:
        kind = words.KINDS.get(table.name)
        if kind is None:
            raise Wrong(403, "Operation Failed", "ACL Exception Insert Failed due to security constraints")
        changes, journals = wanted(self.side, self._body())
        with self.desk.lock:
            account = self.side.account().id
            ticket = self.desk.create(account, kind=kind, **changes)
            self._write(ticket, {}, journals)
            return self._written(table, ticket, 201)

    def _write(self, ticket: Ticket, changes: dict[str, Any], journals: list[tuple[str, str]]) -> None:
        account = self.side.account().id
        self.desk.change(ticket, account, changes)
        for name, text in journals:
            self.desk.comment(ticket, account, text, "reply" if name == "comments" else "note")

    def _written(self, table: Table, ticket: Ticket, status: int) -> Response:
        headers = {"Location": f"{self.side.url}/api/now/table/{table.name}/{self.side.id_of(ticket)}"} \
            if status == 201 else {}
        if request.headers.get("X-no-response-body", "").lower() == "true":
            return Response(status=status if status == 201 else 204, headers=headers)
        return answer({"result": self._shown(ticket, self._fields(table))}, status, headers)

    @staticmethod
    def _body() -> dict[str, Any]:
        """The first record of several, as the real one."""
        try:
            body = orjson.loads(request.get_data() or b"{}")
        except orjson.JSONDecodeError:
            raise Wrong(400, "Exception while reading request", "The payload is not valid JSON") from None
        if isinstance(body, dict) and isinstance(body.get("records"), list):
            body = body["records"]
        if isinstance(body, list):
            body = body[0] if body else {}
        return body if isinstance(body, dict) else {}

    def list_files(self) -> Response:
        return self._list(self.tables["sys_attachment"])

    def stats(self, name: str) -> Response:
        """Counts, grouped where asked; numbers are text, as everything."""
        table = self._table(name)
        with self.desk.lock:
            rows = self._rows(table)
            group = request.args.get("sysparm_group_by", "")
            column = walk(self.tables, table, group) if group else None
            if column is None:
                return answer({"result": {"stats": {"count": str(len(rows))}}})
            counts: dict[str, int] = {}
            for row in rows:
                counts[column.get(row)] = counts.get(column.get(row), 0) + 1
        return answer({"result": [{"stats": {"count": str(n)}, "groupby_fields": [{"field": group, "value": value}]}
                                  for value, n in counts.items()]})
