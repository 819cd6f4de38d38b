"""What all rooms of a transaction share: its connection."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, CursorResult, Executable

from connector.store.bulk import Bulk, bulk_for


class Room:
    def __init__(self, conn: Connection, *, writing: bool) -> None:
        self.conn = conn
        self.writing = writing
        self.bulk: Bulk = bulk_for(conn)

    @property
    def postgres(self) -> bool:
        return self.bulk.name == "postgresql"

    def run(self, statement: Executable, **values: Any) -> CursorResult[*tuple[Any, ...]]:
        """`values` for a statement written once, with places: making one anew costs as much as running it."""
        return self.conn.execute(statement, values) if values else self.conn.execute(statement)

    def many(self, statement: Executable, rows: Iterable[dict[str, Any]]) -> None:
        given = list(rows)
        if given:
            self.conn.execute(statement, given)
