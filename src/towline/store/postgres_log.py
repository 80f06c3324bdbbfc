"""The log in PostgreSQL: one row per write, shared by several processes, on several machines too.

Theory of operation. As in a file (see `store.log`), every write is a row of `log`, numbered by its
revision, and old rows are folded into `snapshot`. A writer locks the one row of `meta`; so writers
take turns, revisions are committed in their order, and whoever holds the lock has read all that was
written before. Each commit notifies the channel `towline`, to which every process listens.

A connection that is lost is made anew with the next operation. A write that fails has usually not
happened; if the connection broke in the very moment of the commit it may have, and then this process
reads it like one of another process. Reads go on from memory meanwhile.

psycopg was chosen over asyncpg because the log's thread blocks, as it does for SQLite.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, LiteralString

import psycopg

from towline.store.log_port import FOLD, KEEP, Behind, Decide
from towline.store.postgres_schema import prepare
from towline.store.record import Record
from towline.store.row import entry_of, record_of, row_of
from towline.store.write import Entry

_PATIENCE = 1.0  # seconds between two attempts to reach a server that was lost
_CONNECT = 10  # seconds for one attempt
_SESSION = """
    SET synchronous_commit = on;
    SET lock_timeout = '30s';
    SET idle_in_transaction_session_timeout = '60s';
    LISTEN towline
"""
_CONSISTENT: LiteralString = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

_COMPACTED: LiteralString = "SELECT compacted FROM towline.meta"
_COMPACTED_LOCKED: LiteralString = "SELECT compacted FROM towline.meta FOR UPDATE"
_SNAPSHOT = "SELECT kind, scope, name, revision, created, value FROM towline.snapshot"
_TAIL = (
    "SELECT revision, change, kind, scope, name, created, value FROM towline.log"
    " WHERE revision > %s ORDER BY revision"
)
_APPEND = (
    "INSERT INTO towline.log (revision, change, kind, scope, name, created, value)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s)"
)
_FOLD_WRITTEN = """
    INSERT INTO towline.snapshot (kind, scope, name, revision, created, value)
    SELECT kind, scope, name, revision, created, value FROM
        (SELECT DISTINCT ON (kind, scope, name) * FROM towline.log
         WHERE revision <= %s ORDER BY kind, scope, name, revision DESC) AS last
    WHERE change <> 'DELETED'
    ON CONFLICT (kind, scope, name) DO UPDATE
    SET revision = excluded.revision, created = excluded.created, value = excluded.value
"""
_FOLD_DELETED = """
    DELETE FROM towline.snapshot USING
        (SELECT DISTINCT ON (kind, scope, name) * FROM towline.log
         WHERE revision <= %s ORDER BY kind, scope, name, revision DESC) AS last
    WHERE last.change = 'DELETED' AND snapshot.kind = last.kind
      AND snapshot.scope = last.scope AND snapshot.name = last.name
"""


class PostgresLog:
    """One process's view of the database: what it has read, up to `revision`."""

    failure: type[Exception] = psycopg.Error
    remedy = "see that the database server runs and has room, then try again"

    def __init__(self, url: str, keep: int = KEEP) -> None:
        self.revision = 0
        self._url = url
        self._keep = keep
        self._compacted = 0
        self._lost_at: float | None = None
        self._connection = self._connect()

    def load(self) -> tuple[int, tuple[Record, ...], list[Entry]]:
        """Read everything: a revision, the records of that time, and what happened since."""
        with self._transaction(_CONSISTENT):
            self._compacted = self._read_compacted()
            rows = self._connection.execute(_SNAPSHOT).fetchall()
            self.revision = self._compacted
            return self._compacted, tuple(record_of(row) for row in rows), self._read_tail()

    def changed(self) -> bool:
        """Whether another process has notified, or the server is to be looked for again."""
        if self._lost_at is not None:
            return time.monotonic() > self._lost_at + _PATIENCE
        try:
            heard = list(self._connection.notifies(timeout=0))
        except psycopg.Error:
            return True
        own = self._connection.info.backend_pid
        return any(one.pid != own for one in heard)

    def tail(self) -> list[Entry]:
        """What others have appended since; nothing while the server cannot be reached."""
        try:
            with self._transaction(_CONSISTENT):
                return self._read_new()
        except psycopg.OperationalError:
            self._lost_at = time.monotonic()
            return []

    def append(self, decide: Decide) -> None:
        """Append durably what `decide` answers to the entries that others appended meanwhile."""
        known = self.revision
        try:
            with self._transaction("BEGIN"):
                entries = decide(self._read_new(_COMPACTED_LOCKED))
                with self._connection.cursor() as cursor:
                    cursor.executemany(_APPEND, [row_of(entry) for entry in entries])
                self._fold()
                self._connection.execute("NOTIFY towline")
        except BaseException:
            self.revision = known
            raise
        if entries:
            self.revision = entries[-1].record.revision

    def close(self) -> None:
        """Let go of the server."""
        self._connection.close()

    @contextmanager
    def _transaction(self, begin: LiteralString) -> Iterator[None]:
        if self._connection.closed:
            self._connection = self._connect()
        self._connection.execute(begin)
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            with suppress(psycopg.Error):  # a broken connection has nothing to take back
                self._connection.execute("ROLLBACK")
            raise
        self._lost_at = None

    def _connect(self) -> psycopg.Connection[Any]:
        connection = psycopg.connect(
            self._url, autocommit=True, connect_timeout=_CONNECT, application_name="towline"
        )
        try:
            prepare(connection, self._url)
            connection.execute(_SESSION)
        except BaseException:
            connection.close()
            raise
        return connection

    def _read_new(self, compacted: LiteralString = _COMPACTED) -> list[Entry]:
        self._compacted = self._read_compacted(compacted)
        if self._compacted > self.revision:
            raise Behind
        return self._read_tail()

    def _read_tail(self) -> list[Entry]:
        rows = self._connection.execute(_TAIL, (self.revision,)).fetchall()
        entries = [entry_of(row) for row in rows]
        if entries:
            self.revision = entries[-1].record.revision
        return entries

    def _read_compacted(self, query: LiteralString = _COMPACTED) -> int:
        row = self._connection.execute(query).fetchone()
        assert row is not None, "the migration has written the one row"
        return int(row[0])

    def _fold(self) -> None:
        """Move the oldest rows into the snapshot once there are more than enough of them."""
        target = self.revision - self._keep
        if target - self._compacted < min(FOLD, self._keep):
            return
        self._connection.execute(_FOLD_WRITTEN, (target,))
        self._connection.execute(_FOLD_DELETED, (target,))
        self._connection.execute("DELETE FROM towline.log WHERE revision <= %s", (target,))
        self._connection.execute("UPDATE towline.meta SET compacted = %s", (target,))
