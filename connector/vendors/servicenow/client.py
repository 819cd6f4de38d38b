"""One ServiceNow over its REST APIs. pysnow builds the addresses and parameters of the Table API and unwraps results.

It never touches the network: `Fence` is the session it is given, and what comes back through it has been judged. Each
thread has its own pysnow client and each call its own resource, because pysnow keeps the parameters of a call in a
dictionary that all calls of one resource share. Why this much of pysnow and no more: docs/decisions/0020.
"""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import metadata
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
import requests

from connector.answers import http_date
from connector.domain.errors import ConfigError, ConnectorError, Problem, Refused, TryLater
from connector.http import Http
from connector.vendors.servicenow.answers import CREATED, READ, LoginRefused, NoRecord, judge, refusal
from connector.vendors.servicenow.login import Login
from connector.vendors.servicenow.query import is_id
from connector.vendors.servicenow.records import spread

PYSNOW: Final = "0.7.17"


def check_pysnow(version: str) -> None:
    """Raises ConfigError unless pysnow is the one version this was tried with."""
    if version != PYSNOW:
        raise ConfigError([Problem(
            f"pysnow {version} is installed and {PYSNOW} is needed. That one allows pytz before 2020 only: asked "
            "for a newer pytz, pip falls back to an old pysnow without a word. Install both: "
            f"pip install 'pysnow=={PYSNOW}' 'pytz<2020'", path="pysnow")])


def _installed() -> str:
    try:
        return metadata.version("pysnow")
    except metadata.PackageNotFoundError:
        return "(none)"


check_pysnow(_installed())
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it misses python-magic, which only its attachment upload would use
    import pysnow
    from pysnow.exceptions import PysnowException

Body = Callable[[], Any]
"""Gives the body of a request, anew for each try."""


@dataclass(frozen=True, slots=True)
class Rows:
    """One page of a list. `total` is the count before access rules; `at` when the instance began to answer."""

    rows: list[dict[str, Any]]
    limit: int
    offset: int
    total: int | None
    linked: bool | None
    at: datetime

    @property
    def end(self) -> bool:
        """Whether nothing follows. A short page says nothing: the limit is applied before access rules."""
        if self.total is not None:
            return self.offset + self.limit >= self.total
        return not self.linked if self.linked is not None else not self.rows


class Judged:
    """An answer that was judged: what pysnow, and then we, see of it."""

    def __init__(self, response: requests.Response, body: dict[str, Any]) -> None:
        self.status_code = response.status_code
        self.headers = response.headers
        self.request = response.request
        self.elapsed: timedelta = response.elapsed
        self.raw = response.raw
        self.body = body

    def raise_for_status(self) -> None:
        """Nothing is left to raise."""

    def json(self) -> dict[str, Any]:
        return self.body


class Door:
    """Sends with our credentials, renewed once when refused."""

    def __init__(self, http: Http, login: Login) -> None:
        self.http = http
        self.login = login

    def open(self, method: str, path: str, *, params: Mapping[str, str] | None = None, body: Body | None = None,
             headers: Mapping[str, str] | None = None) -> requests.Response:
        """The answer, not judged, its body not read. Raises TryLater, Refused."""
        response, used = self._send(method, path, params, body, headers)
        if response.status_code == 401 and "invalid" not in response.headers.get("X-MFA_TOKEN", "").lower():
            # Refused at the door, so not even a write was done: it may be sent again, once.
            error = refusal(response)
            if not self.login.renew(used):
                raise error
            response, _ = self._send(method, path, params, body, headers)
        return response

    def _send(self, method: str, path: str, params: Mapping[str, str] | None, body: Body | None,
              headers: Mapping[str, str] | None) -> tuple[requests.Response, dict[str, str]]:
        login = self.login.headers()
        every = {"Accept": "application/json", **(headers or {}), **login}
        data = body() if body is not None else None
        return self.http.send(method, path, params=params, data=data, headers=every, stream=True), login


