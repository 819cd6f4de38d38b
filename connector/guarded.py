"""HTTP requests to addresses that people typed: judged first, and then connected to nothing but what was judged.

The host name is resolved once; the connection goes to one of those addresses while Host, SNI and the certificate keep
the name. Redirects are not followed, nothing is read from the environment, and time and size of the answer are limited.
"""

from __future__ import annotations

import functools
import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import certifi
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError
from urllib3.util import Timeout
from urllib3.util.ssl_ import create_urllib3_context

from connector import recorder
from connector.domain.address import AddressPolicy, Target, check, parse
from connector.domain.errors import Refused, TryLater
from connector.http import CONNECT_SECONDS, why

Resolve = Callable[[str, int], Sequence[str]]
Take = Callable[[Iterator[bytes]], None]
Dial = Callable[[tuple[str, int], float | None], socket.socket]
READ_SECONDS: Final = 15.0
WHOLE_SECONDS: Final = 30.0
LARGEST_ANSWER: Final = 64 * 1024
MOST_ADDRESSES: Final = 8
"""Of one host that are tried: each may cost a whole time limit, and their number is the other side's choice."""
LARGE_SECONDS: Final = 180.0
"""For a whole file."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said. `body` holds at most what the caller allowed. `headers` have names in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    took: timedelta
    address: str


def resolve(host: str, port: int) -> list[str]:
    """All addresses of a host. Raises TryLater when it has none now."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise TryLater(f"the name {host} is not known") from None
    return list(dict.fromkeys(str(info[4][0]) for info in found))


class Guarded:
    """Safe to share between threads. `seconds` limits silence, `whole` the entire exchange after the connection.

    `ca` is a file of certificates to trust besides the usual ones. `resolve` and `dial` are for tests and stand-ins.
    """

    def __init__(self, policy: AddressPolicy, *, resolve: Resolve = resolve, dial: Dial = socket.create_connection,
                 ca: str | None = None, seconds: float = READ_SECONDS, whole: float = WHOLE_SECONDS,
                 largest: int = LARGEST_ANSWER) -> None:
        self.policy = policy
        self._resolve, self._dial = resolve, dial
        self._seconds, self._whole, self._largest = seconds, whole, largest
        self._context = create_urllib3_context()
        self._context.load_verify_locations(certifi.where())
        if ca:
            self._context.load_verify_locations(ca)

    def send(self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b"",
             take: Take | None = None) -> Answer:
        """The answer, whatever its status. Raises Refused when the address may not be called, TryLater without answer.

        `take`, if given, reads the whole body of a 200 in pieces as they come, and may raise ConnectorError; the answer
        then has none. No error shows more of the address than its host.
        """
        wanted = parse(url, self.policy)
        target = check(url, self._resolve(wanted.host, wanted.port), self.policy)
        whole = self._whole if take is None else LARGE_SECONDS
        line = _Line(target, self._dial, whole)
        noted = recorder.note(method, url, headers or {}, body, typed=True)
        try:
            answer = self._exchange(line, method, headers or {}, body, take)
        except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, ValueError) as error:
            reason = f"no answer within {whole:g} s" if line.cut else why(error)
            if noted is not None:
                noted.failed(f"no answer: {reason}")
            raise TryLater(f"no answer from {target.host}: {reason}") from None
        finally:
            line.end()
        if noted is not None:
            noted.answered(answer.status, answer.headers, lambda: answer.body)
        return answer

    def _exchange(self, line: _Line, method: str, headers: Mapping[str, str], body: bytes, take: Take | None) -> Answer:
        began = time.monotonic()
        sent = {"User-Agent": "servicedesk-connector", "Accept-Encoding": "identity", **headers, "Connection": "close"}
        with line.pool(Timeout(CONNECT_SECONDS, self._seconds), self._context) as pool:
            response = pool.urlopen(method, line.target.path, body=body, headers=sent, retries=False, redirect=False,
                                    preload_content=False, decode_content=False)
            try:
                if take is not None and response.status == 200:
                    take(_pieces(response, line))
                    content = b""
                else:
                    content = self._read(response)
            finally:
                response.close()
        if line.cut:
            raise TimeoutError
        return Answer(response.status, {name.lower(): value for name, value in response.headers.items()}, content,
                      timedelta(seconds=time.monotonic() - began), line.address)

    def _read(self, response: urllib3.BaseHTTPResponse) -> bytes:
        """The beginning of the body, up to the limit: nothing here needs more of it."""
        content = b""
        while len(content) < self._largest:
            piece = response.read(min(8192, self._largest - len(content)))
            if not piece:
                break
            content += piece
        return content


