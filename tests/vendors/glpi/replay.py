"""Recorded exchanges with a GLPI 10.0.12, as answers of `requests`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import requests
from requests.structures import CaseInsensitiveDict

FOLDER = Path(__file__).parent / "fixtures"
_TRANSPORT = {"transfer-encoding", "content-length", "content-encoding", "connection"}


def recorded(name: str) -> dict[str, Any]:
    exchange: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return exchange


def body_of(exchange: dict[str, Any]) -> bytes:
    response = exchange["response"]
    body, kind = response.get("body"), response.get("body_kind")
    if kind == "json":
        return json.dumps(body, ensure_ascii=False).encode()
    return (body or "").encode() if isinstance(body, str) else b""


def answer(name: str) -> requests.Response:
    """The recorded answer, as if it had just arrived."""
    exchange = recorded(name)
    response = requests.Response()
    response.status_code = exchange["response"]["status"]
    response.headers = CaseInsensitiveDict(headers_of(exchange))
    response._content = body_of(exchange)
    response._content_consumed = True  # type: ignore[attr-defined]
    request = exchange["request"]
    response.request = requests.Request(request["method"], "https://glpi.example" + request["path"]).prepare()
    response.url = str(response.request.url)
    return response


def headers_of(exchange: dict[str, Any]) -> dict[str, str]:
    return {k: v for k, v in exchange["response"]["headers"].items() if k.lower() not in _TRANSPORT}
