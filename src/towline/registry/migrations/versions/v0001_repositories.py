"""Repositories with their blobs, manifests and tags, and the uploads that are under way."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    _repository()
    _blob()
    _manifest()
    _tag()
    _upload()


def downgrade() -> None:
    """Remove the tables and all they hold."""
    for table in ("upload", "tag", "manifest", "repository_blob", "blob", "repository"):
        op.drop_table(table)


def _owner() -> sa.Column[int]:
    cascade = sa.ForeignKey("repository.id", ondelete="CASCADE")
    return sa.Column("repository_id", sa.Integer, cascade, nullable=False)


def _repository() -> None:
    op.create_table(
        "repository",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("instance_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.UniqueConstraint("instance_id", "name"),
    )


def _blob() -> None:
    op.create_table(
        "blob",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("size", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "repository_blob",
        _owner(),
        sa.Column("digest", sa.Text, sa.ForeignKey("blob.digest"), nullable=False),
        sa.PrimaryKeyConstraint("repository_id", "digest"),
        sqlite_with_rowid=False,
    )
    op.create_index("repository_blob_digest", "repository_blob", ["digest"])


def _manifest() -> None:
    op.create_table(
        "manifest",
        sa.Column("id", sa.Integer, primary_key=True),
        _owner(),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("subject", sa.Text),
        sa.Column("artifact_type", sa.Text, nullable=False),
        sa.Column("annotations", sa.Text, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("repository_id", "digest"),
    )
    op.create_index("manifest_subject", "manifest", ["repository_id", "subject", "digest"])


def _tag() -> None:
    op.create_table(
        "tag",
        _owner(),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("repository_id", "name"),
        sa.ForeignKeyConstraint(
            ["repository_id", "digest"],
            ["manifest.repository_id", "manifest.digest"],
            ondelete="CASCADE",
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("tag_digest", "tag", ["repository_id", "digest"])


def _upload() -> None:
    op.create_table(
        "upload",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("instance_id", sa.Text, nullable=False),
        sa.Column("repository", sa.Text, nullable=False),
        sa.Column("started_at", sa.Float, nullable=False),
        sqlite_with_rowid=False,
    )
