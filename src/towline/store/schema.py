"""The tables of a store, and how an older file becomes a newer one.

These few tables are not described by Alembic: three processes may open the file at the same moment,
migrating has to cost nothing when there is nothing to do, and SQLite's own `user_version` says all
that there is to know.
"""

from __future__ import annotations

import sqlite3
import time

# What the log amounted to at revision meta.compacted; the log holds everything after it.
_SNAPSHOT = """CREATE TABLE snapshot (
    kind TEXT NOT NULL, scope TEXT NOT NULL, name TEXT NOT NULL,
    revision INTEGER NOT NULL, created INTEGER NOT NULL, value BLOB NOT NULL,
    PRIMARY KEY (kind, scope, name))"""
_LOG = """CREATE TABLE log (
    revision INTEGER PRIMARY KEY, change TEXT NOT NULL,
    kind TEXT NOT NULL, scope TEXT NOT NULL, name TEXT NOT NULL,
    created INTEGER NOT NULL, value BLOB)"""
_META = "CREATE TABLE meta (compacted INTEGER NOT NULL)"

MIGRATIONS = ((_SNAPSHOT, _LOG, _META, "INSERT INTO meta VALUES (0)"),)

_PATIENCE = 10.0  # seconds to wait for another process that is just creating the file
_RETRY = 0.02


def migrate(database: sqlite3.Connection) -> None:
    """Bring the file to the newest schema; several processes may do so at once."""
    _use_write_ahead_log(database)
    database.execute("PRAGMA synchronous=FULL")
    if _version(database) == len(MIGRATIONS):
        return
    database.execute("BEGIN IMMEDIATE")
    for number, statements in enumerate(MIGRATIONS[_version(database) :], _version(database) + 1):
        for statement in statements:
            database.execute(statement)
        database.execute(f"PRAGMA user_version={number}")
    database.execute("COMMIT")


def _version(database: sqlite3.Connection) -> int:
    version = int(database.execute("PRAGMA user_version").fetchone()[0])
    if version > len(MIGRATIONS):
        raise sqlite3.DatabaseError(f"schema version {version} is newer than this program")
    return version


def _use_write_ahead_log(database: sqlite3.Connection) -> None:
    """Switch to WAL. SQLite applies no busy time-out to this one statement, so wait here."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            database.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_RETRY)
        else:
            return
