"""The log, the snapshot that its older part was folded into, and the revision of that snapshot."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_SCHEMA = "towline"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "log",
        sa.Column("revision", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("change", sa.Text, nullable=False),
        *_key(),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("value", sa.LargeBinary),
        schema=_SCHEMA,
    )
    op.create_table(
        "snapshot",
        *_key(),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("kind", "scope", "name"),
        schema=_SCHEMA,
    )
    meta = op.create_table(
        "meta", sa.Column("compacted", sa.BigInteger, nullable=False), schema=_SCHEMA
    )
    op.bulk_insert(meta, [{"compacted": 0}])


def downgrade() -> None:
    """Remove the tables and all they hold."""
    for table in ("meta", "snapshot", "log"):
        op.drop_table(table, schema=_SCHEMA)


def _key() -> tuple[sa.Column[str], ...]:
    return tuple(sa.Column(name, sa.Text, nullable=False) for name in ("kind", "scope", "name"))
