"""Parquet, by batches. Rows are numbered from 1; fields of a struct are columns with a dot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from connector.domain.errors import ConfigError, Problem
from connector.domain.importing.exported import Row
from connector.domain.importing.rows import Rows

BATCH: Final = 5_000
_UNREADABLE: Final = (OverflowError, ValueError, pa.ArrowException)


def read(path: Path, rows: Rows) -> Iterator[Row]:
    number = 0
    try:
        with pq.ParquetFile(path) as file:
            _once(file.schema_arrow.names, path)
            for batch in file.iter_batches(BATCH):
                table = _plain(batch)
                _once(table.schema.names, path)
                yield from _rows(table, number)
                number += batch.num_rows
    except pa.ArrowException as error:
        reason = str(error).splitlines()[0]
        raise ConfigError([Problem(f"is not Parquet that can be read: {reason}", str(path))]) from None
    except OSError as error:
        raise ConfigError([Problem(f"cannot be read: {error.strerror or error}", str(path))]) from None


def _once(names: list[str], path: Path) -> None:
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise ConfigError([Problem(f"has the column `{name}` more than once", str(path)) for name in doubled])


def _plain(batch: pa.RecordBatch) -> pa.Table:
    """Structs opened, and times cut to the microseconds that Python's dates hold: pandas writes nanoseconds."""
    table = pa.Table.from_batches([batch])
    while any(pa.types.is_struct(kind) for kind in table.schema.types):
        table = table.flatten()
    for place, column in enumerate(table.schema):
        if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
            cut = table.column(place).cast(pa.timestamp("us", column.type.tz), safe=False)
            table = table.set_column(place, column.name, cut)
    return table


def _rows(batch: pa.Table, before: int) -> Iterator[Row]:
    """A value Python cannot hold (a date in the year 30,000, text that is not UTF-8) spoils its row only."""
    try:
        found = batch.to_pylist()
    except _UNREADABLE:
        found = [None] * batch.num_rows
    for place, values in enumerate(found):
        yield _row(batch, place, before + place + 1) if values is None else Row(before + place + 1, values)


def _row(batch: pa.Table, place: int, number: int) -> Row:
    values: dict[str, Any] = {}
    errors: list[str] = []
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        try:
            values[name] = column[place].as_py()
        except _UNREADABLE as error:
            errors.append(f"`{name}` cannot be read: {error}")
    return Row(number, values, "; ".join(errors))


def count(path: Path) -> int | None:
    try:
        with pq.ParquetFile(path) as file:
            return int(file.metadata.num_rows)
    except (pa.ArrowException, OSError):
        return None
