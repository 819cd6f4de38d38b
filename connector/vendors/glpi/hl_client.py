"""The high-level API of GLPI 11 (api.php/v2): OAuth2 password grant, JSON objects, errors as {status, title, detail}.

Its contract was read in GLPI's public source (src/Glpi/Api/HL, resources/api_doc.MD) and has not been run.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import orjson
import requests

from connector.domain.errors import NotFound, Refused, TryLater
from connector.http import Http, body_json, failure, read
from connector.vendors.glpi.answers import LoginRefused, SessionLost

_OK: Final = frozenset({200, 201, 204, 206})
_EARLY: Final = 60.0
"""Seconds before its end at which a token is renewed."""
LOGIN_WAIT: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class OAuth:
    """An OAuth client of GLPI (Setup > OAuth clients) and the account it acts for."""

    client_id: str
    client_secret: str
    login: str
    password: str
    profile: str = ""
    entity: str = ""
    recursive: bool = True


class HighClient:
    """Sends requests with a bearer token, got when first needed and renewed once when refused. Thread-safe."""

    def __init__(self, http: Http, access: OAuth, clock: Callable[[], float] = time.monotonic) -> None:
        self.http = http
        self._access = access
        self._clock = clock
        self._lock = threading.Lock()
        self._token = ""
        self._until = 0.0

    def get(self, path: str, params: Sequence[tuple[str, str]] = ()) -> Any:
        return self.call("GET", path, params=params)

    def call(self, method: str, path: str, body: Any = None, params: Sequence[tuple[str, str]] = ()) -> Any:
        """The parsed body (None for an empty success). Raises TryLater, NotFound, Refused."""
        response = self.send(method, path, body, params)
        raw = read(response)
        if response.status_code == 204 or raw in (b"", b"null"):
            # GLPI answers `null` to a done deletion or membership, but an empty page comes with a fault as well.
            if response.status_code != 204 and "json" not in response.headers.get("Content-Type", "").lower():
                raise TryLater(f"GLPI: {method} {path} gave an empty answer")
            return None
        return body_json(response, _OK)

    def page(self, path: str, params: Sequence[tuple[str, str]]) -> tuple[list[dict[str, Any]], int | None]:
        """A list and, from Content-Range, how many there are in all."""
        response = self.send("GET", path, None, params)
        body = body_json(response, _OK)
        if not isinstance(body, list):
            raise TryLater(f"GLPI: {path} gave no list")
        total = response.headers.get("Content-Range", "").rpartition("/")[2]
        return [item for item in body if isinstance(item, dict)], int(total) if total.isdigit() else None

    def send(self, method: str, path: str, body: Any, params: Sequence[tuple[str, str]]) -> requests.Response:
        """A successful answer, its body still to be read."""
        token = self._bearer()
        try:
            return self._once(method, path, token, body, params)
        except SessionLost:
            return self._once(method, path, self._bearer(lost=token), body, params)

    def _once(self, method: str, path: str, token: str, body: Any,
              params: Sequence[tuple[str, str]]) -> requests.Response:
        access = self._access
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        if access.profile:
            headers["GLPI-Profile"] = access.profile
        if access.entity and access.entity != "all":
            headers |= {"GLPI-Entity": access.entity, "GLPI-Entity-Recursive": str(access.recursive).lower()}
        response = self.http.send(method, f"v2/{path}", params=list(params), json=body, headers=headers)
        if response.status_code not in _OK:
            raise _error(response)
        return response

    def _bearer(self, lost: str = "") -> str:
        with self._lock:
            if self._token and self._token != lost and self._clock() < self._until:
                return self._token
            self._token = ""
            try:
                self._token, life = self.login()
            except LoginRefused as error:
                # It is we who are refused, not what was to be done: that can wait until a person has changed it.
                raise TryLater(f"cannot log in: {error.reason}", LOGIN_WAIT) from None
            self._until = self._clock() + max(life - _EARLY, life / 2)
            return self._token

    def login(self) -> tuple[str, float]:
        """A new access token and its life in seconds. Raises LoginRefused or TryLater."""
        access = self._access
        form = {"grant_type": "password", "client_id": access.client_id, "client_secret": access.client_secret,
                "username": access.login, "password": access.password, "scope": "api"}
        response = self.http.send("POST", "token", data=form)
        if response.status_code in (400, 401, 403):
            told = _json(response)
            code = told.get("error") if isinstance(told, dict) else None
            raise LoginRefused(f"GLPI: {code if isinstance(code, str) else 'the login was refused'}",
                               response.status_code)
        body = body_json(response, (200,))
        token, life = (body.get("access_token"), body.get("expires_in")) if isinstance(body, dict) else (None, None)
        if not isinstance(token, str) or not token:
            raise TryLater("GLPI: the answer to a login gives no token")
        return token, float(life) if isinstance(life, (int, float)) and life > 0 else 600.0

    def close(self) -> None:
        with self._lock:
            self._token = ""
        self.http.close()


def _json(response: requests.Response) -> Any:
    try:
        return orjson.loads(read(response, 1_000_000))
    except ValueError:
        return None


def _error(response: requests.Response) -> TryLater | Refused:
    """By status and code. A refused write is a 500 that carries messages; one without is a fault of GLPI."""
    status = response.status_code
    told = _json(response) if "json" in response.headers.get("Content-Type", "").lower() else None
    if not isinstance(told, dict):
        return SessionLost("GLPI: the token was refused") if status == 401 else failure(response)
    code = str(told.get("status") or told.get("error") or "")
    said = [str(one.get("message")) for one in told.get("additional_messages") or () if isinstance(one, dict)]
    text = f"GLPI: {code or status} ({'; '.join(said) or told.get('title') or 'no reason given'})"[:300]
    if status == 401:
        return SessionLost(text)
    if status == 404:
        return NotFound(text, status)
    if status == 500 and said:
        return Refused(text, status)
    if status >= 500 or status == 429:
        return failure(response, text)
    return Refused(text, status)


def created(body: Any) -> str:
    """The id of a created item; TryLater when the answer gives none."""
    number = body.get("id") if isinstance(body, dict) else None
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise TryLater("GLPI: the answer to a creation gives no id")
    return str(number)


def either(values: Collection[str]) -> str:
    """A group of values for `=in=`."""
    return "(" + ",".join(values) + ")"


def quoted(value: str) -> str:
    """A value in a filter. Raises Refused for one that cannot be quoted."""
    if '"' in value or "\\" in value:
        raise Refused("GLPI: a name with a quotation mark or a backslash cannot be searched")
    return f'"{value}"'
