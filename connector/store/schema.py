"""The schema's version: upgrade to the newest, and refuse a store of another one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from connector.domain.errors import ConfigError, Problem

_SCRIPTS: Final = Path(__file__).parent / "migrations"
_LOCK: Final = 0x5EDE12


def head() -> str:
    """The version this program works with."""
    newest = _scripts().get_current_head()
    assert newest is not None
    return newest


def versions() -> set[str]:
    """All versions that this program can bring to `head`."""
    return {script.revision for script in _scripts().walk_revisions()}


def version(conn: Connection) -> str | None:
    """The version of a store; None when it has no tables yet."""
    return MigrationContext.configure(conn).get_current_revision()


def problem(conn: Connection) -> str:
    """Why this program must not work on this store; "" when it may."""
    found = version(conn)
    if found == head():
        return ""
    if found is None:
        return "the store has no tables yet; make them with: connector db upgrade"
    if found in versions():
        return f"the store's schema is version {found}, older than {head()}; bring it up with: connector db upgrade"
    return (f"the store's schema is version {found}, which this program (at {head()}) does not know; "
            "it was made by a newer one: install that, or restore a backup made before")


def check(engine: Engine) -> None:
    """Raises ConfigError unless the store is at `head`."""
    with engine.connect().execution_options(writing=False) as conn:
        wrong = problem(conn)
    if wrong:
        raise ConfigError([Problem(wrong, path="store.url")])


def upgrade(engine: Engine, to: str = "head") -> None:
    """Brings a store to version `to`, in one transaction. Raises ConfigError for a store of a newer program."""
    with engine.connect() as conn, _one_at_a_time(conn):
        found = version(conn)
        if found is not None and found not in versions():
            raise ConfigError([Problem(problem(conn), path="store.url")])
        config = _config()
        config.attributes["connection"] = conn
        command.upgrade(config, to)


@contextmanager
def _one_at_a_time(conn: Connection) -> Iterator[None]:
    """One transaction; of two who upgrade at once the second finds the work done."""
    if conn.dialect.name == "postgresql":
        with conn.begin():
            conn.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            yield
        return
    # SQLite changes a table by making a new one: while the old one goes, rows would point to nothing.
    driver: Any = conn.connection.driver_connection
    driver.execute("PRAGMA foreign_keys=OFF")
    try:
        with conn.begin():
            yield
            lost = conn.exec_driver_sql("PRAGMA foreign_key_check").first()
            if lost:
                raise ConfigError([Problem(f"{lost[0]}: a row points to nothing in {lost[2]}", path="store.url")])
    finally:
        driver.execute("PRAGMA foreign_keys=ON")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())
