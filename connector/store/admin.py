"""What an administrator does with a store: upgrade, backup, restore.

A backup is a store itself: one SQLite file, whatever the engine it came from, and it goes back into either engine. That
is also how an installation moves from SQLite to PostgreSQL.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Engine, select

from connector.domain.errors import ConfigError, Problem
from connector.store import schema
from connector.store.carry import carry, empty_all
from connector.store.engine import BUSY_SECONDS, connect, parse, passing
from connector.store.sql import frozen
from connector.store.tables import metadata

_MAGIC: Final = b"SQLite format 3\0"


def upgrade(url: str, password: str | None = None) -> None:
    """Makes the tables, or brings them to this program's version. Raises ConfigError for a store of a newer one."""
    with _engine(parse(url, password), create=True) as engine:
        schema.upgrade(engine)


def backup(url: str, file: Path, password: str | None = None) -> None:
    """A consistent copy in one new file, readable by its owner only, while the service runs.

    Raises ConfigError when the store cannot be used, FileExistsError rather than overwrite something.
    """
    if file.exists():
        raise FileExistsError(f"{file} exists already; a backup never overwrites a file")
    source = parse(url, password)
    with _engine(source) as engine:
        schema.check(engine)
        half = file.with_name(file.name + ".part")
        half.unlink(missing_ok=True)
        try:
            _touch(half)
            if source.get_backend_name() == "sqlite":
                _copy_file(_path(source), half)
            else:
                _carry_out(engine, half)
            _settle(half)
            os.link(half, file)  # unlike a rename it fails when somebody made the file meanwhile
        finally:
            half.unlink(missing_ok=True)


def restore(url: str, file: Path, password: str | None = None, *, force: bool = False) -> None:
    """Puts a backup into a store, brought to this program's version. All or nothing.

    Raises ConfigError when the file is no backup, is damaged or of a newer program, or when the store holds anything
    and `force` is not given. Stop the service before.
    """
    _examine(file)
    target = parse(url, password)
    upgrade(url, password)
    with _engine(target) as engine:
        if not force and (held := _holds(engine)):
            raise ConfigError([Problem(f"the store is not empty (it has {held}); restoring would replace everything "
                                       "in it: say so with --force", path="store.url")])
        if target.get_backend_name() == "sqlite":
            _copy_file(file, _path(target))
            schema.upgrade(engine)
        else:
            _carry_in(file, engine)


@contextmanager
def _engine(url: URL, *, create: bool = False) -> Iterator[Engine]:
    engine = connect(url, create=create)
    try:
        with passing():
            yield engine
    finally:
        engine.dispose()


def _path(url: URL) -> Path:
    return Path(url.database or "")


def _touch(file: Path) -> None:
    os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def _copy_file(source: Path, target: Path) -> None:
    """SQLite's online backup: one moment of the source, and the target changes in one transaction."""
    with closing(sqlite3.connect(source, timeout=BUSY_SECONDS)) as there:
        with closing(sqlite3.connect(target, timeout=BUSY_SECONDS)) as here:
            there.backup(here)


def _settle(file: Path) -> None:
    """A backup is one file (no WAL beside it) and on the disk when we say that it is made."""
    with closing(sqlite3.connect(file)) as here:
        here.execute("PRAGMA journal_mode=DELETE")
    handle = os.open(file, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _carry_out(source: Engine, file: Path) -> None:
    with _engine(parse(f"sqlite:///{file}")) as target:
        schema.upgrade(target)
        with source.connect() as there, frozen(there, postgres=True), target.begin() as here:
            carry(there, here)


def _carry_in(file: Path, target: Engine) -> None:
    with tempfile.TemporaryDirectory(prefix="connector-restore-") as folder:
        copy = Path(folder) / "backup.db"
        _touch(copy)
        _copy_file(file, copy)
        with _engine(parse(f"sqlite:///{copy}")) as source:
            schema.upgrade(source)
            with source.connect() as there, target.begin() as here:
                empty_all(here)
                carry(there, here)


def _examine(file: Path) -> None:
    if not file.is_file():
        raise _bad(file, "there is no such file")
    with file.open("rb") as opened:
        if opened.read(len(_MAGIC)) != _MAGIC:
            raise _bad(file, "this is not a backup of a store")
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as conn:
            if [row[0] for row in conn.execute("PRAGMA integrity_check(1)")] != ["ok"]:
                raise _bad(file, "the backup is damaged")
            names = {row[0] for row in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            version = conn.execute("SELECT version_num FROM alembic_version").fetchone() if names else None
    except sqlite3.Error as error:
        raise _bad(file, f"the backup is damaged or something else ({error})") from None
    if version is None or version[0] not in schema.versions():
        found = version[0] if version else "none"
        raise _bad(file, f"the backup is of schema {found}, which this program does not know")


def _bad(file: Path, what: str) -> ConfigError:
    return ConfigError([Problem(what, file=str(file))])


def _holds(engine: Engine) -> str:
    with engine.connect() as conn:
        names = [table.name for table in metadata.sorted_tables if conn.execute(select(table).limit(1)).first()]
    return ", ".join(names)
