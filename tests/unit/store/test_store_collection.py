"""Collections: a kind of record as values of one type."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from towline.store.collection import Collection
from towline.store.error import AlreadyExists, NotFound
from towline.store.record import Change
from towline.store.store import Retention, Store


class Boat(msgspec.Struct, frozen=True):
    """Something to store."""

    name: str
    crew: int = 0


def boats(store: Store) -> Collection[Boat]:
    """The collection under test."""
    return Collection(store, "boat", Boat)


async def test_values_come_back_as_they_went_in(tmp_path: Path) -> None:
    """By name and in lists."""
    async with Store.open(tmp_path / "s.db") as store:
        await boats(store).create("sea", "a", Boat("a", 1))
        await boats(store).create("lake", "b", Boat("b", 2))

        assert boats(store).get("sea", "a") == Boat("a", 1)
        assert boats(store).get("sea", "b") is None
        assert boats(store).list() == (Boat("b", 2), Boat("a", 1))
        assert boats(store).list("sea") == (Boat("a", 1),)
        with pytest.raises(AlreadyExists):
            await boats(store).create("sea", "a", Boat("x"))


async def test_values_can_be_listed_by_age(tmp_path: Path) -> None:
    """In the order of their creation, whatever was changed since."""
    async with Store.open(tmp_path / "s.db") as store:
        for name in ("b", "c", "a"):
            await boats(store).create("", name, Boat(name))
        await boats(store).update("", "b", lambda _: Boat("b", 1))

        assert [boat.name for boat in boats(store).by_age()] == ["b", "c", "a"]


async def test_concurrent_changes_are_all_made(tmp_path: Path) -> None:
    """`update` decides anew when somebody was faster."""
    async with Store.open(tmp_path / "s.db") as store:
        await boats(store).create("", "a", Boat("a"))

        def board(boat: Boat) -> Boat:
            return msgspec.structs.replace(boat, crew=boat.crew + 1)

        await asyncio.gather(*(boats(store).update("", "a", board) for _ in range(20)))

        assert boats(store).get("", "a") == Boat("a", 20)


async def test_a_change_that_changes_nothing_is_not_written(tmp_path: Path) -> None:
    """No revision, no event."""
    async with Store.open(tmp_path / "s.db") as store:
        await boats(store).create("", "a", Boat("a"))
        await boats(store).update("", "a", lambda boat: boat)

        assert store.revision == 1


async def test_what_is_gone_cannot_be_updated_or_deleted(tmp_path: Path) -> None:
    """Both say so."""
    async with Store.open(tmp_path / "s.db") as store:
        with pytest.raises(NotFound):
            await boats(store).update("", "a", lambda boat: boat)
        with pytest.raises(NotFound):
            await boats(store).delete("", "a")


async def test_a_typed_watch_shows_before_and_after(tmp_path: Path) -> None:
    """As values, not bytes."""
    async with Store.open(tmp_path / "s.db") as store:
        await boats(store).create("", "a", Boat("a"))
        await boats(store).update("", "a", lambda _: Boat("a", 5))
        watch = boats(store).watch(after=1)
        seen = await anext(watch)

        assert (seen.change, seen.value, seen.previous) == (
            Change.MODIFIED,
            Boat("a", 5),
            Boat("a"),
        )


async def test_following_survives_an_overrun(tmp_path: Path) -> None:
    """It shows the present again and again; how it came about does not matter."""
    async with Store.open(tmp_path / "s.db", Retention(events=2)) as store:
        follow = boats(store).follow()
        first = await anext(follow)
        for number in range(9):
            await boats(store).create("", f"{number}", Boat(f"{number}"))
        second = await anext(follow)
        await boats(store).delete("", "0")
        third = await anext(follow)

        assert (len(first), len(second), len(third)) == (0, 9, 8)
