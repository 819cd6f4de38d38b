"""SQL store (SQLite and PostgreSQL)."""
