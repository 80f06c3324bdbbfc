"""Which database keeps the records of an installation, if it is not a file of its own.

The choice is made once, when the installation begins: records do not move by themselves, and an
installation that looked elsewhere would have forgotten everything.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from towline.installation.data_directory import DataDirectory, write_secret
from towline.problem import Problem


def remembered(data: DataDirectory) -> str | None:
    """The URL that was chosen; None for the file."""
    try:
        return data.database.read_text().strip()
    except FileNotFoundError:
        return None


def choose(data: DataDirectory, url: str) -> None:
    """Keep the records at `url` from now on; raises `Problem` when they are elsewhere already.

    User and password may change, the server and the database may not.
    """
    refuse_other(data, url)
    if url != remembered(data):
        write_secret(data.database, url.encode())


def refuse_other(data: DataDirectory, url: str) -> None:
    """Raise `Problem` when the records are elsewhere already."""
    before = remembered(data)
    if before is None and data.records.exists():
        raise _elsewhere(f"in {data.records}")
    if before is not None and _place(before) != _place(url):
        raise _elsewhere(f"at {_place(before)}")


def _place(url: str) -> str:
    """A URL without its user and password; the query may name a socket."""
    parts = urlsplit(url)
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.netloc.rpartition('@')[2]}{parts.path}{query}"


def _elsewhere(where: str) -> Problem:
    return Problem(
        "database-chosen-before",
        cause=f"this installation keeps its records {where}",
        remedy="leave --database out, or begin anew with `towline reset`",
    )
