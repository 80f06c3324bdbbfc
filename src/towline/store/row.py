"""How records and changes look as rows, whatever the database."""

from __future__ import annotations

from towline.store.record import Change, Key, Record
from towline.store.write import Entry

LogRow = tuple[int, str, str, str, str, int, bytes | None]
SnapshotRow = tuple[str, str, str, int, int, bytes]


def row_of(entry: Entry) -> LogRow:
    """A line of the log; a deletion is written without the value that was there."""
    record = entry.record
    value = None if entry.change is Change.DELETED else record.value
    return (record.revision, entry.change.value, *record.key, record.created, value)


def entry_of(row: LogRow) -> Entry:
    """The change that a line of the log tells of."""
    revision, change, kind, scope, name, created, value = row
    return Entry(Change(change), Record(Key(kind, scope, name), value or b"", revision, created))


def record_of(row: SnapshotRow) -> Record:
    """The record that a line of the snapshot holds."""
    kind, scope, name, revision, created, value = row
    return Record(Key(kind, scope, name), value, revision, created)
