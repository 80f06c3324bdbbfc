"""The journal and the tables under it: changes that happen wholly or not at all, and migrations."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from towline.oci.digest import Digest
from towline.registry import change, database
from towline.registry.catalogue import Catalogue
from towline.registry.change import Place
from towline.registry.journal import Journal, Lasting

HERE = Place("tcr-demo", "team/app")
TABLES = ["blob", "manifest", "repository", "repository_blob", "tag", "upload"]


def tables(path: Path) -> list[str]:
    """The tables of a file."""
    question = "SELECT name FROM sqlite_master WHERE type = 'table' AND name != 'alembic_version'"
    with closing(sqlite3.connect(path)) as connection:
        return sorted(name for (name,) in connection.execute(question))


async def test_a_change_that_refuses_undoes_only_itself(tmp_path: Path) -> None:
    """Three at once: they share a commit, and the one in the middle fails."""
    path = tmp_path / "registry.db"
    database.prepare(path)
    journal = Journal(path)

    def spoil(connection: sqlite3.Connection) -> None:
        change.add_blob(connection, HERE, Digest.of(b"two"), 3)
        raise ValueError("no")

    outcomes = await asyncio.gather(
        journal.write(lambda held: change.add_blob(held, HERE, Digest.of(b"one"), 3)),
        journal.write(spoil),
        journal.write(lambda held: change.add_blob(held, HERE, Digest.of(b"three"), 5)),
        return_exceptions=True,
    )
    await journal.close()
    catalogue = Catalogue(path)
    known = [catalogue.knows_blob(str(Digest.of(one))) for one in (b"one", b"two", b"three")]
    catalogue.close()

    assert [type(one) for one in outcomes] == [type(None), ValueError, type(None)]
    assert known == [True, False, True]


async def test_closing_finishes_what_was_given(tmp_path: Path) -> None:
    """Also what is not awaited yet."""
    path = tmp_path / "registry.db"
    database.prepare(path)
    journal = Journal(path)
    async with asyncio.TaskGroup() as tasks:
        for number in range(20):
            digest = Digest.of(bytes([number]))
            adding = partial(change.add_blob, place=HERE, digest=digest, size=1)
            tasks.create_task(journal.write(adding, Lasting.CRASH))
        await asyncio.sleep(0)
        await journal.close()
    catalogue = Catalogue(path)
    known = [catalogue.knows_blob(str(Digest.of(bytes([number])))) for number in range(20)]
    catalogue.close()

    assert all(known)


async def test_a_change_happens_although_its_caller_is_gone(tmp_path: Path) -> None:
    """Cancelled while it waits; the others of the batch hear their answers."""
    path = tmp_path / "registry.db"
    database.prepare(path)
    journal = Journal(path)
    digest = Digest.of(b"one")
    async with asyncio.TaskGroup() as tasks:
        gone = tasks.create_task(journal.write(lambda held: change.add_blob(held, HERE, digest, 3)))
        stays = tasks.create_task(journal.write(lambda _: "heard"))
        await asyncio.sleep(0)
        gone.cancel()
    await journal.close()
    catalogue = Catalogue(path)

    assert stays.result() == "heard"
    assert catalogue.knows_blob(str(digest))
    catalogue.close()


def test_tables_are_made_once(tmp_path: Path) -> None:
    """Preparing again changes nothing, and what is in them stays."""
    path = tmp_path / "registry.db"
    database.prepare(path)
    with closing(database.writer(path)) as writer:
        change.add_blob(writer, HERE, Digest.of(b"one"), 3)
    database.prepare(path)
    with closing(database.reader(path)) as reader:
        count = reader.execute("SELECT count(*) FROM blob").fetchone()

    assert tables(path) == TABLES
    assert count == (1,)


def test_every_step_can_be_taken_back(tmp_path: Path) -> None:
    """Up, down to nothing, and up again; the newest step is the one the program wants."""
    path = tmp_path / "registry.db"
    database.prepare(path)
    migrate(path, "base")
    nothing = tables(path)
    database.prepare(path)

    assert nothing == []
    assert tables(path) == TABLES
    assert revision(path) == database.HEAD


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    """Whatever a question contains."""
    path = tmp_path / "registry.db"
    database.prepare(path)
    with closing(database.reader(path)) as reader, pytest.raises(sqlite3.OperationalError):
        reader.execute("DELETE FROM blob")


def test_a_folder_with_percent_signs_is_a_folder(tmp_path: Path) -> None:
    """Alembic interpolates what it is configured with."""
    folder = tmp_path / "100% %(here)s"
    folder.mkdir()
    database.prepare(folder / "registry.db")

    assert tables(folder / "registry.db") == TABLES


def migrate(path: Path, to: str) -> None:
    """Go back to a revision."""
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, to)
    engine.dispose()


def revision(path: Path) -> str:
    """The revision that a file is at."""
    with closing(sqlite3.connect(path)) as connection:
        (found,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(found)
