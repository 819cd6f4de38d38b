"""Alembic's entry: the connection is handed in by `connector.store.schema`; there is no alembic.ini."""

from alembic import context

from connector.store.tables import metadata

connection = context.config.attributes["connection"]
# Batch mode: SQLite changes a table by copying it.
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True, compare_type=True)
with context.begin_transaction():
    context.run_migrations()
