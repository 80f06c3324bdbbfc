"""Writes as values, and the pure decision what a write does to the state it finds.

Writes of one transaction happen together or not at all; a later write sees what an earlier one did.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import assert_never

from towline.store.error import AlreadyExists, Conflict, NotFound, StoreError
from towline.store.record import Change, Key, Record


@dataclass(frozen=True, slots=True)
class Create:
    """Store `value` under a key that must be free."""

    key: Key
    value: bytes


@dataclass(frozen=True, slots=True)
class Update:
    """Replace the value that `revision` wrote."""

    key: Key
    value: bytes
    revision: int


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove what `revision` wrote, or whatever is there when it is None."""

    key: Key
    revision: int | None = None


Write = Create | Update | Delete


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log. A deletion read from disk has no value: the state still holds it."""

    change: Change
    record: Record


Lookup = Callable[[Key], Record | None]


@dataclass(slots=True)
class Draft:
    """The state as the transactions decided so far would leave it."""

    lookup: Lookup
    revision: int
    entries: list[Entry] = field(default_factory=list)
    _changed: dict[Key, Record | None] = field(default_factory=dict)

    def add(self, writes: Sequence[Write]) -> tuple[Record, ...] | StoreError:
        """Decide one transaction: its records, or why none of it happens."""
        undo: list[tuple[Key, Record | None]] = []
        try:
            return tuple(self._add(write, undo) for write in writes)
        except StoreError as refusal:
            self._take_back(undo)
            return refusal

    def learn(self, entries: Sequence[Entry]) -> None:
        """Take in what other processes have written."""
        for entry in entries:
            self._put(entry)

    def _add(self, write: Write, undo: list[tuple[Key, Record | None]]) -> Record:
        current = self._current(write.key)
        entry = decide(write, current, self.revision + 1)
        undo.append((write.key, current))
        self.entries.append(entry)
        self._put(entry)
        return entry.record

    def _take_back(self, undo: list[tuple[Key, Record | None]]) -> None:
        for key, current in reversed(undo):
            self.entries.pop()
            self.revision -= 1
            self._changed[key] = current

    def _put(self, entry: Entry) -> None:
        record = entry.record
        self.revision = record.revision
        self._changed[record.key] = None if entry.change is Change.DELETED else record

    def _current(self, key: Key) -> Record | None:
        return self._changed[key] if key in self._changed else self.lookup(key)


def decide(write: Write, current: Record | None, revision: int) -> Entry:
    """What `write` does to `current` as `revision`; raises the refusal of the store."""
    match write:
        case Create(key, value):
            if current is not None:
                raise AlreadyExists(current)
            return Entry(Change.ADDED, Record(key, value, revision, revision))
        case Update(key, value, expected):
            held = _held(key, current, expected)
            return Entry(Change.MODIFIED, Record(key, value, revision, held.created))
        case Delete(key, expected):
            held = _held(key, current, expected)
            return Entry(Change.DELETED, Record(key, held.value, revision, held.created))
        case _:
            assert_never(write)


def _held(key: Key, current: Record | None, expected: int | None) -> Record:
    if current is None:
        raise NotFound(key)
    if expected is not None and expected != current.revision:
        raise Conflict(current)
    return current
