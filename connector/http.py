"""The one way out over HTTP: time limits, no redirects, retry decided once, every answer judged once.

An adapter sends through `Http` and gets a body that was really a success, or TryLater, NotFound or Refused.
What an answer means is decided in `connector.answers`.
"""

from __future__ import annotations

import email.utils
import http.cookiejar
import logging
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, timedelta
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
import requests
from requests import exceptions as bad
from requests.adapters import HTTPAdapter
from urllib3 import exceptions as lower
from urllib3.util import Retry

from connector import recorder
from connector.answers import LARGEST_BODY, body_json, chunks_of, excerpt, failure, read, retry_after
from connector.domain.errors import ConfigError, Problem, Refused, TryLater
from connector.domain.ticket import Attachment

__all__ = ["LARGEST_BODY", "FileBody", "Http", "body_json", "chunks_of", "excerpt", "failure", "read", "retry_after"]

CONNECT_SECONDS: Final = 5.0
READ_SECONDS: Final = 60.0
# Its warning of a connection tried again shows the address with its query.
logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)


class Http:
    """A requests session to one base address.

    Thread-safe: each thread has its own session. `skew` is the other side's clock minus ours, from its Date header.
    Proxies are taken from `proxy` alone and credentials from the caller alone: neither the environment nor ~/.netrc
    has a say. `cert` is the path of a client certificate (with its key), or a pair of paths.
    Raises ConfigError when `base` is not a plain http or https address.
    """

    def __init__(
        self,
        base: str,
        *,
        timeout: tuple[float, float] = (CONNECT_SECONDS, READ_SECONDS),
        headers: Mapping[str, str] | None = None,
        verify: bool | str = True,
        pool: int = 8,
        cookies: bool = False,
        proxy: str = "",
        cert: str | tuple[str, str] | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.base = _plain_base(base)
        self.skew: timedelta | None = None
        self._timeout = timeout
        self._headers = {"User-Agent": "servicedesk-connector", **(headers or {})}
        self._verify = verify
        self._pool = pool
        self._cookies = cookies
        self._proxy = proxy
        self._cert = cert
        self._wall = wall
        self._local = threading.local()
        # Weak: the session of a thread that ended goes with it.
        self._sessions: weakref.WeakSet[requests.Session] = weakref.WeakSet()
        self._lock = threading.Lock()

    def session(self) -> requests.Session:
        """This thread's session, for a library that must be given one."""
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = self._new_session()
            with self._lock:
                self._sessions.add(session)
        return session

    def _new_session(self) -> requests.Session:
        session = requests.Session()
        session.headers.update(self._headers)
        session.verify = self._verify
        session.cert = self._cert
        session.trust_env = False
        if self._proxy:
            session.proxies = {"http": self._proxy, "https": self._proxy}
        if not self._cookies:
            session.cookies.set_policy(_NoCookies())
        # Only a connection that never carried the request is tried again here; everything else is the outbox's
        # or the next poll's business, where the wait is durable.
        # Without the last option a 429 or 503 that has a Retry-After is an error to urllib3, and its wait is lost.
        retry = Retry(total=2, connect=2, read=0, redirect=0, status=0, other=0, backoff_factor=0.2,
                      respect_retry_after_header=False)
        adapter = _Noted(pool_maxsize=self._pool, max_retries=retry)
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        return session

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | list[tuple[str, Any]] | None = None,
        json: Any = None,
        data: Any = None,
        files: Any = None,
        headers: Mapping[str, str] | None = None,
        auth: Any = None,
        stream: bool = False,
    ) -> requests.Response:
        """The raw answer, not yet judged (redirects are never followed).

        Raises TryLater when there is none, or none that is whole, and Refused when the request can never be sent.
        With `stream` the body is left to the caller, who must read it or close the response.
        """
        extra: dict[str, str] = dict(headers or {})
        if json is not None:
            data = self._encode(json)
            extra.setdefault("Content-Type", "application/json")
        try:
            response = self.session().request(
                method, self.url(path), params=params, data=data, files=files, headers=extra, auth=auth,
                timeout=self._timeout, allow_redirects=False, stream=True,
            )
        except (bad.InvalidURL, bad.InvalidSchema, bad.MissingSchema, bad.InvalidHeader, lower.LocationParseError,
                UnicodeError) as error:
            raise Refused(f"the request to {self.base} cannot be sent: {type(error).__name__}") from None
        except (requests.RequestException, lower.HTTPError, OSError, ValueError) as error:
            raise TryLater(f"no answer from {self.base}: {why(error)}") from None
        self._measure(response)
        if not stream:
            # Read here, and not by requests, so that size and time are limited.
            response._content = read(response)
            response._content_consumed = True  # type: ignore[attr-defined]
        return response

    def _encode(self, json: Any) -> bytes:
        try:
            return orjson.dumps(json)
        except TypeError as error:
            raise Refused(f"the request to {self.base} is not JSON: {error}") from None

    def url(self, path: str) -> str:
        """The full address. Raises Refused for an absolute one elsewhere: our credentials stay with their host."""
        if "://" not in path.split("?", 1)[0]:
            return f"{self.base}/{path.lstrip('/')}"
        if path == self.base or path.startswith(f"{self.base}/"):
            return path
        raise Refused(f"an address outside {self.base} was to be called")

    def _measure(self, response: requests.Response) -> None:
        stamp = response.headers.get("Date")
        if not stamp:
            return
        try:
            there = email.utils.parsedate_to_datetime(stamp)
            if there.tzinfo is None:
                there = there.replace(tzinfo=UTC)
            # The Date header is cut to whole seconds: half a second is its expected error.
            offset = there.timestamp() + 0.5 - self._wall()
        except (TypeError, ValueError, OverflowError):
            return
        self.skew = timedelta(seconds=round(offset)) if abs(offset) >= 1.5 else timedelta(0)

    def close(self) -> None:
        with self._lock:
            sessions = list(self._sessions)
            self._sessions.clear()
        for session in sessions:
            session.close()


