"""The registry's database: how it is opened, and how its tables come to be.

Reads and writes on the hot path use `sqlite3` directly: 9 µs for a look-up, where SQLAlchemy takes
between 20 and 300. The schema itself is made by Alembic, whose import costs half a second and is
therefore paid only when there is something to migrate.
"""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

HEAD = "0002"
"""The newest revision in `migrations/versions`."""

_BUSY = 30.0  # seconds to wait for another connection's transaction
_MIGRATIONS = Path(__file__).parent / "migrations"


def prepare(path: Path) -> None:
    """Bring the tables of a new or older file up to date."""
    if _revision(path) != HEAD:
        _migrate(path)


def reader(path: Path) -> sqlite3.Connection:
    """A connection that sees only what is committed and never waits for a writer."""
    connection = _connect(path)
    connection.execute("PRAGMA query_only = ON")
    return connection


def writer(path: Path) -> sqlite3.Connection:
    """The one connection that writes; it may be used from a thread."""
    connection = _connect(path)
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=_BUSY, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA mmap_size = 268435456")
    connection.execute("PRAGMA cache_size = -32768")
    return connection


def _revision(path: Path) -> str:
    if not path.exists():
        return ""
    connection = sqlite3.connect(path)
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return "" if row is None else str(row[0])
    except sqlite3.OperationalError:
        return ""  # no such table: nothing was ever migrated
    finally:
        connection.close()


def _migrate(path: Path) -> None:
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine, event

    logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)
    engine = create_engine(f"sqlite:///{path}")
    # SQLite can take back changes of the schema, if the driver does not commit behind our back.
    event.listen(engine, "connect", lambda raw, _: setattr(raw, "isolation_level", None))
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    engine.dispose()
