"""What the two databases do differently with many rows at once. Everything else is SQLAlchemy Core."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache, lru_cache
from itertools import chain, islice
from typing import Any, Final, NamedTuple, Protocol

import msgspec
from sqlalchemy import ARRAY, ColumnElement, Connection, Table, any_, bindparam, func, select
from sqlalchemy.dialects import postgresql, sqlite

from connector.store.types import aware, micros

Row = tuple[Any, ...]
TOGETHER: Final = 250
"""Rows of one statement of SQLite, which takes 32,766 values."""
FEW: Final = 5
"""So many rows PostgreSQL gets as values of a statement; COPY needs three trips, JSON is written and read again."""


class Step(NamedTuple):
    """A statement that writes, made to be carried out with others."""

    sql: str
    values: Sequence[Any]


class Bulk(Protocol):
    """Rows are tuples in the order of `columns`, times already passed through `at`."""

    name: str
    place: str
    """How the driver marks the place of a value."""

    def upsert(self, table: Table) -> Any:
        """An `insert` that knows on_conflict_do_nothing and on_conflict_do_update."""
        ...

    def at(self, at: datetime) -> Any:
        """A time as the driver takes it. Raises ValueError for a naive one."""
        ...

    def reserve(self, conn: Connection, table: Table, count: int) -> Sequence[int]:
        """Primary keys that nobody else will use, ascending."""
        ...

    def insert(self, conn: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
        """All rows or an IntegrityError of the driver."""
        ...

    def insert_new(self, conn: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row],
                   returning: tuple[str, ...]) -> list[Row]:
        """Inserts rows (at least one) that break no unique key, and gives back `returning` of those."""
        ...

    def update(self, conn: Connection, table: Table, columns: tuple[str, ...], match: tuple[str, ...],
               rows: Sequence[Row]) -> int:
        """Sets `columns` of the rows that equal in `match` (last in each tuple); how many there were."""
        ...

    def together(self, conn: Connection, steps: Sequence[Step]) -> list[int]:
        """Carries out a few steps, none of which may need what another one writes; how many rows each wrote."""
        ...

    def among(self, what: ColumnElement[Any], values: Sequence[Any]) -> ColumnElement[bool]:
        """`what IN values` as one parameter, whatever their number."""
        ...


def batches(items: Iterable[Any], size: int) -> Iterable[list[Any]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def inserting(bulk: Bulk, table: Table, columns: tuple[str, ...], rows: Sequence[Row], *, new: bool = False) -> Step:
    """A few rows. `new`: those whose key is there already are left out."""
    sql = _insert(table.name, columns, len(rows), bulk.place)
    return Step(f"{sql} ON CONFLICT DO NOTHING" if new else sql, list(chain.from_iterable(rows)))


def updating(bulk: Bulk, table: Table, columns: tuple[str, ...], match: tuple[str, ...], row: Row) -> Step:
    """`row` as for `Bulk.update`."""
    return Step(_update(table.name, columns, match, bulk.place), row)


class Sqlite:
    name = "sqlite"
    place = "?"
    at = staticmethod(micros)

    def upsert(self, table: Table) -> sqlite.Insert:
        return sqlite.insert(table)

    def reserve(self, conn: Connection, table: Table, count: int) -> Sequence[int]:
        # Safe because this transaction is the only writer (BEGIN IMMEDIATE).
        last = conn.exec_driver_sql("SELECT seq FROM sqlite_sequence WHERE name = ?", (table.name,)).scalar() or 0
        return range(last + 1, last + 1 + count)

    def insert(self, conn: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
        # A long statement leaves the interpreter to the thread that reads the next page; one per row asks for it back
        # a thousand times.
        driver = _driver(conn)
        for some in batches(rows, TOGETHER):
            if len(some) == TOGETHER:
                driver.execute(_insert(table.name, columns, TOGETHER, self.place), list(chain.from_iterable(some)))
            else:
                driver.executemany(_insert(table.name, columns, 1, self.place), some)

    def insert_new(self, conn: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row],
                   returning: tuple[str, ...]) -> list[Row]:
        fresh: list[Row] = []
        for some in batches(rows, 100):
            sql = _sqlite_insert_new(table.name, columns, len(some), returning)
            fresh += _driver(conn).execute(sql, [value for row in some for value in row]).fetchall()
        return fresh

    def update(self, conn: Connection, table: Table, columns: tuple[str, ...], match: tuple[str, ...],
               rows: Sequence[Row]) -> int:
        count: int = _driver(conn).executemany(_update(table.name, columns, match, self.place), rows).rowcount
        return count

    def together(self, conn: Connection, steps: Sequence[Step]) -> list[int]:
        return [_driver(conn).execute(*step).rowcount for step in steps]

    def among(self, what: ColumnElement[Any], values: Sequence[Any]) -> ColumnElement[bool]:
        if len(values) == 1:
            same: ColumnElement[bool] = what == values[0]
            return same
        listed = func.json_each(msgspec.json.encode(list(values)).decode()).table_valued("value")
        return what.in_(select(listed.c.value))


class Postgres:
    name = "postgresql"
    place = "%s"
    at = staticmethod(aware)

    def upsert(self, table: Table) -> postgresql.Insert:
        return postgresql.insert(table)

    def reserve(self, conn: Connection, table: Table, count: int) -> Sequence[int]:
        (key,) = table.primary_key
        sql = "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)"
        return [row[0] for row in conn.exec_driver_sql(sql, (table.name, key.name, count))]

    def insert(self, conn: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
        if len(rows) <= FEW:
            self.together(conn, [inserting(self, table, columns, rows)])
            return
        with _driver(conn).cursor() as cursor:
            with cursor.copy(f'COPY "{table.name}" ({_quoted(columns)}) FROM STDIN') as copy:
                for row in rows:
                    copy.write_row(row)

    def insert_new(self, conn: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row],
                   returning: tuple[str, ...]) -> list[Row]:
        if len(rows) <= FEW:
            sql, values = inserting(self, table, columns, rows, new=True)
            cursor = _driver(conn).execute(f"{sql}{_returning(returning)}", values)
        else:
            cursor = _driver(conn).execute(_postgres_insert_new(table, columns, returning), [_json_rows(rows)])
        return cursor.fetchall() if returning else []

    def update(self, conn: Connection, table: Table, columns: tuple[str, ...], match: tuple[str, ...],
               rows: Sequence[Row]) -> int:
        if len(rows) == 1:
            return self.together(conn, [updating(self, table, columns, match, rows[0])])[0]
        count: int = _driver(conn).execute(_postgres_update(table, columns, match), [_json_rows(rows)]).rowcount
        return count

    def together(self, conn: Connection, steps: Sequence[Step]) -> list[int]:
        if len(steps) == 1:
            return [_driver(conn).execute(*steps[0]).rowcount]
        sql = _postgres_together(tuple(step.sql for step in steps))
        counts = _driver(conn).execute(sql, [value for step in steps for value in step.values]).fetchone()
        return list(counts)

    def among(self, what: ColumnElement[Any], values: Sequence[Any]) -> ColumnElement[bool]:
        if len(values) == 1:
            same: ColumnElement[bool] = what == values[0]
            return same
        return what == any_(bindparam(None, list(values), ARRAY(what.type)))


def bulk_for(conn: Connection) -> Bulk:
    return Postgres() if conn.dialect.name == "postgresql" else Sqlite()


def _driver(conn: Connection) -> Any:
    return conn.connection.driver_connection


# Names in these statements come from tables.py; values are always parameters.


@cache
def _insert(table: str, columns: tuple[str, ...], count: int, place: str) -> str:
    row = f"({', '.join([place] * len(columns))})"
    return f'INSERT INTO "{table}" ({_quoted(columns)}) VALUES {", ".join([row] * count)}'  # noqa: S608


@cache
def _sqlite_insert_new(table: str, columns: tuple[str, ...], count: int, returning: tuple[str, ...]) -> str:
    return f"{_insert(table, columns, count, '?')} ON CONFLICT DO NOTHING{_returning(returning)}"


@cache
def _update(table: str, columns: tuple[str, ...], match: tuple[str, ...], place: str) -> str:
    changes = ", ".join(f'"{name}" = {place}' for name in columns)
    where = " AND ".join(f'"{name}" = {place}' for name in match)
    return f'UPDATE "{table}" SET {changes} WHERE {where}'  # noqa: S608


@lru_cache(256)
def _postgres_together(statements: tuple[str, ...]) -> str:
    """Several as one: each trip to the server costs more than what it does there."""
    steps = ", ".join(f"s{n} AS ({sql} RETURNING 1)" for n, sql in enumerate(statements))
    return f"WITH {steps} SELECT {', '.join(f'(SELECT count(*) FROM s{n})' for n in range(len(statements)))}"  # noqa: S608


@cache
def _postgres_insert_new(table: Table, columns: tuple[str, ...], returning: tuple[str, ...]) -> str:
    sql = f'INSERT INTO "{table.name}" ({_quoted(columns)}) SELECT * FROM {_postgres_rows(table, columns)}'  # noqa: S608
    return f"{sql} ON CONFLICT DO NOTHING{_returning(returning)}"


@cache
def _postgres_update(table: Table, columns: tuple[str, ...], match: tuple[str, ...]) -> str:
    changes = ", ".join(f'"{name}" = v.c{place}' for place, name in enumerate(columns))
    where = " AND ".join(f't."{name}" = v.c{place}' for place, name in enumerate(match, len(columns)))
    rows = _postgres_rows(table, columns + match)
    return f'UPDATE "{table.name}" AS t SET {changes} FROM {rows} WHERE {where}'  # noqa: S608


def _postgres_rows(table: Table, columns: tuple[str, ...]) -> str:
    """Rows as one JSON parameter: four times as fast as arrays, whose text psycopg escapes in Python."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    types = ", ".join(f"c{place} {table.c[name].type.compile(dialect)}" for place, name in enumerate(columns))
    return f"json_to_recordset(%s::json) AS v ({types})"


def _json_rows(rows: Sequence[Row]) -> str:
    names = [f"c{place}" for place in range(len(rows[0]))]
    return msgspec.json.encode([dict(zip(names, row, strict=True)) for row in rows]).decode()


def _returning(names: tuple[str, ...]) -> str:
    return f" RETURNING {_quoted(names)}" if names else ""
