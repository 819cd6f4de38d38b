"""How the connector logs in: Basic, an API key, or OAuth 2 with a token that is renewed once, under a lock."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable
from typing import Any, Final, Protocol

import orjson

from connector.answers import excerpt, failure, read, retry_after
from connector.domain.errors import TryLater
from connector.http import Http
from connector.vendors.servicenow.answers import LoginRefused, message

EARLY: Final = 30.0
"""Seconds before its end at which a token counts as used up: it must outlive the request it goes with."""
DEFAULT_LIFE: Final = 1800.0
DENIED: Final = frozenset({400, 401, 403})


class Login(Protocol):
    """Gives the headers that say who we are."""

    user: str

    def headers(self) -> dict[str, str]: ...
    def renew(self, refused: dict[str, str]) -> bool:
        """Whether there is something better to try than the headers that were just refused."""
        ...


class Fixed:
    """Credentials that go with every request and cannot be renewed."""

    def __init__(self, user: str, headers: dict[str, str]) -> None:
        self.user = user
        self._headers = headers

    @classmethod
    def basic(cls, user: str, password: str) -> Fixed:
        # Encoded here: requests would use Latin-1 and fail on other passwords.
        word = base64.b64encode(f"{user}:{password}".encode()).decode()
        return cls(user, {"Authorization": f"Basic {word}"})

    @classmethod
    def api_key(cls, key: str) -> Fixed:
        return cls("", {"x-sn-apikey": key})

    def headers(self) -> dict[str, str]:
        return dict(self._headers)

    def renew(self, refused: dict[str, str]) -> bool:
        return False


class OAuth:
    """Tokens from /oauth_token.do. `form` is what the grant needs besides its name. Thread-safe."""

    def __init__(self, http: Http, grant: str, form: dict[str, str], client_id: str, client_secret: str,
                 clock: Callable[[], float] = time.monotonic) -> None:
        self.user = form.get("username", "")
        self._http = http
        self._grant = {"grant_type": grant, **form}
        self._client = {"client_id": client_id, "client_secret": client_secret}
        self._clock = clock
        self._lock = threading.Lock()
        self._token = ""
        self._refresh = ""
        self._end = 0.0

    def headers(self) -> dict[str, str]:
        with self._lock:
            if not self._token or self._clock() >= self._end:
                self._get()
            return _bearer(self._token)

    def renew(self, refused: dict[str, str]) -> bool:
        with self._lock:
            # Another thread may have renewed it while our request was on its way.
            if self._token and _bearer(self._token) == refused:
                self._token = ""
                self._get()
            return True

    def _get(self) -> None:
        refresh, self._refresh = self._refresh, ""
        if refresh:
            try:
                self._take(self._ask({"grant_type": "refresh_token", "refresh_token": refresh}))
                return
            except LoginRefused:
                pass  # used up or revoked: the grant itself decides
        self._take(self._ask(self._grant))

    def _ask(self, form: dict[str, str]) -> dict[str, Any]:
        response = self._http.send("POST", "oauth_token.do", data={**form, **self._client},
                                   headers={"Accept": "application/json"}, stream=True)
        status = response.status_code
        body: Any = None
        if "json" in response.headers.get("Content-Type", "").lower():
            try:
                body = orjson.loads(read(response, 1_000_000))
            except ValueError:
                body = None
        said = message(body) if isinstance(body, dict) else ""
        if status in DENIED:
            raise LoginRefused(f"the token request was refused (status {status}): {said or excerpt(response)}", status)
        if status == 200 and isinstance(body, dict) and not said:
            return body
        if status == 200:
            raise TryLater(f"the token request was answered without a token: {said or excerpt(response)}",
                           retry_after(response.headers))
        error = failure(response, said)
        # A wrong address or an instance that does not know us yet: a person must act, the work can wait.
        raise error if isinstance(error, TryLater) else LoginRefused(error.reason, status)

    def _take(self, body: dict[str, Any]) -> None:
        token, life = body.get("access_token"), body.get("expires_in", DEFAULT_LIFE)
        if not isinstance(token, str) or not token:
            raise TryLater("the token request was answered without a token")
        try:
            seconds = float(life)
        except (TypeError, ValueError):
            seconds = DEFAULT_LIFE
        refresh = body.get("refresh_token")
        self._token, self._refresh = token, refresh if isinstance(refresh, str) else ""
        self._end = self._clock() + max(seconds - EARLY, 0.0)


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
