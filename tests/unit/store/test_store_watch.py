"""Watches: every change in order, from any revision that is still remembered."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from towline.store.error import Compacted, Overrun
from towline.store.log import SqliteLog
from towline.store.record import Change, Event, Key
from towline.store.store import Retention, Store

PIKE = Key("fish", "lake", "pike")
COD = Key("fish", "bay", "cod")


async def life_of(store: Store, key: Key) -> None:
    """Create, change and delete a record."""
    record = await store.create(key, b"1")
    await store.update(key, b"2", revision=record.revision)
    await store.delete(key)


def told(event: Event) -> tuple[str, int, bytes, bytes | None]:
    """What an event says, in short."""
    previous = None if event.previous is None else event.previous.value
    return event.change.value, event.record.revision, event.record.value, previous


LIFE = [("ADDED", 1, b"1", None), ("MODIFIED", 2, b"2", b"1"), ("DELETED", 3, b"2", b"2")]


async def test_a_watch_tells_the_life_of_a_record(tmp_path: Path) -> None:
    """With the value before and after, also for a deletion."""
    async with Store.open(tmp_path / "s.db") as store, asyncio.TaskGroup() as tasks:
        watch = store.watch("fish", after=0)
        tasks.create_task(life_of(store, PIKE))

        assert [told(await anext(watch)) for _ in range(3)] == LIFE


async def test_a_watch_may_begin_in_the_past(tmp_path: Path) -> None:
    """Also in a past before the process began: the history is read from the file."""
    async with Store.open(tmp_path / "s.db") as store:
        await life_of(store, PIKE)
    async with Store.open(tmp_path / "s.db") as store:
        watch = store.watch("fish", after=1)

        assert [told(await anext(watch)) for _ in range(2)] == LIFE[1:]


async def test_a_watch_of_a_scope_sees_only_that_scope(tmp_path: Path) -> None:
    """And its revision still moves on, so that bookmarks do."""
    async with Store.open(tmp_path / "s.db") as store:
        watch = store.watch("fish", "bay", after=0)
        await life_of(store, PIKE)
        quiet = watch.revision
        await store.create(COD, b"")
        before = watch.revision

        assert quiet == 3
        assert before == 3
        assert (await anext(watch)).record.key == COD
        assert watch.revision == 4


async def test_a_watcher_that_is_too_slow_is_told_so(tmp_path: Path) -> None:
    """Instead of a buffer that grows."""
    async with Store.open(tmp_path / "s.db", Retention(events=4)) as store:
        watch = store.watch("fish", after=0)
        for number in range(9):
            await store.create(Key("fish", "lake", f"{number}"), b"")

        with pytest.raises(Overrun):
            await anext(watch)


async def test_a_past_that_is_forgotten_cannot_be_watched(tmp_path: Path) -> None:
    """The listing says where to begin instead."""
    async with Store.open(tmp_path / "s.db", Retention(events=4)) as store:
        for number in range(9):
            await store.create(Key("fish", "lake", f"{number}"), b"")

        with pytest.raises(Compacted):
            store.watch("fish", after=1)
        assert store.watch("fish", after=store.revision).take() is None


async def test_the_file_forgets_the_past_and_keeps_the_present(tmp_path: Path) -> None:
    """The log is folded into a snapshot; who asks for older changes is refused after a restart."""
    path, retention = tmp_path / "s.db", Retention(revisions=5)
    async with Store.open(path, retention) as store:
        keep = await store.create(COD, b"cod")
        for _ in range(10):
            await life_of(store, PIKE)
        assert isinstance(store._log, SqliteLog)
        rows = store._log._database.execute("SELECT count(*) FROM log").fetchone()[0]
    async with Store.open(path, retention) as store:
        assert rows <= 11
        assert store.list("fish").records == (keep,)
        assert store.revision == 31
        with pytest.raises(Compacted):
            store.watch("fish", after=3)
        assert store.watch("fish", after=30).take() is not None


async def test_a_process_that_slept_through_a_compaction_loads_anew(tmp_path: Path) -> None:
    """Its watchers are told to list again, and its own writes still work."""
    path, retention = tmp_path / "s.db", Retention(revisions=5)
    async with Store.open(path) as sleeper:
        await sleeper.create(COD, b"cod")
        watch = sleeper.watch("fish", after=sleeper.revision)
        held = asyncio.Event()
        sleeper._log.changed = held.is_set  # type: ignore[method-assign]  # sleeps until it writes
        async with Store.open(path, retention) as busy:
            for _ in range(10):
                await life_of(busy, PIKE)
        pike = await sleeper.create(PIKE, b"again")

        assert pike.revision == 32
        assert sleeper.get(COD) is not None
        with pytest.raises(Overrun):
            await anext(watch)


async def test_many_watchers_of_one_kind_all_hear(tmp_path: Path) -> None:
    """And those of other kinds sleep on."""
    async with Store.open(tmp_path / "s.db") as store, asyncio.TaskGroup() as tasks:
        watchers = [tasks.create_task(anext(store.watch("fish", after=0))) for _ in range(50)]
        other = store.watch("bird", after=0)
        await store.create(PIKE, b"")
        events = await asyncio.gather(*watchers)

        assert {event.change for event in events} == {Change.ADDED}
        assert other.take() is None
        assert other.revision == 1
