"""What the store keeps: records under keys, each with the revision that wrote it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple


class Key(NamedTuple):
    """Where a record lives. Keys order by kind, then scope, then name."""

    kind: str
    scope: str
    name: str


@dataclass(frozen=True, slots=True)
class Record:
    """One value as one revision wrote it. Revisions are global to the store and only grow."""

    key: Key
    value: bytes
    revision: int
    created: int
    """The revision that created the key."""


class Change(Enum):
    """What an event says of its record."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"


@dataclass(frozen=True, slots=True)
class Event:
    """One change. `record.revision` is the revision of the change, also for a deletion."""

    change: Change
    record: Record
    previous: Record | None
    """What the key held before; None when it was added."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Records in key order, and the revision at which this was the truth."""

    revision: int
    records: tuple[Record, ...]
