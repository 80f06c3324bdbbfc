"""The log on disk: SQLite, one row per write, shared by several processes.

Theory of operation. Every write is one row of `log`, numbered by its revision. A process knows the
log up to some revision; before it appends, it takes SQLite's write lock, reads what others have
appended meanwhile, and only then decides. `PRAGMA data_version` says cheaply whether anybody else
has written. Old rows are folded into `snapshot`; `meta.compacted` is the revision that the snapshot
stands for. A process that finds the log compacted past what it knows has lost the thread and must
load anew (`Behind`).

A commit is durable when it returns: WAL with synchronous=FULL syncs the log file of every
transaction. All methods block and belong to one thread at a time.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from towline.store.log_port import FOLD, KEEP, Behind, Decide
from towline.store.record import Record
from towline.store.row import entry_of, record_of, row_of
from towline.store.schema import migrate
from towline.store.write import Entry

_BUSY = 30.0  # seconds to wait for another process's transaction

_SNAPSHOT = "SELECT kind, scope, name, revision, created, value FROM snapshot"
_TAIL = (
    "SELECT revision, change, kind, scope, name, created, value FROM log"
    " WHERE revision > ? ORDER BY revision"
)
_APPEND = (
    "INSERT INTO log (revision, change, kind, scope, name, created, value) VALUES (?,?,?,?,?,?,?)"
)
# With max(), SQLite takes the bare columns from the row that has the maximum.
_FOLD_WRITTEN = """
    INSERT OR REPLACE INTO snapshot (kind, scope, name, revision, created, value)
    SELECT kind, scope, name, revision, created, value FROM
        (SELECT kind, scope, name, max(revision) AS revision, change, created, value FROM log
         WHERE revision <= ? GROUP BY kind, scope, name)
    WHERE change <> 'DELETED'
"""
_FOLD_DELETED = """
    DELETE FROM snapshot WHERE (kind, scope, name) IN
        (SELECT kind, scope, name FROM
            (SELECT kind, scope, name, max(revision), change FROM log
             WHERE revision <= ? GROUP BY kind, scope, name)
         WHERE change = 'DELETED')
"""


class SqliteLog:
    """One process's view of the file: what it has read, up to `revision`."""

    failure: type[Exception] = sqlite3.Error
    remedy = "free disk space or check the disk, then try again"

    def __init__(self, path: Path, keep: int = KEEP) -> None:
        self._database = sqlite3.connect(
            path, timeout=_BUSY, isolation_level=None, check_same_thread=False
        )
        migrate(self._database)
        self.revision = 0
        self._keep = keep
        self._version = -1
        self._compacted = 0

    def load(self) -> tuple[int, tuple[Record, ...], list[Entry]]:
        """Read everything: a revision, the records of that time, and what happened since."""
        self._database.execute("BEGIN")
        try:
            self._compacted = self._read_compacted()
            records = tuple(record_of(row) for row in self._database.execute(_SNAPSHOT))
            self.revision = self._compacted
            return self._compacted, records, self._read_tail()
        finally:
            self._database.execute("COMMIT")

    def changed(self) -> bool:
        """Whether another process has written since this was last asked."""
        version = int(self._database.execute("PRAGMA data_version").fetchone()[0])
        changed, self._version = version != self._version, version
        return changed

    def tail(self) -> list[Entry]:
        """What others have appended since; raises `Behind` when part of it is gone."""
        self._database.execute("BEGIN")
        try:
            return self._read_new()
        finally:
            self._database.execute("COMMIT")

    def append(self, decide: Decide) -> None:
        """Append durably what `decide` answers to the entries that others appended meanwhile."""
        self._database.execute("BEGIN IMMEDIATE")
        known = self.revision
        try:
            entries = decide(self._read_new())
            self._database.executemany(_APPEND, [row_of(entry) for entry in entries])
            self._fold()
            self._database.execute("COMMIT")
        except BaseException:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            self.revision = known
            raise
        if entries:
            self.revision = entries[-1].record.revision

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def _read_new(self) -> list[Entry]:
        self._compacted = self._read_compacted()
        if self._compacted > self.revision:
            raise Behind
        return self._read_tail()

    def _read_tail(self) -> list[Entry]:
        entries = [entry_of(row) for row in self._database.execute(_TAIL, (self.revision,))]
        if entries:
            self.revision = entries[-1].record.revision
        return entries

    def _read_compacted(self) -> int:
        return int(self._database.execute("SELECT compacted FROM meta").fetchone()[0])

    def _fold(self) -> None:
        """Move the oldest rows into the snapshot once there are more than enough of them."""
        target = self.revision - self._keep
        if target - self._compacted < min(FOLD, self._keep):
            return
        self._database.execute(_FOLD_WRITTEN, (target,))
        self._database.execute(_FOLD_DELETED, (target,))
        self._database.execute("DELETE FROM log WHERE revision <= ?", (target,))
        self._database.execute("UPDATE meta SET compacted = ?", (target,))
