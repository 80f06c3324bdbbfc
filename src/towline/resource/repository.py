"""A repository of which the cloud knows more than that somebody pushed to it."""

from __future__ import annotations

import msgspec


class Repository(msgspec.Struct, frozen=True, kw_only=True):
    """One repository that was created or described by its owner.

    Most have no such record: they came into being with their first push, and only the registry
    knows them.
    """

    instance_id: str
    name: str
    """With its namespace: `apps/web`."""
    brief_description: str = ""
    description: str = ""
    created_at: str
    updated_at: str
