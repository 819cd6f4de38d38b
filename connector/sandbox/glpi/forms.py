"""Requests as PHP reads them: JSON bodies, forms, `criteria[0][field]=1` in the query."""

from __future__ import annotations

import re
from typing import Any, Final

import orjson
from flask import request

from connector.sandbox.glpi.errors import Fail
from connector.sandbox.glpi.show import Item

_TOKEN: Final = re.compile(r"\[([^\]]*)\]")
_NESTED: Final = ("criteria", "forcedisplay", "sort", "order", "items", "searchText", "add_keys_names", "input")


def body() -> Item:
    """The JSON object (or form) of a request. A GET must have none. Raises Fail."""
    data = request.get_data()
    if request.method in ("GET", "HEAD"):
        if data:
            raise Fail("ERROR_JSON_PAYLOAD_FORBIDDEN", "GET Request should not have json payload (http body)")
        return {}
    kind = request.headers.get("Content-Type", "")
    if "application/x-www-form-urlencoded" in kind:
        return nested(request.form.items(multi=True))
    if "json" not in kind or not data:
        return {}
    try:
        parsed = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise Fail("ERROR_JSON_PAYLOAD_INVALID", "JSON payload seems not valid") from None
    return parsed if isinstance(parsed, dict) else {}


def nested(items: Any = None) -> Item:
    """PHP's reading of `criteria[0][field]=1`."""
    made: Item = {}
    for key, value in items if items is not None else request.args.items(multi=True):
        head, bracket, rest = key.partition("[")
        if not bracket or head not in _NESTED:
            continue
        spot, path = made.setdefault(head, {}), _TOKEN.findall(f"[{rest}")
        for part in path[:-1]:
            spot = spot.setdefault(part, {})
        if isinstance(spot, dict) and path:
            spot[path[-1] or str(len(spot))] = value
    return made


def listed(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else list(value)
