"""Carries all rows from one store to another, whatever the engines, without holding a table in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import Boolean, Column, Connection, Table, func, select, text

from connector.store.bulk import Bulk, Row, bulk_for
from connector.store.tables import metadata
from connector.store.types import Utc, moment

BATCH: Final = 1000


def carry(source: Connection, target: Connection) -> None:
    """Both at the same schema, the target empty; in the caller's transactions."""
    bulk = bulk_for(target)
    for table in metadata.sorted_tables:
        columns = tuple(column.name for column in table.columns)
        names = ", ".join(f'"{name}"' for name in columns)
        convert = [_converter(column, source, bulk) for column in table.columns]
        # As the driver gives them: documents go over as text, untouched.
        rows = source.exec_driver_sql(f'SELECT {names} FROM "{table.name}"',  # noqa: S608 (names of tables.py)
                                      execution_options={"stream_results": True, "max_row_buffer": BATCH})
        for some in rows.partitions(BATCH):
            bulk.insert(target, table, columns, [_converted(row, convert) for row in some])
    _renumber(target)


def empty_all(conn: Connection) -> None:
    for table in reversed(metadata.sorted_tables):
        conn.execute(table.delete())


def _converted(row: Any, convert: list[Callable[[Any], Any] | None]) -> Row:
    return tuple(value if change is None or value is None else change(value)
                 for value, change in zip(row, convert, strict=True))


def _converter(column: Column[Any], source: Connection, bulk: Bulk) -> Callable[[Any], Any] | None:
    if isinstance(column.type, Boolean):
        return bool
    if not isinstance(column.type, Utc):
        return None
    if source.dialect.name == "postgresql":
        return bulk.at
    return lambda micro: bulk.at(moment(micro))


def _renumber(conn: Connection) -> None:
    """PostgreSQL counts on from where the rows end (SQLite does so by itself)."""
    if conn.dialect.name != "postgresql":
        return
    for table in metadata.sorted_tables:
        for column in numbered(table):
            last = conn.execute(select(func.coalesce(func.max(column), 0))).scalar_one()
            conn.execute(text("SELECT setval(pg_get_serial_sequence(:table, :column), :next, false)"),
                         {"table": table.name, "column": column.name, "next": last + 1})


def numbered(table: Table) -> list[Column[Any]]:
    """Columns that the database numbers."""
    return [column for column in table.columns if column.identity is not None]
