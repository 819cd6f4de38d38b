"""Per tool: is it reachable, how far behind are we, how often does it fail, what waits for it. Per channel: does
what we send go out."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from connector.flows import switch
from connector.web.auth.identity import who
from connector.web.gates import STREAMS, breakers, channels
from connector.web.i18n import _
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
        channels=channels(parts),
    )


@door(Right.DELIVERIES_RETRY)
def enable() -> ResponseReturnValue:
    """Let a target that asked to be left alone have its deliveries again."""
    target = request.form.get("target", "")
    if not target:
        abort(400)
    if switch.enable(services().deps, target, who().label):
        flash(_("Enabled: what waited goes out now."), "good")
    return redirect(url_for("connections.show"), 303)


def blueprint() -> Blueprint:
    connections = Blueprint("connections", __name__)
    connections.get("/connections")(show)
    connections.post("/connections/enable")(enable)
    return connections