class _Noted(HTTPAdapter):
    """Whatever goes out over a session of ours, also through a library, is noted while a delivery is tried."""

    def send(self, request: requests.PreparedRequest, stream: bool = False, timeout: Any = None, verify: Any = True,
             cert: Any = None, proxies: Any = None) -> requests.Response:
        noted = recorder.note(request.method or "", request.url or "", request.headers, request.body)
        try:
            response = super().send(request, stream, timeout, verify, cert, proxies)
        except (requests.RequestException, lower.HTTPError, OSError, ValueError) as error:
            if noted is not None:
                noted.failed(f"no answer: {why(error)}")
            raise
        if noted is not None:
            noted.answered(response.status_code, response.headers, partial(_read_so_far, response))
        return response


def _read_so_far(response: requests.Response) -> bytes:
    """Nothing more is read for the sake of a note."""
    content: Any = response._content
    return content if isinstance(content, bytes) else b""


class _NoCookies(http.cookiejar.DefaultCookiePolicy):
    def set_ok(self, cookie: http.cookiejar.Cookie, request: Any) -> bool:
        return False


def _plain_base(base: str) -> str:
    try:
        parts = urlsplit(base)
        usable = (parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
                  and not parts.query and not parts.fragment and parts.port != 0)
    except ValueError:
        usable = False
    if not usable:
        # Not shown: what was typed here by mistake may be a password.
        raise ConfigError([Problem("expected an address such as https://tool.example.org, without login or query",
                                   path="url")])
    return base.rstrip("/")


def why(error: BaseException) -> str:
    """What went wrong on the network, for a person, without the address: query strings may carry what logs must not."""
    chain: list[BaseException] = []
    todo: list[Any] = [error]
    while todo and len(chain) < 20:
        item = todo.pop(0)
        if isinstance(item, BaseException) and item not in chain:
            chain.append(item)
            todo += [*item.args, getattr(item, "reason", None), item.__cause__, item.__context__]
    for kinds, text in _REASONS:
        if any(isinstance(item, kinds) for item in chain):
            return text
    return type(error).__name__


_REASONS: Final[tuple[tuple[tuple[type[BaseException], ...], str], ...]] = (
    ((bad.ProxyError, lower.ProxyError), "the proxy refused or did not answer"),
    ((bad.SSLError, lower.SSLError), "TLS failed (certificate not trusted, expired, or not TLS at all)"),
    ((lower.NameResolutionError,), "the host name is not known"),
    ((ConnectionRefusedError,), "the connection was refused"),
    ((bad.ConnectTimeout, lower.ConnectTimeoutError), "no connection within the time limit"),
    ((bad.ReadTimeout, lower.ReadTimeoutError, TimeoutError), "no answer within the time limit"),
    ((lower.NewConnectionError,), "no connection could be made"),
    ((ConnectionResetError, BrokenPipeError, lower.ProtocolError), "the connection was closed before the answer"),
)


class FileBody:
    """A file as a body of known length, read in chunks and anew for each try."""

    def __init__(self, file: Attachment) -> None:
        self._file = file

    def __len__(self) -> int:
        return self._file.size

    def __iter__(self) -> Iterator[bytes]:
        """Raises Refused when it does not have the size it was said to have."""
        sent = 0
        for chunk in self._file.open():
            sent += len(chunk)
            if sent > self._file.size:
                break
            yield chunk
        if sent != self._file.size:
            raise Refused(f"{self._file.name!r} does not have the {self._file.size} bytes it was said to have")
