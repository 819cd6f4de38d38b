"""Alembic migrations of the store. Run by `connector db upgrade`."""
