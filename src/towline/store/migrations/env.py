"""Runs the steps on the connection that `store.postgres_schema` gives; loaded by Alembic."""

from __future__ import annotations

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=None,
    transactional_ddl=True,
    version_table_schema="towline",
)
context.run_migrations()
