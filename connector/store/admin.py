"""What an administrator does with a store: upgrade, backup, restore, verify."""

from __future__ import annotations

from connector.store import schema
from connector.store.engine import connect, parse, passing


def upgrade(url: str, password: str | None = None) -> None:
    """Makes the tables, or brings them to this program's version. Raises ConfigError for a store of a newer one."""
    engine = connect(parse(url, password), create=True)
    try:
        with passing():
            schema.upgrade(engine)
    finally:
        engine.dispose()
