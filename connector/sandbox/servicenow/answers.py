"""Answers of ServiceNow's REST APIs."""

from __future__ import annotations

from typing import Any, Final

import orjson
from flask import Response

JSON: Final = "application/json;charset=UTF-8"


class Wrong(Exception):
    def __init__(self, status: int, message: str, detail: str | None) -> None:
        super().__init__(message)
        self.status, self.message, self.detail = status, message, detail


NOT_FOUND: Final = (404, "No Record found", "Record doesn't exist or ACL restricts the record retrieval")


def answer(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(data), status, headers, content_type=JSON)


def failed(status: int, message: str, detail: str | None) -> Response:
    return answer({"error": {"message": message, "detail": detail}, "status": "failure"}, status)
