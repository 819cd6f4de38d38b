"""The one way out over HTTP: time limits, no redirects, retry of reads decided once, every answer judged once.

An adapter sends through `Http` and gets a body that was really a success, or TryLater, NotFound or Refused.
"""

from __future__ import annotations

import email.utils
import re
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson
import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError as Urllib3Error
from urllib3.util import Retry

from connector.domain.errors import NotFound, Refused, TryLater

CONNECT_SECONDS: Final = 5.0
READ_SECONDS: Final = 60.0
LARGEST_BODY: Final = 64 * 1024 * 1024
LATER: Final = frozenset({408, 425, 429, 499, 500, 502, 503, 504, 520, 521, 522, 523, 524})
_MARKUP: Final = re.compile(r"<[^>]*>|\s+")


class Http:
    """A requests session to one base address.

    Thread-safe: each thread has its own session. `skew` is the other side's clock minus ours, from its Date header.
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
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.base = base.rstrip("/")
        self.skew: timedelta | None = None
        self._timeout = timeout
        self._headers = {"User-Agent": "servicedesk-connector", **(headers or {})}
        self._verify = verify
        self._pool = pool
        self._cookies = cookies
        self._wall = wall
        self._local = threading.local()
        self._sessions: list[requests.Session] = []
        self._lock = threading.Lock()

    def session(self) -> requests.Session:
        """This thread's session, for a library that must be given one."""
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = self._new_session()
            with self._lock:
                self._sessions.append(session)
        return session

    def _new_session(self) -> requests.Session:
        session = requests.Session()
        session.headers.update(self._headers)
        session.verify = self._verify
        session.trust_env = False
        if not self._cookies:
            session.cookies.set_policy(_NoCookies())
        # Only a connection that never carried the request is tried again here; everything else is the outbox's
        # or the next poll's business, where the wait is durable.
        adapter = HTTPAdapter(pool_maxsize=self._pool, max_retries=Retry(total=2, connect=2, read=0, redirect=0,
                                                                        status=0, other=0, backoff_factor=0.2))
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
        """The raw answer, not yet judged (redirects are never followed). Raises TryLater when there is none."""
        extra: dict[str, str] = dict(headers or {})
        if json is not None:
            data = orjson.dumps(json)
            extra.setdefault("Content-Type", "application/json")
        try:
            response = self.session().request(
                method, self.url(path), params=params, data=data, files=files, headers=extra, auth=auth,
                timeout=self._timeout, allow_redirects=False, stream=stream,
            )
        except (requests.RequestException, Urllib3Error, OSError, ValueError) as error:
            raise TryLater(f"no answer from {self.base}: {_safe(error)}") from None
        self._measure(response)
        return response

    def url(self, path: str) -> str:
        return path if path.startswith(("http://", "https://")) else f"{self.base}/{path.lstrip('/')}"

    def _measure(self, response: requests.Response) -> None:
        stamp = response.headers.get("Date")
        if not stamp:
            return
        try:
            there = email.utils.parsedate_to_datetime(stamp)
        except (TypeError, ValueError):
            return
        if there.tzinfo is None:
            there = there.replace(tzinfo=UTC)
        # The Date header is cut to whole seconds: half a second is its expected error.
        offset = there.timestamp() + 0.5 - self._wall()
        self.skew = timedelta(seconds=round(offset)) if abs(offset) >= 1.5 else timedelta(0)

    def close(self) -> None:
        with self._lock:
            sessions, self._sessions = self._sessions, []
        for session in sessions:
            session.close()


class _NoCookies(requests.cookies.cookielib.DefaultCookiePolicy):  # type: ignore[name-defined,misc,unused-ignore]
    def set_ok(self, cookie: Any, request: Any) -> bool:
        return False


def body_json(response: requests.Response, expect: Collection[int]) -> Any:
    """The parsed body of an answer that is a success in every respect, else the error it means.

    Success is an expected status, a JSON content type and a body that parses.
    """
    if response.status_code not in expect:
        raise failure(response)
    kind = response.headers.get("Content-Type", "")
    if "json" not in kind.lower():
        raise TryLater(f"{_where(response)}: status {response.status_code} with {kind or 'no content type'} "
                       f"instead of JSON ({excerpt(response)})")
    try:
        return orjson.loads(read(response))
    except ValueError:
        raise TryLater(f"{_where(response)}: status {response.status_code} with an unreadable body") from None


def read(response: requests.Response, largest: int = LARGEST_BODY) -> bytes:
    """The whole body; Refused when larger than `largest`, TryLater when it stops half-way."""
    chunks: list[bytes] = []
    size = 0
    for chunk in chunks_of(response):
        size += len(chunk)
        if size > largest:
            response.close()
            raise Refused(f"{_where(response)}: body larger than {largest} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


def chunks_of(response: requests.Response, size: int = 65536) -> Iterator[bytes]:
    """The body in pieces; TryLater when it stops half-way."""
    try:
        yield from response.iter_content(size)
    except (requests.RequestException, Urllib3Error, OSError) as error:
        raise TryLater(f"{_where(response)}: the answer stopped half-way ({_safe(error)})") from None


def failure(response: requests.Response, detail: str = "") -> TryLater | Refused:
    """The error that a status means, when the adapter knows nothing better. `detail` is the tool's own message."""
    status = response.status_code
    text = f"{_where(response)}: status {status}"
    said = detail or excerpt(response)
    if said:
        text += f": {said}"
    if status in LATER or status in (202,) or 200 <= status < 300:
        return TryLater(text, retry_after(response.headers))
    if status in (404, 410):
        return NotFound(text, status)
    return Refused(text, status)


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> timedelta | None:
    """The wait asked for by Retry-After (seconds or HTTP date), never negative; None when absent or unreadable."""
    value = (headers.get("Retry-After") or "").strip()
    if not value:
        return None
    if value.isdigit():
        return timedelta(seconds=min(int(value[:9]), 86_400))
    try:
        at = email.utils.parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    wait = at - (now or datetime.now(UTC))
    return max(timedelta(0), min(wait, timedelta(days=1)))


def excerpt(response: requests.Response, length: int = 200) -> str:
    """The beginning of a body as plain text, for an error message."""
    try:
        raw = response.content[:4000] if response._content_consumed else response.raw.read(4000, decode_content=True)  # type: ignore[attr-defined]
    except Exception:  # a body that cannot even be read has nothing to add to the error at hand
        return ""
    text = _MARKUP.sub(" ", (raw or b"").decode("utf-8", "replace"))
    return " ".join(text.split())[:length]


def _where(response: requests.Response) -> str:
    request = response.request
    path = (request.url or "").split("?", 1)[0] if request is not None else response.url
    method = request.method if request is not None else ""
    return f"{method} {path}"


def _safe(error: Exception) -> str:
    """The kind of a network error, without the address: query strings may carry what logs must not."""
    return type(error).__name__
