"""Answers of GLPI's REST API: a list of a code and a message, with its status."""

from __future__ import annotations

from typing import Any, Final

import orjson
from flask import Response

JSON: Final = "application/json; charset=UTF-8"
STATUS: Final = {
    "ERROR_GLPI_LOGIN": 401, "ERROR_GLPI_LOGIN_USER_TOKEN": 401, "ERROR_SESSION_TOKEN_INVALID": 401,
    "ERROR_RIGHT_MISSING": 403, "ERROR_ITEM_NOT_FOUND": 404, "ERROR_GLPI_PARTIAL_ADD": 207,
    "ERROR_GLPI_PARTIAL_UPDATE": 207, "ERROR_GLPI_PARTIAL_DELETE": 207,
}
"""Every other code is 400."""
DOCUMENTED: Final = frozenset({
    "ERROR", "ERROR_APP_TOKEN_PARAMETERS_MISSING", "ERROR_WRONG_APP_TOKEN_PARAMETER", "ERROR_LOGIN_PARAMETERS_MISSING",
    "ERROR_SESSION_TOKEN_MISSING", "ERROR_RESOURCE_NOT_FOUND_NOR_COMMONDBTM", "ERROR_RANGE_EXCEED_TOTAL",
    "ERROR_BAD_ARRAY", "ERROR_JSON_PAYLOAD_FORBIDDEN",
})
"""Codes whose message points at the documentation."""
DENIED: Final = "You don't have permission to perform this action."


class Fail(Exception):
    def __init__(self, code: str, message: Any) -> None:
        super().__init__(code)
        self.code, self.message = code, message

    def answer(self, base: str) -> Response:
        message = self.message
        if self.code in DOCUMENTED and isinstance(message, str) and message != "API disabled":
            message += f"; view documentation in your browser at {base}/#{self.code}"
        return answer([self.code, message], STATUS.get(self.code, 400))


def answer(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(data), status, headers, content_type=JSON)


def not_found() -> Fail:
    return Fail("ERROR_ITEM_NOT_FOUND", "Item not found")


def denied() -> Fail:
    return Fail("ERROR_RIGHT_MISSING", DENIED)
