"""One GLPI over apirest.php: a session shared by all threads, opened when first needed, renewed once when lost.

Tokens travel in headers only. Every answer is judged (`answers`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, TypeVar

import requests

from connector.domain.errors import ConnectorError, Refused, TryLater
from connector.http import Http
from connector.vendors.glpi.answers import READ_OK, WRITE_OK, LoginRefused, SessionLost, accepted, judge

SESSION_LIFE: Final = 3600.0
"""Seconds after which a session is opened anew: rights and entities are a snapshot taken at login."""
LOGIN_WAIT: Final = timedelta(minutes=1)
BULK: Final = 25
"""Most items in one write: GLPI puts a link to each into one header, which breaks web servers from about 85 on."""
Params = Sequence[tuple[str, str]]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Access:
    """How to log in: a user token, or a login and password; the application token where the API client has one."""

    user_token: str = ""
    login: str = ""
    password: str = ""
    app_token: str = ""
    profile: str = ""
    entity: str = ""
    recursive: bool = True


class Client:
    """Sends requests in a session. Thread-safe."""

    def __init__(self, http: Http, access: Access, clock: Callable[[], float] = time.monotonic) -> None:
        self.http = http
        self._access = access
        self._clock = clock
        self._lock = threading.Lock()
        self._token = ""
        self._since = 0.0
        self._version: str | None = None

    # requests

    def get(self, path: str, params: Params = (), headers: Mapping[str, str] | None = None) -> Any:
        return self.call("GET", path, params=params, headers=headers)

    def call(self, method: str, path: str, body: Any = None, *, params: Params = (), data: Any = None,
             headers: Mapping[str, str] | None = None, expect: Collection[int] | None = None) -> Any:
        """The judged body. Raises TryLater, NotFound, Refused and its kinds in `answers`."""
        wanted = expect if expect is not None else READ_OK if method == "GET" else WRITE_OK
        return self._in_session(lambda token: judge(
            self._send(method, path, token, body=body, params=params, data=data, headers=headers), wanted))

    def open(self, path: str, headers: Mapping[str, str]) -> requests.Response:
        """An answer whose body is not read yet and whose success only the caller can judge."""
        def send(token: str) -> requests.Response:
            response = self._send("GET", path, token, headers=headers, stream=True)
            if response.status_code not in READ_OK:
                judge(response, ())
            return response

        return self._in_session(send)

    def _in_session(self, act: Callable[[str], T]) -> T:
        token = self._session()
        try:
            return act(token)
        except SessionLost:
            # GLPI refused before doing anything, so even a write is safe to send again, once.
            return act(self._session(lost=token))

    def _send(self, method: str, path: str, token: str, *, body: Any = None, params: Params = (), data: Any = None,
              headers: Mapping[str, str] | None = None, stream: bool = False) -> requests.Response:
        every = {"Session-Token": token, "X-GLPI-Sanitized-Content": "false", **self._app(), **(headers or {})}
        return self.http.send(method, path, params=list(params), json=body, data=data, headers=every, stream=stream)

    def _app(self) -> dict[str, str]:
        return {"App-Token": self._access.app_token} if self._access.app_token else {}

    def version(self) -> str:
        """GLPI's version, asked once; "" when the account may not see it."""
        if self._version is None:
            try:
                body = self.get("getGlpiConfig")
            except Refused:
                body = None
            config = body.get("cfg_glpi") if isinstance(body, dict) else None
            self._version = str(config.get("version") or "") if isinstance(config, dict) else ""
        return self._version

    def escapes(self) -> bool:
        """Whether text is kept and shown escaped: up to GLPI 10; GLPI 11 keeps it as it was typed."""
        major = self.version().split(".", 1)[0]
        return not major.isdigit() or int(major) < 11

    # the session

    def _session(self, lost: str = "") -> str:
        with self._lock:
            old = self._token
            if old and old != lost and self._clock() - self._since < SESSION_LIFE:
                return old
            self._token = ""
            if old and old != lost:
                self._kill(old)
            try:
                self._token = self.login()
            except LoginRefused as error:
                # It is we who are refused, not what was to be done: that can wait until a person has changed it.
                raise TryLater(f"cannot log in: {error.reason}", LOGIN_WAIT) from None
            self._since = self._clock()
            return self._token

    def login(self) -> str:
        """A new session with the wished profile and entity. Raises LoginRefused or TryLater."""
        access = self._access
        auth = None
        headers = self._app()
        if access.user_token:
            headers["Authorization"] = f"user_token {access.user_token}"
        else:
            auth = (access.login.encode(), access.password.encode())
        try:
            body = judge(self.http.send("GET", "initSession", headers=headers, auth=auth))
        except Refused as error:
            raise LoginRefused(error.reason, error.status) from None
        token = body.get("session_token") if isinstance(body, dict) else None
        if not isinstance(token, str) or not token:
            raise TryLater("GLPI: initSession gives no session token")
        self._choose(token)
        return token

    def _choose(self, token: str) -> None:
        """Take the profile and entity given in the settings."""
        access = self._access
        try:
            if access.profile:
                body = judge(self._send("POST", "changeActiveProfile", token,
                                        body={"profiles_id": int(access.profile)}))
                accepted(body, f"profile {access.profile}")
            if access.entity:
                entity: Any = "all" if access.entity == "all" else int(access.entity)
                body = judge(self._send("POST", "changeActiveEntities", token,
                                        body={"entities_id": entity, "is_recursive": access.recursive}))
                accepted(body, f"entity {access.entity}")
        except ConnectorError as error:
            self._kill(token)
            raise LoginRefused(str(error)) if isinstance(error, Refused) else error from None

    def _kill(self, token: str) -> None:
        with suppress(ConnectorError):
            judge(self._send("GET", "killSession", token))

    def close(self) -> None:
        with self._lock:
            token, self._token = self._token, ""
        if token:
            self._kill(token)
        self.http.close()
