"""Files as they lie on the disk, or packed with gzip: unpacked while reading, never as a whole."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, cast

from connector.domain.errors import ConfigError, Problem

PACKED: Final = ".gz"


def ending(path: Path) -> str:
    """What the file is when unpacked, such as `.csv`."""
    inner = path.with_suffix("") if path.suffix.lower() == PACKED else path
    return inner.suffix.lower()


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Raises ConfigError for a file that cannot be read, or not to its end."""
    try:
        with gzip.open(path) if path.suffix.lower() == PACKED else path.open("rb") as stream:
            yield cast(BinaryIO, stream)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ConfigError([Problem(f"is not a gzip file that can be read to its end: {error}", str(path))]) from None
    except OSError as error:
        raise ConfigError([Problem(f"cannot be read: {error.strerror}", str(path))]) from None