class Fence(requests.Session):
    """The session pysnow is given. One thread, one fence; `last` is the answer of its last request."""

    READS: Final = frozenset({"sysparm_query", "sysparm_limit", "sysparm_offset", "sysparm_fields", "sysparm_count",
                              "sysparm_display_value", "sysparm_exclude_reference_link",
                              "sysparm_suppress_pagination_header"})
    WRITES: Final = frozenset({"sysparm_fields", "sysparm_display_value", "sysparm_exclude_reference_link"})
    last: Judged

    def __init__(self, door: Door) -> None:
        super().__init__()
        self._door = door

    def request(self, method: str, url: str, params: Any = None, data: Any = None,  # type: ignore[override]
                **ignored: Any) -> Judged:
        """Sends what pysnow made, less the parameters it adds to every call, and judges the answer.

        Its time limit, headers and redirects are ours to decide.
        """
        reads = method == "GET"
        allowed = self.READS if reads else self.WRITES
        kept = {name: _plain(value) for name, value in (params or {}).items()
                if name in allowed and value not in (None, "", [])}
        headers = {} if reads else {"Content-Type": "application/json"}
        response = self._door.open(method, url, params=kept, headers=headers,
                                   body=None if data is None else lambda: data)
        self.last = Judged(response, judge(response, CREATED if method == "POST" else READ))
        return self.last


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class Client:
    """Reads and writes tables. Thread-safe. Raises TryLater, NotFound, Refused."""

    def __init__(self, http: Http, login: Login, wall: Callable[[], float] = time.time) -> None:
        self.http = http
        self.door = Door(http, login)
        self._wall = wall
        self._local = threading.local()

    def rows(self, table: str, query: str, fields: Sequence[str], limit: int, offset: int = 0,
             display: bool | str = False) -> Rows:
        """One page of a table. `display`: False for stored values, True for shown ones, "all" for both."""
        def act(api: Any) -> Any:
            return api.get(query=query, limit=limit, offset=offset, fields=list(fields), display_value=display,
                           exclude_reference_link=True, suppress_pagination_header=True).all()

        try:
            rows, answer = self._call(f"/table/{table}", act)
        except NoRecord as error:
            # The first version of the API says so of an empty list. It is not asked here, unless a proxy maps to it.
            if "no record" in error.reason.lower():
                return Rows([], limit, offset, 0, False, self._now())
            raise
        if not isinstance(answer.body["result"], list) or not all(isinstance(row, dict) for row in rows):
            raise TryLater(f"ServiceNow: table {table} was answered without a list of rows")
        return Rows([spread(row) for row in rows], limit, offset, _count(answer.headers), _linked(answer.headers),
                    self._began(answer))

    def create(self, table: str, values: Mapping[str, Any], fields: Sequence[str]) -> dict[str, Any]:
        def act(api: Any) -> Any:
            api.parameters.fields = list(fields)
            api.parameters.exclude_reference_link = True
            return api.create(dict(values)).all()

        return self._one(*self._call(f"/table/{table}", act))

    def change(self, table: str, id: str, values: Mapping[str, Any], fields: Sequence[str]) -> dict[str, Any]:
        """PATCH: pysnow's own update would read the record, then PUT it."""
        if not is_id(id):
            raise Refused(f"ServiceNow: {id[:40]!r} is no id")

        def act(api: Any) -> Any:
            api.parameters.fields = list(fields)
            api.parameters.exclude_reference_link = True
            return api.request("PATCH", path_append=id, data=orjson.dumps(dict(values))).all()

        return self._one(*self._call(f"/table/{table}", act))

    def _call(self, path: str, act: Callable[[Any], Any]) -> tuple[Any, Judged]:
        fence, maker = self._mine()
        try:
            return act(maker.resource(api_path=path)), fence.last
        except ConnectorError:
            raise
        except (PysnowException, TypeError, ValueError) as error:
            raise Refused(f"ServiceNow: {path} cannot be asked: {type(error).__name__}") from None

    def _mine(self) -> tuple[Fence, Any]:
        """This thread's fence and pysnow client."""
        pair: tuple[Fence, Any] | None = getattr(self._local, "pair", None)
        if pair is None:
            address = urlsplit(self.http.base)
            fence = Fence(self.door)
            maker = pysnow.Client(host=address.netloc + address.path, use_ssl=address.scheme == "https", session=fence)
            pair = self._local.pair = (fence, maker)
        return pair

    @staticmethod
    def _one(rows: Any, answer: Judged) -> dict[str, Any]:
        if not isinstance(answer.body["result"], dict) or not rows[0]:
            raise TryLater("ServiceNow: a write was answered without the record")
        return spread(rows[0])

    def send(self, method: str, path: str, *, params: Mapping[str, str] | None = None, body: Body | None = None,
             headers: Mapping[str, str] | None = None, expect: Collection[int] = READ) -> dict[str, Any]:
        """A judged answer of another API than the Table API."""
        return judge(self.door.open(method, path, params=params, body=body, headers=headers), expect)

    def _began(self, answer: Judged) -> datetime:
        """When the instance began with the answer, by its own clock; by ours where it does not tell."""
        there = http_date(answer.headers.get("Date", "")) or self._now()
        return (there - answer.elapsed).astimezone(UTC).replace(microsecond=0)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._wall(), UTC)

    def close(self) -> None:
        self.http.close()


def _count(headers: Mapping[str, str]) -> int | None:
    raw = headers.get("X-Total-Count", "").strip()
    return int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 19 else None


def _linked(headers: Mapping[str, str]) -> bool | None:
    """Whether the Link header names a next page; None without one. Its address is not followed."""
    link = headers.get("Link")
    return None if link is None else 'rel="next"' in link or "rel=next" in link


__all__ = ["PYSNOW", "Client", "Door", "Fence", "Judged", "LoginRefused", "Rows", "check_pysnow"]
