"""One osTicket over HTTP: the stock API and the routes of our plugin (docs/osticket-plugin-api.md).

osTicket knows few status codes, so the plugin's errors are told apart by the code in the body.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
import requests

from connector.domain.errors import NotFound, Refused, TryLater, Unsupported
from connector.http import Http, body_json, chunks_of, failure, read
from connector.vendors.osticket import stock
from connector.vendors.osticket.options import Options

STOCK: Final = "/api"
FALLBACK: Final = "/api/http.php"
"""Where the same routes live when the web server passes only the stock ones on."""
FRESH: Final = timedelta(minutes=5)
MISSING: Final = ("the plugin servicedesk-connector does not answer in this osTicket, and without it only creating "
                  "tickets is possible: install plugins/osticket and enable it (docs/osticket.md)")


class PluginMissing(Unsupported):
    """osTicket does not know the plugin's routes."""


class CursorGone(Refused):
    """The plugin does not know this cursor any more."""


class PartlyDone(Refused):
    """An update of which only some parts were applied."""


class Client:
    """Sends and judges. What the plugin said of itself (`ping`) is kept for five minutes."""

    def __init__(self, http: Http, options: Options, now: Any) -> None:
        self.http = http
        self._options = options
        self._now = now
        self._lock = threading.Lock()
        self._root = "" if options.api == "auto" else options.api
        self._ping: tuple[datetime, dict[str, Any] | None] | None = None
        self._seen = options.plugin == "required"
        self.keeps_marks: bool | None = None
        """None: not seen yet."""

    # the plugin

    def plugin(self, fresh: bool = False) -> dict[str, Any] | None:
        """What `ping` says; None when the plugin is not there. Raises TryLater, Refused.

        A plugin that has been seen (or is `required`) and does not answer is a fault that passes, not its absence:
        an upgrade switches plugins off for a while, and what waits to be written must wait, not be refused.
        """
        if self._options.plugin == "none":
            return None
        with self._lock:
            kept = self._ping
        if kept is not None and not fresh and self._now() - kept[0] < FRESH:
            return kept[1]
        said = self._look()
        with self._lock:
            self._ping = (self._now(), said)
            self._seen = self._seen or said is not None
        return said

    def _look(self) -> dict[str, Any] | None:
        roots = [self._root] if self._root else [STOCK, FALLBACK]
        for root in roots:
            try:
                said = self._judge(self.http.send("GET", _path(root, "ping")), (200,))
            except (PluginMissing, NotFound):
                continue
            if said.get("plugin", {}).get("contract") != 1:
                raise Refused(f"the plugin speaks contract {said.get('plugin', {}).get('contract')}, this connector 1: "
                              "update the older of the two")
            self._root = root
            return said
        if self._seen:
            raise TryLater(MISSING)
        return None

    def call(self, method: str, path: str, *, params: Mapping[str, Any] | None = None, json: Any = None,
             data: Any = None, headers: Mapping[str, str] | None = None,
             expect: Collection[int] = (200,)) -> dict[str, Any]:
        """The JSON object of a successful answer. Raises Unsupported when the plugin was never there."""
        response = self._send(method, path, params=params, json=json, data=data, headers=headers)
        try:
            return self._judge(response, expect)
        except PluginMissing:
            # It answered a moment ago: switched off for an upgrade, or for good, which the next look will tell.
            with self._lock:
                self._ping = None
            raise TryLater(MISSING) from None

    def stream(self, path: str) -> Iterator[bytes]:
        """The bytes of a file. Raises TryLater when they end before the length told."""
        response = self._send("GET", path, stream=True)
        kind = response.headers.get("Content-Type", "").split(";")[0].strip().lower()
        if response.status_code != 200 or kind != "application/octet-stream":
            self._judge(response, ())
        yield from chunks_of(response)

    def _send(self, method: str, path: str, **more: Any) -> requests.Response:
        if self.plugin() is None:
            raise PluginMissing(MISSING)
        return self.http.send(method, _path(self._root, path), **more)

    def _judge(self, response: requests.Response, expect: Collection[int]) -> dict[str, Any]:
        if response.status_code in expect or response.status_code in (200, 201):
            body = body_json(response, expect or (-1,))
            if not isinstance(body, dict) or "error" in body:
                raise TryLater("osTicket: a successful status with an unexpected body")
            return body
        raise _error(response)

    # the stock API

    def create(self, body: Mapping[str, Any]) -> str:
        """The number of the new ticket. The first one shows whether this osTicket keeps our marks."""
        number = stock.created(self.http.send("POST", f"{STOCK}/tickets.json", json=body))
        if self.keeps_marks is None:
            self.keeps_marks = self._marked(str(body["mid"]), number)
        return number

    def _marked(self, mark: str, number: str) -> bool | None:
        try:
            return self._ask(mark) == number
        except (TryLater, Refused):
            return None

    def _ask(self, mark: str) -> str | None:
        return stock.found(self.http.send("POST", f"{STOCK}/tickets.email", data=stock.question(mark),
                                          headers={"Content-Type": "message/rfc822"}))

    def ask(self, key: str) -> str | None:
        """The number of the ticket created with a key, by the mail door; None when there is none.

        Raises Refused where this osTicket was seen not to keep marks: then nobody but a person can tell.
        """
        if self.keeps_marks is False:
            raise Refused("outcome unknown, check by hand: this osTicket does not keep the Message-ID "
                          f"{stock.mark(key)} of created tickets, so a second try could make a second ticket "
                          "(with the plugin it could not)")
        number = self._ask(stock.mark(key))
        if number:
            self.keeps_marks = True
        return number

    def knock(self) -> None:
        """Whether the key may create: an empty object is refused after the key was accepted. Raises Refused."""
        response = self.http.send("POST", f"{STOCK}/tickets.json", data=b"{}")
        if response.status_code != 400:
            raise failure(response)
        said = read(response, 100_000).decode("utf-8", "replace")
        if "URL not supported" in said:
            raise Refused("osTicket does not know POST /api/tickets.json: check `url` of the tool", 400)


