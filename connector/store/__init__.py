"""SQL store: one SQLite file, or PostgreSQL. `open` gives a Store; `queries` and `accounts` serve the web."""

from connector.store.sql import SqlStore, open

__all__ = ["SqlStore", "open"]
