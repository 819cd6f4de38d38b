"""Exported files as streams of rows: CSV, Parquet, JSON lines, xlsx. Memory does not grow with the file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from connector.domain.errors import ConfigError, Problem
from connector.domain.importing.exported import Row
from connector.domain.importing.rows import Rows
from connector.domain.problems import did_you_mean
from connector.importers import csv_file, jsonl, parquet, xlsx
from connector.importers.packed import ending

READERS: Final[dict[str, Callable[[Path, Rows], Iterator[Row]]]] = {
    ".csv": csv_file.read, ".tsv": csv_file.read, ".txt": csv_file.read, ".parquet": parquet.read,
    ".jsonl": jsonl.read, ".ndjson": jsonl.read, ".json": jsonl.read, ".xlsx": xlsx.read,
}
UNPACKED: Final = frozenset({".parquet", ".xlsx"})
"""Packed inside already; the others may end in .gz."""


def read(path: Path, rows: Rows) -> Iterator[Row]:
    """The rows of a file, chosen by its ending. Raises ConfigError for a file that is not what its ending says."""
    what = ending(path)
    reader = READERS.get(what)
    if reader is None:
        raise ConfigError([Problem(f"files ending in `{what}` cannot be imported{did_you_mean(what, READERS)}",
                                   str(path))])
    if what in UNPACKED and path.suffix.lower() != what:
        raise ConfigError([Problem(f"unpack it first: `{what}` is read as it is", str(path))])
    return reader(path, rows)


def digest(path: Path) -> str:
    """Names the content of a file, so that an import stopped half-way is only taken up for the same content."""
    found = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            found.update(chunk)
    return found.hexdigest()


def count(path: Path) -> int | None:
    """How many rows a file has, where it says so itself."""
    return parquet.count(path) if ending(path) == ".parquet" else None
