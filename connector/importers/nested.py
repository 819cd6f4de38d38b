"""Objects inside a row are columns with a dot: `{"caller": {"name": "Ana"}}` has the column `caller.name`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

DEEPEST: Final = 50
"""Objects within objects."""


def flat(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Raises ValueError where two values would be one column, or where objects lie too deep."""
    if not any(isinstance(value, dict) for value in values.values()):
        return values
    found: dict[str, Any] = {}
    _into(found, values, "", DEEPEST)
    return found


def _into(found: dict[str, Any], values: Mapping[str, Any], before: str, left: int) -> None:
    if not left:
        raise ValueError(f"has objects within objects, more than {DEEPEST} deep")
    for name, value in values.items():
        if isinstance(value, dict):
            _into(found, value, f"{before}{name}.", left - 1)
        elif before + name in found:
            raise ValueError(f"tells `{before}{name}` twice")
        else:
            found[before + name] = value
