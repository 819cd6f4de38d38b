"""Parquet, by batches. Rows are numbered from 1."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from connector.domain.errors import ConfigError, Problem
from connector.domain.exported import Row
from connector.domain.rows import Rows

BATCH: Final = 5_000


def read(path: Path, rows: Rows) -> Iterator[Row]:
    number = 0
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(BATCH):
                for values in batch.to_pylist():
                    number += 1
                    yield Row(number, values)
    except pa.ArrowException as error:
        reason = str(error).splitlines()[0]
        raise ConfigError([Problem(f"is not Parquet that can be read: {reason}", str(path))]) from None
    except OSError as error:
        raise ConfigError([Problem(f"cannot be read: {error.strerror or error}", str(path))]) from None


def count(path: Path) -> int | None:
    try:
        with pq.ParquetFile(path) as file:
            return int(file.metadata.num_rows)
    except (pa.ArrowException, OSError):
        return None
