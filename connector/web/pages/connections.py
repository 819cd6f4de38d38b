"""Per tool: is it reachable, how far behind are we, how often does it fail, what waits for it."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from connector.web.gates import STREAMS, breakers
from connector.web.pages.home import SKEWED
from connector.web.rights import Right, door
from connector.web.services import services


@door(Right.TOOLS_READ)
def show() -> ResponseReturnValue:
    parts = services()
    rows = parts.queries.connections(parts.now(), tuple(parts.settings.tools))
    return render_template(
        "connections.html",
        rows=rows,
        tools=parts.settings.tools,
        skewed=SKEWED,
        breakers=breakers(parts),
        streams=STREAMS,
    )


def blueprint() -> Blueprint:
    connections = Blueprint("connections", __name__)
    connections.get("/connections")(show)
    return connections
