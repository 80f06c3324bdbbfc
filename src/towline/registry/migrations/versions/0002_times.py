"""When repositories came into being and changed, and when tags were pushed.

What is there already is said to have come now: nobody wrote down when it did.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_NOW = "CAST(strftime('%s', 'now') AS REAL)"


def upgrade() -> None:
    """Add the columns."""
    for table, column in (
        ("repository", "created_at"),
        ("repository", "updated_at"),
        ("tag", "pushed_at"),
    ):
        op.add_column(table, sa.Column(column, sa.Float, nullable=False, server_default="0"))
    op.execute(f"UPDATE tag SET pushed_at = {_NOW}")  # noqa: S608  # a constant
    op.execute(
        f"UPDATE repository SET created_at = {_NOW}, updated_at = {_NOW} WHERE EXISTS"  # noqa: S608  # a constant
        " (SELECT 1 FROM manifest WHERE manifest.repository_id = repository.id)"
    )


def downgrade() -> None:
    """Remove the columns."""
    op.drop_column("tag", "pushed_at")
    op.drop_column("repository", "updated_at")
    op.drop_column("repository", "created_at")
