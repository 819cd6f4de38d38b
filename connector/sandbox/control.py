"""The stand-in's own control page, `/_sandbox`: faults, log of requests, time. Answered to loopback only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Flask, Response, abort, jsonify, request

from connector.sandbox.faults import KINDS

if TYPE_CHECKING:
    from connector.sandbox.handle import Handle


def make_control(handle: Handle) -> Any:
    app = Flask("sandbox-control")

    @app.before_request
    def local() -> None:
        if request.remote_addr not in ("127.0.0.1", "::1"):
            abort(403)

    @app.get("/_sandbox/")
    def about() -> Response:
        desk = handle.desk
        return jsonify(make=handle.make, tickets=len(desk.tickets), now=desk.clock.now().isoformat(), kinds=KINDS,
                       faults=[fault.as_dict() for fault in handle.faults.rules()], requests=len(handle.requests))

    @app.get("/_sandbox/faults")
    def faults() -> Response:
        return jsonify([fault.as_dict() for fault in handle.faults.rules()])

    @app.post("/_sandbox/faults")
    def add() -> tuple[Response, int]:
        wanted = request.get_json(silent=True)
        if not isinstance(wanted, dict) or "kind" not in wanted:
            return jsonify(error="expected a JSON object with `kind`", kinds=KINDS), 422
        try:
            return jsonify(handle.faults.add(**wanted).as_dict()), 201
        except (ValueError, TypeError) as error:
            return jsonify(error=str(error)), 422

    @app.delete("/_sandbox/faults")
    def clear() -> tuple[str, int]:
        handle.faults.clear()
        return "", 204

    @app.delete("/_sandbox/faults/<int:number>")
    def remove(number: int) -> tuple[str, int]:
        handle.faults.remove(number)
        return "", 204

    @app.get("/_sandbox/requests")
    def requests() -> Response:
        last = handle.requests[-int(request.args.get("last", "100")):]
        return jsonify([{"method": r.method, "path": r.path, "query": r.query, "status": r.status,
                         "seconds": round(r.seconds, 4), "fault": r.fault} for r in last])

    @app.post("/_sandbox/step")
    def step() -> Response:
        handle.step(float((request.get_json(silent=True) or {}).get("seconds", 0)))
        return jsonify(now=handle.desk.clock.now().isoformat())

    @app.post("/_sandbox/tickets")
    def create() -> tuple[Response, int]:
        try:
            return jsonify(id=handle.create(**(request.get_json(silent=True) or {}))), 201
        except (KeyError, TypeError, ValueError) as error:
            return jsonify(error=str(error)), 422

    @app.post("/_sandbox/tickets/<id>")
    def edit(id: str) -> tuple[Response, int]:
        try:
            handle.edit(id, **(request.get_json(silent=True) or {}))
            return jsonify(id=id), 200
        except (KeyError, TypeError, ValueError) as error:
            return jsonify(error=str(error)), 422

    @app.post("/_sandbox/shift")
    def shift() -> Response:
        from datetime import timedelta

        handle.desk.clock.shift = timedelta(seconds=float((request.get_json(silent=True) or {}).get("seconds", 0)))
        return jsonify(now=handle.desk.clock.now().isoformat())

    return app.wsgi_app
