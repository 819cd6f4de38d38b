"""The GLPI 10 stand-in over HTTP: routes of apirest.php."""

from __future__ import annotations

from typing import Final

from flask import Flask, Response, request

from connector.sandbox.glpi import documents
from connector.sandbox.glpi.api import Api
from connector.sandbox.glpi.errors import Fail
from connector.sandbox.glpi.high import High
from connector.sandbox.glpi.inputs import Fatal
from connector.sandbox.glpi.sessions import current
from connector.sandbox.glpi.side import Glpi
from connector.sandbox.glpi.writes import Writer

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
MAINTENANCE: Final = ("\n\n<!DOCTYPE html>\n<html lang=\"\">\n<head>\n   <title>MAINTENANCE MODE - GLPI</title>\n"
                      "</head></html>\n")
MANUAL: Final = "# GLPI REST API:  Documentation\n\n## Summary\n\n* [Glossary](#glossary)\n"
CORS: Final = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "PUT, GET, POST, DELETE, OPTIONS",
               "Access-Control-Allow-Headers": "origin, content-type, accept, session-token, authorization, app-token"}
HTML: Final = "text/html; charset=UTF-8"


def make_app(side: Glpi) -> Flask:
    app = Flask("sandbox-glpi")
    routes = Routes(side)
    for root in ("/apirest.php", "/api.php/v1"):
        for at, tail in enumerate(("", "/", "/<a>", "/<a>/", "/<a>/<b>", "/<a>/<b>/", "/<a>/<b>/<c>", "/<a>/<b>/<c>/")):
            app.add_url_rule(root + tail, f"{root}{at}", routes.answer, methods=METHODS,
                             provide_automatic_options=False)
    for at, path in enumerate(("/api.php/token", "/api.php/v2/<path:path>")):
        app.add_url_rule(path, f"high{at}", routes.high_level, methods=METHODS,
                         defaults={"path": "token"} if at == 0 else None)
    return app


class Routes:
    def __init__(self, side: Glpi) -> None:
        self.side = side
        self.api = Api(side)
        self.writer = Writer(self.api)
        self.high = High(side)

    def high_level(self, path: str) -> Response:
        """GLPI 11 only; GLPI 10 has no such page."""
        if not self.side.eleven:
            return Response("<html><head><title>404 Not Found</title></head></html>\n", 404, content_type=HTML)
        with self.side.desk.lock:
            return self.high.route(path)

    def answer(self, a: str = "", b: str = "", c: str = "") -> Response:
        if request.method == "OPTIONS":
            return Response("", 200, CORS, content_type=HTML)
        try:
            with self.side.desk.lock:
                response = self._route(a, b, c)
        except Fail as error:
            response = error.answer(self.side.rest())
        except Fatal:
            return Response("", 200, content_type=HTML)
        if request.method in ("GET", "HEAD"):
            response.headers["Access-Control-Expose-Headers"] = "content-type, content-range, accept-range"
        return response

    def _route(self, a: str, b: str, c: str) -> Response:
        if not a:
            return Response(MANUAL, 200, content_type=HTML)
        if not self.side.switches["api"]:
            raise Fail("ERROR", "API disabled")
        if self.side.switches["maintenance"]:
            return Response(MAINTENANCE, 200, content_type=HTML)
        if request.method in ("GET", "HEAD") and request.get_data():
            raise Fail("ERROR_JSON_PAYLOAD_FORBIDDEN", "GET Request should not have json payload (http body)")
        own = self.api.resource(a)
        if own is not None:
            return own()
        if a == "applyMassiveAction":
            return self.writer.restore()
        current(self.side)
        if a in ("search", "listSearchOptions"):
            kind = self.api.kind(b)
            return self.api.finder.search(kind) if a == "search" else self.api.finder.options(kind)
        if a == "Config":
            raise Fail("ERROR_RIGHT_MISSING", "You don't have permission to perform this action.")
        return self._item(a, b, c)

    def _item(self, a: str, b: str, c: str) -> Response:
        kind = self.api.kind(a)
        if request.method == "POST":
            return self.writer.create(kind)
        if request.method in ("PUT", "PATCH"):
            return self.writer.update(kind, b or None)
        if request.method == "DELETE":
            return self.writer.delete(kind, b or None)
        if c:
            return self.api.children(kind, b, self.api.kind(c))
        if not b:
            return self.api.all(kind)
        if a == "Document" and "application/octet-stream" in request.headers.get("Accept", ""):
            return documents.download(self.api.find(kind, b, current(self.side)))
        if request.args.get("debug"):
            return Response("\n<!DOCTYPE html>\n<html lang=\"en\"><head><title>Rest API</title></head></html>", 200,
                            {"x-frame-options": "SAMEORIGIN"}, content_type=HTML)
        return self.api.one(kind, b)