def _pieces(response: urllib3.BaseHTTPResponse, line: _Line) -> Iterator[bytes]:
    """The body to its true end. Raises when it was cut or is shorter than was told."""
    told = response.headers.get("Content-Length", "")
    size = 0
    while piece := response.read(64 * 1024):
        size += len(piece)
        yield piece
    if line.cut or (told.isdigit() and int(told) != size):
        raise ConnectionResetError


class _Line:
    """One connection to a judged target, and the watch that cuts it when the whole takes too long."""

    def __init__(self, target: Target, dial: Dial, whole: float) -> None:
        self.target, self.address, self.cut = target, "", False
        self._dial, self._whole = dial, whole
        self._watch: threading.Timer | None = None

    def pool(self, timeout: Timeout, context: Any) -> urllib3.HTTPConnectionPool:
        if self.target.scheme == "http":
            pool = urllib3.HTTPConnectionPool(self.target.host, self.target.port, timeout=timeout, retries=False)
            pool.ConnectionCls = functools.partial(_Plain, line=self)  # type: ignore[assignment]
            return pool
        secure = urllib3.HTTPSConnectionPool(self.target.host, self.target.port, timeout=timeout, retries=False,
                                             ssl_context=context)
        secure.ConnectionCls = functools.partial(_Secure, line=self)  # type: ignore[assignment]
        return secure

    def dialled(self, connection: HTTPConnection) -> socket.socket:
        """A connection to the first address that takes one. Raises NewConnectionError when none does."""
        failed: Exception = OSError("no address")
        for address in self.target.addresses[:MOST_ADDRESSES]:
            try:
                wire = self._dial((address, self.target.port), CONNECT_SECONDS)
            except OSError as error:
                failed = error
                continue
            self.address = address
            return wire
        raise NewConnectionError(connection, str(failed)) from failed

    def watch(self, wire: Any) -> None:
        self._watch = threading.Timer(self._whole, self._end_now, (wire,))
        self._watch.daemon = True
        self._watch.start()

    def _end_now(self, wire: socket.socket) -> None:
        self.cut = True
        with suppress(OSError):
            # The base class: the TLS one would pull its state from under the thread that reads.
            socket.socket.shutdown(wire, socket.SHUT_RDWR)

    def end(self) -> None:
        if self._watch is not None:
            self._watch.cancel()


class _Plain(HTTPConnection):
    def __init__(self, *args: Any, line: _Line, **more: Any) -> None:
        super().__init__(*args, **more)
        self._line = line

    def _new_conn(self) -> socket.socket:
        return self._line.dialled(self)

    def connect(self) -> None:
        super().connect()
        self._line.watch(self.sock)


class _Secure(HTTPSConnection):
    def __init__(self, *args: Any, line: _Line, **more: Any) -> None:
        super().__init__(*args, **more)
        self._line = line

    def _new_conn(self) -> socket.socket:
        return self._line.dialled(self)

    def connect(self) -> None:
        super().connect()
        self._line.watch(self.sock)


def judged(url: str, policy: AddressPolicy, resolve: Resolve = resolve) -> str:
    """Why an address may not be called now; "" when it may. For pages and checks, before anything is sent."""
    try:
        wanted = parse(url, policy)
        check(url, resolve(wanted.host, wanted.port), policy)
    except (Refused, TryLater) as error:
        return error.reason
    return ""
