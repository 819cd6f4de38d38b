"""Column types that behave alike on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import BigInteger, Dialect, Integer, Text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.types import TypeDecorator, TypeEngine

from connector.store.codec import clean, payload_text, read_payload

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TICK: Final = timedelta(microseconds=1)

Key: Final = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite numbers rows by itself only in a column of exactly INTEGER."""


def micros(at: datetime) -> int:
    """Microseconds since 1970 UTC. Raises ValueError for a naive datetime."""
    if at.tzinfo is None:
        raise ValueError(f"naive datetime {at.isoformat()}: expected one in UTC")
    return (at - EPOCH) // _TICK


def moment(micro: int) -> datetime:
    return EPOCH + timedelta(microseconds=micro)


def aware(at: datetime) -> datetime:
    """The same instant in UTC. Raises ValueError for a naive datetime."""
    if at.tzinfo is None:
        raise ValueError(f"naive datetime {at.isoformat()}: expected one in UTC")
    return at.astimezone(UTC)


class Utc(TypeDecorator[datetime]):
    """An instant: timestamptz on PostgreSQL, microseconds since 1970 on SQLite (sorts, compares and adds exactly)."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        kind: TypeEngine[Any] = TIMESTAMP(timezone=True) if dialect.name == "postgresql" else BigInteger()
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        return aware(value) if dialect.name == "postgresql" else micros(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return aware(value) if dialect.name == "postgresql" else moment(value)


class Words(TypeDecorator[str]):
    """Text from outside: what a database refuses (NUL, lone surrogates) is replaced."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else clean(value)


class Json(TypeDecorator[Any]):
    """JSON as text, datetimes and tuples kept. Not jsonb: that refuses NUL inside strings and costs time to write."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        if value is None:
            return None
        return payload_text(value) if isinstance(value, Mapping) else msgspec.json.encode(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        return read_payload(value) if value.startswith("{") else msgspec.json.decode(value)
