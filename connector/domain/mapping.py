"""Mappings as data: a tool's fields and values to ours and back. (Being built.)"""

from __future__ import annotations

from typing import Any


class Mapping:
    name: str
    vendor: str
    reads: frozenset[str]

    def __init__(self, data: Any) -> None:
        raise NotImplementedError
