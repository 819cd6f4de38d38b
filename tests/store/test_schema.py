"""The migrations make exactly the tables that the code uses."""

from __future__ import annotations

import threading
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, text

from connector.store import SqlStore, schema
from connector.store.engine import connect, parse
from connector.store.tables import metadata

_POSTGRES = """
SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' UNION ALL
SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint
WHERE connamespace = 'public'::regnamespace UNION ALL
SELECT concat_ws(' ', table_name, column_name, data_type, is_nullable, is_identity, column_default)
FROM information_schema.columns WHERE table_schema = 'public'
"""


def definition(engine: Engine) -> list[str]:
    sqlite = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL"
    with engine.connect() as conn:
        found = conn.execute(text(sqlite if engine.dialect.name == "sqlite" else _POSTGRES)).scalars()
        return sorted(_tidy(each) for each in found if "alembic_version" not in each)


def _tidy(definition: str) -> str:
    """Without line breaks; the order of constraints inside a table has no meaning."""
    head, *rest = " ".join(definition.split()).split(", CONSTRAINT ")
    return ", ".join([head.rstrip(" )"), *sorted(each.rstrip(" )") for each in rest)])


def test_the_model_is_the_migrated_schema(store: SqlStore) -> None:
    with store.engine.connect() as conn:
        assert compare_metadata(MigrationContext.configure(conn, opts={"compare_type": True}), metadata) == []


def test_a_file_made_from_the_model_equals_a_migrated_one(sqlite_store: SqlStore, tmp_path: Path) -> None:
    engine = connect(parse(f"sqlite:///{tmp_path}/model.db"), create=True)
    metadata.create_all(engine)
    assert definition(engine) == definition(sqlite_store.engine)
    engine.dispose()


def test_a_database_made_from_the_model_equals_a_migrated_one(postgres_url: str, bare_postgres_url: str) -> None:
    model, migrated = connect(parse(bare_postgres_url)), connect(parse(postgres_url))
    metadata.create_all(model)
    assert definition(model) == definition(migrated)
    model.dispose()
    migrated.dispose()


def test_two_who_upgrade_at_once_make_one_store(bare_postgres_url: str) -> None:
    failures: list[BaseException] = []

    def upgrade() -> None:
        engine = connect(parse(bare_postgres_url))
        try:
            schema.upgrade(engine)
        except BaseException as error:
            failures.append(error)
        finally:
            engine.dispose()

    threads = [threading.Thread(target=upgrade) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_sqlite_keeps_what_it_said_over_a_power_cut(sqlite_store: SqlStore) -> None:
    with sqlite_store.begin() as tx:
        run = tx.conn.exec_driver_sql
        assert run("PRAGMA synchronous").scalar() == 2  # FULL
        assert run("PRAGMA journal_mode").scalar() == "wal"
        assert run("PRAGMA foreign_keys").scalar() == 1
