"""The tables of a store in PostgreSQL, in a schema of their own, made and changed by Alembic.

Several processes may come at the same moment; they take turns by an advisory lock. Alembic takes
half a second to import and is asked only when the tables are not the newest ones.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import psycopg

HEAD = "0001"
"""The newest revision in `migrations/versions`."""

_TURN = 0x746F776C696E65  # "towline": the number of the advisory lock
_MIGRATIONS = Path(__file__).parent / "migrations"


def prepare(connection: psycopg.Connection[Any], url: str) -> None:
    """Bring the tables up to date; raises `psycopg.Error`, also when they are newer than this program."""
    if _revision(connection) == HEAD:
        return
    connection.execute("SELECT pg_advisory_lock(%s)", (_TURN,))
    try:
        found = _revision(connection)
        if found > HEAD:
            raise psycopg.DatabaseError(f"its tables ({found}) are newer than this program")
        if found != HEAD:
            connection.execute("CREATE SCHEMA IF NOT EXISTS towline")
            _migrate(url)
    finally:
        connection.execute("SELECT pg_advisory_unlock(%s)", (_TURN,))


def _revision(connection: psycopg.Connection[Any]) -> str:
    there = connection.execute("SELECT to_regclass('towline.alembic_version')").fetchone()
    if there is None or there[0] is None:
        return ""
    row = connection.execute("SELECT version_num FROM towline.alembic_version").fetchone()
    return "" if row is None else str(row[0])


def _migrate(url: str) -> None:
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine

    logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url))
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()
