"""The present, in memory: every record by its key, and listings in key order.

A listing of a scope is kept until the scope changes, so that listing again costs nothing.
"""

from __future__ import annotations

from bisect import bisect_left, insort

from towline.store.record import Change, Event, Key, Record
from towline.store.write import Entry


class Shelf:
    """The records of one kind in one scope, in the order of their names."""

    def __init__(self) -> None:
        self.by_name: dict[str, Record] = {}
        self._order: list[str] = []
        self._listing: tuple[Record, ...] | None = ()

    def put(self, record: Record) -> None:
        """Hold `record` instead of what had its name."""
        if record.key.name not in self.by_name:
            insort(self._order, record.key.name)
        self.by_name[record.key.name] = record
        self._listing = None

    def remove(self, name: str) -> None:
        """Hold nothing under `name`."""
        del self.by_name[name]
        del self._order[bisect_left(self._order, name)]
        self._listing = None

    def records(self) -> tuple[Record, ...]:
        """All records, in the order of their names."""
        if self._listing is None:
            self._listing = tuple(self.by_name[name] for name in self._order)
        return self._listing


class State:
    """What the log amounts to at `revision`."""

    def __init__(self, revision: int, records: tuple[Record, ...] = ()) -> None:
        self.revision = revision
        self._shelves: dict[str, dict[str, Shelf]] = {}
        for record in records:
            self._shelf(record.key).put(record)

    def get(self, key: Key) -> Record | None:
        """The record under `key`, if there is one."""
        shelf = self._shelves.get(key.kind, {}).get(key.scope)
        return None if shelf is None else shelf.by_name.get(key.name)

    def list(self, kind: str, scope: str | None = None) -> tuple[Record, ...]:
        """The records of a kind, of one scope or of all, in key order."""
        shelves = self._shelves.get(kind, {})
        if scope is not None:
            shelf = shelves.get(scope)
            return () if shelf is None else shelf.records()
        return tuple(record for name in sorted(shelves) for record in shelves[name].records())

    def apply(self, entry: Entry) -> Event:
        """Let one entry of the log happen. Entries come in the order of their revisions."""
        record = entry.record
        shelf = self._shelf(record.key)
        previous = shelf.by_name.get(record.key.name)
        if entry.change is Change.DELETED:
            assert previous is not None, "the log deletes only what it has created"
            record = Record(record.key, previous.value, record.revision, previous.created)
            shelf.remove(record.key.name)
            if not shelf.by_name:
                del self._shelves[record.key.kind][record.key.scope]
        else:
            shelf.put(record)
        self.revision = record.revision
        return Event(entry.change, record, previous)

    def _shelf(self, key: Key) -> Shelf:
        return self._shelves.setdefault(key.kind, {}).setdefault(key.scope, Shelf())
