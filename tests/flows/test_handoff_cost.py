"""What a supplier's message costs: trips to the database, each of which takes longer than the work done there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from connector.domain.handoffs.chain import EntryKind
from connector.store import SqlStore
from connector.store import open as open_store
from tests.flows.handoff_world import World


@pytest.fixture
def far(postgres_url: str) -> Iterator[SqlStore]:
    opened = open_store(postgres_url)
    yield opened
    opened.close()


def test_a_comment_of_a_supplier_takes_four_statements(far: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen before? The ticket, locked; its handoffs; all that is written."""
    world = World(far)
    id = world.offer().id
    world.told(id, comment="first", message="m1")
    said: list[str] = []
    execute = psycopg.Cursor.execute

    def counted(self: Any, query: Any, *args: Any, **options: Any) -> Any:
        said.append(str(query))
        return execute(self, query, *args, **options)

    monkeypatch.setattr(psycopg.Cursor, "execute", counted)
    world.told(id, comment="second", message="m2")
    monkeypatch.undo()
    assert len(said) == 4, said
    assert [entry.body["text"] for entry in world.entries(id, EntryKind.COMMENT)] == ["first", "second"]
