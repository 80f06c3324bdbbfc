"""Where records are kept: in a file of this machine, or in a PostgreSQL database."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from towline.problem import Problem
from towline.store.log import SqliteLog
from towline.store.log_port import Log

_SCHEMES = ("postgresql", "postgres")
_CONNECT = 10  # seconds to reach the server


@dataclass(frozen=True, slots=True)
class PostgresUrl:
    """The address of a database, as libpq writes it: `postgresql://user:password@host:port/name`."""

    text: str = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> PostgresUrl:
        """Read a URL; raises `Problem`."""
        try:
            parts = urlsplit(text)
            is_right = parts.scheme in _SCHEMES and len(parts.path) > 1 and parts.port != 0
        except ValueError:
            is_right = False
        if not is_right:
            raise Problem(
                "database-url-malformed",
                cause="the database is not named by a URL that PostgreSQL knows",
                remedy="write it like postgresql://user:password@host:5432/towline",
            )
        return cls(text)

    def __str__(self) -> str:
        """The URL without its password, for people and logs."""
        parts = urlsplit(self.text)
        user, _, host = parts.netloc.rpartition("@")
        shown = f"{user.partition(':')[0]}@{host}" if user else host
        return f"{parts.scheme}://{shown}{parts.path}"


Place = Path | PostgresUrl


def erase(url: PostgresUrl) -> None:
    """Remove the tables of a store and all they hold; raises `Problem`."""
    import psycopg

    try:
        with psycopg.connect(url.text, connect_timeout=_CONNECT) as connection:
            connection.execute("DROP SCHEMA IF EXISTS towline CASCADE")
    except psycopg.Error as error:
        raise Problem(
            "store-unreadable",
            cause=f"the records in {url} cannot be removed: {str(error).strip()}",
            remedy="see that the server runs; or remove its schema `towline` by hand",
        ) from error


def open_log(place: Place, keep: int) -> Log:
    """Open the log at a place, with its tables up to date; raises `Problem`."""
    if isinstance(place, PostgresUrl):
        return _open_postgres(place, keep)
    try:
        return SqliteLog(place, keep)
    except sqlite3.Error as error:
        raise Problem(
            "store-unreadable",
            cause=f"the records in {place} cannot be opened: {error}",
            remedy="check the disk and its rights, or start over with `towline reset`",
        ) from error


def _open_postgres(url: PostgresUrl, keep: int) -> Log:
    import psycopg  # takes a tenth of a second, which those with a file need not wait

    from towline.store.postgres_log import PostgresLog

    try:
        return PostgresLog(url.text, keep)
    except psycopg.Error as error:
        raise Problem(
            "store-unreadable",
            cause=f"the records in {url} cannot be opened: {str(error).strip()}",
            remedy="see that the server runs and that its user may make a schema in the database",
        ) from error
