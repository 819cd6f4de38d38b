"""What operators and their machines watch: alive, ready, figures."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from connector import __version__
from connector.domain.errors import ConnectorError
from connector.web import figures
from connector.web.rights import Door, door
from connector.web.services import services


@door(Door.PUBLIC)
def alive() -> Response:
    """200 as long as the process answers: a restart would help when it does not."""
    return jsonify(status="alive", version=__version__)


@door(Door.PUBLIC)
def ready() -> Response:
    """200 when work can be done: store reachable, migrated, and a worker at work. 503 with the reasons when not."""
    try:
        reasons = list(services().vitals())
    except ConnectorError:
        reasons = ["the store cannot answer"]
    answer = jsonify(status="ready" if not reasons else "not ready", reasons=reasons)
    answer.status_code = 503 if reasons else 200
    return answer


@door(Door.LOOPBACK)
def metrics() -> Response:
    text, kind = figures.exposition(services())
    return Response(text, content_type=kind)


def blueprint() -> Blueprint:
    health = Blueprint("health", __name__)
    health.get("/healthz")(alive)
    health.get("/readyz")(ready)
    health.get("/metrics")(metrics)
    return health
