"""The osTicket stand-in over HTTP: the stock routes, and those of our plugin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from flask import Flask, Response, request

from connector.sandbox.osticket.plugin import Reader, Said, answer
from connector.sandbox.osticket.side import OsTicket
from connector.sandbox.osticket.stock import FATAL, Door, Refused
from connector.sandbox.osticket.writes import Writer

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
NOT_SUPPORTED: Final = "URL not supported"
NGINX: Final = ("<html>\n<head><title>404 Not Found</title></head>\n<body>\n<center><h1>404 Not Found</h1></center>\n"
                "<hr><center>nginx</center>\n</body>\n</html>\n")


def make_app(side: OsTicket) -> Flask:
    app = Flask("sandbox-osticket")
    routes = Routes(side)
    app.add_url_rule("/", "root", routes.answer, methods=METHODS, defaults={"path": ""})
    app.add_url_rule("/<path:path>", "all", routes.answer, methods=METHODS)
    return app


def text(body: str, status: int) -> Response:
    response = Response(body, status, content_type="text/html; charset=UTF-8")
    response.headers["Set-Cookie"] = "OSTSESSID=0; Max-Age=1440; path=/; HttpOnly"
    return response


class Routes:
    def __init__(self, side: OsTicket) -> None:
        self.side = side
        self.reader = Reader(side)
        self.writer = Writer(self.reader)
        self.door = Door(side, self.writer)
        self.rights = {side.secret("api key"): {"create", "cron", "plugin"}, side.secret("create key"): {"create"},
                       side.secret("cron key"): {"cron"}}

    def answer(self, path: str) -> Response:
        head, _, rest = path.partition("/")
        if head != "api":
            return Response(NGINX, 404, content_type="text/html")
        rest = rest.removeprefix("http.php/")
        if rest.lower() != rest and rest.lower().startswith("tickets"):
            return Response(NGINX, 404, content_type="text/html")
        with self.side.desk.lock:
            if rest.startswith("connector/v1/") and self.side.switches["plugin"]:
                return self._plugin(rest.removeprefix("connector/v1/"))
            try:
                return self._stock(request.args.get("_method", request.method).upper(), rest)
            except Refused as error:
                return text(error.text, error.status)
            except TypeError:
                return text(FATAL, 200)

    # ---- stock

    def _key(self, right: str) -> None:
        """A key is bound to an address, and compared without regard to case."""
        key = request.headers.get("X-API-Key", "").lower()
        if key == self.side.secret("inactive key"):
            raise Refused(401, "API key not found/active or source IP not authorized")
        if key not in self.rights:
            raise Refused(401, "Valid API key required")
        if right not in self.rights[key]:
            raise Refused(401, "API key not authorized")

    def _stock(self, method: str, path: str) -> Response:
        doors = {"tickets.json": self.door.json, "tickets.xml": self.door.xml, "tickets.email": self.door.mail}
        if method == "POST" and path in doors:
            self._key("create")
            return text(doors[path](request.get_data()), 201)
        if method == "POST" and path == "tasks/cron":
            self._key("cron")
            return text("Completed", 200)
        raise Refused(400, NOT_SUPPORTED)

    # ---- plugin

    def _plugin(self, path: str) -> Response:
        try:
            self._key("plugin")
            if "_method" in request.args:
                raise Said(400, "bad_request", "_method is not taken", field="_method")
            return self._route(path)
        except Refused as error:
            if error.text == "API key not authorized":
                said = {"code": "key_not_allowed", "message": "This key may not use the plugin."}
                return answer({"error": said}, 403)
            return text(error.text, error.status)
        except Said as error:
            return answer(error.body, error.status)

    def _route(self, path: str) -> Response:
        reader, writer = self.reader, self.writer
        plain = {"ping": reader.ping, "catalog": reader.catalog, "changed": reader.changed, "tickets": reader.tickets,
                 "ids": reader.ids, "deletions": reader.deletions, "history": reader.history, "find": reader.find}
        parts = path.split("/")
        if request.method == "GET" and path in plain:
            return plain[path]()
        if request.method == "POST" and path == "tickets":
            return writer.create()
        if parts[0] == "tickets" and len(parts) >= 3 and parts[1].isdigit():
            found = self._ticket(int(parts[1]), parts[2:])
            if found is not None:
                return found
        raise Refused(400, NOT_SUPPORTED)

    def _ticket(self, id: int, rest: list[str]) -> Response | None:
        if request.method == "POST" and len(rest) == 1:
            verbs: dict[str, Callable[[int], Response]] = {
                "update": self.writer.update, "attachments": self.writer.attach,
                "reply": lambda n: self.writer.say(n, "reply"), "note": lambda n: self.writer.say(n, "note")}
            return verbs[rest[0]](id) if rest[0] in verbs else None
        if request.method == "GET" and rest[0] == "attachments":
            if len(rest) == 2 and rest[1].isdigit():
                return self.reader.download(id, int(rest[1]))
            return self.reader.attachments(id)
        return None
