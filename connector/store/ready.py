"""Statements of the hottest paths, compiled once for each database and handed straight to its driver.

SQLAlchemy remembers what it compiled too, but what it does around each execution takes longer than most of these
statements. Values and rows are converted by the types of the columns, as it would.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.sql.type_api import TypeEngine

Convert = Callable[[Any], Any]
# As functions: neither class of SQLAlchemy has types.
_DIALECTS: Final[dict[str, Any]] = {
    "sqlite": SQLiteDialect_pysqlite(paramstyle="named"),
    "postgresql": PGDialect_psycopg(),  # type: ignore[no-untyped-call]
}


class _Compiled(NamedTuple):
    sql: str
    given: dict[str, Convert]
    """What is done to values, by their name; those the driver takes as they are have no entry."""
    rows: tuple[tuple[int, Convert], ...]


class Ready:
    """A statement with places (`bindparam`), which gives rows. `postgresql` where that database says it differently."""

    def __init__(self, statement: Any, *, postgresql: Any = None) -> None:
        self._statements = {"sqlite": statement, "postgresql": statement if postgresql is None else postgresql}
        self._compiled = cache(self._compile)

    def run(self, conn: Connection, **values: Any) -> Sequence[tuple[Any, ...]]:
        made = self._compiled(conn.dialect.name)
        for name, convert in made.given.items():
            values[name] = convert(values[name])
        rows: list[tuple[Any, ...]] = conn.connection.driver_connection.execute(  # type: ignore[union-attr]
            made.sql, values).fetchall()
        return [_converted(row, made.rows) for row in rows] if made.rows else rows

    def _compile(self, name: str) -> _Compiled:
        dialect, statement = _DIALECTS[name], self._statements[name]
        compiled = statement.compile(dialect=dialect)
        given = {name: _of(bind.type, dialect).bind_processor(dialect) for bind, name in compiled.bind_names.items()}
        rows = [_of(column.type, dialect).result_processor(dialect, None) for column in statement.exported_columns]
        return _Compiled(str(compiled), {name: convert for name, convert in given.items() if convert is not None},
                         tuple((place, convert) for place, convert in enumerate(rows) if convert is not None))


def _of(kind: TypeEngine[Any], dialect: Any) -> TypeEngine[Any]:
    return kind.dialect_impl(dialect)


def _converted(row: Sequence[Any], how: tuple[tuple[int, Convert], ...]) -> tuple[Any, ...]:
    values = list(row)
    for place, convert in how:
        values[place] = convert(values[place])
    return tuple(values)
