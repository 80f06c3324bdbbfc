"""`--database`: where the records of an installation are kept, asked for by whoever starts it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from towline.installation import database
from towline.installation.data_directory import DataDirectory

if TYPE_CHECKING:
    from towline.store.place import Place

DatabaseOption = Annotated[
    str,
    typer.Option(
        "--database",
        envvar="TOWLINE_DATABASE",
        metavar="URL",
        help="Keep the records in PostgreSQL: postgresql://user:password@host/name; "
        "default: as before.",
    ),
]


def choose_database(data: DataDirectory, url: str) -> None:
    """Remember the URL that was given, if one was; raises `Problem` when it cannot be the one.

    A new one has been opened before it is remembered: one that is mistyped binds nobody.
    """
    if url and url != database.remembered(data):
        from towline.store.log_port import KEEP
        from towline.store.place import PostgresUrl, open_log

        place = PostgresUrl.parse(url)
        database.refuse_other(data, url)
        open_log(place, KEEP).close()
        database.choose(data, url)


def records(data: DataDirectory) -> Place:
    """Where the records are that cloud, registry and agent share."""
    from towline.store.place import PostgresUrl

    url = database.remembered(data)
    return data.records if url is None else PostgresUrl.parse(url)


def erase_database(data: DataDirectory) -> None:
    """Remove the records from the database, if that is where they are.

    Raises `Problem` when it cannot be reached, and its schema stays.
    """
    url = database.remembered(data)
    if url is not None:
        from towline.store.place import PostgresUrl, erase

        erase(PostgresUrl.parse(url))
