"""`Store` and `Tx` on SQL. (Being built.)"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from connector.ports import Tx


class SqlStore:
    @contextmanager
    def begin(self) -> Iterator[Tx]:
        raise NotImplementedError
        yield

    @contextmanager
    def read(self) -> Iterator[Tx]:
        raise NotImplementedError
        yield

    def close(self) -> None: ...


def open(url: str, password: str | None = None) -> SqlStore:
    raise NotImplementedError
