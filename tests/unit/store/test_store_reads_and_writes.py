"""The store: what a write does, when it is refused, and what survives closing the file."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from towline.problem import Problem
from towline.store.error import AlreadyExists, Conflict, NotFound
from towline.store.log import SqliteLog
from towline.store.record import Key
from towline.store.store import Store
from towline.store.write import Create, Delete, Update

FISH = Key("fish", "lake", "pike")
FROG = Key("fish", "lake", "frog")


async def test_a_record_is_what_was_written_and_when(tmp_path: Path) -> None:
    """Revisions count every write; a record remembers its first."""
    async with Store.open(tmp_path / "s.db") as store:
        first = await store.create(FISH, b"1")
        second = await store.update(FISH, b"2", revision=first.revision)

        assert (first.revision, first.created) == (1, 1)
        assert (second.revision, second.created, second.value) == (2, 1, b"2")
        assert store.get(FISH) == second
        assert store.revision == 2


async def test_a_taken_key_is_not_created_again(tmp_path: Path) -> None:
    """The refusal shows what is there."""
    async with Store.open(tmp_path / "s.db") as store:
        there = await store.create(FISH, b"1")
        with pytest.raises(AlreadyExists) as refusal:
            await store.create(FISH, b"2")

        assert refusal.value.record == there


async def test_who_read_an_old_revision_may_not_write(tmp_path: Path) -> None:
    """Update and delete compare the revision; a delete without one does not."""
    async with Store.open(tmp_path / "s.db") as store:
        old = await store.create(FISH, b"1")
        new = await store.update(FISH, b"2", revision=old.revision)
        with pytest.raises(Conflict) as refusal:
            await store.update(FISH, b"3", revision=old.revision)
        with pytest.raises(Conflict):
            await store.delete(FISH, revision=old.revision)
        gone = await store.delete(FISH)

        assert refusal.value.record == new
        assert (gone.value, gone.revision, gone.created) == (b"2", 3, 1)
        assert store.get(FISH) is None


async def test_what_is_not_there_cannot_be_changed(tmp_path: Path) -> None:
    """Neither updated nor deleted, and no revision is spent on trying."""
    async with Store.open(tmp_path / "s.db") as store:
        with pytest.raises(NotFound):
            await store.update(FISH, b"1", revision=1)
        with pytest.raises(NotFound):
            await store.delete(FISH)

        assert store.revision == 0


async def test_writes_given_together_happen_together(tmp_path: Path) -> None:
    """One refusal undoes the whole transaction, and only that one."""
    async with Store.open(tmp_path / "s.db") as store:
        both = await store.apply([Create(FISH, b"1"), Create(FROG, b"1")])
        bad, good = await asyncio.gather(
            store.apply([Delete(FROG), Update(FISH, b"2", 1), Create(FISH, b"3")]),
            store.apply([Update(FROG, b"2", both[1].revision)]),
            return_exceptions=True,
        )

        assert isinstance(bad, AlreadyExists)
        assert not isinstance(good, BaseException)
        assert store.get(FISH) == both[0]
        assert store.get(FROG) == good[0]
        assert store.revision == 3


async def test_a_listing_is_in_key_order_and_names_its_revision(tmp_path: Path) -> None:
    """Of one scope or of all; of another kind nothing."""
    async with Store.open(tmp_path / "s.db") as store:
        for scope, name in (("lake", "pike"), ("lake", "carp"), ("bay", "cod")):
            await store.create(Key("fish", scope, name), b"")
        await store.create(Key("bird", "lake", "duck"), b"")

        names = [record.key[1:] for record in store.list("fish").records]
        assert names == [("bay", "cod"), ("lake", "carp"), ("lake", "pike")]
        assert [record.key.name for record in store.list("fish", "lake").records] == [
            "carp",
            "pike",
        ]
        assert store.list("fish").revision == 4
        assert store.list("fish", "sea").records == ()


async def test_a_reopened_store_is_the_same_store(tmp_path: Path) -> None:
    """Records and revision come back, deletions stay deleted."""
    async with Store.open(tmp_path / "s.db") as store:
        await store.create(FISH, b"1")
        frog = await store.create(FROG, b"1")
        await store.delete(FISH)
    async with Store.open(tmp_path / "s.db") as store:
        assert store.list("fish").records == (frog,)
        assert store.revision == 3


async def test_writes_still_waiting_when_the_store_closes_are_made(tmp_path: Path) -> None:
    """And writes that come later are refused."""
    async with asyncio.TaskGroup() as tasks, Store.open(tmp_path / "s.db") as store:
        late = tasks.create_task(store.create(FISH, b"1"))
        await asyncio.sleep(0)
    assert late.result().revision == 1
    with pytest.raises(Problem) as problem:
        await store.create(FROG, b"1")

    assert problem.value.code == "store-closed"


async def test_a_failing_block_fails_as_itself(tmp_path: Path) -> None:
    """The store's own task group does not wrap the exception of its user."""
    with pytest.raises(LookupError):
        async with Store.open(tmp_path / "s.db"):
            raise LookupError


async def test_a_cancelled_writer_does_not_disturb_the_others(tmp_path: Path) -> None:
    """Its own write may or may not have happened; the next ones do."""
    async with Store.open(tmp_path / "s.db") as store, asyncio.TaskGroup() as tasks:
        doomed = tasks.create_task(store.create(FISH, b"1"))
        await asyncio.sleep(0)
        doomed.cancel()
        await store.create(FROG, b"1")

        assert store.get(FROG) is not None


async def test_a_full_disk_is_a_problem_and_not_the_end(tmp_path: Path) -> None:
    """Writing fails with a remedy; when there is room again, writing works again."""
    path = tmp_path / "s.db"
    async with Store.open(path) as store:
        await store.create(FISH, b"1")
        pages = sqlite3.connect(path).execute("PRAGMA page_count").fetchone()[0]
        assert isinstance(store._log, SqliteLog)
        store._log._database.execute(f"PRAGMA max_page_count={pages}")
        with pytest.raises(Problem) as problem:
            await store.create(FROG, b"1" * 100_000)
        store._log._database.execute("PRAGMA max_page_count=1000000")
        frog = await store.create(FROG, b"1")

        assert problem.value.code == "store-unwritable"
        assert frog.revision == 2


async def test_a_file_that_is_no_store_is_a_problem(tmp_path: Path) -> None:
    """Not a stack trace."""
    path = tmp_path / "s.db"
    path.write_bytes(b"this is not a database, not at all " * 100)
    with pytest.raises(Problem) as problem:
        async with Store.open(path):
            pass

    assert problem.value.code == "store-unreadable"


async def test_a_file_of_a_newer_towline_is_left_alone(tmp_path: Path) -> None:
    """An older program must not guess what a newer one meant."""
    path = tmp_path / "s.db"
    async with Store.open(path):
        pass
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version=99")
    database.close()
    with pytest.raises(Problem) as problem:
        async with Store.open(path):
            pass

    assert "newer" in problem.value.cause
