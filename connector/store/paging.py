"""Keyset pages: a page starts after the last row of the one before, so that it costs the same however far it is."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Select, and_, or_

from connector.store.views import BadCursor

LARGEST = 1000
"""Most rows of a page."""


def after(columns: Sequence[ColumnElement[Any]], values: Sequence[Any], descending: bool) -> ColumnElement[bool]:
    """Rows behind `values` in the order of `columns`.

    a < x OR (a = x AND b < y), with a <= x in front so that an index on (a, b) is entered at the right place.
    """
    first, value = columns[0], values[0]
    beyond: ColumnElement[bool] = first < value if descending else first > value
    if len(columns) == 1:
        return beyond
    near = first <= value if descending else first >= value
    return and_(near, or_(beyond, after(columns[1:], values[1:], descending)))


def page(
    found: Select[Any], columns: Sequence[ColumnElement[Any]], descending: bool, limit: int,
    values: Sequence[Any] | None,
) -> Select[Any]:  # fmt: skip
    """One row more than asked for, to know whether there is a next page."""
    if values is not None:
        found = found.where(after(columns, values, descending))
    ordered = [column.desc() if descending else column.asc() for column in columns]
    return found.order_by(*ordered).limit(bounded(limit) + 1)


def bounded(limit: int) -> int:
    return max(1, min(limit, LARGEST))


def seal(kind: str, values: Sequence[Any]) -> str:
    """An opaque cursor; `kind` says which list and order it belongs to."""
    text = msgspec.json.encode([kind, *values])
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def unseal(kind: str, cursor: str | None, types: Sequence[type]) -> list[Any] | None:
    """The values of a cursor, None for the first page. Raises BadCursor."""
    if cursor is None:
        return None
    try:
        text = base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4))
        name, *values = msgspec.json.decode(text, type=list)
        if name != kind:
            raise BadCursor(f"this cursor belongs to another list or order than {kind}")
        return [msgspec.convert(value, wanted) for value, wanted in zip(values, types, strict=True)]
    except BadCursor:
        raise
    except (ValueError, binascii.Error, msgspec.MsgspecError):
        raise BadCursor("not a cursor of ours; begin again without one") from None