def _path(root: str, path: str) -> str:
    return f"{root}/connector/v1/{path}"


def _error(response: requests.Response) -> Exception:
    status = response.status_code
    kind = response.headers.get("Content-Type", "").lower()
    if "json" not in kind:
        if status in (400, 404, 405):
            text = read(response, 100_000).decode("utf-8", "replace")
            if status == 400 and "URL not supported" not in text:
                return failure(response, " ".join(text.split())[:200])
            return PluginMissing(MISSING)
        return failure(response)
    try:
        told = orjson.loads(read(response, 1_000_000))["error"]
        code, said = str(told["code"]), str(told.get("message", ""))[:300]
    except (ValueError, KeyError, TypeError):
        return failure(response)
    return _told(status, code, said, told)


def _told(status: int, code: str, said: str, told: Mapping[str, Any]) -> Exception:
    text = f"osTicket: {said or code}"
    if isinstance(fields := told.get("fields"), dict) and fields:
        text += " (" + "; ".join(f"{name}: {reason}" for name, reason in fields.items())[:300] + ")"
    if code == "busy":
        wait = told.get("retry_after")
        usable = isinstance(wait, (int, float)) and not isinstance(wait, bool) and 0 <= wait <= 86_400
        return TryLater(text, timedelta(seconds=float(wait)) if usable and wait is not None else None)
    if code == "not_found":
        return NotFound(text, status)
    if code == "cursor_gone":
        return CursorGone(text, status)
    if code == "partly":
        done = told.get("done")
        names = ", ".join(str(part) for part in done) if isinstance(done, list) else ""
        return PartlyDone(f"{text} (refused: {told.get('field', '?')}; done: {names or 'nothing'})", status)
    return TryLater(text) if status >= 500 else Refused(text, status)


