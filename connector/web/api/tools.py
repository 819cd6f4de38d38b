"""Connections to the tools, and how far the first load and the reading of history are."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint

from connector.store.views import ConnectionRow
from connector.web.api import shapes_operations as shape
from connector.web.api.shapes import ProblemSchema
from connector.web.errors import Problem
from connector.web.gates import breakers
from connector.web.rights import Right, door
from connector.web.services import services

api = Blueprint("api-tools", "tools", description="Connected tools and their health")


def rows() -> list[dict[str, Any]]:
    parts = services()
    gates = breakers(parts)
    return [
        {**_out(row), "sending": gates.get(row.tool)}
        for row in parts.queries.connections(parts.now(), tuple(parts.settings.tools))
    ]


def _out(row: ConnectionRow) -> dict[str, Any]:
    tool = services().settings.tools.get(row.tool)
    values = {name: getattr(row, name) for name in row.__struct_fields__}
    skew = row.skew.total_seconds() if row.skew is not None else None
    return {**values, "vendor": tool.vendor if tool else "", "skew_seconds": skew, "error_rate": row.error_rate}


@api.route("/tools")
class Tools(MethodView):
    @door(Right.TOOLS_READ)
    @api.response(200, shape.ToolList)
    def get(self) -> Any:
        """List the tools and how they are"""
        return {"items": rows()}


@api.route("/tools/<name>")
class Tool(MethodView):
    @door(Right.TOOLS_READ)
    @api.response(200, shape.ToolSchema)
    @api.alt_response(404, schema=ProblemSchema)
    def get(self, name: str) -> Any:
        """Read one tool"""
        for row in rows():
            if row["tool"] == name:
                return row
        raise Problem(404, "There is no such tool.")


@api.route("/imports")
class Imports(MethodView):
    @door(Right.IMPORTS_READ)
    @api.response(200, shape.ImportList)
    def get(self) -> Any:
        """Read how far the loading of each tool or imported file is"""
        return {
            "items": [
                {
                    "tool": row["tool"],
                    "tickets": row["tickets"],
                    "history_due": row["history_due"],
                    "quarantined": row["quarantined"],
                    "last_read_at": max((stream.moved_at for stream in row["streams"]), default=None),
                }
                for row in rows()
            ]
        }
