"""What an answer of ServiceNow means, before pysnow sees it.

The instance answers 200 to a cancelled transaction (with part of the rows), 200 with HTML while it hibernates or is
under maintenance, and 202 to a request that may never run.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any, Final

import orjson
import requests

from connector.answers import excerpt, failure, http_date, read, retry_after, where
from connector.domain.errors import ConnectorError, NotFound, Refused, TryLater

READ: Final = frozenset({200})
CREATED: Final = frozenset({200, 201})
LOGIN_WAIT: Final = timedelta(minutes=1)
_CANCELLED: Final = ("transaction cancel", "maximum execution time", "transaction quota")


class TooMuch(TryLater):
    """The instance broke off: what was asked for takes too long. Ask for less."""


class LoginRefused(TryLater):
    """We are refused, not what was to be done: that can wait until a person has changed the account."""

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason, LOGIN_WAIT)
        self.status = status


class NoRecord(NotFound):
    """404 with ServiceNow's own words. An empty list in the first version of the API looks the same."""


def judge(response: requests.Response, expect: Collection[int]) -> dict[str, Any]:
    """The parsed body of a real success: expected status, JSON, `result` and no `error`. Else the error it means."""
    status = response.status_code
    if status not in expect:
        raise refusal(response)
    kind = response.headers.get("Content-Type", "")
    if "json" not in kind.lower():
        said = excerpt(response)
        response.close()
        hint = " (is the instance hibernating or under maintenance?)" if "html" in kind.lower() else ""
        raise TryLater(f"{where(response)}: status {status} with {kind or 'no content type'} instead of JSON{hint}: "
                       f"{said}")
    body = _parsed(response)
    if "error" in body or body.get("status") == "failure":
        raise _broken(response, body)
    if not isinstance(body.get("result"), (list, dict)):
        raise TryLater(f"{where(response)}: status {status} without a result")
    return body


def _parsed(response: requests.Response) -> dict[str, Any]:
    try:
        body = orjson.loads(read(response))
    except ValueError:
        raise TooMuch(f"{where(response)}: the answer stops in the middle of its JSON") from None
    except (TryLater, Refused) as error:
        raise TooMuch(error.reason) from None
    if not isinstance(body, dict):
        raise TryLater(f"{where(response)}: JSON of an unexpected shape")
    return body


def _broken(response: requests.Response, body: Mapping[str, Any]) -> TryLater:
    said = message(body) or "status failure"
    text = f"{where(response)}: status {response.status_code} with an error beside the result: {said}"
    return TooMuch(text) if any(word in said.lower() for word in _CANCELLED) else TryLater(text)


def refusal(response: requests.Response) -> ConnectorError:
    """The error a status outside the expected ones stands for, with the instance's own words."""
    status = response.status_code
    said = _said(response)
    text = f"{where(response)}: status {status}" + (f": {said}" if said else "")
    if status == 401:
        response.close()
        if "invalid" in response.headers.get("X-MFA_TOKEN", "").lower():
            return LoginRefused(f"{text} (the password is right, but the account asks for a second factor)", status)
        return LoginRefused(text, status)
    if status == 429:
        response.close()
        return TryLater(text, retry_after(response.headers) or _reset(response.headers))
    if 300 <= status < 400:
        response.close()
        return TryLater(f"{where(response)}: status {status}: redirected, which is not followed; is the address right, "
                        "and is the account allowed to use the API without single sign-on?")
    if status == 202:
        response.close()
        return TryLater(f"{where(response)}: status 202: taken in, but perhaps never done")
    if any(word in said.lower() for word in _CANCELLED):
        response.close()
        return TooMuch(text)
    if status == 404 and said:
        response.close()
        return NoRecord(text, status)
    return failure(response, said)


def _reset(headers: Mapping[str, str]) -> timedelta | None:
    """The wait until X-RateLimit-Reset (seconds since 1970), by the instance's own clock."""
    raw = headers.get("X-RateLimit-Reset", "")
    now = http_date(headers.get("Date", ""))
    if now is None or not (raw.isascii() and raw.isdigit()) or len(raw) > 12:
        return None
    return timedelta(seconds=min(max(int(raw) - now.timestamp(), 0.0), 86_400.0))


def _said(response: requests.Response) -> str:
    """The message and detail of an error body; "" when the body is something else."""
    if "json" not in response.headers.get("Content-Type", "").lower():
        return ""
    try:
        body = orjson.loads(read(response, 1_000_000))
    except (ValueError, TryLater, Refused):
        return ""
    return message(body) if isinstance(body, dict) else ""


def message(body: Mapping[str, Any]) -> str:
    error = body.get("error")
    if isinstance(error, str):
        parts = [error, body.get("error_description")]
    elif isinstance(error, dict):
        parts = [error.get("message"), error.get("detail")]
    else:
        parts = []
    return " ".join(": ".join(part.strip() for part in parts if isinstance(part, str) and part.strip()).split())[:300]
