"""A tool, a store on SQLite, and what joins them."""

from __future__ import annotations

import pytest

from connector.ports import Deps
from connector.store import SqlStore
from tests.flows.fake_tool import Clock, FakeTool, connect


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tool(clock: Clock) -> FakeTool:
    return FakeTool(clock)


@pytest.fixture
def deps(sqlite_store: SqlStore, tool: FakeTool, tmp_path_factory: pytest.TempPathFactory) -> Deps:
    return connect(sqlite_store, tool, files=tmp_path_factory.mktemp("files"))
