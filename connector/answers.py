"""What an HTTP answer means: a body that was really a success, or the error it stands for."""

from __future__ import annotations

import email.utils
import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson
import requests
from urllib3.exceptions import HTTPError as Urllib3Error

from connector.domain.errors import NotFound, Refused, TryLater

LARGEST_BODY: Final = 64 * 1024 * 1024
LONGEST_SECONDS: Final = 300.0
"""For one whole body: the time limit of the connection is for silence only, and a dripping server never is silent."""
LATER: Final = frozenset({408, 425, 429, 499, 500, 502, 503, 504, 520, 521, 522, 523, 524})
LONGEST_WAIT: Final = timedelta(days=1)
_MARKUP: Final = re.compile(r"<[^<>]*>|\s+")
_HIDDEN: Final = re.compile(r"<(script|style)\b.*?</\1>", re.IGNORECASE | re.DOTALL)


def body_json(response: requests.Response, expect: Collection[int]) -> Any:
    """The parsed body of an answer that is a success in every respect, else the error it means.

    Success is an expected status, a JSON content type and a body that parses.
    """
    if response.status_code not in expect:
        raise failure(response)
    kind = response.headers.get("Content-Type", "")
    if "json" not in kind.lower():
        said = excerpt(response)
        response.close()
        raise TryLater(f"{where(response)}: status {response.status_code} with {kind or 'no content type'} "
                       f"instead of JSON ({said})")
    try:
        return orjson.loads(read(response))
    except ValueError:
        raise TryLater(f"{where(response)}: status {response.status_code} with an unreadable body") from None


def read(response: requests.Response, largest: int = LARGEST_BODY, seconds: float = LONGEST_SECONDS,
         clock: Callable[[], float] = time.monotonic) -> bytes:
    """The whole body; Refused when larger than `largest` bytes, TryLater when it stops half-way or takes too long."""
    chunks: list[bytes] = []
    size = 0
    end = clock() + seconds
    for chunk in chunks_of(response):
        size += len(chunk)
        if size > largest:
            response.close()
            raise Refused(f"{where(response)}: body larger than {largest} bytes")
        if clock() > end:
            response.close()
            raise TryLater(f"{where(response)}: the answer took longer than {seconds:g} s")
        chunks.append(chunk)
    return b"".join(chunks)


def chunks_of(response: requests.Response, size: int = 65536) -> Iterator[bytes]:
    """The body in pieces; TryLater when it stops half-way. Closes the response when the caller stops."""
    try:
        yield from response.iter_content(size)
    except (requests.RequestException, Urllib3Error, OSError) as error:
        raise TryLater(f"{where(response)}: the answer stopped half-way ({type(error).__name__})") from None
    finally:
        if not response._content_consumed:  # type: ignore[attr-defined]
            response.close()


def failure(response: requests.Response, detail: str = "") -> TryLater | Refused:
    """The error that a status means, when the adapter knows nothing better. `detail` is the tool's own message."""
    status = response.status_code
    text = f"{where(response)}: status {status}"
    said = detail or excerpt(response)
    response.close()
    if said:
        text += f": {said}"
    if status in LATER or 200 <= status < 300:
        return TryLater(text, retry_after(response.headers))
    if status in (404, 410):
        return NotFound(text, status)
    return Refused(text, status)


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> timedelta | None:
    """The wait asked for by Retry-After (seconds or HTTP date): never negative, at most a day.

    A date is compared with the other side's own Date header where there is one: its clock need not be ours.
    None when absent or unreadable.
    """
    value = (headers.get("Retry-After") or "").strip()
    if not value:
        return None
    if value.isascii() and value.isdigit():
        return min(timedelta(seconds=int(value[:9])), LONGEST_WAIT)
    at = http_date(value)
    if at is None:
        return None
    base = now or http_date(headers.get("Date") or "") or datetime.now(UTC)
    return max(timedelta(0), min(at - base, LONGEST_WAIT))


def http_date(value: str) -> datetime | None:
    """An HTTP date as an aware time; None when unreadable."""
    try:
        at = email.utils.parsedate_to_datetime(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def excerpt(response: requests.Response, length: int = 200) -> str:
    """The beginning of a body as plain text, for an error message."""
    try:
        raw = response.content[:4000] if response._content_consumed else response.raw.read(4000, decode_content=True)  # type: ignore[attr-defined]
    except Exception:  # a body that cannot even be read has nothing to add to the error at hand
        return ""
    text = _MARKUP.sub(" ", _HIDDEN.sub(" ", (raw or b"").decode("utf-8", "replace")))
    return " ".join(text.split())[:length]


def where(response: requests.Response) -> str:
    """Method and address of the request, without its query."""
    request = response.request
    path = (request.url or "" if request is not None else response.url or "").split("?", 1)[0]
    method = (request.method or "") if request is not None else ""
    return f"{method} {path}".strip()
