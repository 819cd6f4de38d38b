"""What an answer of GLPI's REST API (apirest.php) means. Decided by status, content type and error code, never by text.

Error messages are translated to the session's language, HTML comes with 200 while GLPI is under maintenance, and a PHP
fatal error is a 200 with an empty body: success is an expected status and JSON and a body of the expected shape.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, Final

import orjson
import requests

from connector.domain.errors import NotFound, Refused, TryLater
from connector.http import body_json, failure, read

READ_OK: Final = frozenset({200, 206})
WRITE_OK: Final = frozenset({200, 201, 207})

SESSION: Final = frozenset({"ERROR_SESSION_TOKEN_INVALID", "ERROR_SESSION_TOKEN_MISSING"})
LOGIN: Final = frozenset({
    "ERROR_GLPI_LOGIN", "ERROR_GLPI_LOGIN_USER_TOKEN", "ERROR_LOGIN_PARAMETERS_MISSING", "ERROR_NOT_ALLOWED_IP",
    "ERROR_LOGIN_WITH_CREDENTIALS_DISABLED", "ERROR_APP_TOKEN_PARAMETERS_MISSING", "ERROR_WRONG_APP_TOKEN_PARAMETER",
})
WRITES: Final = frozenset({"ERROR_GLPI_ADD", "ERROR_GLPI_UPDATE", "ERROR_GLPI_DELETE"})
PARTIAL: Final = frozenset({"ERROR_GLPI_PARTIAL_ADD", "ERROR_GLPI_PARTIAL_UPDATE", "ERROR_GLPI_PARTIAL_DELETE"})
_CODE: Final = re.compile(r"[A-Z][A-Z_]{2,60}")
_SQL: Final = re.compile(r"`[^`]*`\.`|\bSQL\b")


class SessionLost(TryLater):
    """The session is gone: nothing was done, log in again."""


class LoginRefused(Refused):
    """GLPI does not let us in: tokens, address range or switches must be changed by a person."""


class PastEnd(Refused):
    """The range begins behind the last row: there is nothing more to read."""


class WriteRefused(Refused):
    """GLPI said ERROR_GLPI_ADD, _UPDATE or _DELETE; why is often not told (`message` is empty)."""

    def __init__(self, reason: str, status: int, message: str) -> None:
        super().__init__(reason, status)
        self.message = message


def judge(response: requests.Response, expect: Collection[int] = READ_OK) -> Any:
    """The parsed body of a real success, else the error it means. A 207 gives the list of per-item results."""
    status = response.status_code
    if status in expect and status != 207:
        return body_json(response, expect)
    told = _told(response)
    if told is None:
        raise failure(response)
    code, message = told
    if status == 207 and code in PARTIAL and isinstance(message, list):
        return message
    raise _error(response, code, message if isinstance(message, str) else "")


def _told(response: requests.Response) -> tuple[str, Any] | None:
    """The code and message of GLPI's error payload (a list of two); None when the body is something else."""
    if "json" not in response.headers.get("Content-Type", "").lower():
        return None
    try:
        body = orjson.loads(read(response, 1_000_000))
    except ValueError:
        return None
    if isinstance(body, list) and len(body) == 2 and isinstance(body[0], str) and _CODE.fullmatch(body[0]):
        return body[0], body[1]
    return None


def _error(response: requests.Response, code: str, message: str) -> TryLater | Refused:
    status = response.status_code
    said = _cut(message)
    text = f"GLPI: {code}" + (f" ({said})" if said else "")
    if code in SESSION:
        return SessionLost(text)
    if code in LOGIN:
        return LoginRefused(text, status)
    if code in WRITES:
        return WriteRefused(text, status, said)
    if code == "ERROR_RANGE_EXCEED_TOTAL":
        return PastEnd(text, status)
    if code == "ERROR_ITEM_NOT_FOUND":
        return NotFound(text, status)
    if status >= 500 or status == 429:
        return failure(response, text)
    return Refused(text, status)


def _cut(message: str) -> str:
    """The message for a person: without the link to the manual, and without the text of an SQL error."""
    first = message.split("; view documentation in your browser", 1)[0].strip()
    return "the database refused a value" if _SQL.search(first) else first[:200]


def added(body: Any) -> str:
    """The id of a created item. Raises TryLater when the answer does not give one: the outcome is then unknown."""
    number = body.get("id") if isinstance(body, dict) else None
    if isinstance(number, bool) or not isinstance(number, (int, str)) or not str(number).isdigit() or not int(number):
        raise TryLater("GLPI: the answer to a creation gives no id")
    return str(number)


def uploaded(body: Any) -> str:
    """The id of an uploaded document. Raises Refused when GLPI made the document but refused its file."""
    results = body.get("upload_result") if isinstance(body, dict) else None
    files = results.get("filename") if isinstance(results, dict) else None
    if not isinstance(files, list) or not files or not isinstance(files[0], dict):
        raise TryLater("GLPI: the answer to an upload does not tell about the file")
    if files[0].get("error"):
        raise Refused(f"GLPI: file refused: {_cut(str(files[0]['error']))}")
    return added(body)


def results(body: Any) -> dict[str, bool]:
    """Per item, whether an update or deletion worked. Matched by id: GLPI leaves unknown ids out of the list."""
    found: dict[str, bool] = {}
    for entry in body if isinstance(body, list) else ():
        if isinstance(entry, dict):
            found.update({key: value is True for key, value in entry.items() if key != "message"})
    return found


def done(body: Any, id: str) -> None:
    """Check that an update or deletion of one item worked. Raises Refused when GLPI left it out or said no."""
    if not results(body).get(id, False):
        raise Refused(f"GLPI: {id} was not changed")


def accepted(body: Any, what: str) -> None:
    """Check an answer that is `true`, or `false` with status 200 when GLPI refuses."""
    if body is not True:
        raise Refused(f"GLPI: {what} was refused")
