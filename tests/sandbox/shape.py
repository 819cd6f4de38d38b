"""Recorded exchanges of real tools, sent to a stand-in, and the two answers held against each other.

Compared are status, content type, and the body's shape: keys and types, at every depth. `null` fits every type (a real
tool shows it where nothing is set); ids are not compared.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests

FIXTURES = Path(__file__).parents[1] / "vendors"
NOT_SENT = frozenset({"host", "content-length", "connection", "accept-encoding"})


def recorded(make: str) -> dict[str, dict[str, Any]]:
    found = {}
    for path in sorted((FIXTURES / make / "fixtures").glob("*.json")):
        data = json.loads(path.read_text("utf-8"))
        if isinstance(data, dict) and "request" in data and "response" in data:
            found[path.stem] = data
    return found


def send(url: str, exchange: Mapping[str, Any], names: Mapping[str, str]) -> requests.Response:
    """The recorded request, with placeholders replaced by what this stand-in knows."""
    asked = exchange["request"]
    headers = {name: replaced(value, names) for name, value in asked.get("headers", {}).items()
               if name.lower() not in NOT_SENT}
    body = asked.get("body")
    data: bytes | None = None
    if body is not None and asked.get("body_kind") != "empty":
        text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
        data = replaced(text, names).encode()
    path = replaced(asked.get("path") or asked["url"], names)
    return requests.request(asked["method"], url + path, headers=headers, data=data, timeout=10, allow_redirects=False)


def replaced(text: str, names: Mapping[str, str]) -> str:
    for placeholder in sorted(names, key=len, reverse=True):
        text = text.replace(placeholder, names[placeholder])
    return text


def media_type(headers: Mapping[str, str]) -> str:
    return headers.get("Content-Type", "").replace(" ", "").lower()


def differences(want: Any, have: Any, where: str = "", loose: frozenset[str] = frozenset()) -> list[str]:
    """Where shapes differ. `loose` are keys that may be there or not."""
    if want is None or have is None:
        return []
    if isinstance(want, dict) and isinstance(have, dict):
        want, have = _by_kind(want), _by_kind(have)
        found = [f"{where}/{key} is missing" for key in want.keys() - have.keys() - loose]
        found += [f"{where}/{key} is not in the recording" for key in have.keys() - want.keys() - loose]
        for key in want.keys() & have.keys():
            found += differences(want[key], have[key], f"{where}/{key}", loose)
        return found
    if isinstance(want, list) and isinstance(have, list):
        if want and have and not where and isinstance(want[0], str):  # an error: code and message
            return [] if want[0] == have[0] and type(want[-1]) is type(have[-1]) else [f"{want} became {have}"]
        return differences(_one(want), _one(have), f"{where}[]", loose)
    if type(want) is not type(have):
        return [f"{where} is {type(have).__name__}, recorded {type(want).__name__}"]
    return []


def _by_kind(value: dict[str, Any]) -> dict[str, Any]:
    """`{"17": true, "message": ""}` and logs by id: the id is no key of the shape."""
    if "message" in value or all(isinstance(inner, dict) and "id" in inner for inner in value.values()):
        return {"<id>" if key.isdigit() else key: inner for key, inner in value.items()}
    return value


def _one(items: list[Any]) -> Any:
    """All items of a list in one: a key's value is the first that says something."""
    if not items or not all(isinstance(item, dict) for item in items):
        return items[0] if items else None
    merged: dict[str, Any] = {}
    for item in items:
        for key, value in _by_kind(item).items():
            if merged.get(key) is None:
                merged[key] = value
    return merged
